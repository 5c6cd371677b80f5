"""The life of plans and moves: every row of the tables, and every pair that has no row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import migration
from bot.migration import MOVE, PLAN, IllegalEvent, MoveEvent, MoveState, PlanEvent, PlanState


@pytest.mark.parametrize("state", PlanState)
@pytest.mark.parametrize("event", PlanEvent)
def test_a_plan_follows_its_table(state: PlanState, event: PlanEvent) -> None:
    if event in PLAN[state]:
        assert migration.apply(state, event) is PLAN[state][event]
    else:
        with pytest.raises(IllegalEvent, match=state.value):
            migration.apply(state, event)


@pytest.mark.parametrize("state", MoveState)
@pytest.mark.parametrize("event", MoveEvent)
def test_a_move_follows_its_table(state: MoveState, event: MoveEvent) -> None:
    if event in MOVE[state]:
        assert migration.apply_move(state, event) is MOVE[state][event]
    else:
        with pytest.raises(IllegalEvent, match=state.value):
            migration.apply_move(state, event)


def test_every_state_has_a_row_and_every_state_can_be_reached() -> None:
    assert set(PLAN) == set(PlanState)
    assert set(MOVE) == set(MoveState)
    assert {to for row in PLAN.values() for to in row.values()} == set(PlanState)
    assert {to for row in MOVE.values() for to in row.values()} == set(MoveState) - {MoveState.WAITING}


def test_nothing_runs_without_a_confirm() -> None:
    before_running = [state for state, row in PLAN.items() if PlanState.RUNNING in row.values()]
    assert before_running == [PlanState.APPROVED, PlanState.PAUSED]
    assert _ways_to(PlanState.PAUSED) == {(PlanState.RUNNING, PlanEvent.PAUSED)}
    assert _ways_to(PlanState.APPROVED) == {
        (PlanState.PROPOSED, PlanEvent.CONFIRMED),
        (PlanState.SCHEDULED, PlanEvent.DUE),
    }
    assert _ways_to(PlanState.SCHEDULED) == {(PlanState.PROPOSED, PlanEvent.SCHEDULED)}


def _ways_to(wanted: PlanState) -> set[tuple[PlanState, PlanEvent]]:
    return {(state, event) for state, row in PLAN.items() for event, to in row.items() if to is wanted}


@given(st.lists(st.sampled_from(PlanEvent), max_size=30))
def test_a_plan_in_a_final_state_stays_there(events: list[PlanEvent]) -> None:
    state = PlanState.PROPOSED
    for event in events:
        ended = migration.is_final(state)
        try:
            state = migration.apply(state, event)
        except IllegalEvent:
            continue
        assert not ended
