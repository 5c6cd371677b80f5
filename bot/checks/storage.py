"""Disks: whether two nodes can hold them at once, and whether the target reaches them. Live or cold follows from it."""

from collections.abc import Iterator

from bot.checks.finding import LIVE, Check, Finding, block, not_checked, warn
from bot.checks.migratable import translated
from bot.obstacles import ASK_COLD
from bot.request import MoveType
from k8s import placement
from k8s.names import CONDITION_LIVE_MIGRATABLE, READ_ONLY_MANY, READ_WRITE_MANY
from k8s.snapshots import Claim, Facts, Placement

TYPE_UNDECIDED = "type-undecided"
"""Code of the finding that leaves the choice between live and cold to people."""


def access_modes(facts: Facts) -> dict[str, tuple[str, ...]]:
    """The VM's PVCs with their access modes; none where neither the PVC nor the VMI tells them.

    Without the one in which KubeVirt keeps the state of a TPM or EFI: where that is not shared, KubeVirt makes a second
    one for a live move (pkg/storage/backend-storage).
    """
    modes: dict[str, tuple[str, ...]] = dict.fromkeys(facts.vm.claims, ())
    modes |= {claim.ref.name: claim.access_modes for claim in facts.claims}
    of_vmi = facts.vmi.claims if facts.vmi else {}
    modes |= {name: tuple(given) or modes.get(name, ()) for name, given in of_vmi.items()}
    return {name: given for name, given in modes.items() if not name.startswith(_OF_KUBEVIRT)}


_OF_KUBEVIRT = "persistent-state-for-"


def unshared_claims(facts: Facts) -> tuple[str, ...]:
    """PVCs known to keep a VM from moving live: not ReadWriteMany (KubeVirt pkg/storage/types/pvc.go). Where KubeVirt
    says that it can, two nodes may also read one, such as the base of an ephemeral disk."""
    can = facts.vmi is not None and facts.vmi.holds(CONDITION_LIVE_MIGRATABLE)
    enough = {READ_WRITE_MANY, READ_ONLY_MANY} if can else {READ_WRITE_MANY}
    modes = access_modes(facts).items()
    return tuple(sorted(name for name, given in modes if given and not enough & set(given)))


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
    finding = block(
        TYPE_UNDECIDED,
        f"I cannot tell whether it can move live: KubeVirt does not say so (no {CONDITION_LIVE_MIGRATABLE} condition), "
        f"and the access modes of disk {', '.join(unknown)} cannot be read.",
        "Choose: live (--live) keeps it running, or is refused; cold (--cold) works with any disk, and stops it.",
        "VMI conditions and PVCs",
    )
    return (finding,)


def live_migratable(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Disks first, in words that name the disk; else the reason that KubeVirt itself gives."""
    if facts.vmi is None:
        return
    condition = facts.vmi.condition(CONDITION_LIVE_MIGRATABLE)
    if unshared := unshared_claims(facts):
        yield block(
            "disk-not-shared",
            f"It cannot move live: disk {', '.join(unshared)} can be attached to one node only (not ReadWriteMany).",
            ASK_COLD,
            "PVC access modes",
        )
    elif condition and condition.status == "False":
        yield translated(condition)


def reachable(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A volume with a node affinity (local disk, zone) keeps the launcher pod from where it cannot be reached."""
    if facts.target is None:
        return
    made_anew = {claim.volume for claim in facts.claims if type_ is MoveType.LIVE and _is_left(claim)}
    for volume in facts.volumes:
        if volume.name in made_anew:
            continue
        rules = Placement(affinity={"nodeAffinity": {placement.REQUIRED: volume.required}} if volume.required else None)
        if placement.objections(rules, facts.target):
            yield block(
                "disk-unreachable",
                f"Its volume {volume.name} cannot be reached from {facts.target.name}.",
                "Choose a node that the volume allows; a local disk has to be copied first.",
                f"PersistentVolume {volume.name}, spec.nodeAffinity",
            )
    bound = {claim.volume for claim in facts.claims if claim.volume}
    if unread := sorted(bound - {volume.name for volume in facts.volumes}):
        yield not_checked(f"whether {facts.target.name} reaches volume {', '.join(unread)}", "I may not read it")


def _is_left(claim: Claim) -> bool:
    """Whether a live move leaves it behind: state of KubeVirt's own for which it makes another."""
    return claim.ref.name.startswith(_OF_KUBEVIRT) and READ_WRITE_MANY not in claim.access_modes


def bound(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A VM whose PVC is missing or lost does not start again, or with an empty one: nothing that runs is stopped for
    that. What only the VMI has is hotplugged, and no part of the next start."""
    known = {claim.ref.name: claim for claim in facts.claims}
    for name in sorted(access_modes(facts)):
        claim = known.get(name)
        stops = type_ is MoveType.COLD and facts.vmi is not None and name in facts.vm.claims
        say = block if stops else warn
        if claim is None:
            text = f"Its disk {name} has no PVC now: after a stop it would not start."
            yield say("disk-missing", text, "Look at that PVC first.", f"PVC {name}")
        elif claim.phase == "Lost":
            text = f"Its disk {name} has lost its volume: after a stop it would not start."
            yield say("disk-lost", text, "Restore the volume first.", f"PVC {name}, phase")


CHECKS = (
    Check("its disks are shared, and KubeVirt says that it can move live", live_migratable, LIVE),
    Check("its disks exist", bound),
    Check("the target reaches its disks", reachable, of_target=True),
)
