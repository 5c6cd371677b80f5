"""Builds a world from data: nodes, namespaces, storage, KubeVirt's own objects, VMs.

The VMs are not written in their final state: they are created and started by the controllers on the virtual clock,
long before the sandbox opens, so whatever a client then reads is what the controllers would have left.
"""

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from bot.sandbox.cluster.objects import Obj, labels
from bot.sandbox.cluster.openapi import custom_resource_schema
from bot.sandbox.cluster.resources import (
    CRD,
    KUBEVIRT_CR,
    LEASE,
    NAMESPACE,
    NODE,
    POD,
    SERVICE_ACCOUNT,
    STORAGE_CLASS,
    VM,
    VMI,
    VMIM,
    Resource,
)
from bot.sandbox.cluster.settings import parse_version
from bot.sandbox.cluster.store import Store
from bot.sandbox.cluster.world_access import create_roles
from bot.sandbox.cluster.world_nodes import node_from_entry
from bot.sandbox.cluster.world_vms import DISKS, create_claim, vm_from_entry

KUBEVIRT_NAMESPACE = "kubevirt"

World = dict[str, Any]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same loader in C where it is there, ten times as fast."""


def load_world(path: Path | None = None) -> World:
    """The world in a YAML file, by default the one of this package."""
    text = path.read_text() if path else resources.files(__package__).joinpath("world.yaml").read_text()
    world: World = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
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
        create_roles(self._store)
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
            self._restrict(node)

    def _restrict(self, entry: Obj) -> None:
        spec: Obj = {"unschedulable": True} if entry.get("cordoned") else {}
        spec |= {"taints": entry["taints"]} if entry.get("taints") else {}
        if spec:
            self._store.modify(NODE, "", entry["name"], lambda node: node["spec"].update(spec))

    def _namespace(self, entry: Obj) -> None:
        name = entry["name"]
        named = {"kubernetes.io/metadata.name": name} | entry.get("labels", {})
        self._store.create(
            NAMESPACE,
            {
                "metadata": {"name": name, "labels": named},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
        )
        self._store.create(SERVICE_ACCOUNT, {"metadata": {"name": "default", "namespace": name}})

    def _kubevirt(self) -> None:
        """Recorded: world/kubevirt.json; the CRD's properties: world/vmim-crd-properties.json."""
        ready = {"message": "All components are ready.", "reason": "AllComponentsReady"}
        created = {"message": "All resources were created.", "reason": "AllResourcesCreated"}
        conditions = [
            created | {"status": "True", "type": "Created"},
            ready | {"status": "True", "type": "Available"},
            ready | {"status": "False", "type": "Progressing"},
            ready | {"status": "False", "type": "Degraded"},
        ]
        status = {
            "conditions": conditions,
            "defaultArchitecture": "amd64",
            "observedKubeVirtRegistry": "quay.io/kubevirt",
            "observedKubeVirtVersion": self._version,
            "operatorVersion": self._version,
            "outdatedVirtualMachineInstanceWorkloads": 0,
            "targetKubeVirtRegistry": "quay.io/kubevirt",
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

    def _node(self, entry: Obj, index: int) -> None:
        node = self._store.create(NODE, node_from_entry(entry, index, self._store.clock.timestamp()))
        self._lease(entry["name"])
        if "kubevirt.io/schedulable" in labels(node):
            self._handler_pod(node)

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
            create_claim(self._store, namespace, entry, disk, hostnames)
        self._store.create(VM, vm_from_entry(self._store, namespace, entry))
