"""``Table`` answers: what ``kubectl get`` prints. Columns of the built-in printers and of KubeVirt's CRDs."""

from collections.abc import Callable, Iterable
from typing import Any

from bot.sandbox.cluster.clock import parse_time
from bot.sandbox.cluster.objects import Obj, condition, dig, is_deleting, labels
from bot.sandbox.cluster.resources import (
    EVENT,
    KUBEVIRT_CR,
    NAMESPACE,
    NODE,
    POD,
    PV,
    PVC,
    STORAGE_CLASS,
    VM,
    VMI,
    VMIM,
    Resource,
)

Cell = Callable[[Obj], Any]
Column = tuple[str, Cell]


def _path(*steps: str) -> Cell:
    return lambda obj: dig(obj, *steps, default="")


def _ready_text(obj: Obj) -> str:
    return str(condition(obj, "Ready").get("status", ""))


def _node_status(node: Obj) -> str:
    word = {"True": "Ready", "False": "NotReady"}.get(condition(node, "Ready").get("status", ""), "NotReady")
    return f"{word},SchedulingDisabled" if node["spec"].get("unschedulable") else word


def _roles(node: Obj) -> str:
    prefix = "node-role.kubernetes.io/"
    return ",".join(sorted(k.removeprefix(prefix) for k in labels(node) if k.startswith(prefix))) or "<none>"


def _pod_status(pod: Obj) -> str:
    if is_deleting(pod):
        return "Terminating"
    word = {"Succeeded": "Completed"}.get(pod["status"]["phase"], pod["status"]["phase"])
    waiting = [dig(c, "state", "waiting", "reason") for c in dig(pod, "status", "containerStatuses", default=[])]
    return str(next((w for w in waiting if w), word))


def _pod_ready(pod: Obj) -> str:
    statuses = dig(pod, "status", "containerStatuses", default=[])
    total = len(pod["spec"].get("containers", []))
    return f"{sum(1 for c in statuses if c.get('ready'))}/{total}"


def _modes(obj: Obj) -> str:
    short = {"ReadWriteMany": "RWX", "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteOncePod": "RWOP"}
    return ",".join(short.get(m, m) for m in obj["spec"].get("accessModes", []))


def _claim(pv: Obj) -> str:
    reference = dig(pv, "spec", "claimRef")
    return f"{reference['namespace']}/{reference['name']}" if reference else ""


def _last_seen(event: Obj) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _involved(event: Obj) -> str:
    return f"{event['involvedObject']['kind'].lower()}/{event['involvedObject']['name']}"


def _ip(vmi: Obj) -> str:
    return str(next((i.get("ipAddress", "") for i in dig(vmi, "status", "interfaces", default=[])), ""))


def _live_migratable(vmi: Obj) -> str:
    return str(condition(vmi, "LiveMigratable").get("status", ""))


COLUMNS: dict[Resource, tuple[Column, ...]] = {
    NODE: (
        ("Status", _node_status),
        ("Roles", _roles),
        ("Age", _path("metadata", "creationTimestamp")),
        ("Version", _path("status", "nodeInfo", "kubeletVersion")),
    ),
    NAMESPACE: (("Status", _path("status", "phase")), ("Age", _path("metadata", "creationTimestamp"))),
    POD: (
        ("Ready", _pod_ready),
        ("Status", _pod_status),
        ("Restarts", lambda _pod: 0),
        ("Age", _path("metadata", "creationTimestamp")),
        ("IP", _path("status", "podIP")),
        ("Node", _path("spec", "nodeName")),
    ),
    PVC: (
        ("Status", _path("status", "phase")),
        ("Volume", _path("spec", "volumeName")),
        ("Capacity", _path("status", "capacity", "storage")),
        ("Access Modes", _modes),
        ("StorageClass", _path("spec", "storageClassName")),
        ("Age", _path("metadata", "creationTimestamp")),
    ),
    PV: (
        ("Capacity", _path("spec", "capacity", "storage")),
        ("Access Modes", _modes),
        ("Reclaim Policy", _path("spec", "persistentVolumeReclaimPolicy")),
        ("Status", _path("status", "phase")),
        ("Claim", _claim),
        ("StorageClass", _path("spec", "storageClassName")),
        ("Age", _path("metadata", "creationTimestamp")),
    ),
    STORAGE_CLASS: (("Provisioner", _path("provisioner")), ("Age", _path("metadata", "creationTimestamp"))),
    EVENT: (
        ("Last Seen", _last_seen),
        ("Type", _path("type")),
        ("Reason", _path("reason")),
        ("Object", _involved),
        ("Message", _path("message")),
    ),
    KUBEVIRT_CR: (("Age", _path("metadata", "creationTimestamp")), ("Phase", _path("status", "phase"))),
    VM: (
        ("Age", _path("metadata", "creationTimestamp")),
        ("Status", _path("status", "printableStatus")),
        ("Ready", _ready_text),
    ),
    VMI: (
        ("Age", _path("metadata", "creationTimestamp")),
        ("Phase", _path("status", "phase")),
        ("IP", _ip),
        ("NodeName", _path("status", "nodeName")),
        ("Ready", _ready_text),
        ("Live-Migratable", _live_migratable),
    ),
    VMIM: (("Phase", _path("status", "phase")), ("VMI", _path("spec", "vmiName"))),
}
_DEFAULT: tuple[Column, ...] = (("Age", _path("metadata", "creationTimestamp")),)
_TIMES = frozenset({"Age", "Last Seen"})
_WIDE = frozenset({"IP", "Node", "Live-Migratable"})


def table(resource: Resource, objects: Iterable[Obj], metadata: Obj, now: float, *, whole: bool = False) -> Obj:
    """A ``Table``; its rows carry the object's metadata, or the whole object when asked."""
    columns = COLUMNS.get(resource, _DEFAULT)
    name_priority = 1 if resource is EVENT else 0
    named = [{"name": "Name", "type": "string", "format": "name", "description": "Name", "priority": name_priority}]
    rest = [
        {"name": n, "type": "string", "format": "", "description": n, "priority": _priority(resource, n)}
        for n, _ in columns
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [*named, *rest],
        "rows": [_row(obj, columns, now, whole=whole) for obj in objects],
    }


def _priority(resource: Resource, name: str) -> int:
    return 1 if name in _WIDE and not (resource is VMI and name == "IP") else 0


def _row(obj: Obj, columns: tuple[Column, ...], now: float, *, whole: bool) -> Obj:
    cells = [_cell(name, read(obj), now) for name, read in columns]
    shown = obj if whole else partial_metadata(obj)
    return {"cells": [obj["metadata"]["name"], *cells], "object": shown}


def _cell(name: str, value: Any, now: float) -> Any:
    return human_duration(now - parse_time(value)) if name in _TIMES and value else value


def partial_metadata(obj: Obj) -> Obj:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def human_duration(seconds: float) -> str:
    """As kubectl prints ages: two units at most (sourced: apimachinery duration.HumanDuration, shortened)."""
    total = max(int(seconds), 0)
    if total < 120:
        return f"{total}s"
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if minutes < 10:
        return f"{minutes}m{total % 60}s" if total % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{days}d"
