"""Why a migration failed."""

from bot.diagnosis.cause import Cause, WayOn
from bot.diagnosis.copying import copy_of
from bot.diagnosis.rules import IN_THE_POD, NO_PLACE, QUOTA, Rule, Signs, either, first_match, pod_texts, quotes, says
from k8s import placement
from k8s.snapshots import Evidence, Migration, MigrationState


def diagnose(evidence: Evidence) -> Cause:
    """The first row that holds, else only facts."""
    signs = read(evidence)
    return first_match(RULES, signs) or Cause(
        code="unexplained",
        what="KubeVirt ended the migration without a reason that I know.",
        remedy="Read the cluster's words; look at the VMIM and the virt-launcher pod on the target.",
        evidence=quotes(signs),
    )


def read(evidence: Evidence) -> Signs:
    """The signs of one migration."""
    states = _states(evidence)
    reason = next((state.failure_reason for state in states if state.failure_reason), "")
    texts = [reason, *pod_texts(evidence.pods), *(event.message for event in evidence.events)]
    return Signs(
        texts=tuple(text for text in texts if text),
        events=evidence.events,
        pods=evidence.pods,
        conditions=_holding(evidence.migration),
        reason=reason,
        aborted=any(state.abort_requested for state in states),
        copy=next((copy for state in states if (copy := copy_of(evidence.vmi, state))), None),
        draining=evidence.vmi.evacuation_node if evidence.vmi else "",
        source=evidence.source,
        target=evidence.target,
        against=placement.objections(evidence.vmi.placement, evidence.target)
        if evidence.vmi and evidence.target
        else (),
        ending=evidence.vmi is None or evidence.vmi.deleting,
    )


def _states(evidence: Evidence) -> list[MigrationState]:
    """What the VMI and the VMIM say of this very migration; the VMI's may belong to an older one."""
    states = [
        evidence.migration.state if evidence.migration else None,
        evidence.vmi.migration if evidence.vmi else None,
    ]
    return [state for state in states if state and state.uid == evidence.migration_uid]


def _holding(migration: Migration | None) -> tuple[str, ...]:
    return tuple(c.type for c in migration.conditions if c.status == "True") if migration else ()


def _canceled(signs: Signs) -> str | None:
    """The event is written before the hand-over only; after it the VMI knows (recorded: live-cancelled-*)."""
    if words := says(r"due to being canceled")(signs):
        return words
    return "an abort was requested" if signs.aborted else None


def _drained(signs: Signs) -> str | None:
    return f"a drain takes it away from {signs.draining}" if signs.draining and _canceled(signs) else None


def _source_lost(signs: Signs) -> str | None:
    if signs.source and not signs.source.ready:
        return f"{signs.source.name} is not Ready"
    return None


def _out_of_time(signs: Signs) -> str | None:
    if words := says(r"not completed after \d+ seconds|exceeded timeout")(signs):
        return words
    return says(_ABORTED)(signs) if signs.copy and signs.copy.used_up else None


def _stood_still(signs: Signs) -> str | None:
    """Aborted by the cluster itself before its time was up: there was no progress."""
    if words := says(r"stuck for \d+ seconds")(signs):
        return words
    return says(_ABORTED)(signs) if signs.copy and signs.copy.took and not signs.copy.used_up else None


def _ends(signs: Signs) -> str | None:
    """A VM that is deleted takes both pods along, and the words speak of the target's only (recorded: vm-deleted)."""
    return "the guest is being shut down" if signs.ending else None


_ABORTED = r"Live migration has been aborted"

RULES: tuple[Rule, ...] = (
    Rule(
        "drained",
        _drained,
        "A drain owns this VM: the node that it is on is being emptied.",
        "Let the drain move it, or end the drain first: virtctl evacuate-cancel.",
    ),
    Rule(
        "canceled",
        _canceled,
        "Somebody canceled the migration in the cluster.",
        "Ask who did before you move it again.",
    ),
    Rule(
        "source-not-ready",
        _source_lost,
        "The node that the VM was on is not Ready; memory cannot be copied from it.",
        "Recover that node first; do not move live from a dead one.",
    ),
    QUOTA,
    *NO_PLACE,
    Rule(
        "cpu-model",
        says(r"guest CPU doesn't match|missing features"),
        "The target's CPU lacks features that the guest is using.",
        "Choose a node with the same CPU model; a cold move would work too.",
        (WayOn.OTHER_NODE, WayOn.COLD),
    ),
    *IN_THE_POD,
    Rule(
        "guest-gone",
        either(says(r"vmi shutdown during migration|vmi does not exist"), _ends),
        "The guest was shut down while it was moving.",
        "Look at the VM's state before you do anything else.",
    ),
    Rule(
        "unschedulable",
        says(r"unschedulable pod .* timeout period exceeded"),
        "No place was found for the VM within five minutes.",
        "Choose another node.",
        (WayOn.OTHER_NODE,),
    ),
    Rule(
        "pod-pending",
        says(r"pending pod .* timeout period exceeded"),
        "The pod on the target did not come up within the cluster's limit.",
        "Look at that pod's events, or choose another node.",
        (WayOn.OTHER_NODE, WayOn.AGAIN),
    ),
    Rule(
        "target-pod",
        says(r"target pod (shutdown|is down)|Target pod is down"),
        "The launcher pod on the target died during the migration.",
        "Look at that pod's events, or choose another node.",
        (WayOn.OTHER_NODE, WayOn.AGAIN),
    ),
    Rule(
        "stalled",
        _stood_still,
        "The copy stood still until the cluster gave up: no data came through.",
        "Check the migration network between the two nodes, or choose another node.",
        (WayOn.OTHER_NODE, WayOn.AGAIN),
    ),
    Rule(
        "did-not-converge",
        _out_of_time,
        "The copy did not finish in the time that the cluster allows.",
        "Try again when the VM is quieter; a cold move would work too.",
        (WayOn.COLD, WayOn.AGAIN),
    ),
    Rule(
        "failed-in-copy",
        lambda signs: signs.reason or None,
        "The migration failed in the cluster.",
        "Its own words are quoted above.",
        (WayOn.AGAIN, WayOn.COLD),
    ),
)
"""Special before general; the time limits of KubeVirt come after what explains them."""
