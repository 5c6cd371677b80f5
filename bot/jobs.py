"""Timers: interval sweeps that look at what the store says is due.

The only importer of `apscheduler`. A sweep gets the moment as an argument and may come late or twice without harm, so
a late timer is never skipped (`misfire_grace_time=None`) and several missed ones become one. A move is never a job:
shutting the scheduler down cancels running jobs.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.ports import Clock

Sweep = Callable[[datetime], Awaitable[None]]

EVERY_SECONDS = 1
"""How often each sweep runs: a deadline is seen at most this late."""


class Jobs:
    """Runs sweeps until it is stopped."""

    def __init__(self, clock: Clock, sweeps: Sequence[Sweep]) -> None:
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        for sweep in sweeps:
            self._scheduler.add_job(
                self._call,
                IntervalTrigger(seconds=EVERY_SECONDS),
                args=[sweep],
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; a sweep under way is canceled, which it must stand."""
        self._scheduler.shutdown(wait=False)

    async def _call(self, sweep: Sweep) -> None:
        await sweep(self._clock.now())
