"""Calling a move off, and giving an overdue one more time: when it is possible, and what it ends as."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import calling_off, cold, migration, progress
from bot.errors import BotError
from bot.migration import MoveEvent, MoveState, PlanState
from bot.record import Choice, Doubt, Record, Result
from bot.sandbox.gallery import cold as cold_gallery
from bot.sandbox.gallery import live as gallery
from tests.facts import DANA, MEI, NOW, RAVI, proposed

LATER = NOW + timedelta(minutes=20)
LIMIT = timedelta(minutes=10)
STAYED = Result(node="worker-01", running=True, ready=True, cause=calling_off.called_off())
ARRIVED = Result(node="worker-05", running=True, ready=True)


def code(refused: pytest.ExceptionInfo[BotError]) -> str:
    return refused.value.code


def test_a_move_that_was_called_off_goes_on_until_the_cluster_says_what_became_of_it() -> None:
    wished = calling_off.call_off(gallery.copying(), 0, DANA, LATER)
    assert (wished.state, wished.runs[0].state) == (PlanState.RUNNING, MoveState.RUNNING)
    assert wished.runs[0].called_off is not None
    assert (wished.runs[0].called_off.actor, wished.runs[0].called_off.at) == (DANA, LATER)


def test_one_that_stayed_where_it_was_is_canceled_and_names_who_did_it() -> None:
    ended = progress.finish(calling_off.call_off(gallery.copying(), 0, DANA, LATER), 0, STAYED)
    assert (ended.state, ended.runs[0].state, ended.ended_by, ended.open) == (
        PlanState.CANCELED,
        MoveState.CANCELED,
        DANA,
        False,
    )


def test_one_that_arrived_all_the_same_has_succeeded() -> None:
    ended = progress.finish(calling_off.call_off(gallery.copying(), 0, DANA, LATER), 0, ARRIVED)
    assert (ended.state, ended.runs[0].state) == (PlanState.SUCCEEDED, MoveState.SUCCEEDED)


def test_an_overdue_move_can_be_called_off_too() -> None:
    wished = calling_off.call_off(gallery.overdue(), 0, DANA, LATER)
    assert wished.runs[0].state is MoveState.UNKNOWN
    assert progress.finish(wished, 0, STAYED).state is PlanState.CANCELED


def test_an_overdue_move_that_is_watched_on_is_told_again_after_the_same_time() -> None:
    watched = calling_off.watch_on(gallery.overdue(), 0, MEI, LATER, LIMIT)
    run = watched.runs[0]
    assert (run.state, run.deadline) == (MoveState.RUNNING, LATER + LIMIT)
    assert (run.overdue[-1].watched_by, run.overdue[-1].until) == (MEI, LATER + LIMIT)
    again = progress.time_out(watched, 0, LATER + LIMIT)
    assert (again.runs[0].state, len(again.runs[0].overdue)) == (MoveState.UNKNOWN, 2)


def test_only_an_overdue_move_is_watched_on() -> None:
    with pytest.raises(BotError) as refused:
        calling_off.watch_on(gallery.copying(), 0, MEI, LATER, LIMIT)
    assert code(refused) == "already-answered"


@pytest.mark.parametrize("before", [gallery.called_off(), cold_gallery.cold_called_off()])
def test_a_second_one_is_told_that_it_is_called_off(before: Record) -> None:
    with pytest.raises(BotError) as refused:
        calling_off.call_off(before, 0, RAVI, LATER)
    assert code(refused) == "already-called-off"


@pytest.mark.parametrize("before", [gallery.succeeded(), gallery.failed(), gallery.approved(), proposed()])
def test_what_does_not_run_cannot_be_called_off(before: Record) -> None:
    with pytest.raises(BotError) as refused:
        calling_off.call_off(before, 0, RAVI, LATER)
    assert code(refused) == "already-decided"


def test_a_guest_that_already_runs_on_the_target_is_not_called_back() -> None:
    with pytest.raises(BotError) as refused:
        calling_off.call_off(gallery.post_copy(), 0, RAVI, LATER)
    assert code(refused) == "too-late"


def test_what_the_cluster_refused_can_be_wished_again() -> None:
    again = calling_off.call_off(gallery.not_called_off(), 0, RAVI, LATER)
    assert (again.runs[0].called_off is None, again.runs[0].not_called_off) == (False, None)


def test_a_cold_move_turns_home_from_where_it_is() -> None:
    wished = calling_off.call_off(cold_gallery.cold_down(), 0, DANA, LATER)
    run = wished.runs[0]
    assert (run.state, run.step, run.homeward) == (MoveState.RUNNING, 0, calling_off.called_off())


def test_an_open_question_is_answered_by_calling_the_move_off() -> None:
    asking = cold.ask(cold_gallery.cold_down(), 0, Doubt.STARTING, LATER, LATER + LIMIT)
    run = calling_off.call_off(asking, 0, DANA, LATER).runs[0]
    assert (run.state, run.question) == (MoveState.RUNNING, None)
    assert (run.askings[-1].choice, run.askings[-1].actor) == (Choice.HOME, DANA)


def test_a_move_on_its_way_home_cannot_be_called_off_again() -> None:
    home = cold.turn_home(cold_gallery.cold_down(), 0, gallery.CAUSE)
    with pytest.raises(BotError) as refused:
        calling_off.call_off(home, 0, DANA, LATER)
    assert code(refused) == "already-called-off"


@given(st.lists(st.sampled_from(MoveEvent), max_size=30))
def test_no_move_forgets_how_it_ended(events: list[MoveEvent]) -> None:
    state = MoveState.WAITING
    for event in events:
        if event in migration.MOVE[state]:
            assert not migration.is_final(state)
            state = migration.apply_move(state, event)
            if event is MoveEvent.CALLED_OFF:
                assert not migration.is_final(state), "a wish is no end"
