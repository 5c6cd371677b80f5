"""Nodes, what they carry, and what binds a VM to one of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from k8s.snapshots.basics import Amounts, Condition, Conditioned, Json, Placement, Ref
from k8s.snapshots.vms import Instance


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
    placement: Placement = field(default_factory=Placement)
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
