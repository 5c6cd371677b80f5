"""What the bot has read of the cluster, as frozen facts.

A snapshot states what the API server said at one moment: no verdicts, no defaults invented, nothing fetched behind the
reader's back. It is stale when it is acted on; whoever writes must read again first. Field names are KubeVirt's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]
"""A raw JSON object of the API, kept as it came."""

Amounts = Mapping[str, int]
"""How much of each resource: `cpu` in thousandths of a CPU, all else in whole units (`k8s.amounts`)."""

FINAL_PHASES = frozenset({"Succeeded", "Failed"})
"""Phases after which a VMIM never changes again, a VMI or a pod never runs again (kubevirt.io/api core/v1 types.go)."""

DEFAULT_GRACE_SECONDS = 30
"""A VMI's grace period where its spec gives none (kubevirt.io/api core/v1 types.go, DefaultGracePeriodSeconds)."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A namespaced name. A VM, its VMI and `vmim.spec.vmiName` share one."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `status.conditions`. `status` is "True", "False" or "Unknown"."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class Conditioned:
    """What has `status.conditions`."""

    __slots__ = ()

    conditions: tuple[Condition, ...]

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type, None when the API does not state it."""
        return next((c for c in self.conditions if c.type == kind), None)

    def holds(self, kind: str) -> bool:
        """Whether the API states that condition to be True."""
        return any(c.type == kind and c.status == "True" for c in self.conditions)


@dataclass(frozen=True, slots=True)
class Placement:
    """The placement rules of a VM template or a VMI, as raw JSON."""

    affinity: Json | None = None
    """None where the field is absent, which is not the same as an empty one for whoever restores it."""
    node_selector: Mapping[str, str] | None = None
    """None where the field is absent, as above."""
    tolerations: tuple[Json, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Node(Conditioned):
    """A node. `hostname` is the value of its own `kubernetes.io/hostname` label, which may differ from its name."""

    name: str
    uid: str
    hostname: str
    ready: bool
    cordoned: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Json, ...] = ()
    conditions: tuple[Condition, ...] = ()
    allocatable: Amounts = field(default_factory=dict)
    """What pods may request; empty where the node does not say."""
    capacity: Amounts = field(default_factory=dict)
    heartbeat: datetime | None = None
    """When its virt-handler last reported (annotation `kubevirt.io/heartbeat`)."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod on a node, as the scheduler counts it."""

    ref: Ref
    node: str
    requests: Amounts
    limits: Amounts = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    placement: Placement = Placement()
    vmi: str = ""
    """Name of the VMI that it runs, "" for another pod."""
    ready: bool = True
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """A ResourceQuota."""

    name: str
    hard: Amounts
    used: Amounts
    scoped: bool = False
    """It counts only some pods, by rules that are not evaluated here."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Nodes, and what is on them.

    A node that is missing in `pods` or `instances` was not read, or may not be: nothing is known of what it carries.
    """

    nodes: tuple[Node, ...] = ()
    pods: Mapping[str, tuple[Pod, ...]] = field(default_factory=dict)
    """By node: those that have not ended."""
    instances: Mapping[str, tuple[Instance, ...]] = field(default_factory=dict)
    """By node: the VMIs there."""
    whole: bool = False
    """Whether these are all nodes of the cluster."""
    memo: dict[str, object] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What has been worked out of it, by whoever did so: a survey never changes."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim. `access_modes` are the bound volume's where bound, else the requested ones."""

    ref: Ref
    access_modes: tuple[str, ...]
    phase: str = ""
    volume: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """A PersistentVolume."""

    name: str
    required: Json | None = None
    """`spec.nodeAffinity.required`, a raw node selector: the nodes that can reach it. None: all can."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this cluster's KubeVirt can do."""

    kubevirt_version: str
    added_node_selector: bool
    """VMIM `spec.addedNodeSelector` is in the CRD's schema (KubeVirt >= 1.6); older ones drop it silently."""
    rollout_strategy: str
    """`LiveUpdate` or `Stage`, resolved for the version when the KubeVirt CR does not say."""
    migrations_at_once: int = 5
    """`parallelMigrationsPerCluster`; KubeVirt's default where the CR does not say, or may not be read."""
    migrations_from_node: int = 2
    """`parallelOutboundMigrationsPerNode`, likewise."""
    cpu_ratio: int = 10
    """cpuAllocationRatio: how many vCPUs share one requested CPU; 0: they request none."""
    memory_overcommit: int = 100
    """memoryOvercommit: a guest's memory in percent of what its pod requests for it."""
    cpu_model: str = ""
    """cpuModel: of guests that name none; "" is host-model."""
    node_selectors: Mapping[str, str] = field(default_factory=dict)
    """nodeSelectors that KubeVirt gives every launcher pod, where its VM does not say otherwise."""
    cli: str = "kubectl"
    """The command that people have there: `oc` on OpenShift."""


@dataclass(frozen=True, slots=True)
class NewMigration:
    """A VMIM to create. `hostname` None leaves the target to the scheduler."""

    ref: Ref
    """Namespace and name of the VMIM itself."""
    vmi_name: str
    hostname: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A core/v1 Event about a VM."""

    vm: Ref
    vm_uid: str
    name: str
    reason: str
    """One CamelCase word."""
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Admission:
    """The cluster's own answer to a `dryRun=All` create: accepted, or its refusal in its own words."""

    accepted: bool
    code: int = 201
    message: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one move was judged on, read at most three calls deep."""

    vm: VirtualMachine
    vmi: Instance | None
    """What runs; None also where the guest has ended and only the object is left."""
    claims: tuple[Claim, ...]
    migrations: tuple[Migration, ...]
    """VMIMs of this VMI, final ones too."""
    source: Node | None
    target: Node | None
    capabilities: Capabilities
    admission: Admission | None = None
    """None when no dry run made sense: no VMI, or a cold move was asked for."""
    volumes: tuple[Volume, ...] = ()
    """Of the bound claims. One that may not be read is left out."""
    survey: Survey = Survey()
    """The source and the target and what they carry; all nodes where no target was named."""
    quotas: tuple[Quota, ...] | None = None
    """Of the VM's namespace; None where they may not be read."""
    migrating: tuple[Instance, ...] | None = None
    """VMIs of the cluster that are between two nodes right now (from the hand-over to virt-handler on); None where they
    may not be read."""

    @property
    def launcher(self) -> Pod | None:
        """The pod that runs the guest; None where there is none or pods may not be read."""
        if self.vmi is None:
            return None
        own = (pod for pod in self.survey.pods.get(self.vmi.node, ()) if not pod.deleting)
        mine = (self.vmi.ref.namespace, self.vmi.ref.name)
        return next((pod for pod in own if (pod.ref.namespace, pod.vmi) == mine), None)


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
