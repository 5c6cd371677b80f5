"""Decisions on a plan: what counts, what is refused, and that a refusal changes nothing."""

from datetime import timedelta

import pytest

from bot import approval, incident, plan, policy, progress
from bot.errors import BotError
from bot.migration import MoveState, PlanState
from bot.policy import Action, Actor, Quorum
from bot.record import Incident, Intent, Record, Result, Run
from bot.schedule import Schedule
from tests.facts import ASKED, DANA, LENA, MEI, NOW, OTTO, RAVI, facts, node, proposed

LATER = NOW + timedelta(minutes=1)
HALF_HOUR = timedelta(minutes=30)
INTENT = Intent(name="m", attempt=1, vmi_uid="vmi-uid", seen_migration_uid="", noted_at=NOW)
ARRIVED = Result(node="worker-05", running=True, ready=True)


def confirmed(by: Actor = RAVI) -> Record:
    return approval.confirm(proposed(), by, policy.decide(by, Action.CONFIRM), LATER)


def running() -> Record:
    return progress.start(confirmed(), 0, INTENT, LATER, timedelta(minutes=10))


def code(refused: pytest.ExceptionInfo[BotError]) -> str:
    return refused.value.code


def test_a_confirm_approves_and_says_who_and_by_which_rule() -> None:
    approved = confirmed()
    assert approved.state is PlanState.APPROVED
    assert [(approval.actor, approval.at) for approval in approved.approvers] == [(RAVI, LATER)]
    assert approved.approvers[0].rule


def test_the_requesters_own_press_counts() -> None:
    assert confirmed(DANA).state is PlanState.APPROVED


def test_a_second_confirm_is_told_that_it_is_decided() -> None:
    with pytest.raises(BotError) as refused:
        approval.confirm(confirmed(), DANA, policy.decide(DANA, Action.CONFIRM), LATER)
    assert code(refused) == "already-decided"


def test_a_blocked_plan_is_never_confirmed() -> None:
    blocked = proposed(facts(target=node(cordoned=True)))
    with pytest.raises(BotError) as refused:
        approval.confirm(blocked, RAVI, policy.decide(RAVI, Action.CONFIRM), LATER)
    assert code(refused) == "blocked"


def test_a_lost_first_write_is_tried_again_for_a_while_and_not_past_the_plans_time() -> None:
    """Only with its first move a plan begins; the others of a batch have a while of their own."""
    begun, minutes = LATER, timedelta(minutes=10)
    record = running().model_copy(update={"runs": (Run(started_at=begun), Run(started_at=begun + minutes))})
    assert approval.write_by(record, 0, minutes) == begun + minutes
    times = Schedule(start=NOW, latest=begun + timedelta(minutes=2), confirm_by=NOW)
    for_later = record.model_copy(update={"schedule": times})
    assert approval.write_by(for_later, 0, minutes) == times.latest
    assert approval.write_by(for_later, 1, minutes) == begun + 2 * minutes


def test_a_click_on_an_older_revision_is_refused() -> None:
    changed = approval.modify(proposed(), plan.build(ASKED, facts()), RAVI, LATER, HALF_HOUR)
    with pytest.raises(BotError) as refused:
        approval.check_revision(changed, 1)
    assert code(refused) == "old-card"
    approval.check_revision(changed, 2)


def test_modify_makes_a_new_revision_without_the_old_approvals() -> None:
    changed = approval.modify(proposed(), plan.build(ASKED, facts()), RAVI, LATER, HALF_HOUR)
    assert (changed.revision, changed.changed_by, changed.approvers) == (2, RAVI, ())
    assert changed.expires_at == LATER + HALF_HOUR


def test_a_running_plan_cannot_be_modified_or_canceled() -> None:
    with pytest.raises(BotError) as modified:
        approval.modify(running(), plan.build(ASKED, facts()), RAVI, LATER, HALF_HOUR)
    with pytest.raises(BotError) as canceled:
        approval.cancel(running(), DANA)
    assert code(modified) == code(canceled) == "already-decided"


def test_drift_sends_an_approved_plan_back_to_the_people() -> None:
    now = plan.build(ASKED, facts(target=node(uid="new")))
    changes = plan.drift(proposed().plan.moves[0], now.moves[0])
    back = approval.drifted(confirmed(), now, changes, LATER, HALF_HOUR)
    assert (back.state, back.revision, back.drift, back.approvers) == (PlanState.PROPOSED, 2, changes, ())


def test_the_first_intent_starts_the_plan_and_sets_the_limit() -> None:
    begun = running()
    assert (begun.state, begun.runs[0].state) == (PlanState.RUNNING, MoveState.RUNNING)
    assert begun.runs[0].deadline == LATER + timedelta(minutes=10)
    again = progress.start(begun, 0, INTENT, LATER + HALF_HOUR, timedelta(minutes=10))
    assert again.runs[0].deadline == begun.runs[0].deadline


def test_a_move_over_its_limit_is_unknown_and_can_still_end_well() -> None:
    late = progress.time_out(running(), 0, LATER)
    assert (late.state, late.runs[0].state, late.open) == (PlanState.RUNNING, MoveState.UNKNOWN, True)
    ended = progress.finish(late, 0, ARRIVED)
    assert (ended.state, ended.open) == (PlanState.SUCCEEDED, False)


def test_an_approved_plan_is_taken_up_from_its_first_step() -> None:
    approved = progress.advance(confirmed(), 0)
    assert approval.rewind(approved).runs[0].step == 0
    begun = progress.advance(running(), 0)
    assert approval.rewind(begun).runs[0].step == 1


def test_a_record_survives_its_way_through_json() -> None:
    ended = progress.finish(running(), 0, ARRIVED)
    assert Record.model_validate_json(ended.model_dump_json()) == ended


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("actor", "allowed"), [(DANA, True), (RAVI, True), (OTTO, False), (LENA, False)])
def test_only_channel_members_of_the_own_workspace_may_act(actor: Actor, *, allowed: bool, action: Action) -> None:
    """Without a policy file one Confirm is enough, so there is nothing to waive in an incident."""
    decision = policy.decide(actor, action)
    assert decision.allowed is (allowed and action is not Action.INCIDENT)
    if not decision.allowed:
        assert decision.reason
        assert decision.remedy


def test_a_denied_plan_keeps_who_said_no_and_why() -> None:
    denied = approval.deny(confirmed(), MEI, "not today")
    assert (denied.state, denied.ended_by, denied.note, denied.open) == (PlanState.DENIED, MEI, "not today", False)
    with pytest.raises(BotError) as refused:
        approval.deny(running(), MEI, "too late")
    assert code(refused) == "already-decided"


FOUR_EYES = Quorum(needed=2, own_counts=False, who=(("@sre",),), rule="protected")


def press(before: Record, by: Actor) -> Record:
    return approval.confirm(before, by, policy.decide(by, Action.CONFIRM), LATER, FOUR_EYES)


def test_two_of_a_quorum_approve_and_one_person_is_never_two() -> None:
    once = press(proposed(), RAVI)
    assert (once.state, len(once.approvers)) == (PlanState.PROPOSED, 1)
    with pytest.raises(BotError) as again:
        press(once, RAVI)
    assert code(again) == "already-confirmed"
    assert press(once, MEI).state is PlanState.APPROVED


def test_whoever_asked_or_changed_the_plan_cannot_approve_it_even_after_drift() -> None:
    changed = approval.modify(proposed(), plan.build(ASKED, facts()), RAVI, LATER, HALF_HOUR, FOUR_EYES)
    drifted = approval.drifted(changed, changed.plan, (), LATER, HALF_HOUR)
    for before in (changed, drifted):
        for asker in (DANA, RAVI):
            with pytest.raises(BotError) as own:
                press(before, asker)
            assert code(own) == "own-press"


def test_a_revoked_approval_sends_the_same_revision_back() -> None:
    approved = press(press(proposed(), RAVI), MEI)
    back = approval.revoke(approved, frozenset({MEI.id}), "left", FOUR_EYES, LATER, HALF_HOUR)
    assert (back.state, back.revision, back.approved_at) == (PlanState.PROPOSED, 1, None)
    assert [given.actor for given in back.approvers] == [RAVI]
    with pytest.raises(BotError):
        approval.revoke(running(), frozenset({RAVI.id}), "left", FOUR_EYES, LATER, HALF_HOUR)


def test_an_incident_waits_for_its_confirm_no_longer_than_was_declared_however_it_comes_back() -> None:
    half_an_hour = Quorum(rule="on call", valid_for=HALF_HOUR)
    declared = Incident(
        id="INC-1", reason="fan", by=DANA, rule="on call", at=NOW, until=NOW + HALF_HOUR, skipped=FOUR_EYES
    )
    late = NOW + timedelta(minutes=29)
    waiting = incident.declare(proposed(), declared, half_an_hour)
    approved = approval.confirm(waiting, RAVI, policy.decide(RAVI, Action.CONFIRM), late, half_an_hour)
    for back in (
        approval.drifted(approved, approved.plan, (), late, HALF_HOUR, half_an_hour),
        approval.revoke(approved, frozenset({RAVI.id}), "left", half_an_hour, late, HALF_HOUR),
    ):
        assert (back.state, back.expires_at) == (PlanState.PROPOSED, declared.until)
        with pytest.raises(BotError) as over:
            approval.confirm(back, MEI, policy.decide(MEI, Action.CONFIRM), declared.until, half_an_hour)
        assert code(over) == "expired"
