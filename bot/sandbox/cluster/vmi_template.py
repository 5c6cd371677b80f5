"""From a VM's template to its VMI, with KubeVirt's defaults (recorded: cold-always at 4.43)."""

from bot.sandbox.cluster.clock import VirtualClock
from bot.sandbox.cluster.objects import Obj, clone, owner_reference
from bot.sandbox.cluster.phases import enter_phase
from bot.sandbox.cluster.quantity import format_bytes, parse_quantity

MAX_HOTPLUG_RATIO = 4


def render_vmi(vm: Obj, revision: str, clock: VirtualClock) -> Obj:
    template = vm["spec"]["template"]
    metadata = template.get("metadata") or {}
    generation = {"kubevirt.io/vm-generation": str(vm["metadata"]["generation"])}
    vmi: Obj = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {
            "name": vm["metadata"]["name"],
            "namespace": vm["metadata"]["namespace"],
            "labels": dict(metadata.get("labels") or {}),
            "annotations": dict(metadata.get("annotations") or {}) | generation,
            "finalizers": [
                "kubevirt.io/virtualMachineControllerFinalize",
                "kubevirt.io/foregroundDeleteVirtualMachine",
            ],
            "ownerReferences": [owner_reference(vm)],
        },
        "spec": _with_defaults(clone(template["spec"])),
    }
    vmi["status"] = _first_status(vmi["spec"]["domain"], revision)
    enter_phase(vmi, "Pending", clock)
    return vmi


def _with_defaults(spec: Obj) -> Obj:
    domain = spec["domain"]
    domain.setdefault("cpu", {}).setdefault("model", "host-model")
    domain.setdefault("features", {"acpi": {"enabled": True}})
    guest = domain.get("memory", {}).get("guest")
    if guest:
        domain["memory"].setdefault("maxGuest", format_bytes(parse_quantity(guest) * MAX_HOTPLUG_RATIO))
    spec.setdefault("evictionStrategy", "None")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    return spec


def _first_status(domain: Obj, revision: str) -> Obj:
    guest = domain.get("memory", {}).get("guest", "1Gi")
    topology = {k: domain["cpu"][k] for k in ("cores", "sockets", "threads") if k in domain["cpu"]}
    return {
        "currentCPUTopology": topology,
        "guestOSInfo": {},
        "memory": {"guestAtBoot": guest, "guestCurrent": guest, "guestRequested": guest},
        "runtimeUser": 107,
        "virtualMachineRevisionName": revision,
    }
