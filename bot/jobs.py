"""Timers: interval sweeps that look at what the store says is due.

The only importer of `apscheduler`. A sweep gets the moment as an argument and may come late or twice without harm, so
a late timer is never skipped (`misfire_grace_time=None`) and several missed ones become one. A move is never a job:
shutting the scheduler down cancels running jobs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.ports import Clock, StoreAway

log = logging.getLogger(__name__)

Sweep = Callable[[datetime], Awaitable[None]]

EVERY_SECONDS = 1
"""How often each sweep runs: a deadline is seen at most this late."""


PATIENCE = 2.0
"""Seconds that sweeps under way are given at the end."""


class Jobs:
    """Runs sweeps until it is stopped."""

    def __init__(self, clock: Clock, sweeps: Sequence[Sweep]) -> None:
        self._clock = clock
        self._under_way: set[asyncio.Task[Any]] = set()
        self._stopping = False
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

    async def stop(self) -> None:
        """Begin no further sweep and let those under way end; one that hangs is canceled, which it must stand."""
        self._scheduler.pause()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=PATIENCE)
        self._stopping = True
        self._scheduler.shutdown(wait=False)

    async def _call(self, sweep: Sweep) -> None:
        task = asyncio.current_task()
        assert task is not None, "the scheduler runs a sweep in a task"
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            await sweep(self._clock.now())
        except StoreAway as away:
            log.warning("the database does not answer (%s); looking again in a second", away)
        except asyncio.CancelledError:
            if not self._stopping:  # else it is meant, and the scheduler would log it as an error
                raise
