"""Approvals are looked at again before the first write, and requests are limited."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot import approval, policy
from bot.audit import JsonLines
from bot.authority import Authority
from bot.errors import BotError
from bot.migration import PlanState
from bot.plan import Consent
from bot.policy import Action, Actor, Confirm, Match, Policy, Rule
from bot.record import Record
from bot.request import BatchRequest, MoveRequest
from bot.throttle import Most, Throttle
from k8s.errors import Forbidden
from tests.bot.conftest import App
from tests.clocks import StandingClock
from tests.facts import DANA, LENA, MEI, NOW, OPS, OTTO, RAVI, WEB, Acquaintances, proposed

FOUR_EYES = Policy(rules=(Rule(name="four eyes", request=("channel",), confirm=Confirm(who=("@sre",), count=2)),))


class Fixed:
    """Rules that do not change."""

    def __init__(self, current: Policy = FOUR_EYES) -> None:
        self.current = current


def sre(actor: Actor) -> Actor:
    return actor.model_copy(update={"groups": ("@sre",)})


def authority(people: Acquaintances, where: str = "") -> Authority:
    return Authority(Fixed(), people, JsonLines(where, StandingClock()))


async def approved(judge: Authority) -> Record:
    current = proposed()
    quorum = await judge.quorum(current.plan, current.place)
    for approver in (sre(RAVI), sre(MEI)):
        decision = judge.authorize(approver, Action.CONFIRM, current.plan, current.place)
        current = approval.confirm(current, approver, decision, NOW, quorum)
    assert current.state is PlanState.APPROVED
    return current


async def test_who_has_left_the_group_no_longer_counts() -> None:
    people = Acquaintances()
    current = await approved(authority(people))
    assert (await authority(people).again(current, current.plan)).enough(current)
    people.now[MEI.id] = MEI
    holds = await authority(people).again(current, current.plan)
    assert (holds.enough(current), [actor.id for actor in holds.lost]) == (False, [MEI.id])
    assert "@sre" in holds.why


@pytest.mark.parametrize("became", [LENA, OTTO, BotError("not-a-person", "gone", "")])
async def test_a_requester_who_may_no_longer_ask_ends_it(became: Actor | BotError) -> None:
    people = Acquaintances()
    current = await approved(authority(people))
    people.now[DANA.id] = became
    holds = await authority(people).again(current, current.plan)
    assert holds.requester
    assert not holds.enough(current)


async def test_when_the_chat_does_not_say_nobody_decides() -> None:
    people = Acquaintances()
    current = await approved(authority(people))
    people.now[RAVI.id] = BotError("slack-unsure", "Slack does not say", "")
    with pytest.raises(BotError) as unsure:
        await authority(people).again(current, current.plan)
    assert unsure.value.code == "slack-unsure"


async def test_an_approval_that_is_lost_before_the_write_sends_the_plan_back(app: App) -> None:
    app.people.now[RAVI.id] = RAVI.model_copy(update={"channel_member": False})
    await app.begin()
    back = await app.until(lambda plan: plan.state is PlanState.PROPOSED and bool(plan.note))
    assert (back.revision, back.approvers) == (1, ())
    assert await app.migrations() == ()


async def test_a_plan_whose_requester_lost_the_right_is_canceled(app: App) -> None:
    app.people.now[DANA.id] = BotError("not-a-person", "Only people with an active account may do this.", "")
    await app.begin()
    ended = await app.until(lambda plan: plan.state is PlanState.CANCELED)
    assert "active account" in ended.note
    assert await app.migrations() == ()


async def test_while_the_chat_does_not_say_who_somebody_is_nothing_starts(app: App) -> None:
    app.people.now[RAVI.id] = BotError("slack-unsure", "Slack does not tell me who you are right now.", "")
    await app.begin()
    await app.until(lambda plan: plan.state is PlanState.LAPSED, seconds=700, step=20)
    assert await app.migrations() == ()


async def test_every_decision_is_a_line_of_the_audit(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    judge = authority(Acquaintances(), str(file))
    current = await approved(judge)
    decision = judge.authorize(sre(RAVI), Action.CONFIRM, current.plan, current.place)
    judge.done(sre(RAVI), Action.CONFIRM, decision, "confirmed", current)
    with pytest.raises(BotError):
        judge.authorize(DANA, Action.CONFIRM, current.plan, current.place, "p1")
    yes, no = (json.loads(line) for line in file.read_text().splitlines())  # a test's own file
    assert (yes["user"], yes["team"], yes["rule"], yes["allowed"]) == ("U0RAVI", "T0HOME", "four eyes", True)
    assert (yes["plan"], yes["revision"], yes["fingerprint"]) == ("p1", 1, current.plan.fingerprint)
    assert (no["user"], no["action"], no["allowed"], no["plan"]) == ("U0DANA", "confirm", False, "p1")
    assert (yes["done"], no["done"]) == ("confirmed", None)


async def test_a_confirm_of_ones_own_that_does_not_count_is_a_line_of_the_audit(app: App) -> None:
    app.rules.current = Policy(rules=(Rule(name="others", request=("channel",), confirm=Confirm(who=("channel",))),))
    await app.service.propose(MoveRequest(vm="web-01", target="worker-05"), DANA, OPS)
    with pytest.raises(BotError):
        await app.service.confirm("p1", 1, DANA)
    assert app.audited("action", "allowed", "rule", "plan")[1:] == [("confirm", False, "others", "p1")]


async def test_the_audit_says_what_came_of_it(app: App) -> None:
    downs = tuple(MoveRequest(vm=name, namespace="production") for name in ("app-vm", "web-server"))
    await app.service.propose(BatchRequest(moves=downs, target="worker-05"), DANA, OPS)
    await app.service.accept("p1", 1, Consent.DOWNTIME, RAVI)
    await app.cordon("worker-05")
    with pytest.raises(BotError):
        await app.service.confirm("p1", 1, RAVI)
    assert app.audited("action", "done", "revision") == [
        ("request", "proposed", 1),
        ("confirm", "accepted", 1),
        ("confirm", "drifted", 2),
    ]


def test_requests_are_limited_by_person_and_by_channel() -> None:
    throttle = Throttle(Most(by_person=2, in_channel=3))
    for actor in (DANA, DANA, RAVI):
        throttle.take(actor, OPS, NOW)
    for actor in (DANA, MEI):
        with pytest.raises(BotError) as refused:
            throttle.take(actor, OPS, NOW + timedelta(seconds=59))
        assert refused.value.code == "too-many-requests"
    throttle.take(DANA, OPS, NOW + timedelta(seconds=60))


def test_open_plans_are_limited_by_person() -> None:
    throttle = Throttle(Most(open_plans=2))
    throttle.check_open(DANA, [proposed()])
    throttle.check_open(RAVI, [proposed(), proposed()])
    with pytest.raises(BotError):
        throttle.check_open(DANA, [proposed(), proposed()])


def test_the_built_in_rule_needs_no_policy_file() -> None:
    assert policy.decide(DANA, Action.CONFIRM).rule == policy.BUILT_IN_RULE


async def test_an_event_on_the_vm_says_who_had_it_moved(app: App) -> None:
    await app.begin()
    await app.created()
    events = (await app.call("GET", "/api/v1/namespaces/production/events"))["items"]
    (said,) = [event for event in events if event["reason"] == "MoveApproved"]
    assert said["involvedObject"]["kind"] == "VirtualMachine"
    assert "Plan p1 revision 1: live move to worker-05" in said["message"]
    assert "requested by T0HOME/U0DANA, approved by T0HOME/U0RAVI" in said["message"]


async def test_annotations_of_the_vm_say_it_too_and_stay(app: App) -> None:
    await app.begin()
    await app.created()
    vm = await app.cluster.vm(WEB)
    assert vm is not None
    assert vm.annotations["vm-migrate-bot/last-plan"] == "p1"
    assert vm.annotations["vm-migrate-bot/requested-by"] == DANA.id
    assert vm.annotations["vm-migrate-bot/approved-by"] == RAVI.id


@pytest.mark.parametrize("call", ["create_event", "patch_vm"])
async def test_a_cluster_that_takes_no_such_words_stops_nothing(
    app: App, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbidden(*_: object) -> None:
        raise Forbidden("no", verb="create", resource="events")

    monkeypatch.setattr(app.cluster, call, forbidden)  # rights that an operator has not given
    await app.begin()
    ended = await app.until(lambda plan: not plan.open)
    assert ended.state is PlanState.SUCCEEDED


@pytest.mark.parametrize(
    ("who", "asking", "able"),
    [
        ((("@sre",),), (), 2),
        ((("@sre",),), (RAVI,), 1),
        ((("@sre", "U0LEAD"),), (), 3),
        ((("@sre", "channel"),), (RAVI,), None),
        ((("@gone",),), (), None),
        ((("@sre",), ("channel",)), (RAVI,), 1),
        ((("@sre",), ("U0MEI", "U0LEAD")), (), 1),
    ],
)
async def test_how_many_could_confirm_is_counted_where_the_chat_tells(
    who: tuple[tuple[str, ...], ...], asking: tuple[Actor, ...], able: int | None
) -> None:
    rules = Policy(
        rules=tuple(
            Rule(
                name=f"r{number}",
                match=Match(namespaces=(f"n{number}",)),
                request=("channel",),
                confirm=Confirm(who=each, count=2),
            )
            for number, each in enumerate(who)
        )
    )
    move = proposed().plan.moves[0]
    moves = tuple(move.model_copy(update={"namespace": f"n{number}"}) for number in range(len(who)))
    planned = proposed().plan.model_copy(update={"moves": moves})
    quorum = await Authority(Fixed(rules), Acquaintances(), JsonLines("", StandingClock())).quorum(planned, OPS, asking)
    assert (quorum.able, quorum.hopeless) == (able, able is not None and able < 2)
