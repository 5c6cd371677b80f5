"""Whether the rules that people and KubeVirt have given agree with the target: selectors, affinity, taints, pins."""

from collections.abc import Iterator

from bot.checks.finding import COLD, Check, Finding, block, info, not_checked, warn
from bot.request import MoveType
from k8s import neighbours, placement
from k8s.names import CONDITION_RESTART_REQUIRED, LABEL_APP, LABEL_VM_NAME, LAUNCHER
from k8s.neighbours import Newcomer, Surroundings
from k8s.note import Note, read_note
from k8s.snapshots import Facts, Placement, VirtualMachine


def own_rules(vm: VirtualMachine) -> Placement:
    """What a VM demands, without an older pin of ours."""
    note = read_note(vm)
    return note.own_rules(vm.placement) if note else vm.placement


def frees_pin(facts: Facts, type_: MoveType) -> bool:
    """Whether an older pin of ours is taken off before a live move: only where that reaches the guest that runs, under
    LiveUpdate (recorded: affinity-liveupdate), not under Stage or where a restart is due (recorded: rollout-stage)."""
    restart = facts.vm.holds(CONDITION_RESTART_REQUIRED)
    follows = facts.capabilities.rollout_strategy == "LiveUpdate" and not restart
    return type_ is MoveType.LIVE and facts.vmi is not None and read_note(facts.vm) is not None and follows


def rules_in_force(facts: Facts, type_: MoveType) -> Placement:
    """Live: what the running VMI demands. Cold: what the template demands. A pin of ours that goes first is no rule."""
    if type_ is MoveType.COLD or not facts.vmi:
        return own_rules(facts.vm)
    note = read_note(facts.vm) if frees_pin(facts, type_) else None
    return note.own_rules(facts.vmi.placement) if note else facts.vmi.placement


def rules(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """The VM's own nodeSelector and required node affinity must allow the target; a pin can only narrow them."""
    if facts.target is None:
        return
    against = placement.objections(rules_in_force(facts, type_), facts.target)
    note = read_note(facts.vm)
    if against and note and type_ is MoveType.LIVE and not placement.objections(own_rules(facts.vm), facts.target):
        yield _held(note)
    elif against:
        way_on = "have them replaced while it is pinned" if type_ is MoveType.COLD else "change the VM's rules first"
        yield block(
            "rules-contradict",
            f"The VM's own rules do not allow {facts.target.name}: {'; '.join(against)}.",
            f"Choose a node that they allow, or {way_on}.",
            "VM nodeSelector and nodeAffinity",
        )


def _held(note: Note) -> Finding:
    return block(
        "own-pin",
        f"The VM still carries my pin to {note.hostname}, of plan {note.plan}, and the guest would keep it until its "
        "next restart, even if I removed it now.",
        "Move it cold, which replaces the pin; or remove the pin (/vm-migrate pins) and restart the VM first.",
        "VM annotation of mine; vmRolloutStrategy and RestartRequired",
    )


def replaced(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Instead of `rules`, where people chose it: the pin takes the place of what contradicts the target."""
    if facts.target and (against := placement.objections(own_rules(facts.vm), facts.target)):
        yield warn(
            "rules-replaced",
            f"This move replaces rules of the VM that do not allow {facts.target.name}: {'; '.join(against)}.",
            "They come back when the pin is removed, and the VM's next start follows them again.",
            "VM nodeSelector and nodeAffinity",
        )


def taints(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A cordon and a node that is not Ready are taints too, and said elsewhere in better words."""
    node = facts.target
    if node is None:
        return
    tolerations = rules_in_force(facts, type_).tolerations
    said = (node.cordoned and _CORDON, not node.ready and _DEAD)
    for taint in placement.untolerated(tolerations, node):
        if not any(prefix and str(taint.get("key")).startswith(prefix) for prefix in said):
            yield block(
                "taint",
                f"{node.name} has a taint that the VM does not tolerate: {placement.taint_words(taint)}.",
                "Choose another node, or add a toleration to the VM.",
                f"Node {node.name}, spec.taints",
            )
    for taint in placement.untolerated(tolerations, node, placement.SOFT):
        yield warn(
            "taint-soft",
            f"{node.name} asks pods to stay away: {placement.taint_words(taint)}.",
            "Choose another node, unless that is meant.",
            f"Node {node.name}, spec.taints",
        )


_CORDON = "node.kubernetes.io/unschedulable"
_DEAD = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def apart(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Anti-affinity: the VM's own rules about pods near it, and those of the pods that are there already."""
    node = facts.target
    if node is None:
        return
    if node.name not in facts.survey.pods:
        yield not_checked(f"which pods on {node.name} keep it away", "I may not read them")
        return
    around = _around(facts, type_)
    if other := around.repelled(node):
        yield block(
            "anti-affinity",
            f"{other.vmi or other.ref.name} on {other.node} keeps it away from {node.name}: they are to be apart (pod "
            "anti-affinity).",
            "Choose another node, or move the other one away first.",
            f"podAntiAffinity; pod {other.ref}",
        )
    elif around.perhaps_repelled(node):
        yield not_checked(f"whether a pod keeps it away from {node.name}", _NAMESPACES)


def near(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Pod affinity: a pod that must be near has to be there."""
    node = facts.target
    if node is None or node.name not in facts.survey.pods:
        return
    around = _around(facts, type_)
    attended = around.attended(node)
    if attended is None:
        yield not_checked(f"whether the pods that it wants near are near {node.name}", _NAMESPACES)
    elif not attended:
        wanted = neighbours.words(around.missing(node))
        yield block(
            "affinity",
            f"The VM wants to be near pods with {wanted}; near {node.name} there is none.",
            "Choose the node where they are.",
            "VM podAffinity",
        )


_NAMESPACES = "a rule chooses them by labels of namespaces"


def _around(facts: Facts, type_: MoveType) -> Surroundings:
    """What the launcher pod meets. KubeVirt gives it the labels of the VMI and its own (template.go, podLabels); in a
    cold move its old one is gone then, in a live one it still stands."""
    live = type_ is MoveType.LIVE
    guest = facts.vmi.guest if facts.vmi and live else facts.vm.guest
    running = facts.launcher.labels if facts.launcher and live else {}
    labels = {**guest.labels, LABEL_APP: LAUNCHER, LABEL_VM_NAME: facts.vm.ref.name, **running}
    beside = facts.launcher if live else None
    vm = facts.vm.ref
    pod = Newcomer(vm.namespace, labels, rules_in_force(facts, type_), vm.name, beside)
    return neighbours.surroundings(pod, facts.survey)


def spread(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """They count pods over all nodes of the cluster; the scheduler does that."""
    guest = facts.vmi.guest if facts.vmi else facts.vm.guest
    if guest.spread:
        yield not_checked("its topologySpreadConstraints", "only the scheduler counts them")


def older_pin(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A pin that an earlier cold move of ours has left is replaced by a cold move, and the first original stays the
    original; a live move removes it first."""
    note = read_note(facts.vm)
    if note is None:
        return
    if type_ is MoveType.COLD or frees_pin(facts, type_):
        what = "this move replaces it" if type_ is MoveType.COLD else "it is removed first, for good"
        yield info(
            "older-pin", f"The VM still carries our pin to {note.hostname}; {what}.", source="VM annotation of mine"
        )
    elif facts.target is None and facts.source and facts.source.hostname == note.hostname:
        yield _held(note)


def foreign_pin(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A hostname that somebody else has put into the VM's rules: it keeps the VM there in drains and failures too.

    The target of a live move is never the VM's own node (KubeVirt issue 5565), so a pin to that one forbids all.
    """
    held = placement.hostnames(rules_in_force(facts, type_))
    if not held or (type_ is MoveType.LIVE and read_note(facts.vm) and not frees_pin(facts, type_)):
        return
    hosts, source = ", ".join(sorted(held)), "VM nodeSelector and nodeAffinity"
    if facts.target is None and facts.source and held == {facts.source.hostname}:
        yield block(
            "foreign-pin",
            f"The VM is pinned to the node that it is on, {hosts}; so it can go nowhere.",
            "Remove that rule from the VM first, or move it cold and have it replaced.",
            source,
        )
    elif facts.target is None or facts.target.hostname in held:
        yield warn(
            "foreign-pin",
            f"The VM is pinned to {hosts}, not by me.",
            "Ask who did before it is needed elsewhere.",
            source,
        )


CHECKS = (
    Check("the target's taints are tolerated", taints, of_target=True),
    Check("no pod there keeps it away (anti-affinity)", apart, of_target=True),
    Check("the pods that it wants near are there (affinity)", near, of_target=True),
    Check("the scheduler has no spread constraints to count", spread),
    Check("no older pin of mine is on it", older_pin),
    Check("nobody else has pinned it to a node", foreign_pin),
)
RULES = Check("the VM's nodeSelector and affinity allow the target", rules, of_target=True)
REPLACED = Check("the VM's nodeSelector and affinity allow the target", replaced, COLD, of_target=True)
