"""Where the API keeps what the bot reads and writes: one line per resource.

Every name becomes one path segment or is refused. Quoting alone is not enough: the HTTP client decodes `%2e%2e` and
then resolves it, so that a VM called `..` would turn the read of an object into the read of its whole collection.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from k8s import names
from k8s.errors import Invalid

_KUBEVIRT: Final = f"/apis/{names.KUBEVIRT_GROUP}/{names.KUBEVIRT_VERSION}"
_SUBRESOURCES: Final = f"/apis/{names.SUBRESOURCES_GROUP}/{names.KUBEVIRT_VERSION}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object: the API group's root, the plural in paths, the kind in messages."""

    root: str
    plural: str
    kind: str

    def collection(self, namespace: str | None = None) -> str:
        """Path of the list in one namespace, or over all of them (and of what has none)."""
        inside = f"/namespaces/{_segment(namespace)}" if namespace is not None else ""
        return f"{self.root}{inside}/{self.plural}"

    def item(self, name: str, namespace: str | None = None) -> str:
        """Path of one object."""
        return f"{self.collection(namespace)}/{_segment(name)}"


VMS: Final = Resource(_KUBEVIRT, names.VMS, "VirtualMachine")
VMIS: Final = Resource(_KUBEVIRT, names.VMIS, names.VMI_KIND)
VM_CALLS: Final = Resource(_SUBRESOURCES, names.VMS, VMS.kind)
VMIMS: Final = Resource(_KUBEVIRT, names.VMIMS, names.VMIM_KIND)
KUBEVIRTS: Final = Resource(_KUBEVIRT, names.KUBEVIRTS, "KubeVirt")
CRDS: Final = Resource("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition")
NODES: Final = Resource("/api/v1", "nodes", "Node")
NAMESPACES: Final = Resource("/api/v1", "namespaces", "Namespace")
CLAIMS: Final = Resource("/api/v1", "persistentvolumeclaims", "PersistentVolumeClaim")
VOLUMES: Final = Resource("/api/v1", "persistentvolumes", "PersistentVolume")
PODS: Final = Resource("/api/v1", "pods", "Pod")
QUOTAS: Final = Resource("/api/v1", "resourcequotas", "ResourceQuota")
EVENTS: Final = Resource("/api/v1", "events", "Event")
ACCESS_REVIEWS: Final = Resource("/apis/authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview")

OPENAPI: Final = f"/openapi/v3{_KUBEVIRT}"
KUBEVIRT_VERSION: Final = f"{_SUBRESOURCES}/version"
VERSION: Final = "/version"
GROUPS: Final = "/apis"
"""What the API serves; every authenticated user may read both (system:discovery)."""

_KINDS = {
    r.plural: r.kind
    for r in (VMS, VMIS, VMIMS, KUBEVIRTS, CRDS, NODES, NAMESPACES, CLAIMS, VOLUMES, PODS, QUOTAS, EVENTS)
}


def kind_of(plural: str) -> str:
    """The kind behind a Status' `details.kind`: the plural, or the singular where virt-api itself answers (recorded).

    An unknown one is its own answer.
    """
    return _KINDS.get(plural) or _KINDS.get(f"{plural}s") or plural


def resource_in(path: str) -> str:
    """The resource of a path as RBAC writes it, with its subresource: few words, whatever the objects are called."""
    within = path.strip("/").split("/")[2 if path.startswith("/api/") else 3 :]
    if within[:1] == ["namespaces"] and len(within) > 2:
        within = within[2:]
    plural, subresource = (*within, "", "", "")[0:3:2]
    if plural not in _KINDS and plural != ACCESS_REVIEWS.plural:
        return "other"
    return f"{plural}/{subresource}".rstrip("/")


def _segment(name: str) -> str:
    # The rule is Kubernetes' own: k8s.io/apimachinery pkg/api/validation/path, IsValidPathSegmentName.
    if name in {"", ".", ".."} or "/" in name or "%" in name:
        raise Invalid(f'"{name}" cannot be the name of an object')
    return quote(name, safe="")
