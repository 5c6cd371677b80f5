"""The one source of time in this package, so that a test can own it."""

import asyncio
import random
import time
from typing import Protocol

_RANDOM = random.SystemRandom()


class Timing(Protocol):
    """A monotonic clock, and ways to wait by it."""

    def now(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def jitter(self, seconds: float) -> float:
        """That long, more or less: clients that fell together should not come back together."""
        ...


class RealTime:
    """The machine's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def jitter(self, seconds: float) -> float:
        return seconds * _RANDOM.uniform(0.5, 1.5)
