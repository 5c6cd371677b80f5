"""A plan is what was judged; its fingerprint changes exactly when something that people approved changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import plan
from bot.checks import Finding, Severity
from bot.plan import Estimate, Move, StepKind
from bot.request import MoveRequest, MoveType
from k8s.snapshots import Capabilities, Claim, Condition, Facts, Placement, Ref
from tests.facts import ASKED, facts, node, with_vmi


def test_a_live_plan_proves_migrates_follows_and_verifies() -> None:
    (move,) = plan.build(ASKED, facts()).moves
    assert move.steps == (StepKind.PROVE, StepKind.MIGRATE, StepKind.FOLLOW, StepKind.VERIFY)
    assert (move.key, move.source, move.type) == ("production/web-01", "worker-01", MoveType.LIVE)


def test_the_target_is_known_by_its_hostname_label_too() -> None:
    (move,) = plan.build(ASKED, facts(target=node(hostname="worker-05.example.com"))).moves
    assert move.target is not None
    assert (move.target.name, move.target.hostname) == ("worker-05", "worker-05.example.com")


def test_the_same_facts_have_the_same_fingerprint() -> None:
    assert plan.build(ASKED, facts()).fingerprint == plan.build(ASKED, facts()).fingerprint


@pytest.mark.parametrize(
    ("world", "what"),
    [
        (lambda: facts(vm=replace(facts().vm, uid="other")), "VM"),
        (lambda: with_vmi(uid="other"), "running instance"),
        (lambda: with_vmi(node="worker-02"), "current node"),
        (lambda: facts(target=node(uid="reinstalled")), "target node"),
        (lambda: facts(target=node(hostname="renamed")), "target hostname label"),
        (lambda: facts(vm=replace(facts().vm, run_strategy="Manual")), "run strategy"),
        (lambda: facts(vm=replace(facts().vm, placement=Placement(node_selector={"zone": "a"}))), "placement rules"),
        (lambda: facts(claims=(*facts().claims, Claim(Ref("production", "more"), ("ReadWriteMany",)))), "disks"),
        (lambda: facts(target=node(cordoned=True)), "findings"),
    ],
)
def test_what_people_approved_and_has_changed_is_named(world: Callable[[], Facts], what: str) -> None:
    before, now = plan.build(ASKED, facts()), plan.build(ASKED, world())
    assert before.fingerprint != now.fingerprint
    assert [change.what for change in plan.drift(before.moves[0], now.moves[0])] == [what]


@pytest.mark.parametrize(
    "world",
    [
        lambda: facts(vm=replace(facts().vm, resource_version="9", labels={"a": "b"})),
        lambda: with_vmi(conditions=(Condition("LiveMigratable", "True"), Condition("Ready", "False"))),
        lambda: facts(capabilities=Capabilities("v1.9.1", added_node_selector=True, rollout_strategy="Stage")),
        lambda: facts(source=node("worker-01", labels={"x": "y"})),
    ],
)
def test_loads_counters_and_labels_are_no_part_of_it(world: Callable[[], Facts]) -> None:
    assert plan.drift(plan.build(ASKED, facts()).moves[0], plan.build(ASKED, world()).moves[0]) == ()


def move_with(*found: tuple[str, Severity]) -> Move:
    (move,) = plan.build(ASKED, facts()).moves
    findings = tuple(Finding(code=code, severity=severity, text=f"{code} {severity}") for code, severity in found)
    codes = ", ".join(finding.code for finding in findings)
    return move.model_copy(update={"findings": findings, "proof": move.proof | {"findings": codes}})


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [
        ([], [("a", Severity.INFO)], ""),
        ([], [("a", Severity.WARN)], "a warn"),
        ([("a", Severity.INFO)], [("a", Severity.WARN)], "a warn"),
        ([("a", Severity.WARN)], [], ""),
        ([("a", Severity.WARN)], [("a", Severity.WARN), ("a", Severity.WARN)], ""),
        ([("a", Severity.WARN)], [("a", Severity.BLOCK), ("b", Severity.WARN)], "a block; b warn"),
        ([("a", Severity.BLOCK)], [("a", Severity.WARN)], ""),
        ([("a", Severity.BLOCK), ("b", Severity.WARN)], [("b", Severity.BLOCK)], "b block"),
    ],
)
def test_a_warning_that_is_gone_is_no_change_and_one_that_blocks_by_now_is(
    before: list[tuple[str, Severity]], now: list[tuple[str, Severity]], worse: str
) -> None:
    assert "; ".join(change.now for change in plan.drift(move_with(*before), move_with(*now))) == worse


def test_a_blocked_plan_is_a_plan() -> None:
    assert plan.build(ASKED, facts(target=node(cordoned=True))).blocked


def test_without_a_target_the_scheduler_decides() -> None:
    planned = plan.build(MoveRequest(vm="web-01"), facts(target=None))
    assert planned.moves[0].target is None
    assert not planned.blocked


def spans(*seconds: int) -> list[timedelta]:
    return [timedelta(seconds=each) for each in seconds]


def test_a_vm_with_enough_moves_of_its_own_is_judged_by_them() -> None:
    expected = plan.estimate(spans(70, 50, 60), spans(70, 50, 60, 10, 10, 10))
    assert expected == Estimate(p50=timedelta(seconds=60), p95=timedelta(seconds=70), count=3, own=True)


def test_a_vm_with_too_few_moves_of_its_own_is_judged_by_those_of_all() -> None:
    expected = plan.estimate(spans(70, 50), spans(70, 50, 10, 20, 30))
    assert expected == Estimate(p50=timedelta(seconds=30), p95=timedelta(seconds=70), count=5, own=False)


def test_too_few_moves_give_no_estimate() -> None:
    assert plan.estimate(spans(70, 50), spans(70, 50, 10, 20)) is None


def test_one_outlier_of_many_is_not_the_worst_that_is_told() -> None:
    expected = plan.estimate((), spans(*[20] * 39, 3600))
    assert expected is not None
    assert (expected.p50, expected.p95) == (timedelta(seconds=20), timedelta(seconds=20))


@given(st.lists(st.timedeltas(timedelta(0), timedelta(hours=1)), min_size=5))
def test_percentiles_are_measured_values_in_their_order(measured: list[timedelta]) -> None:
    expected = plan.estimate((), measured)
    assert expected is not None
    assert min(measured) <= expected.p50 <= expected.p95 <= max(measured)
    assert {expected.p50, expected.p95} <= set(measured)


def test_an_estimate_is_no_part_of_what_is_approved() -> None:
    before = plan.build(ASKED, facts())
    measured = before.moves[0].model_copy(update={"estimate": plan.estimate((), spans(1, 2, 3, 4, 5))})
    now = before.model_copy(update={"moves": (measured,)})
    assert plan.drift(before.moves[0], measured) == ()
    assert now.fingerprint == before.fingerprint


def test_a_plan_whose_type_nobody_can_tell_is_blocked_until_somebody_says_it() -> None:
    world = replace(with_vmi(conditions=(), claims={}), claims=(Claim(Ref("production", "web-01-rootdisk"), ()),))
    (move,) = plan.build(ASKED, world).moves
    assert (move.blocked, move.undecided, [disk.access_modes for disk in move.disks]) == (True, True, [()])
    for type_ in MoveType:
        (said,) = plan.build(ASKED.model_copy(update={"type": type_}), world).moves
        assert (said.blocked, said.undecided, said.type) == (False, False, type_)
