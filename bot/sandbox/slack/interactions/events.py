"""Events API: app_mention, app_home_opened; sent without anybody waiting, and again while nobody acknowledges.

Source: docs.slack.dev/apis/events-api (error handling): retried at once, after one minute, after five minutes.
"""

import asyncio
import itertools

from bot.sandbox.slack import payloads
from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.clock import sleep_until
from bot.sandbox.slack.delivery import OPERATION_TIMEOUT, Envelope
from bot.sandbox.slack.errors import Undelivered
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Room
from bot.sandbox.slack.world import Person

RETRY_AFTER = (0.0, 60.0, 300.0)
"""Seconds before each further attempt."""


class Events:
    """Runs deliveries in the background; `close` ends those that still try."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._tasks: set[asyncio.Task[None]] = set()

    def mention(self, room: Room, message: Message) -> None:
        """Tell the app that a message mentions it."""
        self._deliver(payloads.app_mention(self._backend.workspace, room, message))

    def home_opened(self, person: Person) -> None:
        """Tell the app that somebody looks at its Home tab."""
        self._deliver(payloads.app_home_opened(self._backend.workspace, person))

    def _deliver(self, payload: Json) -> None:
        task = asyncio.create_task(self._send(Envelope.new("events_api", payload)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, envelope: Envelope) -> None:
        attempt = envelope
        for number, delay in enumerate(itertools.chain(RETRY_AFTER, [None]), start=1):
            try:
                await self._backend.deliver(attempt)
            except Undelivered as failure:
                if delay is None:
                    return
                reason = "timeout" if failure.word == OPERATION_TIMEOUT else "connection_failed"
                attempt = envelope.retried(number, reason)
                await sleep_until(self._backend.clock, self._backend.clock.now() + delay)
            else:
                return

    async def delivered(self) -> None:
        """Wait until the app has taken every event."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
