"""Virtual time: order, skipping, and keeping step with real time."""

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.cluster.clock import Drive, VirtualClock, format_time, parse_time


@given(delays=st.lists(st.integers(0, 50), max_size=20))
def test_timers_run_in_the_order_of_their_due_times_each_at_its_own(delays: list[int]) -> None:
    clock = VirtualClock(1000.0)
    seen: list[tuple[float, int]] = []

    def note(number: int) -> None:
        seen.append((clock.now, number))

    for number, delay in enumerate(delays):
        clock.call_later(delay, partial(note, number))
    asyncio.run(clock.advance(100))
    assert seen == sorted((1000.0 + delay, number) for number, delay in enumerate(delays))
    assert clock.now == 1100.0


async def test_a_timer_set_by_a_timer_runs_in_the_same_stretch() -> None:
    clock = VirtualClock(0.0)
    seen: list[float] = []
    clock.call_later(1, lambda: clock.call_later(1, lambda: seen.append(clock.now)))
    await clock.advance(1.5)
    assert seen == []
    await clock.advance(1.0)
    assert seen == [2.0]


async def test_a_cancelled_timer_stays_silent() -> None:
    clock = VirtualClock(0.0)
    seen: list[float] = []
    clock.call_later(1, lambda: seen.append(clock.now)).cancel()
    assert clock.next_due() is None
    await clock.advance(2)
    assert seen == []


async def test_a_drive_moves_the_clock_by_its_speed_and_can_stand_still() -> None:
    clock = VirtualClock(0.0)
    reached = asyncio.Event()
    drive = Drive(clock, 0.0)
    drive.start()
    clock.call_later(3600, reached.set)
    await drive.catch_up()
    assert clock.now == 0.0
    drive.speed = 100_000.0
    await asyncio.wait_for(reached.wait(), 5)
    assert clock.now >= 3600
    await drive.stop()


def test_times_read_back() -> None:
    assert parse_time(format_time(1_795_000_000.0)) == 1_795_000_000.0
