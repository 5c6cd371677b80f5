"""What is read of a move under way, and of one that does not come on."""

from dataclasses import dataclass
from datetime import datetime

from k8s.snapshots.basics import Condition
from k8s.snapshots.nodes import Node
from k8s.snapshots.vms import Instance, Migration, VirtualMachine


@dataclass(frozen=True, slots=True)
class View:
    """One moment of a followed migration. `migration` None means that the API no longer has it."""

    vmi: Instance | None
    migration: Migration | None
    last_seen: Migration | None = None
    """The VMIM as it was last, kept when it has vanished."""


@dataclass(frozen=True, slots=True)
class VmView:
    """One moment of a followed VM: what is wanted, and what runs. Either is None while it does not exist."""

    vm: VirtualMachine | None
    vmi: Instance | None


@dataclass(frozen=True, slots=True)
class ClusterEvent:
    """A Kubernetes Event: evidence for people, not a fact to decide on."""

    kind: str
    """Kind of the object it speaks of."""
    name: str
    reason: str
    message: str
    warning: bool
    count: int
    last_at: datetime | None = None
    uid: str = ""
    """Uid of the object it speaks of: a name may have been used before."""


@dataclass(frozen=True, slots=True)
class TargetPod:
    """A launcher pod: the one that a VMIM made on the target, or the one in which the VM was started."""

    name: str
    phase: str
    node: str
    scheduled: Condition | None = None
    """The PodScheduled condition: the scheduler's own words when it found no node."""
    waiting: tuple[str, ...] = ()
    """Reasons of waiting containers, for example ImagePullBackOff."""
    ended: tuple[str, ...] = ()
    """Reasons of containers that have ended, now or the time before, for example OOMKilled."""
    migration_name: str = ""
    """Name of the VMIM that made it; "" where the VM was started in it."""
    migration_uid: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """What a migration in Pending may wait for: KubeVirt leaves no word about it (recorded: live-limit)."""

    running: tuple[Instance, ...]
    """VMIs that are between two nodes."""
    at_once: int
    from_node: int
    pods: tuple[TargetPod, ...]
    """The VM's launcher pods that have not ended; more than one keep it waiting (KubeVirt issue 12773)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the cluster shows of a migration that went wrong or hangs; gathered while it still exists."""

    migration_uid: str
    """Whose evidence this is; "" when the VMIM's uid was never known."""
    vmi: Instance | None
    migration: Migration | None
    pods: tuple[TargetPod, ...] = ()
    events: tuple[ClusterEvent, ...] = ()
    """Oldest first: of the VMIM, the VMI and the target pods."""
    target: Node | None = None
    """The node that was meant, where the reader knew it: the scheduler's words do not say which node they mean."""
    source: Node | None = None
    """The node that the VM was on, where the reader knew it."""
    unread: tuple[str, ...] = ()
    """Resources that could not be read, for example events: an absence there proves nothing."""
    queue: Queue | None = None
    """Where the migration is Pending; None where that was not read."""


@dataclass(frozen=True, slots=True)
class StartEvidence:
    """What the cluster shows of a VM that does not come up."""

    vm: VirtualMachine | None
    """Its `printable_status` and conditions repeat the VMI's in words that people know."""
    vmi: Instance | None
    pods: tuple[TargetPod, ...] = ()
    """Launcher pods but those that have ended well."""
    events: tuple[ClusterEvent, ...] = ()
    """Oldest first: of the VM, the VMI and the pods."""
    unread: tuple[str, ...] = ()
    """Resources that could not be read: an absence there proves nothing."""
