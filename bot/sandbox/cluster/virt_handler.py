"""The virt-handlers and their guests, played with the times of the recordings: boot 2 s, shutdown 2 s.

What they own on a VMI: Running and the end, LiveMigratable, guest information. The migration's part of it is in
``virt_handler_migration``.
"""

from collections.abc import Iterable

from bot.sandbox.cluster.clock import parse_time
from bot.sandbox.cluster.controller import Controller
from bot.sandbox.cluster.faults import fault, seconds
from bot.sandbox.cluster.kubelet import is_down, turned
from bot.sandbox.cluster.launcher import current_pod
from bot.sandbox.cluster.migratability import guest_conditions, migration_method
from bot.sandbox.cluster.objects import (
    Key,
    Obj,
    dig,
    has_finalizer,
    is_deleting,
    is_final,
    key_of,
    phase,
    remove_finalizer,
    uid_of,
)
from bot.sandbox.cluster.phases import enter_phase
from bot.sandbox.cluster.resources import NODE, POD, VM, VMI
from bot.sandbox.cluster.store import Change
from bot.sandbox.cluster.vmi_controller import HANDLER_FINALIZER

COMPONENT = "virt-handler"
BOOT_SECONDS = 2.0
SHUTDOWN_SECONDS = 2.0
KILL_SECONDS = 0.02
MACHINE = "pc-q35-rhel9.6.0"


class VirtHandler(Controller):
    reaction = 0.016

    def keys_for(self, change: Change) -> Iterable[Key]:
        if change.resource in {VM, VMI}:
            return [key_of(change.obj)]
        if change.resource is POD and (name := change.obj["metadata"].get("labels", {}).get("vm.kubevirt.io/name")):
            return [(key_of(change.obj)[0], name)]
        if change.resource is NODE and turned(change):
            name = change.obj["metadata"]["name"]
            return [key_of(v) for v in self.store.scan(VMI) if dig(v, "status", "nodeName") == name]
        return []

    def reconcile(self, key: Key) -> None:
        vmi = self.store.peek(VMI, *key)
        node = dig(vmi, "status", "nodeName", default="") if vmi else ""
        if vmi is None or not node or is_down(self.store.peek(NODE, "", node)):
            return
        if is_final(vmi):
            self._release(vmi)
        elif self._should_stop(vmi):
            self._stop_later(vmi)
        elif phase(vmi) == "Running" and fault("guest", *self.context.with_vm(vmi)):
            self._end_by_itself(vmi)
        elif phase(vmi) == "Scheduled":
            delay = seconds("boot-seconds", BOOT_SECONDS, *self.context.with_vm(vmi))
            self.once_after(delay, lambda: self._boot(key, uid_of(vmi)), "boot", uid_of(vmi))

    def _release(self, vmi: Obj) -> None:
        if is_deleting(vmi) and has_finalizer(vmi, HANDLER_FINALIZER):
            self.store.modify(VMI, *key_of(vmi), lambda v: remove_finalizer(v, HANDLER_FINALIZER))

    def _should_stop(self, vmi: Obj) -> bool:
        pod = current_pod(self.store, vmi)
        return is_deleting(vmi) or is_deleting(pod)

    def _boot(self, key: Key, uid: str) -> None:
        vmi = self._live(key, uid)
        if vmi is None or phase(vmi) != "Scheduled" or is_deleting(vmi):
            return
        if fault("start", *self.context.with_vm(vmi), self._node_of(vmi)) == "fail":
            self._fail_to_start(vmi)
            return
        self.store.modify(VMI, *key, self._mark_running)
        self.events.normal(vmi, "Created", "VirtualMachineInstance defined.", COMPONENT)
        self.events.normal(vmi, "Started", "VirtualMachineInstance started.", COMPONENT)

    def _fail_to_start(self, vmi: Obj) -> None:
        """Sourced: kubevirt virt-handler, SyncFailed and phase Failed when libvirt cannot start the domain."""
        text = "server error. command SyncVMI failed: internal error: qemu unexpectedly closed the monitor"
        self.events.warning(vmi, "SyncFailed", text, COMPONENT)
        self.store.modify(VMI, *key_of(vmi), lambda v: enter_phase(v, "Failed", self.clock))

    def _mark_running(self, vmi: Obj) -> None:
        """Recorded: cold-always at 7.619. Ready follows one step later, from the pod."""
        enter_phase(vmi, "Running", self.clock)
        status = vmi["status"]
        ready = [c for c in status.get("conditions", []) if c["type"] == "Ready"]
        status["conditions"] = [*ready, *guest_conditions(self.store, vmi, self.clock.timestamp())]
        status |= guest_information(vmi, dig(current_pod(self.store, vmi), "status", "podIP", default=""))
        status["migrationMethod"] = migration_method(self.store, vmi)

    def _stop_later(self, vmi: Obj) -> None:
        """A guest that listens is gone after two seconds; a stuck one when its grace period ends; at once with 0."""
        key, uid = key_of(vmi), uid_of(vmi)
        if self._grace(vmi) == 0:
            self.once_after(KILL_SECONDS, lambda: self._shut_down(key, uid), "kill", uid)
        elif fault("stop", *self.context.with_vm(vmi)) == "stuck":
            left = self._stop_began(vmi) + self._grace(vmi) - self.clock.now
            self.once_after(max(left, KILL_SECONDS), lambda: self._shut_down(key, uid), "stuck", uid)
        else:
            delay = seconds("shutdown-seconds", SHUTDOWN_SECONDS, *self.context.with_vm(vmi))
            self.once_after(min(delay, self._grace(vmi)), lambda: self._shut_down(key, uid), "stop", uid)

    def _grace(self, vmi: Obj) -> float:
        return float(vmi["spec"].get("terminationGracePeriodSeconds", 30))

    def _stop_began(self, vmi: Obj) -> float:
        marked = vmi["metadata"].get("deletionTimestamp")
        return parse_time(marked) if marked else self.clock.now

    def _shut_down(self, key: Key, uid: str) -> None:
        vmi = self._live(key, uid)
        if vmi is None or is_final(vmi):
            return
        self.events.normal(vmi, "ShuttingDown", "Signaled Graceful Shutdown", COMPONENT)
        self.store.modify(VMI, *key, lambda v: enter_phase(v, "Succeeded", self.clock))
        self.events.normal(vmi, "Stopped", "The VirtualMachineInstance was shut down.", COMPONENT)

    def _end_by_itself(self, vmi: Obj) -> None:
        """Sourced: kubevirt virt-handler, a crashed domain is Failed, one that shut down Succeeded."""
        crashed = fault("guest", *self.context.with_vm(vmi)) == "crash"
        ending = "Failed" if crashed else "Succeeded"
        self.store.modify(VMI, *key_of(vmi), lambda v: enter_phase(v, ending, self.clock))
        if crashed:
            self.events.warning(vmi, "Stopped", "The VirtualMachineInstance crashed.", COMPONENT)
        else:
            self.events.normal(vmi, "Stopped", "The VirtualMachineInstance was shut down.", COMPONENT)

    def _live(self, key: Key, uid: str) -> Obj | None:
        """The VMI, when it is still that one and its node answers."""
        vmi = self.store.peek(VMI, *key)
        return vmi if vmi and uid_of(vmi) == uid and not is_down(self._node_of(vmi)) else None

    def _node_of(self, vmi: Obj) -> Obj | None:
        return self.store.peek(NODE, "", dig(vmi, "status", "nodeName", default=""))


def guest_information(vmi: Obj, address: str) -> Obj:
    """Recorded: world/vmi-rwx-live-migratable.json."""
    return {
        "fsFreezeStatus": "thawed",
        "guestOSInfo": {
            "id": "fedora",
            "kernelRelease": "6.8.5-301.fc40.x86_64",
            "kernelVersion": "#1 SMP",
            "machine": "x86_64",
            "name": "Fedora Linux",
            "prettyName": "Fedora Linux 40 (Cloud Edition)",
            "version": "40 (Cloud Edition)",
            "versionId": "40",
        },
        "interfaces": guest_interfaces(vmi, address),
        "machine": {"type": MACHINE},
        "selinuxContext": "none",
    }


def guest_interfaces(vmi: Obj, address: str) -> list[Obj]:
    tail = uid_of(vmi)
    return [
        {
            "infoSource": "domain, guest-agent",
            "interfaceName": f"enp{index + 1}s0",
            "ipAddress": address,
            "ipAddresses": [address],
            "linkState": "up",
            "mac": f"52:54:00:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}",
            "name": network["name"],
            "podInterfaceName": f"eth{index}",
            "queueCount": 1,
        }
        for index, network in enumerate(vmi["spec"].get("networks", []))
    ]
