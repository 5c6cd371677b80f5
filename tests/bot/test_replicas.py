"""Two bots on one PostgreSQL and one cluster: either takes any click, one carries a move out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bot import approval, policy
from bot.errors import BotError
from bot.migration import PlanState
from bot.ports import DUTIES, Change, StoreAway
from bot.record import Record
from bot.request import MoveRequest
from bot.sandbox.cluster import ClusterSandbox
from bot.store.leases import TERM
from bot.when import When
from k8s.note import read_note
from k8s.snapshots import Ref
from tests.bot.conftest import App, opened
from tests.clocks import StandingClock
from tests.facts import DANA, MEI, OPS, RAVI
from tests.postgres import Postgres, needs_postgres

pytestmark = needs_postgres

Pair = tuple[App, App]


@pytest.fixture
async def pair(tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, postgres_url: str) -> AsyncIterator[Pair]:
    async with (
        opened(tmp_path, sandbox, clock, url=postgres_url, replica="first") as first,
        opened(tmp_path, sandbox, clock, url=postgres_url, replica="second") as second,
    ):
        yield first, second


async def until(pair: Pair, holds: Callable[[Record], bool], step: float = 0.5) -> Record:
    """Let time pass for the cluster and both bots until it holds of the plan."""
    first, _ = pair
    for _ in range(300):
        for app in pair:
            await app.executor.keep(app.clock.now())
            await app.executor.sweep(app.clock.now())
        for _ in range(20):
            if holds(current := await first.plan()):
                return current
            await asyncio.sleep(0.002)
        await first.sandbox.advance(step)
        first.clock.advance(step)
    raise AssertionError(f"{current.state} {current.runs} {await first.store.log('p1')}")


def done(current: Record) -> bool:
    return current.state is PlanState.SUCCEEDED


async def lapse(app: App, replica: str) -> None:
    """The database's clock passes the end of a bot's term."""
    async with app.store._engine.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE replicas SET until = until - {TERM} WHERE id = '{replica}'")


async def test_two_who_confirm_on_two_bots_in_the_same_moment_start_one_move(pair: Pair) -> None:
    first, second = pair
    await first.service.propose(MoveRequest(vm="web-01", target="worker-05"), DANA, OPS)
    presses = (first.service.confirm("p1", 1, RAVI), second.service.confirm("p1", 1, MEI))
    outcomes = await asyncio.gather(*presses, return_exceptions=True)
    assert [each.code for each in outcomes if isinstance(each, BotError)] == ["already-decided"]
    await until(pair, done)
    assert len(await first.migrations()) == 1
    assert [line.kind for line in await first.store.log("p1")].count("created") == 1


async def test_two_of_a_quorum_on_two_bots_in_the_same_moment_both_count(pair: Pair) -> None:
    first, second = pair
    await first.service.propose(MoveRequest(vm="web-01", target="worker-05"), DANA, OPS)
    presses = (first.store.update("p1", confirming(RAVI)), second.store.update("p1", confirming(MEI)))
    after = await asyncio.gather(*presses)
    assert sorted(each.state for each in after) == [PlanState.APPROVED, PlanState.PROPOSED]
    assert {given.actor.id for given in (await second.plan()).approvers} == {RAVI.id, MEI.id}


async def test_a_cancel_on_the_bot_that_does_not_own_the_run_reaches_the_one_that_does(pair: Pair) -> None:
    first, second = pair
    await first.begin()
    await first.created()
    assert first.leases.mine("p1") == 1
    await second.service.call_off("p1", 1, 0, RAVI)
    ended = await until(pair, lambda plan: plan.runs[0].result is not None)
    assert ended.runs[0].result is not None
    assert ended.runs[0].result.node == "worker-01"
    assert "abort asked for" in [line.kind for line in await first.store.log("p1")]


async def test_what_a_silent_bot_began_the_other_one_ends_once(pair: Pair) -> None:
    first, second = pair
    await first.begin()
    await first.created()
    for task in first.executor._runs.values():  # it stands still: SIGSTOP, a dead node
        task.cancel()
    await lapse(second, "first")
    await second.executor.sweep(second.clock.now())
    await until((second, second), done)
    await until((second, second), lambda _: second.leases.mine("p1") is None)  # there is nothing left to own
    assert len(await second.migrations()) == 1
    await first.executor.keep(first.clock.now())
    assert first.leases.mine("p1") is None


async def test_an_owner_that_was_followed_by_another_writes_neither_plan_nor_vm(pair: Pair) -> None:
    first, second = pair
    await first.service.propose(MoveRequest(vm="app-vm", target="worker-04"), DANA, OPS)
    await first.service.confirm("p1", 1, RAVI)
    await until((first, first), lambda plan: plan.runs[0].originals is not None)
    await lapse(second, "first")
    await second.executor.sweep(second.clock.now())
    await until((second, second), lambda plan: plan.runs[0].starting_since is not None)
    vm = await second.cluster.vm(Ref("production", "app-vm"))
    assert vm is not None
    note = read_note(vm)
    assert note is not None
    assert note.epoch == 2
    await until(pair, done)
    assert [line.kind for line in await first.store.log("p1")].count("starting") == 1


async def test_one_of_two_bots_looks_after_what_waits_for_its_time(pair: Pair) -> None:
    first, second = pair
    later = MoveRequest(vm="web-01", target="worker-05", when=When(after=timedelta(hours=1)))
    await first.service.propose(later, DANA, OPS)
    await first.service.confirm("p1", 1, RAVI)
    await second.leases.take(DUTIES)
    now = first.clock.advance(50 * 60)
    for app, seen in ((first, False), (second, True)):
        await app.timetable.sweep(now)
        assert ("checked" in [line.kind for line in await first.store.log("p1")]) is seen


async def test_a_bot_that_stops_in_order_hands_its_moves_over_at_once(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, postgres_url: str
) -> None:
    async with opened(tmp_path, sandbox, clock, url=postgres_url, replica="second") as second:
        async with opened(tmp_path, sandbox, clock, url=postgres_url, replica="first") as first:
            await first.begin()
            await first.created()
        await until((second, second), done)
        assert len(await second.migrations()) == 1


async def test_without_its_database_a_bot_changes_nothing_and_goes_on_when_it_is_back(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, postgres: Postgres, postgres_url: str
) -> None:
    database = str(make_url(postgres_url).database)
    async with opened(tmp_path, sandbox, clock, url=postgres_url, replica="first") as app:
        await app.service.propose(MoveRequest(vm="web-01", target="worker-05"), DANA, OPS)
        postgres.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        with pytest.raises(StoreAway):
            await app.service.confirm("p1", 1, RAVI)
        assert await app.migrations() == ()
        postgres.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
        await app.service.confirm("p1", 1, RAVI)
        await until((app, app), done)


FOUR_EYES = policy.Quorum(needed=2, own_counts=False, who=(("@channel",),), rule="four eyes")


def confirming(who: policy.Actor) -> Callable[[Record], Change]:
    """One of two Confirms."""

    def change(current: Record) -> Change:
        decision = policy.decide(who, policy.Action.CONFIRM)
        return Change(approval.confirm(current, who, decision, current.created_at, FOUR_EYES))

    return change
