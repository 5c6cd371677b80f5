"""Renders virt-launcher pods.

Recorded: world/pod-virt-launcher.json, live-targeted. Sourced: kubevirt pkg/virt-controller/services.
"""

import json
from decimal import Decimal

from bot.sandbox.cluster.objects import Obj, annotations, clone, dig, labels, owner_reference, phase, uid_of
from bot.sandbox.cluster.quantity import format_bytes, format_cpu, parse_quantity
from bot.sandbox.cluster.resources import NODE, POD
from bot.sandbox.cluster.store import Store

IMAGE = "quay.io/kubevirt/virt-launcher:v1.9.0"
CREATED_BY = "kubevirt.io/created-by"
JOB_UID = "kubevirt.io/migrationJobUID"
JOB_NAME = "kubevirt.io/migrationJobName"
NODE_NAME = "kubevirt.io/nodeName"
OVERHEAD = Decimal(276 * 2**20)
CPU_ALLOCATION_RATIO = 10
EXTRA_GRACE = 30
"""Seconds that the pod outlives its guest's grace period (recorded: 30 -> 60, stuck-stop: 3600 -> 3630)."""

_HOST_MODEL = "host-model"
_MACHINE_LABEL = "machine-type.node.kubevirt.io/"
_UNPAUSED = "kubevirt.io/virtual-machine-unpaused"


def launcher_pods(store: Store, vmi: Obj) -> list[Obj]:
    """All pods of a VMI, finished ones too (read only)."""
    return store.labelled(POD, CREATED_BY, uid_of(vmi))


def target_pod(store: Store, vmi: Obj, migration: Obj) -> Obj | None:
    uid = uid_of(migration)
    return next((pod for pod in launcher_pods(store, vmi) if labels(pod).get(JOB_UID) == uid), None)


def current_pod(store: Store, vmi: Obj) -> Obj | None:
    return choose_current(vmi, launcher_pods(store, vmi))


def choose_current(vmi: Obj, pods: list[Obj]) -> Obj | None:
    """The pod that runs the guest: on the VMI's node, else the one that is no migration target."""
    pods = [p for p in pods if phase(p) not in {"Succeeded", "Failed"}]
    node = dig(vmi, "status", "nodeName", default="")
    on_node = [p for p in pods if node and p["spec"].get("nodeName") == node]
    state = dig(vmi, "status", "migrationState", default={})
    others = [p for p in pods if not labels(p).get(JOB_UID) or state.get("targetPod") == p["metadata"]["name"]]
    return next(iter(on_node or others), None)


def render_pod(vmi: Obj) -> Obj:
    namespace, name = vmi["metadata"]["namespace"], vmi["metadata"]["name"]
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "generateName": f"virt-launcher-{name}-",
            "namespace": namespace,
            "labels": _labels(vmi),
            "annotations": _annotations(vmi),
            "ownerReferences": [owner_reference(vmi)],
        },
        "spec": _spec(vmi),
        "status": {"phase": "Pending", "qosClass": "Burstable"},
    }


def render_target_pod(store: Store, vmi: Obj, migration: Obj) -> Obj:
    """The target of a migration: never the source's node, and a CPU that can go on where the source's stopped."""
    pod = render_pod(vmi)
    pod["metadata"]["labels"][JOB_UID] = uid_of(migration)
    pod["metadata"]["annotations"][JOB_NAME] = migration["metadata"]["name"]
    selector = dict(dig(migration, "spec", "addedNodeSelector", default={}))
    selector |= _machine_and_cpu(store, vmi) | _vm_selector(vmi)
    pod["spec"]["nodeSelector"] = dict(sorted((_base_selector(vmi) | selector).items()))
    affinity = pod["spec"]["affinity"].setdefault("podAntiAffinity", {})
    affinity.setdefault("requiredDuringSchedulingIgnoredDuringExecution", []).append(
        {"labelSelector": {"matchLabels": {CREATED_BY: uid_of(vmi)}}, "topologyKey": "kubernetes.io/hostname"}
    )
    return pod


def unpaused_condition(now: str, *, paused: bool = False) -> Obj:
    return {
        "type": _UNPAUSED,
        "status": "False" if paused else "True",
        "lastProbeTime": now,
        "lastTransitionTime": now,
        "reason": "Paused" if paused else "NotPaused",
        "message": "the virtual machine is paused" if paused else "the virtual machine is not paused",
    }


def guest_memory(vmi: Obj) -> Decimal:
    domain = vmi["spec"]["domain"]
    asked = dig(domain, "memory", "guest") or dig(domain, "resources", "requests", "memory", default="1Gi")
    return parse_quantity(asked)


def _labels(vmi: Obj) -> dict[str, str]:
    name = vmi["metadata"]["name"]
    own = {"kubevirt.io": "virt-launcher", CREATED_BY: uid_of(vmi), "vm.kubevirt.io/name": name}
    kept = {k: v for k, v in labels(vmi).items() if k != "kubevirt.io/migrationTargetNodeName"}
    return kept | own | {"vmi.kubevirt.io/id": name}


def _annotations(vmi: Obj) -> dict[str, str]:
    namespace, name = vmi["metadata"]["namespace"], vmi["metadata"]["name"]
    freezer = ["/usr/bin/virt-freezer", "--freeze", "--name", name, "--namespace", namespace]
    kept = {k: v for k, v in annotations(vmi).items() if not k.endswith("observed-api-version")}
    return kept | {
        "descheduler.alpha.kubernetes.io/request-evict-only": "",
        "kubectl.kubernetes.io/default-container": "compute",
        "kubevirt.io/domain": name,
        "kubevirt.io/memory-overhead-bytes": str(int(OVERHEAD)),
        "kubevirt.io/migrationTransportUnix": "true",
        "pre.hook.backup.velero.io/command": json.dumps(freezer),
    }


def _spec(vmi: Obj) -> Obj:
    grace = vmi["spec"].get("terminationGracePeriodSeconds", 30)
    return {
        "affinity": _affinity(vmi),
        "containers": [
            {
                "name": "compute",
                "image": IMAGE,
                "command": ["/usr/bin/virt-launcher-monitor", "--name", vmi["metadata"]["name"]],
                "resources": _resources(vmi),
            }
        ],
        "initContainers": [
            {
                "name": "guest-console-log",
                "image": IMAGE,
                "restartPolicy": "Always",
                "resources": {
                    "limits": {"cpu": "15m", "memory": "60M"},
                    "requests": {"cpu": "5m", "memory": "35M"},
                },
            }
        ],
        "automountServiceAccountToken": False,
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": False,
        "hostname": vmi["metadata"]["name"],
        "nodeSelector": dict(sorted((_base_selector(vmi) | _vm_selector(vmi)).items())),
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
        "readinessGates": [{"conditionType": _UNPAUSED}],
        "restartPolicy": "Never",
        "schedulerName": vmi["spec"].get("schedulerName", "default-scheduler"),
        "serviceAccount": "default",
        "serviceAccountName": "default",
        "terminationGracePeriodSeconds": grace + EXTRA_GRACE,
        "tolerations": [*vmi["spec"].get("tolerations", []), *_default_tolerations()],
        "volumes": [clone(v) for v in vmi["spec"].get("volumes", []) if "persistentVolumeClaim" in v],
    }


def _default_tolerations() -> list[Obj]:
    keys = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    return [{"key": k, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300} for k in keys]


def _base_selector(vmi: Obj) -> dict[str, str]:
    machine = dig(vmi, "spec", "domain", "machine", "type", default="q35")
    architecture = vmi["spec"].get("architecture", "amd64")
    return {"kubernetes.io/arch": architecture, "kubevirt.io/schedulable": "true"} | (
        {} if dig(vmi, "status", "machine") else {_MACHINE_LABEL + machine: "true"}
    )


def _vm_selector(vmi: Obj) -> dict[str, str]:
    """The VM's own selector and what its CPU asks of a node (sourced: services/nodeselectorrenderer.go)."""
    cpu = dig(vmi, "spec", "domain", "cpu", default={})
    rendered = dict(vmi["spec"].get("nodeSelector") or {})
    model = _cpu_model(vmi)
    if model not in {_HOST_MODEL, "host-passthrough"}:
        rendered[f"cpu-model.node.kubevirt.io/{model}"] = "true"
    if cpu.get("dedicatedCpuPlacement"):
        rendered["kubevirt.io/cpumanager"] = "true"
    required = [f["name"] for f in cpu.get("features") or [] if f.get("policy", "require") == "require"]
    return rendered | {f"cpu-feature.node.kubevirt.io/{name}": "true" for name in required}


def _cpu_model(vmi: Obj) -> str:
    model: str = dig(vmi, "spec", "domain", "cpu", "model", default=_HOST_MODEL)
    return model


def _machine_and_cpu(store: Store, vmi: Obj) -> dict[str, str]:
    """Recorded: live-targeted. A second migration inherits the CPU from the current pod, not from its node."""
    selector = {_MACHINE_LABEL + dig(vmi, "status", "machine", "type", default="q35"): "true"}
    if _cpu_model(vmi) != _HOST_MODEL:
        return selector
    pod = current_pod(store, vmi)
    inherited = _inherited_cpu(dig(pod, "spec", "nodeSelector", default={}))
    node = store.peek(NODE, "", dig(vmi, "status", "nodeName", default=""))
    return selector | (inherited or _cpu_of(labels(node) if node else {}))


def _inherited_cpu(selector: dict[str, str]) -> dict[str, str]:
    """Features that the guest itself asks for pass for inherited ones (sourced: prepareNodeSelectorForHostCpuModel)."""
    prefixes = ("cpu-model-migration.node.", "cpu-feature.node.", "cpu-vendor.node.")
    inherited = {k: v for k, v in selector.items() if k.startswith(prefixes)}
    return inherited if any(k.startswith(prefixes[:2]) for k in inherited) else {}


def _cpu_of(node_labels: dict[str, str]) -> dict[str, str]:
    """Sourced: kubevirt migration.go prepareNodeSelectorForHostCpuModel."""
    renamed = {
        "host-model-cpu.node.kubevirt.io/": "cpu-model-migration.node.kubevirt.io/",
        "host-model-required-features.node.kubevirt.io/": "cpu-feature.node.kubevirt.io/",
        "cpu-vendor.node.kubevirt.io/": "cpu-vendor.node.kubevirt.io/",
    }
    return {
        new + label.removeprefix(old): value
        for label, value in node_labels.items()
        for old, new in renamed.items()
        if label.startswith(old)
    }


def _affinity(vmi: Obj) -> Obj:
    """The VM's affinity; where the guest gets its node's CPU, with KubeVirt's own requirement in every selector term
    (recorded: live-targeted; sourced: template.go, setNodeAffinityForHostModelCpuModel)."""
    affinity: Obj = clone(vmi["spec"].get("affinity") or {})
    if _cpu_model(vmi) != _HOST_MODEL:
        return affinity
    node_affinity = affinity.setdefault("nodeAffinity", {})
    required = node_affinity.setdefault("requiredDuringSchedulingIgnoredDuringExecution", {})
    own = {"key": "node-labeller.kubevirt.io/obsolete-host-model", "operator": "DoesNotExist"}
    for term in required.setdefault("nodeSelectorTerms", [{}]):
        term.setdefault("matchExpressions", []).append(own)
    return affinity


def _resources(vmi: Obj) -> Obj:
    domain = vmi["spec"]["domain"]
    cpu = domain.get("cpu", {})
    vcpus = cpu.get("cores", 1) * cpu.get("sockets", 1) * cpu.get("threads", 1)
    shared = Decimal(vcpus) if cpu.get("dedicatedCpuPlacement") else Decimal(vcpus) / CPU_ALLOCATION_RATIO
    asked = dig(domain, "resources", "requests", "cpu")
    devices = {f"devices.kubevirt.io/{name}": "1" for name in ("kvm", "tun", "vhost-net")}
    for device in [*dig(domain, "devices", "hostDevices", default=[]), *dig(domain, "devices", "gpus", default=[])]:
        devices[device["deviceName"]] = "1"
    memory = {"memory": format_bytes(guest_memory(vmi) + OVERHEAD)}
    page = dig(domain, "memory", "hugepages", "pageSize")
    if page:
        memory = {f"hugepages-{page}": format_bytes(guest_memory(vmi)), "memory": format_bytes(OVERHEAD)}
    requests = {"cpu": asked or format_cpu(shared), "ephemeral-storage": "50M"}
    return {"limits": devices, "requests": requests | devices | memory}
