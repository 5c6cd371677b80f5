"""The kinds that the simulated API server knows, as one table.

A row is what discovery, routing, storage and printing need to know about a kind. Kinds without a controller here
(Role, ResourceQuota ...) are stored and served all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
KUBEVIRT = "kubevirt.io"
SUBRESOURCES_GROUP = "subresources.kubevirt.io"


@dataclass(frozen=True)
class Resource:
    group: str
    version: str
    plural: str
    kind: str
    singular: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    older_versions: tuple[str, ...] = ()
    generation: Literal["spec", "all", "delete", "none"] = "none"
    """What moves metadata.generation: spec; everything outside metadata (no status subresource); deletion; nothing."""
    custom: bool = False
    """Served from a CustomResourceDefinition: no strategic merge patch, other list metadata."""

    @property
    def qualified(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def versions(self) -> tuple[str, ...]:
        return (self.version, *self.older_versions)

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources

    def __reduce__(self) -> tuple[Callable[[str], "Resource"], tuple[str]]:
        """Copied by name: there is one object for each row, and it may be compared by identity."""
        return _row, (self.qualified,)


def _kubevirt(plural: str, kind: str, *short: str, status: bool = True) -> Resource:
    return Resource(
        KUBEVIRT,
        "v1",
        plural,
        kind,
        kind.lower(),
        short_names=short,
        categories=("all",),
        subresources=("status",) if status else (),
        older_versions=("v1alpha3",),
        generation="spec" if status else "all",
        custom=True,
    )


def _rbac(plural: str, kind: str, *, namespaced: bool) -> Resource:
    return Resource("rbac.authorization.k8s.io", "v1", plural, kind, kind.lower(), namespaced=namespaced)


def _review(plural: str, kind: str, group: str = "authorization.k8s.io") -> Resource:
    return Resource(group, "v1", plural, kind, kind.lower(), namespaced=False, verbs=("create",))


NODE = Resource("", "v1", "nodes", "Node", "node", namespaced=False, short_names=("no",), subresources=("status",))
NAMESPACE = Resource(
    "", "v1", "namespaces", "Namespace", "namespace", namespaced=False, short_names=("ns",), subresources=("status",)
)
POD = Resource(
    "",
    "v1",
    "pods",
    "Pod",
    "pod",
    short_names=("po",),
    categories=("all",),
    subresources=("status", "eviction", "log"),
    generation="delete",
)
PVC = Resource(
    "",
    "v1",
    "persistentvolumeclaims",
    "PersistentVolumeClaim",
    "persistentvolumeclaim",
    short_names=("pvc",),
    subresources=("status",),
)
PV = Resource(
    "",
    "v1",
    "persistentvolumes",
    "PersistentVolume",
    "persistentvolume",
    namespaced=False,
    short_names=("pv",),
    subresources=("status",),
)
EVENT = Resource("", "v1", "events", "Event", "event", short_names=("ev",))
QUOTA = Resource(
    "", "v1", "resourcequotas", "ResourceQuota", "resourcequota", short_names=("quota",), subresources=("status",)
)
SERVICE_ACCOUNT = Resource(
    "", "v1", "serviceaccounts", "ServiceAccount", "serviceaccount", short_names=("sa",), subresources=("token",)
)
STORAGE_CLASS = Resource(
    "storage.k8s.io", "v1", "storageclasses", "StorageClass", "storageclass", namespaced=False, short_names=("sc",)
)
LEASE = Resource("coordination.k8s.io", "v1", "leases", "Lease", "lease")
REVISION = Resource("apps", "v1", "controllerrevisions", "ControllerRevision", "controllerrevision")
CRD = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    "customresourcedefinition",
    namespaced=False,
    short_names=("crd", "crds"),
)
KUBEVIRT_CR = _kubevirt("kubevirts", "KubeVirt", "kv", "kvs")
VM = _kubevirt("virtualmachines", "VirtualMachine", "vm", "vms")
VMI = _kubevirt("virtualmachineinstances", "VirtualMachineInstance", "vmi", "vmis", status=False)
VMIM = _kubevirt("virtualmachineinstancemigrations", "VirtualMachineInstanceMigration", "vmim", "vmims")
ROLE = _rbac("roles", "Role", namespaced=True)
ROLE_BINDING = _rbac("rolebindings", "RoleBinding", namespaced=True)
CLUSTER_ROLE = _rbac("clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDING = _rbac("clusterrolebindings", "ClusterRoleBinding", namespaced=False)
ACCESS_REVIEW = _review("selfsubjectaccessreviews", "SelfSubjectAccessReview")
SELF_REVIEW = _review("selfsubjectreviews", "SelfSubjectReview", "authentication.k8s.io")
RULES_REVIEW = _review("selfsubjectrulesreviews", "SelfSubjectRulesReview")
MIGRATION_POLICY = Resource(
    "migrations.kubevirt.io",
    "v1alpha1",
    "migrationpolicies",
    "MigrationPolicy",
    "migrationpolicy",
    namespaced=False,
    generation="spec",
    custom=True,
)

RESOURCES: tuple[Resource, ...] = (
    NODE,
    NAMESPACE,
    POD,
    PVC,
    PV,
    EVENT,
    QUOTA,
    SERVICE_ACCOUNT,
    REVISION,
    ACCESS_REVIEW,
    RULES_REVIEW,
    SELF_REVIEW,
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    STORAGE_CLASS,
    LEASE,
    CRD,
    KUBEVIRT_CR,
    VM,
    VMI,
    VMIM,
    MIGRATION_POLICY,
)

_ROWS = {resource.qualified: resource for resource in RESOURCES}


def _row(qualified: str) -> Resource:
    return _ROWS[qualified]
