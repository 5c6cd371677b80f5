"""A VM, its VMI and the migrations between nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from k8s.snapshots.basics import FINAL_PHASES, Amounts, Condition, Conditioned, Placement, Ref

DEFAULT_GRACE_SECONDS = 30
"""A VMI's grace period where its spec gives none (kubevirt.io/api core/v1 types.go, DefaultGracePeriodSeconds)."""


@dataclass(frozen=True, slots=True)
class Guest:
    """The machine that a VM's template or a VMI describes, as far as it decides which nodes can take it.

    An instancetype is applied when the VMI is made: a VM's template may lack what its VMI has.
    """

    memory_bytes: int = 0
    """0 where it is not stated."""
    vcpus: int = 1
    requests: Amounts = field(default_factory=dict)
    """`domain.resources.requests`, where people have set them."""
    architecture: str = ""
    machine: str = ""
    cpu_model: str = ""
    """"" is KubeVirt's default, host-model, unless the KubeVirt CR says otherwise."""
    cpu_features: tuple[str, ...] = ()
    """Those that are required."""
    cpu_forbidden: tuple[str, ...] = ()
    """Features that its node's CPU must not have."""
    dedicated_cpus: bool = False
    hugepages: str = ""
    """Page size, "" for none."""
    devices: tuple[str, ...] = ()
    """Resource names of GPUs and host devices, one for each."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Which the launcher pod gets too."""
    spread: bool = False
    """It has topologySpreadConstraints."""


@dataclass(frozen=True, slots=True)
class VirtualMachine(Conditioned):
    """A VirtualMachine. `run_strategy` and `running` are mutually exclusive in the API; the unused one is None."""

    ref: Ref
    uid: str
    run_strategy: str | None
    running: bool | None
    printable_status: str
    placement: Placement
    claims: tuple[str, ...]
    """Names of the PVCs in the template's volumes (PVC, DataVolume, ephemeral, memory dump)."""
    conditions: tuple[Condition, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    deleting: bool = False
    resource_version: str = ""
    state_changes: tuple[str, ...] = ()
    """What the start and stop endpoints were asked for and has not been carried out yet: "Start", "Stop"."""
    guest: Guest = Guest()
    owners: tuple[str, ...] = ()
    """Kind and name of each owner, for example "VirtualMachinePool web"."""
    snapshot: str = ""
    """`status.snapshotInProgress`: the name of a snapshot that is being taken."""
    restore: str = ""
    """`status.restoreInProgress`, likewise."""


@dataclass(frozen=True, slots=True)
class CopyLimits:
    """How long the copy of memory may take, and what the cluster does then.

    From `migrationState.migrationConfiguration`: the KubeVirt CR merged with the matching MigrationPolicy. It is there
    from the hand-over to virt-handler on.
    """

    seconds_per_gib: int
    """completionTimeoutPerGiB, for each GB of 10^9 bytes of the guest's memory."""
    stalled_seconds: int
    """progressTimeout: without any progress."""
    post_copy: bool = False
    may_pause: bool = False
    """allowWorkloadDisruption."""


@dataclass(frozen=True, slots=True)
class MigrationState:
    """`vmi.status.migrationState` (or the copy of it on a VMIM): the LAST migration of the VMI, running or not.

    Compare `uid` with the VMIM's before believing it: it outlives the migration and may describe an older one.
    """

    uid: str = ""
    source_node: str = ""
    target_node: str = ""
    target_pod: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    completed: bool = False
    failed: bool = False
    abort_requested: bool = False
    abort_status: str = ""
    failure_reason: str = ""
    mode: str = ""
    limits: CopyLimits | None = None


@dataclass(frozen=True, slots=True)
class Instance(Conditioned):
    """A VirtualMachineInstance: the running guest."""

    ref: Ref
    uid: str
    node: str
    phase: str
    placement: Placement
    conditions: tuple[Condition, ...] = ()
    migration: MigrationState | None = None
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """PVC name -> access modes: hotplug and backend storage too. No modes where `status.volumeStatus` does not say."""
    guest: Guest = Guest()
    evacuation_node: str = ""
    deleting: bool = False
    grace_seconds: int = DEFAULT_GRACE_SECONDS
    """How long the guest may take to shut down before it is killed."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The template's, and KubeVirt's own."""
    backup: bool = False
    """A backup or a memory dump of it is running."""
    machine: str = ""
    """The machine type that the guest has got; its spec may name an alias of it."""
    addresses: tuple[str, ...] = ()
    """Its IP addresses, the first interface's first."""

    @property
    def memory_bytes(self) -> int:
        """The guest's memory."""
        return self.guest.memory_bytes

    @property
    def vcpus(self) -> int:
        """The guest's CPUs."""
        return self.guest.vcpus

    @property
    def final(self) -> bool:
        """Whether the guest has ended; the object may outlive it for a while."""
        return self.phase in FINAL_PHASES


def claims_of(vm: VirtualMachine, vmi: Instance | None) -> tuple[Ref, ...]:
    """The PVCs that a VM's template or its VMI names."""
    names = dict.fromkeys((*vm.claims, *(vmi.claims if vmi else ())))
    return tuple(Ref(vm.ref.namespace, name) for name in names)


@dataclass(frozen=True, slots=True)
class Migration:
    """A VirtualMachineInstanceMigration (VMIM): a one-shot job."""

    ref: Ref
    uid: str
    vmi_name: str
    phase: str
    """"" until virt-controller has seen it; unknown phases count as in progress."""
    phase_times: tuple[tuple[str, datetime], ...] = ()
    state: MigrationState | None = None
    added_node_selector: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    deleting: bool = False

    @property
    def final(self) -> bool:
        """Whether the job is over."""
        return self.phase in FINAL_PHASES
