"""Time as an argument: every window of Slack (3 s to ack, 30 min of a response_url) is measured on one injected clock.

A story may run on a virtual clock that a test moves by hand, so nothing here sleeps until a wall-clock time.
`wait_until` looks at the clock again every `TICK` real seconds, and only while somebody waits.
"""

import asyncio
import time
from typing import Protocol

TICK = 0.02
"""Real seconds between two looks at the clock while something waits for it."""


class Clock(Protocol):
    """The only thing asked of a clock: seconds since the epoch, never going back."""

    def now(self) -> float: ...


class WallClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()


async def wait_until(clock: Clock, deadline: float, event: asyncio.Event) -> bool:
    """Wait for `event`, at most until the clock reads `deadline`; True if the event came first."""
    while not event.is_set():
        left = deadline - clock.now()
        if left <= 0:
            return False
        try:
            async with asyncio.timeout(min(left, TICK)):
                await event.wait()
        except TimeoutError:
            continue
    return True


async def sleep_until(clock: Clock, deadline: float) -> None:
    """Wait until the clock reads `deadline`."""
    await wait_until(clock, deadline, asyncio.Event())
