"""The turns of a batch, in any order of what can happen: no move is lost, none begins in a pause, each ends once."""

from datetime import timedelta
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from bot import migration, policy, progress, turns
from bot.approval import accept, confirm
from bot.errors import BotError
from bot.executor import Limits
from bot.executor.due import first_due
from bot.migration import IllegalEvent, MoveState, PlanState
from bot.policy import Action
from bot.record import HoldReason, Intent, Record, Result
from bot.sandbox.gallery.batch import CAUSE, at, batch_fifteen
from tests.facts import DANA, RAVI

INTENT = Intent(name="m", attempt=1, vmi_uid="", seen_migration_uid="", noted_at=at(0))
LIMITS = Limits(*[timedelta(days=1)] * 4)
SWEEPS = ("sweep", "late sweep")
EVENTS = (*SWEEPS, "begin", "succeed", "fail", "time out", "pause", "go on", "skip", "stop", "well", "unwell")


@cache
def begun() -> Record:
    record = batch_fifteen()
    for consent in record.unaccepted:
        record = accept(record, consent, RAVI, at(60))
    return confirm(record, RAVI, policy.decide(RAVI, Action.CONFIRM), at(90))


def result(record: Record, index: int, *, good: bool) -> Result:
    node = record.plan.moves[index].target_name
    return Result(node=node, running=True, ready=True, cause=None if good else CAUSE)


def after(record: Record, event: str) -> Record:
    """What becomes of it; the first move that the event can be about."""
    going = turns.under_way(record)
    match event:
        case "begin":
            fresh = [index for index in turns.ready(record) if index not in going]
            return progress.start(record, fresh[0], INTENT, at(100), timedelta(minutes=10)) if fresh else record
        case "succeed" | "fail":
            return progress.finish(record, going[0], result(record, going[0], good=event == "succeed"))
        case "time out":
            return progress.time_out(record, going[0], at(700))
        case "pause":
            return turns.hold(record, HoldReason.ASKED, at(100), by=DANA)
        case "sweep" | "late sweep":
            found = first_due(record, at(100 if event == "sweep" else 1000), LIMITS, None)
            return found.change(record) if found else record
        case "go on":
            return turns.go_on(record, len(record.holds) - 1, RAVI)
        case "skip":
            return turns.skip(record, len(record.holds) - 1, RAVI)
        case "stop":
            return turns.stop(record, RAVI)
        case _:
            index = turns.unlooked(record)[0]
            return turns.looked_at(record, index, at(100), healthy=event == "well")


@given(st.lists(st.sampled_from(EVENTS), max_size=120))
@settings(deadline=None)
def test_no_move_is_lost_and_none_begins_where_it_may_not(events: list[str]) -> None:
    record = begun()
    for event in events:
        before = record
        try:
            record = after(record, event)
        except (BotError, IllegalEvent, IndexError):
            assert record == before
            assert event not in SWEEPS  # what is due can be done
            continue
        assert len(record.runs) == len(record.plan.moves)
        for old, new in zip(before.runs, record.runs, strict=True):
            assert old.state == new.state or not migration.is_final(old.state)
        fresh = set(turns.under_way(record)) - set(turns.under_way(before))
        assert not fresh or before.state in (PlanState.APPROVED, PlanState.RUNNING)
        ended = all(migration.is_final(run.state) for run in record.runs)
        assert migration.is_final(record.state) is ended
        if record.state is PlanState.PAUSED:
            assert turns.waiting(record)


def test_a_group_ends_with_a_pause_before_the_next_begins() -> None:
    record = begun()
    for index in range(5):
        assert turns.ready(record) == (index,)
        record = progress.finish(after(record, "begin"), index, result(record, index, good=True))
        record = turns.looked_at(record, index, at(200), healthy=True)
    assert turns.ready(record) == ()
    assert turns.next_hold(record) == (HoldReason.STAGE, 5)
    record = after(after(record, "sweep"), "go on")
    assert turns.ready(record) == (5,)


def test_a_group_ends_with_a_pause_also_where_one_of_it_was_left_behind_unsettled() -> None:
    record = after(begun(), "begin")
    for event in ("time out", "sweep", "skip"):
        record = after(record, event)
    for index in range(1, 5):
        record = progress.finish(after(record, "begin"), index, result(record, index, good=True))
        record = turns.looked_at(record, index, at(200), healthy=True)
    assert (record.runs[0].state, turns.next_hold(record)) == (MoveState.UNKNOWN, (HoldReason.STAGE, 5))
    record = after(after(record, "sweep"), "go on")
    assert turns.ready(record) == (0, 5)


def test_nothing_begins_before_the_one_that_has_moved_was_looked_at() -> None:
    record = progress.finish(after(begun(), "begin"), 0, result(begun(), 0, good=True))
    assert (record.runs[0].state, turns.ready(record)) == (MoveState.SUCCEEDED, ())
    late = turns.looked_at(turns.looked_at(record, 0, at(0), healthy=False), 0, at(121), healthy=False)
    assert turns.next_hold(late) == (HoldReason.UNHEALTHY, 0)
