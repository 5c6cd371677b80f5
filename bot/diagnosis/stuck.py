"""Why a migration does not come on, said while it may still be helped.

Phases that pass in a tenth of a second (recorded: live-ok) and last half a minute wait for something. KubeVirt says
little about it: a full queue leaves no event and no condition (pkg/virt-controller/watch/migration; recorded:
live-limit), so that is what is assumed where nothing else is said.
"""

from datetime import timedelta

from bot.diagnosis.cause import Cause, WayOn
from bot.diagnosis.live import read
from bot.diagnosis.rules import IN_THE_POD, NO_PLACE, QUOTA, Rule, Signal, first_match, quotes
from k8s.snapshots import Evidence

SAY_AFTER = timedelta(seconds=30)
"""In a phase that should have passed by then."""

SAY_COPYING_AFTER = timedelta(seconds=60)
"""A copy that takes longer than the usual move as a whole."""

WAITING_PHASES = ("", "Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady")
"""Every phase before the copy."""

NOT_STARTED = ("", "Pending")
"""Phases in which it waits for a place in KubeVirt's queue."""

COPYING = "Running"

_GIVES_UP = "The cluster gives up after five minutes; the VM keeps running where it is."


def say_after(phase: str) -> timedelta | None:
    """How long a phase may last before people are told; None for one that is no waiting."""
    if phase == COPYING:
        return SAY_COPYING_AFTER
    return SAY_AFTER if phase in WAITING_PHASES else None


def stuck(evidence: Evidence, phase: str) -> Cause | None:
    """What a migration in this phase waits for; None where the phase is gone or nothing is waited for."""
    migration = evidence.migration
    if migration is None or migration.phase != phase:
        return None
    if phase == COPYING:
        return _copying(evidence)
    if phase not in WAITING_PHASES:
        return None
    if known := first_match(HELD, read(evidence)):
        return known.model_copy(
            update={"remedy": f"{known.remedy} {_GIVES_UP if phase == 'Scheduling' else ''}".strip()}
        )
    return _queued(evidence) if phase in NOT_STARTED else _slow(evidence, phase)


def _held_by(kind: str) -> Signal:
    """A condition of the VMIM that says what it waits for (KubeVirt >= 1.8)."""
    return lambda signs: kind if kind in signs.conditions else None


HELD: tuple[Rule, ...] = (
    Rule(
        "backup-running",
        _held_by("migrationBlockedByBackup"),
        "A backup of this VM is running; the migration waits for its end.",
        "Wait until the backup has ended.",
    ),
    Rule(
        "utility-volumes",
        _held_by("migrationBlockedByUtilityVolumes"),
        "A volume is attached to this VM for a backup or a memory dump; the migration waits for it to go.",
        "Wait until that job has ended.",
    ),
    QUOTA,
    *NO_PLACE,
    *IN_THE_POD,
)


def _queued(evidence: Evidence) -> Cause:
    """KubeVirt's queue is not first in, first out (recorded: live-limit), so there is no place in it to tell."""
    return Cause(
        code="queued",
        what=_waits_for(evidence),
        remedy="It starts by itself when one of them ends. Look at them: kubectl get vmim -A",
        evidence=quotes(read(evidence)),
    )


def _waits_for(evidence: Evidence) -> str:
    queue = evidence.queue
    source = evidence.vmi.node if evidence.vmi else ""
    from_there = sum(1 for vmi in queue.running if vmi.node == source) if queue else 0
    if queue and len(queue.pods) > 1:
        names = ", ".join(sorted(pod.name for pod in queue.pods))
        return f"The migration waits until an older virt-launcher pod of this VM is gone: {names}."
    if queue and len(queue.running) >= queue.at_once:
        return f"The migration waits for its turn: {len(queue.running)} run in the cluster, and {queue.at_once} may."
    if queue and source and from_there >= queue.from_node:
        return f"The migration waits for its turn: {from_there} run away from {source}, and {queue.from_node} may."
    return (
        "The migration waits for its turn: other migrations fill the cluster's or the node's limit, or an old "
        "virt-launcher pod of this VM is still there."
    )


def _copying(evidence: Evidence) -> Cause | None:
    copy = read(evidence).copy
    if copy is None:
        return None
    minutes, seconds = divmod(int(copy.allowed.total_seconds()), 60)
    allowed = f"{minutes} min {seconds} s ({copy.limits.seconds_per_gib} s per GB of memory)"
    return Cause(
        code="slow-copy",
        what="The copy takes longer than usual: the guest may write memory faster than it can be copied.",
        remedy=f"The cluster allows {allowed}; {copy.at_the_end}.",
        ways=(WayOn.COLD,),
    )


def _slow(evidence: Evidence, phase: str) -> Cause:
    return Cause(
        code="slow-phase",
        what=f"The migration has been {phase} for long: the pod on the target is not ready.",
        remedy="Look at the virt-launcher pod on the target.",
        evidence=quotes(read(evidence)),
        ways=(WayOn.OTHER_NODE,),
    )
