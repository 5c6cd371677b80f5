"""The shape of a plan: its moves, their steps, and what people are told of them."""

import hashlib
import json
from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from bot import checks
from bot.checks import Finding, Severity
from bot.instead import Instead
from bot.load import Shift
from bot.request import BatchRequest, MoveRequest, MoveType, Pace, Planned
from k8s.names import READ_WRITE_MANY


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
