"""What VMs there are: each with what it has, where it runs, and what people should know about it."""

from collections.abc import Iterable
from typing import NamedTuple

from k8s.names import CONDITION_LIVE_MIGRATABLE, CONDITION_PAUSED, CONDITION_READY, CONDITION_RESTART_REQUIRED
from k8s.snapshots import Instance, VirtualMachine


class Listed(NamedTuple):
    """One VM of the inventory. Empty where the cluster does not say."""

    namespace: str
    name: str
    status: str
    """`printableStatus`, as the cluster words it."""
    vcpus: int
    memory_bytes: int
    node: str
    address: str
    notes: tuple[str, ...]
    """Its conditions, in few words."""


def listed(vms: Iterable[VirtualMachine], instances: Iterable[Instance], node: str | None = None) -> tuple[Listed, ...]:
    """The VMs by namespace and name; `node`: only those that run there."""
    running = {instance.ref: instance for instance in instances if not instance.final}
    found = (_one(vm, running.get(vm.ref)) for vm in vms)
    return tuple(sorted(each for each in found if node in (None, each.node)))


def _one(vm: VirtualMachine, vmi: Instance | None) -> Listed:
    guest = vmi.guest if vmi else vm.guest
    return Listed(
        namespace=vm.ref.namespace,
        name=vm.ref.name,
        status=vm.printable_status or "unknown",
        vcpus=guest.vcpus,
        memory_bytes=guest.memory_bytes,
        node=vmi.node if vmi else "",
        address=next(iter(vmi.addresses), "") if vmi else "",
        notes=tuple(_notes(vm, vmi)),
    )


def _notes(vm: VirtualMachine, vmi: Instance | None) -> Iterable[str]:
    if vmi:
        ready = vmi.condition(CONDITION_READY)
        yield "Ready" if vmi.holds(CONDITION_READY) else _reason("not Ready", ready.reason if ready else "")
        live = vmi.condition(CONDITION_LIVE_MIGRATABLE)
        if live and live.status != "True":
            yield _reason("cannot move live", live.reason)
        if vmi.holds(CONDITION_PAUSED):
            yield "paused"
        if vmi.evacuation_node:
            yield "is being drained"
    if vm.holds(CONDITION_RESTART_REQUIRED):
        yield "needs a restart"
    if vm.deleting:
        yield "is being deleted"


def _reason(words: str, reason: str) -> str:
    return f"{words} ({reason})" if reason else words
