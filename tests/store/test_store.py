"""The store decides between people who press at once, and forgets nothing."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import approval, policy, progress
from bot.diagnosis import Cause
from bot.errors import BotError
from bot.migration import MoveState, PlanState
from bot.plan import Target
from bot.policy import Action, Actor
from bot.ports import Change, Entry, Message, VmBusy
from bot.record import Intent, Record, Result, Run
from bot.sandbox.gallery.batch import batch_fifteen_accepted
from bot.store import SqlStore
from tests.clocks import StandingClock
from tests.facts import DANA, MEI, NOW, RAVI, proposed

INTENT = Intent(name="m", attempt=1, vmi_uid="vmi-uid", seen_migration_uid="", noted_at=NOW)


def confirming(actor: Actor) -> Callable[[Record], Change]:
    def change(current: Record) -> Change:
        confirmed = approval.confirm(current, actor, policy.decide(actor, Action.CONFIRM), NOW)
        return Change(confirmed, [Entry("confirmed", actor)])

    return change


def other(plan_id: str) -> Record:
    return proposed().model_copy(update={"id": plan_id})


def start(current: Record) -> Change:
    return Change(progress.start(current, 0, INTENT, NOW, timedelta(minutes=10)))


async def test_a_plan_comes_back_as_it_was_stored(store: SqlStore) -> None:
    await store.add(proposed(), [Entry("proposed", DANA, {"request": "web-01 worker-05"})])
    assert await store.get("p1") == proposed()
    assert await store.get("p2") is None
    (line,) = await store.log("p1")
    assert (line.kind, line.actor, line.details) == ("proposed", DANA.id, {"request": "web-01 worker-05"})


async def test_of_two_who_confirm_at_once_one_starts_it_and_one_is_told(store: SqlStore) -> None:
    await store.add(proposed(), [])
    presses = [store.update("p1", confirming(actor)) for actor in (DANA, RAVI)]
    outcomes = await asyncio.gather(*presses, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, BotError)]
    assert [error.code for error in refused] == ["already-decided"]
    assert [line.kind for line in await store.log("p1")] == ["confirmed"]


async def test_a_refused_change_leaves_no_trace(store: SqlStore) -> None:
    await store.add(proposed(), [])

    def refuse(current: Record) -> Change:
        raise BotError("no", "no", "no")

    with pytest.raises(BotError):
        await store.update("p1", refuse)
    assert await store.get("p1") == proposed()
    assert await store.log("p1") == ()


async def test_an_unknown_plan_is_a_key_error(store: SqlStore) -> None:
    with pytest.raises(KeyError):
        await store.update("nope", start)


async def test_one_vm_is_moved_by_one_plan_at_a_time(store: SqlStore) -> None:
    for plan_id in ("p1", "p2"):
        await store.add(other(plan_id), [])
    await store.update("p1", confirming(DANA))
    assert await store.holder("production/web-01") == "p1"
    with pytest.raises(VmBusy) as busy:
        await store.update("p2", confirming(RAVI))
    assert (busy.value.key, busy.value.plan_id) == ("production/web-01", "p1")
    still = await store.get("p2")
    assert still is not None
    assert still.state is PlanState.PROPOSED


async def test_a_finished_move_frees_its_vm(store: SqlStore) -> None:
    await store.add(proposed(), [])
    await store.update("p1", confirming(DANA))
    await store.update("p1", start)
    ended = Result(node="worker-05", running=True, ready=True)
    await store.update("p1", lambda current: Change(progress.finish(current, 0, ended)))
    assert await store.holder("production/web-01") is None
    assert await store.open_plans() == ()


async def test_open_plans_are_as_they_are_now_also_when_another_bot_has_changed_them(
    engine: AsyncEngine, store: SqlStore
) -> None:
    other_store = SqlStore(engine, StandingClock())
    for plan_id in ("p1", "p2"):
        await store.add(other(plan_id), [])
    assert [current.id for current in await store.open_plans()] == ["p1", "p2"]
    await other_store.update("p1", confirming(DANA))
    states = [current.state for current in await store.open_plans()]
    assert states == [PlanState.APPROVED, PlanState.PROPOSED]
    await other_store.update("p1", lambda current: Change(approval.cancel(current, DANA)))
    assert [current.id for current in await store.open_plans()] == ["p2"]


async def test_a_move_that_we_lost_sight_of_keeps_its_vm(store: SqlStore) -> None:
    await store.add(proposed(), [])
    await store.update("p1", confirming(DANA))
    await store.update("p1", start)
    await store.update("p1", lambda current: Change(progress.time_out(current, 0, NOW)))
    assert await store.holder("production/web-01") == "p1"
    assert [current.id for current in await store.open_plans()] == ["p1"]


def measured(plan_id: str, vm: str, seconds: float, cause: Cause | None = None) -> Record:
    """A cold move that has ended, with its VM down for so long."""
    planned = other(plan_id).plan
    move = planned.moves[0].model_copy(update={"vm": vm})
    run = Run(
        state=MoveState.FAILED if cause else MoveState.SUCCEEDED,
        started_at=NOW,
        down_since=NOW,
        up_since=NOW + timedelta(seconds=seconds),
        result=Result(node="worker-05", running=True, ready=True, cause=cause),
    )
    plan = planned.model_copy(update={"moves": (move,)})
    return other(plan_id).model_copy(update={"plan": plan, "state": PlanState.SUCCEEDED, "runs": (run,)})


async def end(store: SqlStore, ended: Record) -> None:
    await store.add(other(ended.id), [])
    await store.update(ended.id, lambda _: Change(ended))


async def test_a_downtime_is_kept_when_a_cold_move_succeeds_and_counted_once(store: SqlStore) -> None:
    await end(store, measured("p1", "web-01", 20.5))
    await store.update("p1", lambda now: Change(now.model_copy(update={"note": "decided about the pin"})))
    assert await store.downtimes("production/web-01", 9) == (timedelta(seconds=20.5),)


async def test_downtimes_are_told_of_one_vm_or_of_all_newest_first_and_not_more_than_wanted(store: SqlStore) -> None:
    for number, vm in enumerate(("web-01", "db-01", "web-01")):
        await end(store, measured(f"p{number}", vm, number))
    assert await store.downtimes("production/web-01", 9) == (timedelta(seconds=2), timedelta(seconds=0))
    assert await store.downtimes(None, 2) == (timedelta(seconds=2), timedelta(seconds=1))


async def test_what_a_failed_move_has_cost_is_no_measure_for_the_next(store: SqlStore) -> None:
    await end(store, measured("p1", "web-01", 20, Cause(code="wrong-node", what="", remedy="")))
    assert await store.downtimes(None, 9) == ()


async def test_a_plan_counts_as_shown_only_in_its_newest_version(store: SqlStore) -> None:
    await store.add(proposed(), [])
    _, first, _ = await store.latest("p1")
    await store.update("p1", confirming(DANA))
    await store.shown("p1", first)
    assert await store.unshown() == ("p1",)
    _, second, _ = await store.latest("p1")
    await store.shown("p1", second)
    assert await store.unshown() == ()


async def test_a_change_that_changes_nothing_is_not_a_new_version(store: SqlStore) -> None:
    await store.add(proposed(), [])
    _, before, _ = await store.latest("p1")
    await store.update("p1", Change)
    assert (await store.latest("p1"))[1] == before


async def test_what_is_sent_while_a_plan_is_compared_has_it_compared_again(store: SqlStore) -> None:
    await store.add(proposed(), [])
    _, compared, _ = await store.latest("p1")
    await store.put_message(Message("p1", "card", "C0OPS", "1.2", "of an older state", NOW))
    await store.shown("p1", compared)
    assert await store.unshown() == ("p1",)


async def test_messages_are_found_by_plan_and_by_place(store: SqlStore) -> None:
    await store.add(proposed(), [])
    intended = Message("p1", "card", "C0OPS", "", "", NOW)
    await store.put_message(intended)
    posted = intended._replace(ts="1.2", digest="d")
    await store.put_message(posted)
    assert await store.messages("p1") == {"card": posted}
    assert await store.plan_of_message("C0OPS", "1.2") == "p1"
    assert await store.plan_of_message("C0OPS", "1.3") is None


async def test_two_of_a_quorum_at_once_both_count_and_one_of_them_approves(store: SqlStore) -> None:
    four_eyes = policy.Quorum(needed=2, own_counts=False, who=(("@sre",),), rule="four eyes")
    await store.add(proposed().model_copy(update={"quorum": four_eyes}), [])

    after = await asyncio.gather(store.update("p1", confirming(RAVI)), store.update("p1", confirming(MEI)))
    assert sorted(each.state for each in after) == [PlanState.APPROVED, PlanState.PROPOSED]
    found = await store.get("p1")
    assert found is not None
    assert {given.actor.id for given in found.approvers} == {RAVI.id, MEI.id}


async def test_of_two_plans_that_want_one_vm_at_the_same_moment_one_gets_it(store: SqlStore) -> None:
    for plan_id in ("p1", "p2"):
        await store.add(other(plan_id), [])
    presses = [store.update(plan_id, confirming(actor)) for plan_id, actor in (("p1", DANA), ("p2", RAVI))]
    outcomes = await asyncio.gather(*presses, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [VmBusy]
    assert await store.holder("production/web-01") in ("p1", "p2")


async def test_many_changes_at_once_are_all_kept(store: SqlStore) -> None:
    await store.add(proposed(), [])

    def count(current: Record) -> Change:
        return Change(current.model_copy(update={"note": current.note + "x"}), [Entry("counted")])

    await asyncio.gather(*(store.update("p1", count) for _ in range(25)))
    found = await store.get("p1")
    assert found is not None
    assert found.note == "x" * 25
    assert len(await store.log("p1")) == 25


def ended_on(node: str, *, cause: Cause | None = None) -> Callable[[Record], Change]:
    def change(current: Record) -> Change:
        result = Result(node=node, running=True, ready=True, cause=cause)
        return Change(progress.finish(start(current).record, 0, result))

    return change


async def test_an_evacuated_vm_is_away_until_a_move_has_really_ended_at_its_home(store: SqlStore) -> None:
    """Cold moves may be sent elsewhere on the way, and what has failed is somewhere too."""
    leaving = batch_fifteen_accepted()
    move = leaving.plan.moves[0]
    home, elsewhere = move.source, Cause(code="wrong-node", what="", remedy="")
    await store.add(leaving, [])
    await store.update("p1", confirming(RAVI))
    await store.update("p1", ended_on("worker-09", cause=elsewhere))
    assert await store.away_from(home) == (move.key,)
    for plan_id, node, away in (("p2", "worker-08", (move.key,)), ("p3", home, ())):
        back = other(plan_id)
        there = back.plan.moves[0].model_copy(
            update={"namespace": move.namespace, "vm": move.vm, "target": Target(name=home, uid="", hostname=home)}
        )
        await store.add(back.model_copy(update={"plan": back.plan.model_copy(update={"moves": (there,)})}), [])
        await store.update(plan_id, confirming(RAVI))
        await store.update(plan_id, ended_on(node))
        assert await store.away_from(home) == away
