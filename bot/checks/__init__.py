"""Preflight: may this VM move there, in this way?

Each check is a small pure function from the facts to findings; all of them run, none stops at the first. A `block`
takes the Confirm button away and says what would work instead; a `warn` is shown; an `info` is shown when it matters.
A check whose facts could not be read says so and blocks nothing. `checks` judges what the cluster would accept as far
as the facts tell; it does not promise that a move succeeds.
"""

from collections.abc import Iterator

from bot.checks import capacity, cpu, migration, node, ownership, placement, storage, vm
from bot.checks.finding import NOT_CHECKED, Check, Finding, Severity, block
from bot.checks.migration import led
from bot.checks.placement import frees_pin, own_rules
from bot.checks.storage import TYPE_UNDECIDED, access_modes, choose_type, undecided, unshared_claims
from bot.request import FORM, MoveType
from k8s.snapshots import Facts

__all__ = [
    "CHECKS",
    "NOT_CHECKED",
    "NO_TARGET",
    "TYPE_UNDECIDED",
    "Check",
    "Finding",
    "Severity",
    "access_modes",
    "choose_type",
    "elsewhere",
    "frees_pin",
    "judge",
    "led",
    "of_target",
    "own_rules",
    "run",
    "undecided",
    "unshared_claims",
]

NO_TARGET = "no-target"
"""Code of the finding that a cold move lacks its node."""


def _cold_needs_target(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A cold move is a pin: without a node there is nothing to pin to."""
    if facts.target is None:
        yield block(
            NO_TARGET,
            "A cold move needs a target node: the VM is pinned to it before it starts.",
            f"Name one, for example: {FORM} --cold",
        )


CHECKS: tuple[Check, ...] = (
    vm.CHECKS[0],
    Check("a target is named", _cold_needs_target, frozenset({MoveType.COLD})),
    *vm.CHECKS[1:],
    *storage.CHECKS,
    *migration.CHECKS,
    *node.CHECKS,
    *placement.CHECKS,
    *cpu.CHECKS,
    *capacity.CHECKS,
    *ownership.CHECKS,
)


def judge(facts: Facts, type_: MoveType, *, replace_rules: bool = False) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """All findings, blocks first; and what is said of the checks that found nothing.

    With `replace_rules` a cold move may give up rules that contradict its target.
    """
    found: list[Finding] = []
    passed: list[str] = []
    for check in (*CHECKS, _rules(type_, replace_rules=replace_rules), migration.ADMISSION):
        if not check.applies(facts, type_) or (check is migration.ADMISSION and not _asked(facts, found)):
            continue
        said = check.findings(facts, type_)
        found += said
        passed += [] if said else [check.passed]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity))), tuple(passed)


def run(facts: Facts, type_: MoveType, *, replace_rules: bool = False) -> tuple[Finding, ...]:
    """All findings, blocks first."""
    return judge(facts, type_, replace_rules=replace_rules)[0]


def of_target(facts: Facts, type_: MoveType, *, replace_rules: bool = False) -> tuple[Finding, ...]:
    """What is said of the chosen node alone: another one may pass."""
    asked = (*CHECKS, _rules(type_, replace_rules=replace_rules))
    return tuple(finding for check in asked if check.of_target for finding in check.findings(facts, type_))


def elsewhere(facts: Facts) -> Iterator[Finding]:
    """What keeps a node from taking a VM that is between two nodes already; its rules are looked at apart."""
    for check in CHECKS:
        if check.of_target:
            yield from (f for f in check.findings(facts, MoveType.COLD) if f.severity is Severity.BLOCK)


def _rules(type_: MoveType, *, replace_rules: bool) -> Check:
    return placement.REPLACED if replace_rules and type_ is MoveType.COLD else placement.RULES


def _asked(facts: Facts, found: list[Finding]) -> bool:
    """The cluster's answer counts where it was asked, and where nothing of ours says the same in better words."""
    return facts.admission is not None and not any(finding.severity is Severity.BLOCK for finding in found)
