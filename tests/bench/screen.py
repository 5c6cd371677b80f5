"""What stands on somebody's screen, the moment it changes: the local Slack's own stream, with our clock on it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import aiohttp

from bot.sandbox.play.transcript import text_of

Json = dict[str, Any]


@dataclass
class Screen:
    """All messages that came or changed, with the moment."""

    seen: list[tuple[float, Json]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def when(self, *texts: str, since: float, thread: str | None = None, within: float = 60) -> float:
        """The first moment after `since` at which a message with all these texts stood there."""
        return (await self.find(lambda message: fits(message, texts, thread), since=since, within=within))[0]

    async def find(self, holds: Callable[[Json], bool], *, since: float, within: float = 60) -> tuple[float, Json]:
        """The first message after `since` of which it holds, and when it came."""
        async with asyncio.timeout(within):
            while True:
                for moment, message in self.seen:
                    if moment >= since and holds(message):
                        return moment, message
                self._news.clear()
                await self._news.wait()

    async def follow(self, stream: aiohttp.StreamReader) -> None:
        """Read until the stream ends."""
        async for line in stream:
            if line.startswith(b"data: "):
                event = json.loads(line.removeprefix(b"data: "))
                if isinstance(message := event.get("message"), dict):
                    self.seen.append((perf_counter(), message))
                    self._news.set()


def fits(message: Json, texts: tuple[str, ...], thread: str | None) -> bool:
    """Whether a message has all these texts, in that thread."""
    said = text_of(message)
    return (thread is None or message.get("thread_ts") == thread) and all(text in said for text in texts)


@asynccontextmanager
async def watching(http: aiohttp.ClientSession, url: str, who: str = "dana") -> AsyncIterator[Screen]:
    """That person's screen, for as long as the context lasts."""
    screen = Screen()
    timeout = aiohttp.ClientTimeout(total=None)
    async with http.get(f"{url}/sandbox/events", params={"user": who}, timeout=timeout) as answer:
        reading = asyncio.create_task(screen.follow(answer.content))
        try:
            yield screen
        finally:
            reading.cancel()
