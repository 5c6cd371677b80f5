"""Why the cluster refused a write."""

import re
from typing import NamedTuple

from bot import errors
from bot.diagnosis.cause import Cause, WayOn
from bot.obstacles import REASONS
from k8s import errors as k8s


class _Text(NamedTuple):
    code: str
    pattern: str
    what: str
    remedy: str
    ways: tuple[WayOn, ...] = (WayOn.AGAIN,)


def diagnose_refusal(error: k8s.ClusterError) -> Cause:
    """What its words mean; words that no row knows are quoted as they are."""
    for row in TEXTS:
        if re.search(row.pattern, error.message, re.IGNORECASE):
            cause = Cause(code=row.code, what=row.what, remedy=row.remedy, evidence=(error.message,), ways=row.ways)
            return _translated(cause, error.message) if row.code == "not-live-migratable" else cause
    said = errors.from_cluster(error)
    return Cause(code=said.code, what=said.what, remedy=said.remedy)


def _translated(cause: Cause, message: str) -> Cause:
    """With KubeVirt's reason in plain words, where it is a known one."""
    reason = re.search(r"Reason: (\w+)", message)
    if reason is None or reason[1] not in REASONS:
        return cause
    words, remedy = REASONS[reason[1]]
    return cause.model_copy(update={"what": f"It cannot move live: {words}.", "remedy": remedy})


TEXTS: tuple[_Text, ...] = (
    _Text(
        "disk-not-shared",
        r"DisksNotLiveMigratable|PVC \S+ is not shared",
        "It cannot move live: a disk can be attached to one node only (not ReadWriteMany).",
        "A cold move works with any disk: it stops the VM.",
        (WayOn.COLD,),
    ),
    _Text(
        "not-live-migratable",
        r"Cannot migrate VMI, Reason:",
        "KubeVirt says that this VM cannot move live.",
        "A cold move may work: it stops the VM.",
        (WayOn.COLD,),
    ),
    _Text(
        "in-flight",
        r"in-flight migration detected",
        "Another migration of this VM is under way: a drain, a descheduler or a colleague has begun it.",
        "Wait until that one has ended; look at it: kubectl get vmim -A",
    ),
    _Text(
        "vm-stopped",
        r"the VMI \S+ does not exist|finalized state",
        "The VM was stopped before it could move.",
        "Start it when that was not meant, or place it cold.",
        (WayOn.COLD, WayOn.AGAIN),
    ),
    _Text(
        "quota",
        r"exceeded quota",
        "The namespace's ResourceQuota has no room for what the move needs.",
        "Free some quota in the namespace, or have it raised.",
    ),
)
"""The texts of KubeVirt's admission (pkg/virt-api/webhooks/validating-webhook/admitters) and of quota."""
