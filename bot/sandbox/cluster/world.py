"""Builds a world from data: nodes, namespaces, storage, KubeVirt's own objects, VMs.

The VMs are not written in their final state: they are created and started by the controllers on the virtual clock,
long before the sandbox opens, so whatever a client then reads is what the controllers would have left.
"""

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.openapi import custom_resource_schema
from bot.sandbox.cluster.resources import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CRD,
    KUBEVIRT_CR,
    LEASE,
    NAMESPACE,
    NODE,
    POD,
    PV,
    PVC,
    SERVICE_ACCOUNT,
    STORAGE_CLASS,
    VM,
    VMI,
    VMIM,
    Resource,
)
from bot.sandbox.cluster.settings import parse_version
from bot.sandbox.cluster.store import Store

KUBEVIRT_NAMESPACE = "kubevirt"
DISKS = {"rwx": ("ReadWriteMany", "nfs-rwx"), "rwo": ("ReadWriteOnce", "ceph-rwo"), "local": ("ReadWriteOnce", "local")}
CPU_MODEL = "Skylake-Server"

World = dict[str, Any]


def load_world(path: Path | None = None) -> World:
    """The world in a YAML file, by default the one of this package."""
    text = path.read_text() if path else resources.files(__package__).joinpath("world.yaml").read_text()
    world: World = yaml.safe_load(text)
    return world


class WorldBuilder:
    def __init__(self, store: Store, version: str) -> None:
        self._store = store
        self._version = version

    def build(self, world: World) -> dict[tuple[str, str], str]:
        """Create everything; returns where each VM is to run: (namespace, name) -> node."""
        for namespace in world["namespaces"]:
            self._namespace(namespace)
        self._kubevirt()
        self._access()
        for name, (_, class_name) in DISKS.items():
            provisioner = "kubernetes.io/no-provisioner" if name == "local" else f"{name}.csi.example.com"
            mode = "WaitForFirstConsumer" if name == "local" else "Immediate"
            self._store.create(
                STORAGE_CLASS,
                {"metadata": {"name": class_name}, "provisioner": provisioner, "volumeBindingMode": mode},
            )
        for index, node in enumerate(world["nodes"], start=1):
            self._node(node, index)
        hostnames = {n["name"]: n.get("hostname", n["name"]) for n in world["nodes"]}
        for namespace, vms in world["vms"].items():
            for vm in vms:
                self._vm(namespace, vm, hostnames)
        return {(ns, vm["name"]): vm["node"] for ns, vms in world["vms"].items() for vm in vms if "node" in vm}

    def finish(self, world: World) -> None:
        """What is true of the running world only: cordons and taints."""
        for node in world["nodes"]:
            spec: Obj = {"unschedulable": True} if node.get("cordoned") else {}
            if node.get("taints"):
                spec["taints"] = node["taints"]
            if spec:
                self._store.modify(NODE, "", node["name"], lambda n, spec=spec: n["spec"].update(spec))  # type: ignore[misc]  # a default binds the loop variable

    def _namespace(self, entry: Obj) -> None:
        name = entry["name"]
        labels = {"kubernetes.io/metadata.name": name} | entry.get("labels", {})
        self._store.create(
            NAMESPACE,
            {
                "metadata": {"name": name, "labels": labels},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
        )
        self._store.create(SERVICE_ACCOUNT, {"metadata": {"name": "default", "namespace": name}})

    def _kubevirt(self) -> None:
        """Recorded: world/kubevirt.json; the CRD's properties: world/vmim-crd-properties.json."""
        conditions = [
            {
                "message": "All resources were created.",
                "reason": "AllResourcesCreated",
                "status": "True",
                "type": "Created",
            },
            {
                "message": "All components are ready.",
                "reason": "AllComponentsReady",
                "status": "True",
                "type": "Available",
            },
        ]
        status = {
            "conditions": conditions,
            "defaultArchitecture": "amd64",
            "observedKubeVirtVersion": self._version,
            "operatorVersion": self._version,
            "targetKubeVirtVersion": self._version,
            "phase": "Deployed",
        }
        metadata = {"name": "kubevirt", "namespace": KUBEVIRT_NAMESPACE}
        spec = {"configuration": {"imagePullPolicy": "IfNotPresent"}, "imagePullPolicy": "IfNotPresent"}
        self._store.create(KUBEVIRT_CR, {"metadata": metadata, "spec": spec, "status": status})
        for resource in (VM, VMI, VMIM, KUBEVIRT_CR):
            self._store.create(CRD, self._definition(resource))

    def _definition(self, resource: Resource) -> Obj:
        schema = custom_resource_schema(resource, parse_version(self._version))
        versions = [
            {
                "name": version,
                "served": True,
                "storage": version == resource.version,
                "schema": {"openAPIV3Schema": schema},
                "subresources": {"status": {}} if resource.has_status else {},
            }
            for version in resource.versions
        ]
        names = {
            "plural": resource.plural,
            "singular": resource.singular,
            "kind": resource.kind,
            "listKind": f"{resource.kind}List",
            "shortNames": list(resource.short_names),
            "categories": list(resource.categories),
        }
        spec = {"group": resource.group, "names": names, "scope": "Namespaced", "versions": versions}
        conditions = [{"type": t, "status": "True"} for t in ("NamesAccepted", "Established")]
        status = {"acceptedNames": names, "conditions": conditions, "storedVersions": [resource.version]}
        return {"metadata": {"name": resource.qualified}, "spec": spec, "status": status}

    def _access(self) -> None:
        """The roles that every KubeVirt cluster has, as far as moving VMs asks for them (sourced: rbac/cluster.go)."""
        for name, rules in _CLUSTER_ROLES.items():
            self._store.create(CLUSTER_ROLE, {"metadata": {"name": name}, "rules": rules})
        for name in ("kubevirt.io:default", "system:basic-user", "system:discovery"):
            subjects = [{"kind": "Group", "name": "system:authenticated", "apiGroup": "rbac.authorization.k8s.io"}]
            reference = {"kind": "ClusterRole", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
            binding = {"metadata": {"name": name}, "subjects": subjects, "roleRef": reference}
            self._store.create(CLUSTER_ROLE_BINDING, binding)

    def _node(self, entry: Obj, index: int) -> None:
        name = entry["name"]
        is_worker = entry.get("role", "worker") == "worker"
        now = self._store.clock.timestamp()
        node: Obj = {
            "metadata": {
                "name": name,
                "labels": _node_labels(entry, is_worker=is_worker),
                "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
            },
            "spec": {"podCIDR": f"10.244.{index}.0/24"},
            "status": _node_status(entry, index, now, is_worker=is_worker),
        }
        if is_worker:
            node["metadata"]["annotations"]["kubevirt.io/heartbeat"] = now
        else:
            node["spec"]["taints"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
        created = self._store.create(NODE, node)
        self._lease(name)
        if is_worker:
            self._handler_pod(created)

    def _lease(self, node: str) -> None:
        spec = {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": self._store.clock.micro_timestamp()}
        self._store.create(LEASE, {"metadata": {"name": node, "namespace": "kube-node-lease"}, "spec": spec})

    def _handler_pod(self, node: Obj) -> None:
        owner = {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "name": "virt-handler",
            "uid": "daemonset",
            "controller": True,
        }
        metadata = {
            "generateName": "virt-handler-",
            "namespace": KUBEVIRT_NAMESPACE,
            "labels": {"kubevirt.io": "virt-handler"},
            "ownerReferences": [owner],
        }
        container = {
            "name": "virt-handler",
            "image": f"quay.io/kubevirt/virt-handler:{self._version}",
            "resources": {"requests": {"cpu": "10m", "memory": "325Mi"}},
        }
        tolerations = [{"operator": "Exists"}]
        spec = {"nodeName": node["metadata"]["name"], "containers": [container], "tolerations": tolerations}
        self._store.create(POD, {"metadata": metadata, "spec": spec, "status": {"phase": "Pending"}})

    def _vm(self, namespace: str, entry: Obj, hostnames: dict[str, str]) -> None:
        disk = entry.get("disk", "rwx")
        if disk != "none":
            self._claim(namespace, entry, disk, hostnames)
        self._store.create(VM, vm_from_entry(self._store, namespace, entry))

    def _claim(self, namespace: str, entry: Obj, disk: str, hostnames: dict[str, str]) -> None:
        """Recorded: world/pv-rwx.json, world/pvc-rwx.json."""
        mode, class_name = DISKS[disk]
        claim, volume = f"{entry['name']}-rootdisk", f"pv-{namespace}-{entry['name']}"
        size = {"storage": "20Gi"}
        created = self._store.create(
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
            "claimRef": reference | {"uid": created["metadata"]["uid"], "apiVersion": "v1"},
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
        metadata = {"name": volume, "finalizers": ["kubernetes.io/pv-protection"]}
        self._store.create(PV, {"metadata": metadata, "spec": spec, "status": {"phase": "Bound"}})


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


def _only_on(hostname: str) -> Obj:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [hostname]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}


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


def _rule(group: str, resource_names: str, verbs: str) -> Obj:
    return {"apiGroups": [group], "resources": resource_names.split(), "verbs": verbs.split()}


_READ = "get list watch"
_CLUSTER_ROLES: dict[str, list[Obj]] = {
    "cluster-admin": [_rule("*", "*", "*")],
    "system:basic-user": [_rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create")],
    "system:discovery": [{"nonResourceURLs": ["/api", "/apis", "/openapi", "/version"], "verbs": ["get"]}],
    "kubevirt.io:default": [_rule("kubevirt.io", "kubevirts", "get list")],
    "kubevirt.io:view": [
        _rule("kubevirt.io", "virtualmachines virtualmachineinstances virtualmachineinstancemigrations", _READ)
    ],
    "kubevirt.io:edit": [
        _rule("kubevirt.io", "virtualmachines virtualmachineinstances", "*"),
        _rule("kubevirt.io", "virtualmachineinstancemigrations", _READ),
        _rule(
            "subresources.kubevirt.io", "virtualmachines/start virtualmachines/stop virtualmachines/restart", "update"
        ),
    ],
    "kubevirt.io:migrate": [
        _rule(
            "kubevirt.io", "virtualmachineinstancemigrations", f"{_READ} create delete patch update deletecollection"
        ),
        _rule("subresources.kubevirt.io", "virtualmachines/migrate", "update"),
    ],
}
