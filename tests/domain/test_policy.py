"""Who may do what: every action by every kind of person under every outcome of a rule."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot import policy
from bot.policy import Action, Actor, Case, Confirm, Match, Policy, Rule, Subject, Waiver
from bot.request import MoveType

OPS = "C0OPS"
ASKS, SAYS_YES = {Action.REQUEST}, {Action.CONFIRM, Action.DENY}
AROUND = {Action.MODIFY, Action.CANCEL, Action.CALL_OFF, Action.CLEAN_UP, Action.UNPIN}


def person(user: str, *groups: str, own: bool = True, member: bool = True) -> Actor:
    return Actor(user=user, team="T0", own_workspace=own, channel_member=member, groups=groups)


PEOPLE = {
    "requester by group": person("U0A", "@oncall"),
    "approver by group": person("U0B", "@sre"),
    "approver by id": person("U0LEAD"),
    "answerer": person("U0FORCE"),
    "on call": person("U0CALL"),
    "member without a group": person("U0C"),
    "approver outside the channel": person("U0LEAD", "@sre", "@oncall", member=False),
    "approver of another organisation": person("U0LEAD", "@sre", "@oncall", own=False),
}
MAY: dict[str, set[Action]] = {
    "requester by group": ASKS | AROUND,
    "approver by group": SAYS_YES | AROUND,
    "approver by id": SAYS_YES | AROUND,
    "answerer": {Action.ANSWER},
    "on call": {Action.INCIDENT},
}

ALLOWS = Rule(
    name="allows",
    match=Match(namespaces=("prod-*",)),
    request=("@oncall",),
    confirm=Confirm(who=("@sre", "U0LEAD"), count=2),
    allow={Action.ANSWER: ("U0FORCE",)},
    incident=Waiver(who=("U0CALL",)),
)
ELSEWHERE = ALLOWS.model_copy(update={"name": "elsewhere", "channels": ("C0ELSE",)})
DENIES = Rule(name="denies", deny="Not from chat.")
OPEN = Rule(name="open", request=("channel",), confirm=Confirm(who=("channel",), own=True))

OUTCOMES = {
    "allows": Policy(rules=(ALLOWS,)),
    "denies": Policy(rules=(ALLOWS, DENIES)),
    "other channel": Policy(rules=(ELSEWHERE,)),
    "no rule": Policy(rules=(ALLOWS.model_copy(update={"match": Match(namespaces=("dev",))}),)),
}


def subject(namespace: str = "prod-a", **changes: object) -> Subject:
    return Subject.model_validate(
        {"namespace": namespace, "type": MoveType.LIVE, "target": "worker-05", "labels": {}} | changes
    )


def case(*subjects: Subject, channel: str = OPS) -> Case:
    return Case(subjects=subjects or (subject(),), channel=channel)


@pytest.mark.parametrize(("action", "kind", "outcome"), list(product(Action, PEOPLE, OUTCOMES)))
def test_only_what_a_rule_gives_is_allowed(action: Action, kind: str, outcome: str) -> None:
    decision = OUTCOMES[outcome].decide(PEOPLE[kind], action, case())
    assert decision.allowed is (outcome == "allows" and action in MAY.get(kind, set()))
    assert decision.rule
    assert decision.allowed or (decision.reason and decision.remedy)


def test_a_denial_wins_wherever_it_stands_and_says_its_reason() -> None:
    for rules in ((DENIES, OPEN), (OPEN, DENIES)):
        refused = Policy(rules=rules).decide(PEOPLE["approver by group"], Action.REQUEST, case())
        assert (refused.allowed, refused.rule, refused.reason) == (False, "denies", "Not from chat.")


@pytest.mark.parametrize(
    ("match", "holds"),
    [
        ({}, True),
        ({"namespaces": ["prod-?"]}, True),
        ({"namespaces": ["dev", "PROD-*"]}, False),
        ({"labels": {"protected": "true"}}, True),
        ({"labels": {"protected": "true", "tier": "gold"}}, False),
        ({"types": ["cold"]}, False),
        ({"targets": ["worker-0*"]}, True),
        ({"targets": ["gpu-*"]}, False),
        ({"moves_from": 2}, False),
        ({"channels": ["C0OPS"]}, True),
        ({"channels": ["C0ELSE"]}, False),
        ({"namespaces": ["prod-*"], "types": ["cold"]}, False),
    ],
)
def test_everything_that_a_match_names_must_hold(match: dict[str, object], *, holds: bool) -> None:
    judged = case(subject(labels={"protected": "true"}))
    assert Match.model_validate(match).takes(judged.subjects[0], judged) is holds


def test_of_several_moves_each_is_judged_and_the_strictest_quorum_holds() -> None:
    slow = ALLOWS.model_copy(update={"name": "slow", "expires_minutes": 60.0, "match": Match(namespaces=("prod-b",))})
    quick = OPEN.model_copy(update={"name": "quick", "expires_minutes": 15.0, "match": Match(namespaces=("dev",))})
    both = case(subject("prod-b"), subject("dev"))
    rules = Policy(rules=(slow, quick))
    quorum = rules.quorum(both)
    assert (quorum.needed, quorum.own_counts, quorum.valid_for) == (2, False, timedelta(minutes=15))
    assert quorum.who == (("@sre", "U0LEAD"), ("channel",))
    assert rules.decide(PEOPLE["approver by group"], Action.CONFIRM, both).rule == "slow, quick"
    assert not rules.decide(PEOPLE["member without a group"], Action.CONFIRM, both).allowed
    assert not rules.decide(PEOPLE["approver by group"], Action.CONFIRM, case(*both.subjects, subject("other"))).allowed


@given(st.permutations([ALLOWS, ELSEWHERE, DENIES, OPEN]), st.sampled_from(list(PEOPLE)), st.sampled_from(Action))
def test_no_order_of_rules_gets_round_a_denial(rules: list[Rule], kind: str, action: Action) -> None:
    assert not Policy(rules=tuple(rules)).decide(PEOPLE[kind], action, case()).allowed


GPU = Match(targets=("gpu-*",))
NO_TARGET = subject(target="")


def test_a_move_that_may_go_anywhere_is_judged_by_every_rule_about_a_target_that_it_could_get() -> None:
    two = ALLOWS.model_copy(update={"name": "two", "match": GPU})
    never = DENIES.model_copy(update={"match": GPU})
    to_workers = OPEN.model_copy(update={"name": "workers", "match": Match(targets=("worker-*",))})
    somebody = PEOPLE["approver by group"]

    def judged(*rules: Rule) -> tuple[bool, int]:
        made = Policy(rules=rules)
        return made.decide(somebody, Action.CONFIRM, case(NO_TARGET)).allowed, made.quorum(case(NO_TARGET)).needed

    assert judged(two, OPEN) == (True, 2)
    assert judged(OPEN, two) == (True, 1), "the first rule takes it wherever it goes"
    assert judged(never, OPEN) == (False, 1)
    assert "Name a node" in Policy(rules=(never, OPEN)).decide(somebody, Action.CONFIRM, case(NO_TARGET)).remedy
    assert judged(to_workers) == (False, 1), "it may go elsewhere, for which there is no rule"
    assert judged(to_workers, OPEN) == (True, 1)
    named = case(subject(target="worker-05"))
    assert Policy(rules=(two, OPEN)).quorum(named).needed == 1
    assert Policy(rules=(never, OPEN)).decide(somebody, Action.CONFIRM, named).allowed


def test_an_incident_needs_a_waiver_of_every_rule_and_the_shortest_time_holds() -> None:
    other = OPEN.model_copy(update={"name": "b", "match": Match(namespaces=("b",))})
    waiver = Waiver(who=("U0CALL", "@x"), minutes=5)
    waived = other.model_copy(update={"name": "c", "match": Match(namespaces=("c",)), "incident": waiver})
    rules = Policy(rules=(ALLOWS, other, waived))
    on_call = person("U0CALL")
    assert not rules.decide(on_call, Action.INCIDENT, case(subject(), subject("b"))).allowed
    assert rules.quorum(case(subject(), subject("b"))).incident == ()
    both = case(subject(), subject("c"))
    assert rules.decide(on_call, Action.INCIDENT, both).allowed
    assert rules.quorum(both).incident == (("U0CALL",), ("U0CALL", "@x"))
    quorum = rules.incident_quorum(both)
    assert (quorum.needed, quorum.own_counts, quorum.valid_for) == (1, True, timedelta(minutes=5))
    assert quorum.who == (("U0CALL",), ("U0CALL", "@x"))
    assert "@x" in rules.groups


def test_without_a_case_any_rule_will_do_unless_one_denies_everything() -> None:
    rules = Policy(rules=(ALLOWS, DENIES.model_copy(update={"match": Match(namespaces=("dev",))})))
    assert rules.decide(PEOPLE["requester by group"], Action.REQUEST).allowed
    assert not rules.decide(PEOPLE["member without a group"], Action.REQUEST).allowed
    assert OUTCOMES["denies"].decide(PEOPLE["requester by group"], Action.REQUEST).reason == "Not from chat."


def test_the_groups_of_all_rules_are_named_for_the_edge() -> None:
    assert Policy(rules=(ALLOWS, OPEN)).groups == {"@sre", "@oncall"}
    assert policy.BUILT_IN.groups == frozenset()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "says nothing"},
        {"name": "nobody approves", "request": ["channel"]},
        {"name": "both", "deny": "no", "request": ["channel"]},
        {"name": "by name", "request": ["ravi"], "confirm": {"who": ["channel"]}},
        {"name": "nobody", "request": ["channel"], "confirm": {"who": []}},
        {"name": "none needed", "request": ["channel"], "confirm": {"who": ["channel"], "count": 0}},
        {
            "name": "round about",
            "request": ["channel"],
            "confirm": {"who": ["@sre"]},
            "allow": {"confirm": ["channel"]},
        },
        {"name": "typo", "request": ["channel"], "confirm": {"who": ["@sre"]}, "chanels": ["C0OPS"]},
    ],
)
def test_a_rule_that_says_too_little_or_too_much_is_none(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(wrong)
