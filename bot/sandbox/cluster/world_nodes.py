"""Node objects of a world (recorded: world/node.json)."""

from bot.sandbox.cluster.objects import Obj

CPU_MODEL = "Skylake-Server"


def node_from_entry(entry: Obj, index: int, now: str) -> Obj:
    """A Node from one line of a world file; ``index`` makes its addresses."""
    is_worker = entry.get("role", "worker") == "worker"
    node: Obj = {
        "metadata": {
            "name": entry["name"],
            "labels": _node_labels(entry, is_worker=is_worker),
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": {"podCIDR": f"10.244.{index}.0/24", "podCIDRs": [f"10.244.{index}.0/24"]},
        "status": _node_status(entry, index, now, is_worker=is_worker),
    }
    if is_worker:
        node["metadata"]["annotations"]["kubevirt.io/heartbeat"] = now
    else:
        node["spec"]["taints"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    return node


def _node_labels(entry: Obj, *, is_worker: bool) -> dict[str, str]:
    """Recorded: world/node.json."""
    own: dict[str, str] = entry.get("labels", {})
    hostname = entry.get("hostname", entry["name"])
    common = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": hostname,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": entry.get("zone", "rack-a"),
    }
    if not is_worker:
        return common | {"node-role.kubernetes.io/control-plane": ""} | own
    model = entry.get("cpuModel", CPU_MODEL)
    return (
        common
        | {f"cpu-model.node.kubevirt.io/{m}": "true" for m in ("Haswell", "Nehalem", model)}
        | {
            f"cpu-model-migration.node.kubevirt.io/{model}": "true",
            f"host-model-cpu.node.kubevirt.io/{model}": "true",
            "cpu-vendor.node.kubevirt.io/Intel": "true",
            "cpumanager": "false",
            "kubevirt.io/cpumanager": "false",
            "kubevirt.io/schedulable": "true",
            "machine-type.node.kubevirt.io/pc-q35-rhel9.6.0": "true",
            "machine-type.node.kubevirt.io/q35": "true",
            "node-role.kubernetes.io/worker": "",
        }
        | own
    )


def _node_status(entry: Obj, index: int, now: str, *, is_worker: bool) -> Obj:
    room = {
        "cpu": entry.get("cpu", "16"),
        "memory": entry.get("memory", "64Gi"),
        "ephemeral-storage": "200Gi",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "pods": "110",
    }
    if is_worker:
        room |= {f"devices.kubevirt.io/{d}": "1k" for d in ("kvm", "tun", "vhost-net", "vhost-vsock")}
        room |= {"nvidia.com/A100": "1"} if entry["name"] == "worker-05" else {}
    base = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    return {
        "capacity": room,
        "allocatable": dict(room),
        "conditions": [base | ready],
        "addresses": [
            {"type": "InternalIP", "address": f"10.0.0.{10 + index}"},
            {"type": "Hostname", "address": entry.get("hostname", entry["name"])},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "architecture": "amd64",
            "containerRuntimeVersion": "cri-o://1.34.2",
            "kernelVersion": "5.14.0-570.el9.x86_64",
            "kubeletVersion": "v1.34.9",
            "operatingSystem": "linux",
            "osImage": "Red Hat Enterprise Linux 9.6",
            "kubeProxyVersion": "",
            "bootID": f"boot-{index}",
            "machineID": f"machine-{index}",
            "systemUUID": f"system-{index}",
        },
    }
