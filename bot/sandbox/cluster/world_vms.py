"""VM objects of a world, and the storage that they use (recorded: world/vm-*.json, world/pv*.json)."""

from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.resources import PV, PVC
from bot.sandbox.cluster.store import Store

DISKS = {"rwx": ("ReadWriteMany", "nfs-rwx"), "rwo": ("ReadWriteOnce", "ceph-rwo"), "local": ("ReadWriteOnce", "local")}
"""What a world file calls a disk: its access mode and storage class."""


def vm_from_entry(store: Store, namespace: str, entry: Obj) -> Obj:
    """A VM object from one line of a world file (recorded: world/vm-*.json)."""
    name = entry["name"]
    app = name.rsplit("-", 1)[0]
    strategy: Obj = {"runStrategy": entry.get("strategy", "Always")}
    if "running" in entry:
        strategy = {"running": entry["running"]}
    started = entry.get("strategy") == "Manual" and "node" in entry
    status: Obj = {"stateChangeRequests": [{"action": "Start"}]} if started else {}
    return {
        "status": status,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app": app} | entry.get("labels", {}),
            "annotations": {
                "kubevirt.io/latest-observed-api-version": "v1",
                "kubevirt.io/storage-observed-api-version": "v1",
            }
            | entry.get("annotations", {}),
            "finalizers": ["kubevirt.io/virtualMachineControllerFinalize"],
        },
        "spec": entry.get("spec")
        or strategy
        | {
            "template": {
                "metadata": {
                    "annotations": {"kubevirt.io/pci-topology-version": "v3"},
                    "labels": {"app": app, "kubevirt.io/vm": name[:63]},
                },
                "spec": _template_spec(store, entry),
            }
        },
    }


def _template_spec(store: Store, entry: Obj) -> Obj:
    volume: Obj = {"name": "rootdisk", "persistentVolumeClaim": {"claimName": f"{entry['name']}-rootdisk"}}
    if entry.get("disk") == "none":
        volume = {"name": "rootdisk", "containerDisk": {"image": "quay.io/containerdisks/fedora:40"}}
    devices: Obj = {
        "disks": [{"disk": {"bus": "virtio"}, "name": "rootdisk"}],
        "interfaces": [{"name": "default", entry.get("interface", "masquerade"): {}}],
        "rng": {},
    }
    if entry.get("hostDevices"):
        devices["hostDevices"] = [{"name": f"device-{i}", "deviceName": d} for i, d in enumerate(entry["hostDevices"])]
    spec: Obj = {
        "architecture": "amd64",
        "domain": {
            "cpu": {"cores": entry.get("cores", 2)},
            "devices": devices,
            "firmware": {"serial": store.new_uid(), "uuid": store.new_uid()},
            "machine": {"type": "q35"},
            "memory": {"guest": entry.get("memory", "2Gi")},
            "resources": {},
        },
        "networks": [{"name": "default", "pod": {}}],
        "terminationGracePeriodSeconds": entry.get("grace", 30),
        "volumes": [volume],
    }
    if entry.get("affinity"):
        terms = [{"matchExpressions": term} for term in entry["affinity"]]
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        spec["affinity"] = {"nodeAffinity": required}
    return spec | {k: entry[k] for k in ("nodeSelector", "tolerations", "evictionStrategy") if k in entry}


def create_claim(store: Store, namespace: str, entry: Obj, disk: str, hostnames: dict[str, str]) -> None:
    """Recorded: world/pv-rwx.json, world/pvc-rwx.json."""
    mode, class_name = DISKS[disk]
    claim, volume = f"{entry['name']}-rootdisk", f"pv-{namespace}-{entry['name']}"
    size = {"storage": "20Gi"}
    created = store.create(
        PVC,
        {
            "metadata": {
                "name": claim,
                "namespace": namespace,
                "annotations": {"pv.kubernetes.io/bind-completed": "yes"},
                "finalizers": ["kubernetes.io/pvc-protection"],
            },
            "spec": {
                "accessModes": [mode],
                "resources": {"requests": size},
                "volumeName": volume,
                "storageClassName": class_name,
                "volumeMode": "Filesystem",
            },
            "status": {"phase": "Bound", "accessModes": [mode], "capacity": size},
        },
    )
    reference = {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim}
    spec: Obj = {
        "capacity": size,
        "accessModes": [mode],
        "claimRef": reference
        | {
            "uid": created["metadata"]["uid"],
            "apiVersion": "v1",
            "resourceVersion": created["metadata"]["resourceVersion"],
        },
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": class_name,
        "volumeMode": "Filesystem",
    }
    if disk == "local":
        spec |= {
            "local": {"path": f"/var/lib/vms/{entry['name']}"},
            "nodeAffinity": _only_on(hostnames[entry["node"]]),
        }
    else:
        spec["nfs"] = {"server": "10.0.0.1", "path": f"/export/{namespace}/{entry['name']}"}
    status = {"phase": "Bound", "lastPhaseTransitionTime": store.clock.timestamp()}
    metadata = {"name": volume, "finalizers": ["kubernetes.io/pv-protection"]}
    store.create(PV, {"metadata": metadata, "spec": spec, "status": status})


def _only_on(hostname: str) -> Obj:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [hostname]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
