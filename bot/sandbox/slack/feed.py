"""What a person's screen hears: one queue per open page, filled in the order in which things happened.

Nothing waits for a slow page and nothing is replayed: a page that (re)connects reads the whole state first.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from bot.sandbox.slack.wire import Json


class Feed:
    """Publishes events to everybody in their audience who has a page open."""

    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[Json]]] = defaultdict(set)
        self._number = 0

    def open(self, person_id: str) -> asyncio.Queue[Json]:
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._queues[person_id].add(queue)
        return queue

    def close(self, person_id: str, queue: asyncio.Queue[Json]) -> None:
        self._queues[person_id].discard(queue)

    def publish(self, kind: str, audience: Iterable[str], **payload: object) -> None:
        """Tell each person of `audience`; `kind` becomes the event's `type`."""
        self._number += 1
        event = {"type": kind, "number": self._number, **payload}
        for person_id in audience:
            for queue in self._queues.get(person_id, ()):
                queue.put_nowait(event)

    def toast(self, person_id: str, word: str, text: str) -> None:
        """An error at the edge of one person's screen."""
        self.publish("toast", [person_id], error=word, text=text)
