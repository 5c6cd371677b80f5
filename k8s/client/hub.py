"""Feeds, shared: however many moves run in a namespace, its VMIs and its VMIMs are watched once each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from k8s.client.feed import Feed
from k8s.client.paths import Resource
from k8s.client.rest import Rest
from k8s.client.timing import Timing


@dataclass(slots=True)
class _Shared:
    feed: Feed
    task: asyncio.Task[None]
    users: int = 0


class Hub:
    """Starts a feed for its first user and stops it when the last one leaves."""

    def __init__(self, rest: Rest, timing: Timing) -> None:
        self._rest = rest
        self._timing = timing
        self._shared: dict[tuple[Resource, str | None], _Shared] = {}

    @asynccontextmanager
    async def feed(self, resource: Resource, namespace: str | None) -> AsyncIterator[Feed]:
        """The feed of that collection, for the length of the context."""
        key = (resource, namespace)
        shared = self._shared.get(key) or self._start(key)
        shared.users += 1
        try:
            yield shared.feed
        finally:
            shared.users -= 1
            if shared.users == 0:
                del self._shared[key]
                await _stop(shared.task)

    def outage(self) -> float | None:
        """Seconds since the feed that is worst off heard of the cluster; None while all are well."""
        since = [s.feed.unhealthy_since for s in self._shared.values() if s.feed.unhealthy_since is not None]
        return self._timing.now() - min(since) if since else None

    def _start(self, key: tuple[Resource, str | None]) -> _Shared:
        feed = Feed(self._rest, *key, self._timing)
        shared = _Shared(feed, asyncio.create_task(feed.run(), name=f"watch {key[0].plural} in {key[1] or 'all'}"))
        self._shared[key] = shared
        return shared


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):  # a feed that broke has told its listeners
        await task
