"""An incident with the assembled bot: who may, what is waived, what never is, and the timeline at the end."""

from datetime import timedelta

import pytest

from bot.errors import BotError
from bot.migration import PlanState
from bot.policy import Confirm, Policy, Rule, Waiver
from bot.record import Record
from bot.request import BatchRequest, MoveRequest, MoveType
from bot.when import When
from tests.bot.conftest import App
from tests.facts import DANA, MEI, OPS, RAVI

URGENT = MoveRequest(vm="web-01", target="worker-05", incident="INC-42", reason="fan failure on worker-01")
USUAL = MoveRequest(vm="web-01", target="worker-05")
FOUR_EYES = Rule(
    name="four eyes",
    request=("channel",),
    confirm=Confirm(who=(RAVI.user, MEI.user), count=2),
    incident=Waiver(who=(DANA.user,), minutes=30),
)


@pytest.fixture(autouse=True)
def _rules(app: App) -> None:
    app.rules.current = Policy(rules=(FOUR_EYES,))


async def wait(app: App, minutes: float) -> Record:
    await app.executor.sweep(app.clock.advance(minutes * 60))
    await app.reviews.sweep(app.clock.now())
    return await app.plan()


async def refused(doing: object) -> str:
    with pytest.raises(BotError) as error:
        await doing  # type: ignore[misc]  # any use case
    return error.value.code


async def test_the_one_who_is_awake_declares_confirms_and_the_timeline_tells_it_all(app: App) -> None:
    declared = await app.service.propose(URGENT, DANA, OPS)
    assert declared.incident is not None
    assert (declared.incident.id, declared.incident.by.id) == ("INC-42", DANA.id)
    assert declared.incident.skipped.who == ((RAVI.user, MEI.user),)
    assert await app.migrations() == ()
    confirmed = await app.service.confirm("p1", 1, DANA)
    assert confirmed.state is PlanState.APPROVED
    await app.until(lambda plan: plan.state is PlanState.SUCCEEDED)
    told = await wait(app, 0)
    assert told.incident is not None
    timeline = told.incident.timeline or ()
    words = [(moment.actor, moment.text) for moment in timeline]
    assert words[0] == (DANA.id, f"asked: {URGENT}")
    assert words[1] == (DANA.id, "declared INC-42: fan failure on worker-01")
    assert words[2] == (DANA.id, "confirmed, by rule four eyes")
    assert ("", "the migration is Running") in words
    assert words[-1] == ("", "succeeded, the VM is on worker-05")
    assert [moment.at for moment in timeline] == sorted(moment.at for moment in timeline)
    assert not told.open


async def test_declaring_a_waiting_plan_makes_a_revision_that_one_confirm_starts(app: App) -> None:
    await app.service.propose(USUAL, MEI, OPS)
    await app.service.confirm("p1", 1, RAVI)
    after = await app.service.declare("p1", 1, "INC-42", "fan failure", DANA)
    assert (after.state, after.revision, after.approvers) == (PlanState.PROPOSED, 2, ())
    assert await refused(app.service.confirm("p1", 1, DANA)) == "old-card"
    await app.service.confirm("p1", 2, DANA)
    assert (await app.until(lambda plan: not plan.state.value.startswith("a"))).state is PlanState.RUNNING
    await app.until(lambda plan: plan.state is PlanState.SUCCEEDED)


async def test_nobody_else_may_declare_or_confirm_it(app: App) -> None:
    assert await refused(app.service.propose(URGENT, RAVI, OPS)) == "not-allowed"
    await app.service.propose(USUAL, MEI, OPS)
    for actor in (RAVI, MEI):
        assert await refused(app.service.declare("p1", 1, "INC-42", "fan failure", actor)) == "not-allowed"
    await app.service.declare("p1", 1, "INC-42", "fan failure", DANA)
    assert await refused(app.service.confirm("p1", 2, RAVI)) == "not-allowed"
    assert await app.migrations() == ()


async def test_without_a_rule_for_it_there_is_no_incident_mode(app: App) -> None:
    app.rules.current = Policy(rules=(FOUR_EYES.model_copy(update={"incident": None}),))
    assert await refused(app.service.propose(URGENT, DANA, OPS)) == "not-allowed"


async def test_a_rule_that_denies_and_a_block_hold_in_an_incident_too(app: App) -> None:
    await app.cordon("worker-05")
    blocked = await app.service.propose(URGENT, DANA, OPS)
    assert blocked.plan.blocked
    assert await refused(app.service.confirm("p1", 1, DANA)) == "blocked"
    app.rules.current = Policy(rules=(FOUR_EYES, Rule(name="freeze", deny="No moves today.")))
    assert await refused(app.service.propose(URGENT, DANA, OPS)) == "not-allowed"


async def test_a_cost_that_somebody_would_have_to_accept_does_not_hold_it_up(app: App) -> None:
    """Two VMs that would be down: usually somebody accepts that first."""
    two = BatchRequest(
        moves=tuple(MoveRequest(vm=vm, target="worker-05", type=MoveType.COLD) for vm in ("web-01", "web-02")),
        incident="INC-42",
        reason="fan failure",
    )
    declared = await app.service.propose(two, DANA, OPS)
    assert declared.plan.consents
    assert declared.unaccepted == ()
    assert (await app.service.confirm("p1", 1, DANA)).state is PlanState.APPROVED


async def test_who_was_passed_over_can_deny_it(app: App) -> None:
    await app.service.propose(URGENT, DANA, OPS)
    denied = await app.service.deny("p1", 1, "worker-05 is next", MEI)
    assert denied.state is PlanState.DENIED
    told = await wait(app, 0)
    assert told.incident is not None
    assert (told.incident.timeline or ())[-1].text == "denied: worker-05 is next"


async def test_it_counts_for_its_time_and_then_it_is_over(app: App) -> None:
    await app.service.propose(URGENT, DANA, OPS)
    assert (await wait(app, 29)).state is PlanState.PROPOSED
    ended = await wait(app, 1)
    assert ended.state is PlanState.EXPIRED
    assert await refused(app.service.confirm("p1", 1, DANA)) == "already-decided"
    assert ended.incident is not None
    assert ended.incident.timeline


async def test_drift_makes_it_no_longer(app: App) -> None:
    """A changed cluster wants a new look at it, within the time that was declared."""
    await app.service.propose(URGENT, DANA, OPS)
    app.clock.advance(25 * 60)
    await app.cordon("worker-05")
    assert await refused(app.service.confirm("p1", 1, DANA)) == "drifted"
    current = await app.plan()
    assert current.incident is not None
    assert current.expires_at == current.incident.until


async def test_whoever_is_no_longer_on_call_before_the_write_starts_nothing(app: App) -> None:
    await app.service.propose(URGENT, DANA, OPS)
    app.people.now[DANA.id] = DANA.model_copy(update={"channel_member": False})
    await app.service.confirm("p1", 1, DANA)
    ended = await app.until(lambda plan: plan.state is PlanState.CANCELED)
    assert "may no longer" in ended.note
    assert await app.migrations() == ()


async def test_plan_again_and_modify_make_a_usual_plan_of_it(app: App) -> None:
    await app.service.propose(URGENT, DANA, OPS)
    changed = await app.service.modify("p1", 1, USUAL, RAVI)
    assert (changed.incident, changed.quorum.needed) == (None, 2)
    again = await app.service.plan_again("p1", RAVI, OPS)
    assert again.incident is None


async def test_a_plan_for_later_that_becomes_an_incidents_waits_for_no_time_nor_does_what_follows_it(app: App) -> None:
    for_later = USUAL.model_copy(update={"when": When(after=timedelta(hours=1))})
    await app.service.propose(for_later, DANA, OPS)
    declared = await app.service.declare("p1", 1, "INC-42", "fan failure", DANA)
    assert (declared.schedule, declared.plan.request.when) == (None, None)
    again = await app.service.plan_again("p1", DANA, OPS)
    assert (again.schedule, again.plan.request.when) == (None, None)


async def test_an_incident_without_a_reason_is_none(app: App) -> None:
    await app.service.propose(USUAL, MEI, OPS)
    assert await refused(app.service.declare("p1", 1, "INC-42", "  ", DANA)) == "no-reason"
    assert await refused(app.service.propose(URGENT.model_copy(update={"reason": None}), DANA, OPS)) == "no-reason"


async def test_the_audit_names_the_rule_that_let_them(app: App) -> None:
    await app.service.propose(URGENT, DANA, OPS)
    await app.service.confirm("p1", 1, DANA)
    assert app.audited("action", "rule", "incident") == [
        ("declare an incident", "four eyes", "INC-42"),
        ("confirm", "four eyes", "INC-42"),
    ]
