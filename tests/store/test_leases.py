"""Leases: one owner at a time, by the database's clock; what an older owner wants to store is refused."""

import asyncio
import logging
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.ports import Change, Entry, Held, LeaseLost, StoreAway, first_card
from bot.record import Record
from bot.store import SqlLeases, SqlStore, close_engine, open_engine
from bot.store.leases import MARGIN, SEEN_EVERY, TERM
from bot.store.transactions import transaction
from tests.clocks import StandingClock
from tests.facts import proposed
from tests.postgres import needs_postgres


class Seconds:
    """A bot's own clock, that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
async def first(engine: AsyncEngine, seconds: Seconds) -> SqlLeases:
    joined = SqlLeases(engine, "first", alone=False, clock=seconds)
    await joined.join()
    return joined


@pytest.fixture
async def second(engine: AsyncEngine) -> SqlLeases:
    joined = SqlLeases(engine, "second", alone=False)
    await joined.join()
    return joined


async def lapse(engine: AsyncEngine, replica: str) -> None:
    """Let the database's clock pass the end of a bot's term."""
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE replicas SET until = until - {TERM} WHERE id = '{replica}'")


def noted(current: Record) -> Change:
    return Change(current.model_copy(update={"note": "noted"}), [Entry("noted")])


async def test_of_two_that_want_it_at_once_one_gets_it(first: SqlLeases, second: SqlLeases) -> None:
    got = await asyncio.gather(first.take("p1"), second.take("p1"))
    assert sorted(got, key=str) == [1, None]


async def test_an_owner_keeps_it_and_others_see_that(first: SqlLeases, second: SqlLeases) -> None:
    assert await first.take("p1") == 1
    assert await first.take("p1") == 1
    assert (first.mine("p1"), second.mine("p1")) == (1, None)
    assert await first.elsewhere() == frozenset()
    assert await second.elsewhere() == {"p1"}


async def test_what_a_dead_bot_owned_is_taken_over_under_a_higher_epoch(
    engine: AsyncEngine, first: SqlLeases, second: SqlLeases
) -> None:
    await first.take("p1")
    assert await second.take("p1") is None
    await lapse(engine, "first")
    assert await second.elsewhere() == frozenset()
    assert await second.take("p1") == 2


async def test_a_bot_that_was_stopped_for_long_finds_out_what_it_has_lost(
    engine: AsyncEngine, first: SqlLeases, second: SqlLeases
) -> None:
    await first.take("p1")
    await first.take("p2")
    await lapse(engine, "first")
    await second.take("p1")
    assert await first.renew() == Held(lost=frozenset({"p1"}), nudged=frozenset())
    assert (first.mine("p1"), first.mine("p2")) == (None, 1)
    assert await first.take("p1") is None


async def test_before_a_lease_ends_its_owner_is_sure_of_it_no_more(
    first: SqlLeases, second: SqlLeases, seconds: Seconds
) -> None:
    await first.take("p1")
    seconds.now += TERM - MARGIN - 0.1
    assert first.mine("p1") == 1
    seconds.now += 0.2
    assert first.mine("p1") is None
    assert await second.take("p1") is None  # for the others it is still taken
    await first.renew()
    assert first.mine("p1") == 1


async def test_the_store_takes_nothing_from_an_older_owner(
    engine: AsyncEngine, store: SqlStore, first: SqlLeases, second: SqlLeases
) -> None:
    await store.add(proposed(), [])
    before = await first.take("p1")
    await lapse(engine, "first")
    after = await second.take("p1")
    with pytest.raises(LeaseLost):
        await store.update("p1", noted, epoch=before)
    assert await store.log("p1") == ()
    assert (await store.update("p1", noted, epoch=after)).note == "noted"


async def test_the_store_takes_nothing_for_a_run_that_nobody_owns(store: SqlStore, first: SqlLeases) -> None:
    await store.add(proposed(), [])
    epoch = await first.take("p1")
    await first.release("p1")
    with pytest.raises(LeaseLost):
        await store.update("p1", noted, epoch=epoch)


async def test_a_nudge_reaches_the_owner_once(first: SqlLeases, second: SqlLeases) -> None:
    await first.take("p1")
    await second.nudge("p1")
    assert (await second.renew()).nudged == frozenset()
    assert (await first.renew()).nudged == {"p1"}
    assert (await first.renew()).nudged == frozenset()


async def test_who_leaves_is_followed_at_once(first: SqlLeases, second: SqlLeases) -> None:
    await first.take("p1")
    await first.leave()
    assert await second.take("p1") == 2
    assert first.mine("p1") is None


async def test_a_bot_whose_term_has_ended_takes_nothing_before_it_lives_again(
    engine: AsyncEngine, first: SqlLeases
) -> None:
    await lapse(engine, "first")
    assert await first.take("p1") is None
    await first.renew()
    assert await first.take("p1") == 1


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("leaves", [True, False])
async def test_who_comes_knows_for_how_long_nobody_was_there(
    engine: AsyncEngine, seconds: Seconds, *, alone: bool, leaves: bool
) -> None:
    first = SqlLeases(engine, "first", alone=alone, clock=seconds)
    await first.join()
    assert first.absence == timedelta(0)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE replicas SET until = until - 3600")
    seconds.now += SEEN_EVERY
    await first.renew()
    if leaves:
        await first.leave()
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE replicas SET until = until - 1000")
    second = SqlLeases(engine, "second", alone=alone)
    await second.join()
    assert timedelta(seconds=1000 - TERM) <= second.absence < timedelta(seconds=1060)


async def test_where_another_lives_nobody_was_missed(first: SqlLeases, second: SqlLeases) -> None:
    assert second.absence < timedelta(seconds=TERM)


async def test_alone_everything_left_is_free_at_the_start_and_leases_do_not_end(engine: AsyncEngine) -> None:
    seconds = Seconds()
    left = SqlLeases(engine, "left", alone=True, clock=seconds)
    await left.join()
    await left.take("p1")
    seconds.now += 365 * 86400
    assert left.mine("p1") == 1
    follower = SqlLeases(engine, "follower", alone=True)
    await follower.join()
    assert await follower.take("p1") == 2


async def test_a_new_plan_is_first_shown_by_whoever_added_it(engine: AsyncEngine, first: SqlLeases) -> None:
    await SqlStore(engine, StandingClock(), replica="second").add(proposed(), [])
    assert await first.take(first_card("p1")) == 2  # as long as no living bot has it
    second = SqlLeases(engine, "second", alone=False)
    await second.join()
    await SqlStore(engine, StandingClock(), replica="second").add(proposed().model_copy(update={"id": "p2"}), [])
    assert await first.take(first_card("p2")) is None


async def test_clocks_that_differ_are_said_and_change_nothing(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.store.leases.time.time", lambda: 4_000_000_000.0)
    leases = SqlLeases(engine, "first", alone=False)
    with caplog.at_level(logging.WARNING):
        await leases.join()
    assert "clock and the database's differ" in caplog.text
    assert await leases.take("p1") == 1


LOCKED = "SELECT 1 FROM {} WHERE {} FOR UPDATE"


@needs_postgres
async def test_a_heartbeat_and_a_takeover_do_not_wait_for_each_other(postgres_url: str) -> None:
    engine, _ = await open_engine(postgres_url)
    first = SqlLeases(engine, "first")
    await first.join()
    await first.take("p1")
    await first.nudge("p1")
    async with engine.begin() as takeover:  # locks a lease, and then looks whether its owner lives
        await takeover.exec_driver_sql(LOCKED.format("leases", "name = 'p1'"))
        heartbeat = asyncio.ensure_future(first.renew())
        await asyncio.wait({heartbeat}, timeout=0.2)
        await takeover.exec_driver_sql(LOCKED.format("replicas", "id = 'first'"))
    assert (await heartbeat).nudged == {"p1"}
    await close_engine(engine)


@needs_postgres
async def test_who_gives_way_to_another_transaction_may_try_again(postgres_url: str) -> None:
    engine, _ = await open_engine(postgres_url)
    both = asyncio.Barrier(2)

    async def lock(*names: str) -> None:
        async with transaction(engine) as connection:
            for name in names:
                await connection.exec_driver_sql(LOCKED.format("leases", f"name = '{name}'"))
                await both.wait()

    leases = SqlLeases(engine, "first")
    await leases.join()
    await leases.take("p1")
    await leases.take("p2")
    ended = [asyncio.ensure_future(lock("p1", "p2")), asyncio.ensure_future(lock("p2", "p1"))]
    (first,), rest = await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(first.exception(), StoreAway)
    for each in rest:
        each.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await close_engine(engine)
