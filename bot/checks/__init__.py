"""Preflight: may this VM move there, in this way?

Each check is a small pure function from the facts to findings; all of them run, none stops at the first. A `block`
takes the Confirm button away and says what would work instead; a `warn` is shown; an `info` is shown when it matters.
A check whose facts could not be read says so and blocks nothing. `checks` judges what the cluster would accept as far
as the facts tell; it does not promise that a move succeeds.
"""

from collections.abc import Iterator
from dataclasses import replace

from bot.checks import capacity, cpu, migration, node, ownership, placement, storage, vm
from bot.checks.finding import COLD, LIVE, NOT_CHECKED, Check, Finding, Severity, block
from bot.checks.migration import led
from bot.checks.placement import frees_pin, own_rules
from bot.checks.storage import TYPE_UNDECIDED, access_modes, choose_type, undecided, unshared_claims
from bot.request import FORM, MoveType
from k8s.names import LABEL_SCHEDULABLE
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


def _nowhere(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A live move without a target needs a second node that can take the VM: else its pod waits five minutes and the
    migration fails. Of the nodes that were read no more may be known than what they are themselves."""
    if not facts.survey.whole or facts.vmi is None:
        return
    against: list[Finding] = []
    for other in facts.survey.nodes:
        if other.name != facts.vmi.node and LABEL_SCHEDULABLE in other.labels:
            found = [each for each in of_target(replace(facts, target=other), type_) if _keeps_out(each)]
            if not found:
                return
            against.append(found[0])
    source = f"Nodes with label {LABEL_SCHEDULABLE}"
    if not against:
        text = "Only one node of this cluster runs VMs; a live move needs a second one."
        yield block("single-node", text, "Add a node. Before maintenance of this one, stop the VM.", source)
        return
    reasons = " ".join(each.text for each in against[:_SAID])
    more = f" Nor can {len(against) - _SAID} more." if len(against) > _SAID else ""
    yield block("no-node", f"No other node can take it. {reasons}{more}", "Mend what keeps one of them first.", source)


def _keeps_out(finding: Finding) -> bool:
    """Also where the scheduler chooses the node, whom nobody has to name it."""
    return finding.severity is Severity.BLOCK and finding.code not in {"no-named-target", "no-hostname"}


_SAID = 3
"""Nodes of which the reason is given."""

CHECKS: tuple[Check, ...] = (
    vm.CHECKS[0],
    Check("a target is named", _cold_needs_target, COLD),
    *vm.CHECKS[1:],
    *storage.CHECKS,
    *migration.CHECKS,
    *node.CHECKS,
    Check("another node can take it", _nowhere, LIVE, untargeted=True),
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
