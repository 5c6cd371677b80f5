"""A plan: what exactly will be done, frozen, so that what people approve is what runs.

`build` turns a request and the facts into a Plan of 1..n moves. A move carries its steps as data, its findings and the
`proof` of what was judged: named parts that must still hold when somebody confirms and before the first write. Loads,
counters and resourceVersions are no part of it; `drift` names what has changed in words that a card can show.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from bot import checks
from bot.checks import Finding, Severity
from bot.errors import BotError
from bot.instead import Instead, ways
from bot.load import Shift, shifts
from bot.request import BatchRequest, MoveRequest, MoveType, Pace, Planned
from k8s import placement
from k8s.names import CONDITION_AGENT, READ_WRITE_MANY
from k8s.snapshots import Facts, Node, Placement, VirtualMachine


class StepKind(StrEnum):
    """What the executor can do. Each kind has one function there and one line on the cards."""

    PROVE = "prove"
    """Read again; stop when what was approved no longer holds."""
    MIGRATE = "migrate"
    """Create the VMIM."""
    FOLLOW = "follow"
    """Watch it to its end."""
    VERIFY = "verify"
    """Read where the VM really runs."""

    STOP = "stop"
    """Note the originals on the VM and stop it."""
    GONE = "gone"
    """Wait until the guest and its pod are gone."""
    START = "start"
    """Pin it to the target and start it."""
    ARRIVE = "arrive"
    """Watch it come up."""
    PLACE = "place"
    """Pin a VM that does not run; it stays stopped."""
    RETURN = "return"
    """Give it back what it had before, and start it."""


LIVE_STEPS = (StepKind.PROVE, StepKind.MIGRATE, StepKind.FOLLOW, StepKind.VERIFY)
COLD_STEPS = (StepKind.PROVE, StepKind.STOP, StepKind.GONE, StepKind.START, StepKind.ARRIVE, StepKind.VERIFY)
PLACE_STEPS = (StepKind.PROVE, StepKind.PLACE)
HOME_STEPS = (StepKind.STOP, StepKind.GONE, StepKind.RETURN, StepKind.ARRIVE, StepKind.VERIFY)
"""The way back of a cold move that did not work out."""


def steps_of(type_: MoveType, *, runs: bool) -> tuple[StepKind, ...]:
    """The steps of a move; a cold move of a VM that does not run only places it."""
    if type_ is MoveType.LIVE:
        return LIVE_STEPS
    return COLD_STEPS if runs else PLACE_STEPS


_RULES = "placement rules"
_FINDINGS = "findings"
"""Names of parts of the proof."""
_WEIGHTS = (Severity.INFO, Severity.WARN, Severity.BLOCK)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Target(_Frozen):
    """The chosen node. `hostname` is its label's value, which is what a selector must name."""

    name: str
    uid: str
    hostname: str


class Disk(_Frozen):
    """A PVC of the VM with its access modes."""

    name: str
    access_modes: tuple[str, ...]
    """Empty where they could not be read."""

    @property
    def shared(self) -> bool:
        """Whether two nodes can attach it for writing at once."""
        return READ_WRITE_MANY in self.access_modes


class Replaced(_Frozen):
    """The VM's own rules that do not allow the target, and that its pin takes the place of."""

    selector_keys: tuple[str, ...]
    """Keys of the nodeSelector."""
    node_terms: bool
    """The required node affinity."""

    def is_part_of(self, approved: "Replaced | None") -> bool:
        """Whether nothing is given up here that is not given up there."""
        return approved is not None and (
            set(self.selector_keys) <= set(approved.selector_keys) and self.node_terms <= approved.node_terms
        )


class Drift(_Frozen):
    """One thing that is no longer as it was judged."""

    what: str
    before: str
    now: str


class Estimate(_Frozen):
    """Downtimes that the bot has measured itself. A hint, no part of what is approved: tomorrow it may be another."""

    p50: timedelta
    p95: timedelta
    count: int
    own: bool
    """Measured on this very VM; else over all VMs."""


class Move(_Frozen):
    """One VM in a plan."""

    namespace: str
    vm: str
    status: str
    """`printableStatus`, as the cluster words it."""
    source: str
    """Node that it runs on; empty when it does not run."""
    target: Target | None
    """None leaves the choice to the scheduler."""
    type: MoveType
    why_type: str
    replaces: Replaced | None = None
    """Cold, where people chose it: rules that do not hold as long as the pin stays."""
    disks: tuple[Disk, ...]
    memory_bytes: int
    vcpus: int
    steps: tuple[StepKind, ...]
    findings: tuple[Finding, ...]
    proof: dict[str, str]
    labels: dict[str, str] = {}
    """The VM's, for the rules about who may."""
    estimate: Estimate | None = None
    """Cold: None where too few moves were measured."""
    led: bool = False
    """Live: a pin leads it to the target and is taken off at the end, since this KubeVirt cannot be told the node."""
    frees_pin: bool = False
    """Live: a pin that an earlier move of ours has left on the VM is removed first."""
    cli: str = "kubectl"
    """The command that people have on this cluster: `oc` on OpenShift."""
    agent: bool = False
    """The guest agent was connected: it should be again after the move."""
    passed: tuple[str, ...] = ()
    """What is said of the checks that found nothing."""
    shifts: tuple[Shift, ...] = ()
    """Source and target before and after, as far as they are known. Loads are no part of what is approved."""
    instead: Instead = Instead()
    """What would work where it is blocked."""

    @property
    def blocked(self) -> bool:
        """Whether anything forbids to run it."""
        return any(finding.severity is Severity.BLOCK for finding in self.findings)

    @property
    def undecided(self) -> bool:
        """Whether people have to say first if it moves live or cold; `type` is then only what was looked at."""
        return any(finding.code == checks.TYPE_UNDECIDED for finding in self.findings)

    @property
    def key(self) -> str:
        """The VM, for locks and logs."""
        return f"{self.namespace}/{self.vm}"

    @property
    def target_name(self) -> str:
        """The target for a sentence."""
        if self.target:
            return self.target.name
        return "a node to be chosen" if self.type is MoveType.COLD else "a node that the scheduler chooses"


class LeftOut(_Frozen):
    """A VM that was asked for and is not in the plan, and why. Nothing is dropped in silence."""

    namespace: str
    """Empty where no VM of that name was found."""
    vm: str
    why: str
    remedy: str = ""


class Consent(StrEnum):
    """What a batch may cost that people accept separately, before Confirm."""

    DOWNTIME = "downtime"
    """Several VMs are down one after the other."""
    OVERCOMMIT = "overcommit"
    """More memory is promised to VMs than a node has."""


class Plan(_Frozen):
    """What one card asks approval for."""

    request: Planned
    channel_namespace: bool = False
    """The namespace is the one that is meant in this channel, since several have a VM of that name."""
    found_namespace: bool
    """The namespace was not given but found, because only one has a VM of that name."""
    moves: tuple[Move, ...]
    """In the order in which they run."""
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[Finding, ...] = ()
    """About all of it; never blocks."""
    pace: Pace = Pace()
    nodes: tuple[Shift, ...] = ()
    """The nodes that it touches, before and after all of it; what is not known of is left out."""

    @property
    def blocked(self) -> bool:
        """A plan with a move that must not run is not confirmed at all."""
        return any(move.blocked for move in self.moves)

    @property
    def batch(self) -> bool:
        """Whether several VMs were asked for, however many of them are left."""
        return isinstance(self.request, BatchRequest)

    @property
    def consents(self) -> tuple[Consent, ...]:
        """What must be accepted before anybody can confirm."""
        down = sum(StepKind.STOP in move.steps for move in self.moves)
        asked = {Consent.DOWNTIME: down > 1, Consent.OVERCOMMIT: any(node.overcommitted for node in self.nodes)}
        return tuple(consent for consent, needed in asked.items() if needed and self.batch)

    def asked(self, index: int) -> MoveRequest:
        """The request for one of its moves alone."""
        if isinstance(self.request, MoveRequest):
            return self.request
        move = self.moves[index]
        target = move.target.name if move.target else None
        return MoveRequest(
            vm=move.vm,
            namespace=move.namespace,
            target=target,
            type=move.type,
            replace_rules=move.replaces is not None,
            reason=self.request.reason,
        )

    def with_target(self, index: int, target: Target) -> "Plan":
        """The same with another target for one move."""
        diverted = self.moves[index].model_copy(update={"target": target})
        return self.model_copy(update={"moves": (*self.moves[:index], diverted, *self.moves[index + 1 :])})

    @property
    def fingerprint(self) -> str:
        """One short word for all that is approved; equal exactly when the proofs are equal."""
        proofs = json.dumps([move.proof for move in self.moves], sort_keys=True)
        return hashlib.sha256(proofs.encode()).hexdigest()[:16]


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


def read_again(before: Move, now: Move) -> Move:
    """The move as it is now, with what only its planning could tell: why this type, and the downtimes to expect."""
    return now.model_copy(update={"why_type": before.why_type, "estimate": before.estimate})


def drift(before: Move, now: Move) -> tuple[Drift, ...]:
    """What has changed between two readings of the same move, in the order of the proof. A warning or block that has
    gone is for the better, and no change: in a batch an earlier move may have made it go."""
    names = [*before.proof, *(name for name in now.proof if name not in before.proof)]
    changed = tuple(
        Drift(what=name, before=before.proof.get(name, "none"), now=now.proof.get(name, "none"))
        for name in names
        if name != _FINDINGS and before.proof.get(name) != now.proof.get(name)
    )
    worse = "; ".join(finding.text for finding in _worse(before.findings, now.findings))
    return (*changed, Drift(what=_FINDINGS, before="none of these", now=worse)) if worse else changed


def _worse(before: Iterable[Finding], now: Iterable[Finding]) -> list[Finding]:
    """What weighs more than anything of its code did; an information never does."""
    told: dict[str, int] = {}
    for finding in before:
        told[finding.code] = max(told.get(finding.code, 0), _WEIGHTS.index(finding.severity))
    return [finding for finding in now if _WEIGHTS.index(finding.severity) > told.get(finding.code, 0)]


def changes(before: Plan, now: Plan) -> tuple[Drift, ...]:
    """What people have asked for otherwise, as it was understood."""
    was, wanted = _wishes(before), _wishes(now)
    return tuple(
        Drift(what=what, before=was.get(what, "none"), now=wanted.get(what, "none"))
        for what in dict.fromkeys((*was, *wanted))
        if was.get(what) != wanted.get(what)
    )


def _wishes(planned: Plan) -> dict[str, str]:
    request = planned.request
    why = request.reason or "none"
    if isinstance(request, BatchRequest):
        going = {move.key: f"to {move.target_name}, {move.type}" for move in planned.moves}
        order = ", ".join(move.vm for move in planned.moves) if request.as_listed else "smallest first"
        return {**going, "order": order, "pace": str(planned.pace), "reason": why}
    move = planned.moves[0]
    return {
        "VM": move.key,
        "target": move.target.name if move.target else "the scheduler decides",
        "type": move.type.value if request.type is None else f"{request.type.value}, as asked for",
        "rules of the VM": "replaced" if request.replace_rules else "kept",
        "reason": why,
    }


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


OWN_ENOUGH = 3
"""Measured moves of a VM from which on they say more about it than those of all others."""
ALL_ENOUGH = 5
"""Measured moves of any VMs from which on they say more than a rule of thumb."""


def estimate(own: Sequence[timedelta], of_all: Sequence[timedelta]) -> Estimate | None:
    """What the downtimes of one VM, or else those of all VMs, let expect; None when both are too few."""
    if len(own) >= OWN_ENOUGH:
        return _estimate(own, own=True)
    return _estimate(of_all, own=False) if len(of_all) >= ALL_ENOUGH else None


def _estimate(measured: Sequence[timedelta], *, own: bool) -> Estimate:
    """Percentiles by nearest rank: each is a downtime that there was."""
    ranked = sorted(measured)
    p50, p95 = (ranked[math.ceil(share * len(ranked) / 100) - 1] for share in (50, 95))
    return Estimate(p50=p50, p95=p95, count=len(ranked), own=own)


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
        _FINDINGS: ", ".join(codes) or "none",
    }


def _placement(rules: Placement) -> str:
    parts = {
        "affinity": rules.affinity,
        "nodeSelector": dict(rules.node_selector or {}),
        "tolerations": rules.tolerations,
    }
    given = {name: value for name, value in parts.items() if value}
    return json.dumps(given, sort_keys=True) if given else "none"
