"""LiveMigratable, StorageLiveMigratable and the migration method, first hit wins.

Sourced: kubevirt pkg/virt-handler/vm.go (calculateLiveMigrationCondition, checkVolumesForMigration),
pkg/network/vmispec/interface.go; the disks' text recorded: world/vmi-rwo-not-migratable.json.
"""

from collections.abc import Iterator

from bot.sandbox.cluster.objects import Obj, annotations, dig, key_of, labels
from bot.sandbox.cluster.resources import NODE, PVC
from bot.sandbox.cluster.store import Store

_LOCAL_DISKS = ("containerDisk", "emptyDisk", "ephemeral", "cloudInitNoCloud", "cloudInitConfigDrive")
_BRIDGE_TEXT = (
    "cannot migrate VMI which does not use masquerade, bridge with kubevirt.io/allow-pod-bridge-network-live-migration "
    "VM annotation, or a migratable plugin to connect to the pod network"
)
_BRIDGE_OPT_IN = "kubevirt.io/allow-pod-bridge-network-live-migration"


def guest_conditions(store: Store, vmi: Obj, now: str) -> list[Obj]:
    live = next(_obstacles(store, vmi), None)
    storage = next(_storage_obstacles(vmi), None)
    return [
        _condition("LiveMigratable", live),
        _condition("StorageLiveMigratable", storage),
        {"lastProbeTime": now, "lastTransitionTime": None, "status": "True", "type": "AgentConnected"},
    ]


def migration_method(store: Store, vmi: Obj) -> str:
    """BlockMigration where a disk would have to be copied too (recorded: vmi-rwo-not-migratable)."""
    unshared = next(_unshared_claims(store, vmi), None)
    local = any(name in volume for volume in vmi["spec"].get("volumes", []) for name in _LOCAL_DISKS)
    return "BlockMigration" if unshared or local else "LiveMigration"


def _condition(type_: str, obstacle: tuple[str, str] | None) -> Obj:
    base: Obj = {"lastProbeTime": None, "lastTransitionTime": None, "status": "True", "type": type_}
    if obstacle is None:
        return base
    return base | {"status": "False", "reason": obstacle[0], "message": obstacle[1]}


def _obstacles(store: Store, vmi: Obj) -> Iterator[tuple[str, str]]:
    yield from _interface_obstacles(vmi)
    yield from _cpu_obstacles(store, vmi)
    yield from _device_obstacles(vmi)
    yield from _confidential_obstacles(vmi)
    for claim in _unshared_claims(store, vmi):
        rule = "live migration requires that all PVCs must be shared (using ReadWriteMany access mode)"
        yield "DisksNotLiveMigratable", f"cannot migrate VMI: PVC {claim} is not shared, {rule}"
    yield from _host_disk_obstacles(vmi)


def _interface_obstacles(vmi: Obj) -> Iterator[tuple[str, str]]:
    pod_networks = {n["name"] for n in vmi["spec"].get("networks", []) if "pod" in n}
    for interface in dig(vmi, "spec", "domain", "devices", "interfaces", default=[]):
        on_pod_network = interface["name"] in pod_networks
        if on_pod_network and "bridge" in interface and _BRIDGE_OPT_IN not in annotations(vmi):
            yield "InterfaceNotLiveMigratable", _BRIDGE_TEXT


def _cpu_obstacles(store: Store, vmi: Obj) -> Iterator[tuple[str, str]]:
    model = dig(vmi, "spec", "domain", "cpu", "model", default="host-model")
    node = store.peek(NODE, "", dig(vmi, "status", "nodeName", default=""))
    has_model = node and any(k.startswith("host-model-cpu.node.kubevirt.io/") for k in labels(node))
    if model == "host-model" and not has_model:
        yield "CPUModeLiveMigratable", "cannot migrate VMI with cpu mode host-model: the node has no host model"


def _device_obstacles(vmi: Obj) -> Iterator[tuple[str, str]]:
    devices = dig(vmi, "spec", "domain", "devices", default={})
    if devices.get("hostDevices") or devices.get("gpus"):
        yield "HostDeviceNotLiveMigratable", "VMI uses a PCI host devices"


def _confidential_obstacles(vmi: Obj) -> Iterator[tuple[str, str]]:
    security = dig(vmi, "spec", "domain", "launchSecurity", default={})
    if "sev" in security or "snp" in security:
        yield "SEVNotLiveMigratable", "VMI uses SEV"
    if "tdx" in security:
        yield "TDXNotLiveMigratable", "VMI uses TDX"


def _unshared_claims(store: Store, vmi: Obj) -> Iterator[str]:
    for volume in vmi["spec"].get("volumes", []):
        name = dig(volume, "persistentVolumeClaim", "claimName") or dig(volume, "dataVolume", "name")
        claim = store.peek(PVC, key_of(vmi)[0], name) if name else None
        if claim and "ReadWriteMany" not in claim["spec"]["accessModes"]:
            yield name


def _host_disk_obstacles(vmi: Obj) -> Iterator[tuple[str, str]]:
    for volume in vmi["spec"].get("volumes", []):
        if "hostDisk" in volume and not volume["hostDisk"].get("shared"):
            yield "DisksNotLiveMigratable", f"cannot migrate VMI with non-shared HostDisk {volume['name']}"


def _storage_obstacles(vmi: Obj) -> Iterator[tuple[str, str]]:
    """All reasons but the disks' sharing (sourced: since v1.4)."""
    found = [*_interface_obstacles(vmi), *_device_obstacles(vmi), *_confidential_obstacles(vmi)]
    if found:
        yield "NotMigratable", ", ".join(message for _, message in found)
