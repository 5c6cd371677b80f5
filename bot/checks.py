"""Preflight: may this VM move there, in this way?

Each check is a small pure function from the facts to findings; all of them run, none stops at the first. A `block`
takes the Confirm button away and says what would work instead; a `warn` is shown; an `info` is shown when it matters.
`checks` judges what the cluster would accept as far as the facts tell; it does not promise that a move succeeds.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from bot.request import FORM, MoveType
from k8s import placement
from k8s.names import CONDITION_LIVE_MIGRATABLE, CONDITION_PAUSED, READ_WRITE_MANY
from k8s.note import read_note
from k8s.snapshots import Facts, Placement, VirtualMachine


class Severity(StrEnum):
    """How much a finding weighs."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


class Finding(BaseModel):
    """One check's result. `code` is stable and part of what people approve."""

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Severity
    text: str
    remedy: str = ""


Check = Callable[[Facts, MoveType], Iterator[Finding]]


TYPE_UNDECIDED = "type-undecided"
"""Code of the finding that leaves the choice between live and cold to people."""


def access_modes(facts: Facts) -> dict[str, tuple[str, ...]]:
    """The VM's PVCs with their access modes; none where neither the PVC nor the VMI tells them."""
    modes: dict[str, tuple[str, ...]] = dict.fromkeys(facts.vm.claims, ())
    modes |= {claim.ref.name: claim.access_modes for claim in facts.claims}
    of_vmi = facts.vmi.claims if facts.vmi else {}
    return modes | {name: tuple(given) or modes.get(name, ()) for name, given in of_vmi.items()}


def unshared_claims(facts: Facts) -> tuple[str, ...]:
    """PVCs known to lack ReadWriteMany: they keep a VM from moving live (KubeVirt pkg/storage/types/pvc.go)."""
    modes = access_modes(facts).items()
    return tuple(sorted(name for name, given in modes if given and READ_WRITE_MANY not in given))


def _unknown_claims(facts: Facts) -> tuple[str, ...]:
    return tuple(sorted(name for name, given in access_modes(facts).items() if not given))


def choose_type(facts: Facts, asked: MoveType | None) -> tuple[MoveType, str]:
    """Live or cold, and why. What was asked for wins; whether it can work is for the checks to say."""
    if asked:
        return asked, "as asked for"
    live = facts.vmi.condition(CONDITION_LIVE_MIGRATABLE) if facts.vmi else None
    if live and live.status == "False":
        return MoveType.COLD, f"KubeVirt says that it cannot move live: {live.reason}"
    if unshared := unshared_claims(facts):
        return MoveType.COLD, f"disk {unshared[0]} is not ReadWriteMany"
    if unknown := _unknown_claims(facts):
        why = "KubeVirt says that it can" if live and live.status == "True" else f"disk {unknown[0]} cannot be read"
        return MoveType.LIVE, why
    return MoveType.LIVE, "all its disks are shared" if access_modes(facts) else "it has no persistent disk"


def undecided(facts: Facts, asked: MoveType | None) -> tuple[Finding, ...]:
    """Nobody has said live or cold, and neither KubeVirt nor the disks tell: a guess could cost a downtime or fail."""
    if asked or facts.vmi is None or facts.vmi.condition(CONDITION_LIVE_MIGRATABLE) or unshared_claims(facts):
        return ()
    unknown = _unknown_claims(facts)
    if not unknown:
        return ()
    finding = _block(
        TYPE_UNDECIDED,
        f"I cannot tell whether it can move live: KubeVirt does not say so (no {CONDITION_LIVE_MIGRATABLE} condition), "
        f"and the access modes of disk {', '.join(unknown)} cannot be read.",
        "Choose: live (--live) keeps it running, or is refused; cold (--cold) works with any disk, and stops it.",
    )
    return (finding,)


def run(facts: Facts, type_: MoveType, *, replace_rules: bool = False) -> tuple[Finding, ...]:
    """All findings, blocks first. With `replace_rules` a cold move may give up rules that contradict its target."""
    rules = replaced_rules if replace_rules and type_ is MoveType.COLD else placement_rules
    found = [finding for check in (*CHECKS, rules) for finding in check(facts, type_)]
    if type_ is MoveType.LIVE and not any(finding.severity is Severity.BLOCK for finding in found):
        found += admission(facts)
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def _block(code: str, text: str, remedy: str) -> Finding:
    return Finding(code=code, severity=Severity.BLOCK, text=text, remedy=remedy)


def cold_needs_target(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A cold move is a pin: without a node there is nothing to pin to."""
    if type_ is MoveType.COLD and facts.target is None:
        yield _block(
            "no-target",
            "A cold move needs a target node: the VM is pinned to it before it starts.",
            f"Name one, for example: {FORM} --cold",
        )


def vm_deleting(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A VM with a deletionTimestamp is on its way out."""
    if facts.vm.deleting:
        yield _block("vm-deleting", f"{facts.vm.ref.name} is being deleted.", "There is nothing left to move.")


def vm_running(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Only a running VMI can move live: admission says "does not exist" or "finalized", or it waits in Pending."""
    if facts.vm.deleting:
        return
    if facts.vmi is None:
        if type_ is MoveType.LIVE:
            yield _stopped(facts)
    elif facts.vmi.phase != "Running" or facts.vmi.deleting:
        phase = "shutting down" if facts.vmi.deleting else facts.vmi.phase
        yield _block(
            "vm-not-ready", f"{facts.vm.ref.name} is {phase}, not Running.", "Wait until it runs, then ask again."
        )


def _stopped(facts: Facts) -> Finding:
    return _block(
        "vm-stopped",
        f"{facts.vm.ref.name} is not running (status {facts.vm.printable_status}).",
        "Start it first, or place it with --cold: it will then start on that node.",
    )


def live_migratable(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Disks first, in words that name the disk; else the reason that KubeVirt itself gives."""
    if type_ is not MoveType.LIVE or facts.vmi is None:
        return
    condition = facts.vmi.condition(CONDITION_LIVE_MIGRATABLE)
    if unshared := unshared_claims(facts):
        yield _block(
            "disk-not-shared",
            f"It cannot move live: disk {', '.join(unshared)} can be attached to one node only (not ReadWriteMany).",
            "A cold move works with any disk: it stops the VM for about 30-60 s.",
        )
    elif condition and condition.status == "False":
        yield _block(
            "not-live-migratable",
            f"It cannot move live: {condition.message or condition.reason} ({condition.reason}).",
            "A cold move may work: it stops the VM for about 30-60 s.",
        )


def in_flight(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """KubeVirt takes one migration per VMI at a time."""
    for migration in facts.migrations:
        if not migration.final:
            yield _block(
                "in-flight",
                f"A migration of it is already running: {migration.ref.name} ({migration.phase or 'just created'}).",
                "Wait until that one has ended.",
            )


def already_there(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Somebody has moved it there meanwhile; a migration to its own node would hang for five minutes and fail."""
    if facts.vmi and facts.target and facts.vmi.node == facts.target.name:
        yield _block("already-there", f"It is on {facts.target.name} already.", "There is nothing left to do.")


def target_usable(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """The seed's fourth validation: the node is Ready and takes new pods."""
    node = facts.target
    if node is None:
        return
    if not node.ready:
        yield _block("target-not-ready", f"{node.name} is not Ready.", "Choose another node.")
    if node.cordoned:
        yield _block(
            "target-cordoned",
            f"{node.name} is cordoned: it takes no new pods.",
            f"Choose another node, or uncordon it: kubectl uncordon {node.name}",
        )


def source_ready(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A live move copies memory out of a living node; conditions of the VM go on saying Running when it is dead."""
    if type_ is MoveType.LIVE and facts.source is not None and not facts.source.ready:
        yield _block(
            "source-not-ready",
            f"Its node {facts.source.name} is not Ready; memory cannot be copied from it.",
            "Recover the node first.",
        )


def named_target_possible(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Before KubeVirt 1.6 the API drops `addedNodeSelector` in silence and the VM lands anywhere."""
    if type_ is MoveType.LIVE and facts.target is not None and not facts.capabilities.added_node_selector:
        version = facts.capabilities.kubevirt_version
        yield _block(
            "no-named-target",
            f"KubeVirt {version} cannot send a live move to a chosen node (1.6 and newer can).",
            "Ask without a node and let the scheduler decide.",
        )


def admission(facts: Facts) -> Iterator[Finding]:
    """The cluster's own answer to a dry run; asked last, since our own blocks say the same in better words."""
    if facts.admission and not facts.admission.accepted:
        yield _block(
            "admission",
            f"The cluster would refuse it: {facts.admission.message}",
            "Nothing was changed. Its reason names what is in the way.",
        )


def placement_rules(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """The VM's own nodeSelector and required node affinity must allow the target; a pin can only narrow them.

    Live: what the running VMI demands. Cold: what the VM's template demands, without an older pin of ours.
    """
    if facts.target is None:
        return
    rules = own_rules(facts.vm) if type_ is MoveType.COLD or not facts.vmi else facts.vmi.placement
    if against := placement.objections(rules, facts.target):
        way_on = "have them replaced while it is pinned" if type_ is MoveType.COLD else "change the VM's rules first"
        yield _block(
            "rules-contradict",
            f"The VM's own rules do not allow {facts.target.name}: {'; '.join(against)}.",
            f"Choose a node that they allow, or {way_on}.",
        )


def replaced_rules(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Instead of `placement_rules`, where people chose it: the pin takes the place of what contradicts the target."""
    if facts.target and (against := placement.objections(own_rules(facts.vm), facts.target)):
        yield Finding(
            code="rules-replaced",
            severity=Severity.WARN,
            text=f"This move replaces rules of the VM that do not allow {facts.target.name}: {'; '.join(against)}.",
            remedy="They come back when the pin is removed, and the VM's next start follows them again.",
        )


def own_rules(vm: VirtualMachine) -> Placement:
    """What a VM demands, without an older pin of ours."""
    note = read_note(vm)
    return note.own_rules(vm.placement) if note else vm.placement


def older_pin(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A pin that an earlier cold move of ours has left is replaced; the first original stays the original."""
    note = read_note(facts.vm)
    if note and type_ is MoveType.COLD:
        yield Finding(
            code="older-pin",
            severity=Severity.INFO,
            text=f"The VM still carries our pin to {note.hostname}; this move replaces it.",
        )


def disks_reachable(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A volume with a node affinity (local disk, zone) keeps the VM from starting where it cannot be reached."""
    if type_ is not MoveType.COLD or facts.target is None:
        return
    for volume in facts.volumes:
        rules = Placement(affinity={"nodeAffinity": {placement.REQUIRED: volume.required}} if volume.required else None)
        if placement.objections(rules, facts.target):
            yield _block(
                "disk-unreachable",
                f"Its volume {volume.name} cannot be reached from {facts.target.name}.",
                "Choose a node that the volume allows; a local disk has to be copied first.",
            )


def elsewhere(facts: Facts) -> Iterator[Finding]:
    """What keeps a node from taking a VM that is between two nodes already."""
    yield from target_usable(facts, MoveType.COLD)
    yield from disks_reachable(facts, MoveType.COLD)


def paused(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A paused guest can migrate and stays paused (KubeVirt PR 5384); it cannot answer a shutdown."""
    condition = facts.vmi.condition(CONDITION_PAUSED) if facts.vmi else None
    if condition is None or condition.status != "True":
        return
    if type_ is MoveType.LIVE:
        yield Finding(
            code="paused", severity=Severity.INFO, text="The VM is paused, and will be paused after the move."
        )
        return
    text = "The VM is paused: it cannot shut down by itself, and it will run after the move."
    yield Finding(code="paused", severity=Severity.WARN, text=text, remedy="Unpause it first if you can.")


CHECKS: tuple[Check, ...] = (
    vm_deleting,
    cold_needs_target,
    vm_running,
    live_migratable,
    in_flight,
    source_ready,
    already_there,
    target_usable,
    named_target_possible,
    disks_reachable,
    older_pin,
    paused,
)
