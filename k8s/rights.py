"""The rights that the bot needs on a cluster, to be asked for at start and granted by the manifests."""

from typing import NamedTuple

from k8s import names


class Right(NamedTuple):
    """One verb on one resource, in all namespaces that the bot serves."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    name: str = ""
    """Of the only object that it is for; empty for all of them."""


NEEDED: tuple[Right, ...] = (
    *(Right(verb, names.KUBEVIRT_GROUP, names.VMS) for verb in ("get", "list")),
    *(Right(verb, names.KUBEVIRT_GROUP, names.VMIS) for verb in ("get", "list", "watch")),
    *(Right(verb, names.KUBEVIRT_GROUP, names.VMIMS) for verb in ("get", "list", "watch", "create", "delete")),
    Right("list", names.KUBEVIRT_GROUP, names.KUBEVIRTS),
    *(Right(verb, "", "nodes") for verb in ("get", "list")),
    *(Right("get", "", resource) for resource in ("persistentvolumeclaims", "namespaces")),
    *(Right("list", "", resource) for resource in ("pods", "events")),
)
"""What every move uses. Without the right to list namespaces or read the VMIM's CRD the bot still works."""

NEEDED_COLD: tuple[Right, ...] = (
    *(Right(verb, names.KUBEVIRT_GROUP, names.VMS) for verb in ("watch", "patch")),
    *(Right("update", names.SUBRESOURCES_GROUP, names.VMS, call) for call in ("start", "stop")),
    Right("get", "", "persistentvolumes"),
)
"""What cold moves use besides. Without the right to volumes they work, but nobody is told that a disk stays behind."""

OPTIONAL: tuple[Right, ...] = (
    Right("list", "", "namespaces"),
    Right("get", "apiextensions.k8s.io", "customresourcedefinitions", name=names.VMIM_CRD),
    Right("list", "", "resourcequotas"),
    *(Right("list", "", resource) for resource in ("persistentvolumeclaims", "persistentvolumes")),
    Right("create", "", "events"),
)
"""What makes answers better: names of namespaces, what this KubeVirt's VMIM can do, from its own CRD, whether a quota
has room for a second pod, the disks of many VMs in one call, and Events on a VM that say who had it moved. How full a
node is takes pods and VMIs of all namespaces: a bot of some namespaces says that it has not looked."""
