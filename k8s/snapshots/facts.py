"""What is read before anything is judged, and what is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from k8s.snapshots.basics import Ref
from k8s.snapshots.nodes import Claim, Node, Pod, Quota, Survey, Volume
from k8s.snapshots.vms import Instance, Migration, VirtualMachine


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
    survey: Survey = field(default_factory=Survey)
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
