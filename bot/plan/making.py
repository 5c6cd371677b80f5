"""From a request and the facts to a plan, total: a move that must not run becomes one with blocks."""

import json

from bot import checks
from bot.checks import Finding, Severity
from bot.errors import BotError
from bot.instead import ways
from bot.load import shifts
from bot.plan.shape import Disk, Move, Plan, Replaced, Target, steps_of
from bot.request import MoveRequest, MoveType
from k8s import placement
from k8s.names import CONDITION_AGENT
from k8s.snapshots import Facts, Node, Placement, VirtualMachine

_RULES = "placement rules"
FINDINGS = "findings"
"""Names of parts of the proof."""


def build(request: MoveRequest, facts: Facts) -> Plan:
    """Judge the facts and lay down the plan. Total: a move that must not run becomes a plan with blocks."""
    return Plan(request=request, found_namespace=request.namespace is None, moves=(judged(request, facts),))


def judged(request: MoveRequest, facts: Facts) -> Move:
    """One move with all that its facts say about it."""
    type_, why = checks.choose_type(facts, request.type)
    found, passed = checks.judge(facts, type_, replace_rules=request.replace_rules)
    findings = (*checks.undecided(facts, request.type), *found)
    replaced = _replaced(facts) if request.replace_rules and type_ is MoveType.COLD else None
    guest = facts.vmi.guest if facts.vmi else facts.vm.guest
    return Move(
        namespace=facts.vm.ref.namespace,
        vm=facts.vm.ref.name,
        status=facts.vm.printable_status,
        source=facts.vmi.node if facts.vmi else "",
        target=_target(facts.target),
        type=type_,
        why_type=why,
        replaces=replaced,
        disks=_disks(facts),
        memory_bytes=guest.memory_bytes,
        vcpus=guest.vcpus,
        steps=steps_of(type_, runs=facts.vmi is not None),
        findings=findings,
        labels=dict(facts.vm.labels),
        proof=_proof(facts, type_, findings) | _proof_of(replaced),
        led=checks.led(facts, type_),
        cli=facts.capabilities.cli,
        frees_pin=checks.frees_pin(facts, type_),
        agent=_agent(facts),
        passed=passed,
        shifts=shifts(facts),
        instead=ways(facts, type_, findings),
    )


def elsewhere(move: Move, facts: Facts) -> tuple[Target, Replaced | None]:
    """Another target for a cold move under way. Raises BotError where the node cannot take the VM, or would need more
    of its rules replaced than people have approved."""
    node, target = facts.target, _target(facts.target)
    assert node is not None, "it was asked for by name"
    assert target is not None
    for finding in checks.elsewhere(facts):
        raise BotError("bad-node", finding.text, finding.remedy)
    wanted = _replaced(facts)
    if wanted and not wanted.is_part_of(move.replaces):
        against = "; ".join(placement.objections(checks.own_rules(facts.vm), node))
        raise BotError(
            "bad-node", f"The VM's own rules do not allow {node.name}: {against}.", "Choose a node that they allow."
        )
    return target, wanted


def has_approved_rules(move: Move, vm: VirtualMachine) -> bool:
    """Whether the VM's own placement rules are those that were judged."""
    return move.proof[_RULES] == _placement(checks.own_rules(vm))


def _agent(facts: Facts) -> bool:
    condition = facts.vmi.condition(CONDITION_AGENT) if facts.vmi else None
    return condition is not None and condition.status == "True"


def _target(node: Node | None) -> Target | None:
    return Target(name=node.name, uid=node.uid, hostname=node.hostname) if node else None


def _replaced(facts: Facts) -> Replaced | None:
    if facts.target is None:
        return None
    rules = checks.own_rules(facts.vm)
    keys, allowed = placement.unmet_keys(rules, facts.target), placement.terms_allow(rules, facts.target)
    return None if allowed and not keys else Replaced(selector_keys=tuple(sorted(keys)), node_terms=not allowed)


def _proof_of(replaced: Replaced | None) -> dict[str, str]:
    if replaced is None:
        return {}
    terms = ("required node affinity",) if replaced.node_terms else ()
    return {"rules to replace": ", ".join((*(f"nodeSelector {key}" for key in replaced.selector_keys), *terms))}


def _disks(facts: Facts) -> tuple[Disk, ...]:
    modes = checks.access_modes(facts)
    return tuple(Disk(name=name, access_modes=modes[name]) for name in sorted(modes))


def _proof(facts: Facts, type_: MoveType, findings: tuple[Finding, ...]) -> dict[str, str]:
    codes = sorted(finding.code for finding in findings if finding.severity is not Severity.INFO)
    running = "" if facts.vm.running is None else f"running: {str(facts.vm.running).lower()}"
    return {
        "VM": facts.vm.uid,
        "running instance": facts.vmi.uid if facts.vmi else "none",
        "current node": facts.vmi.node if facts.vmi else "none",
        "target node": f"{facts.target.name} ({facts.target.uid})" if facts.target else "the scheduler decides",
        "target hostname label": facts.target.hostname if facts.target else "none",
        "type": type_.value,
        "run strategy": facts.vm.run_strategy or running,
        _RULES: _placement(checks.own_rules(facts.vm)),
        "disks": ", ".join(f"{disk.name} ({'+'.join(disk.access_modes)})" for disk in _disks(facts)) or "none",
        FINDINGS: ", ".join(codes) or "none",
    }


def _placement(rules: Placement) -> str:
    parts = {
        "affinity": rules.affinity,
        "nodeSelector": dict(rules.node_selector or {}),
        "tolerations": rules.tolerations,
    }
    given = {name: value for name, value in parts.items() if value}
    return json.dumps(given, sort_keys=True) if given else "none"
