"""What the bot has read of the cluster, as frozen facts.

A snapshot states what the API server said at one moment: no verdicts, no defaults invented, nothing fetched behind the
reader's back. It is stale when it is acted on; whoever writes must read again first. Field names are KubeVirt's own.
"""

from k8s.snapshots.basics import FINAL_PHASES, Amounts, Condition, Conditioned, Json, Placement, Ref
from k8s.snapshots.facts import Admission, Capabilities, Facts, NewEvent, NewMigration
from k8s.snapshots.moments import ClusterEvent, Evidence, Queue, StartEvidence, TargetPod, View, VmView
from k8s.snapshots.nodes import Claim, Node, Pod, Quota, Survey, Volume
from k8s.snapshots.vms import (
    DEFAULT_GRACE_SECONDS,
    CopyLimits,
    Guest,
    Instance,
    Migration,
    MigrationState,
    VirtualMachine,
    claims_of,
)

__all__ = [
    "DEFAULT_GRACE_SECONDS",
    "FINAL_PHASES",
    "Admission",
    "Amounts",
    "Capabilities",
    "Claim",
    "ClusterEvent",
    "Condition",
    "Conditioned",
    "CopyLimits",
    "Evidence",
    "Facts",
    "Guest",
    "Instance",
    "Json",
    "Migration",
    "MigrationState",
    "NewEvent",
    "NewMigration",
    "Node",
    "Placement",
    "Pod",
    "Queue",
    "Quota",
    "Ref",
    "StartEvidence",
    "Survey",
    "TargetPod",
    "View",
    "VirtualMachine",
    "VmView",
    "Volume",
    "claims_of",
]
