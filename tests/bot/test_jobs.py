"""Sweeps run by the clock, and are not torn when the bot is told to leave."""

import asyncio
from datetime import datetime

import pytest

from bot import jobs
from bot.jobs import Jobs
from tests.clocks import StandingClock


async def test_a_sweep_under_way_is_let_end_and_no_other_begins(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "EVERY_SECONDS", 0.01)
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), list[datetime]()

    async def sweep(now: datetime) -> None:
        begun.set()
        await go_on.wait()
        ended.append(now)

    clock = StandingClock()
    running = Jobs(clock, [sweep])
    running.start()
    await begun.wait()
    stopping = asyncio.create_task(running.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert ended == [clock.now()]
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_sweep_that_hangs_is_canceled_in_the_end_and_that_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(jobs, "PATIENCE", 0.01)
    begun = asyncio.Event()
    hanging: list[asyncio.Task[None] | None] = []

    async def sweep(now: datetime) -> None:
        hanging.append(asyncio.current_task())
        begun.set()
        await asyncio.Event().wait()

    running = Jobs(StandingClock(), [sweep])
    running.start()
    await begun.wait()
    await running.stop()
    await asyncio.wait([task for task in hanging if task], timeout=5)
    assert [task.done() for task in hanging if task] == [True]
    assert [record for record in caplog.records if record.exc_info] == []
