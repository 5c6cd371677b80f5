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
