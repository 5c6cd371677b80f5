"""The virt-handlers' part of a migration, played: target preparation 1 s, copy 6 s, hand-over, abort.

Recorded: live-targeted, live-failed, live-cancelled-running (there too the times were played).
"""

from collections.abc import Callable, Iterable

from bot.sandbox.cluster.controller import Controller
from bot.sandbox.cluster.faults import failure_in, fault, seconds
from bot.sandbox.cluster.kubelet import is_down, node_address, turned
from bot.sandbox.cluster.launcher import JOB_UID, NODE_NAME
from bot.sandbox.cluster.migration_budget import (
    abort_reason,
    completion_seconds,
    disruption_mode,
    progress_seconds,
    stuck,
    too_slow,
)
from bot.sandbox.cluster.objects import Key, Obj, dig, is_deleting, is_final, key_of, labels, phase
from bot.sandbox.cluster.resources import NODE, POD, VM, VMI
from bot.sandbox.cluster.store import Change
from bot.sandbox.cluster.virt_handler import guest_interfaces

COMPONENT = "virt-handler"
PREPARE_SECONDS = 1.0
CONNECT_SECONDS = 0.5
COPY_SECONDS = 6.0
FINISH_SECONDS = 0.03
LOST_SECONDS = 0.3
SLOW_ABORT_SECONDS = 25.0
LIBVIRT_ERROR = "internal error: unable to execute QEMU command 'migrate': Connection reset by peer"

State = Obj


class MigrationHandler(Controller):
    reaction = 0.015

    def keys_for(self, change: Change) -> Iterable[Key]:
        if change.resource is NODE and turned(change):
            return [key_of(v) for v in self.store.scan(VMI) if dig(v, "status", "migrationState")]
        if change.resource is POD and JOB_UID in labels(change.obj):
            return [(key_of(change.obj)[0], labels(change.obj)["vm.kubevirt.io/name"])]
        of_vm = (VM, VMI)  # of a VM only its faults matter: one may have been taken away
        return [key_of(change.obj)] if change.resource in of_vm else []

    def reconcile(self, key: Key) -> None:
        vmi = self.store.peek(VMI, *key)
        state = dig(vmi, "status", "migrationState")
        if vmi is None or not state or state.get("completed") or is_final(vmi):
            return
        uid = state["migrationUid"]
        if self._target_is_lost(vmi):
            self._later(key, uid, "lost", LOST_SECONDS, self._lose_target)
        if state.get("abortRequested") and state.get("startTimestamp") and not state.get("endTimestamp"):
            self._abort_later(vmi, uid)
        if not state.get("targetNodeAddress"):
            self._later(key, uid, "prepare", PREPARE_SECONDS, self._prepare_target)
        elif not state.get("startTimestamp"):
            self._later(key, uid, "connect", CONNECT_SECONDS, self._start_copy)
        elif not state.get("endTimestamp"):
            self._copy_later(key, uid, vmi)

    def _copy_later(self, key: Key, uid: str, vmi: Obj) -> None:
        """The copy ends by itself, breaks, stands still too long, or runs out of time; the earliest counts."""
        sources = self.context.with_vm(vmi)
        delay = seconds("copy-seconds", COPY_SECONDS, *sources)
        if failure_in("Running", *sources) is not None:
            self._later(key, uid, "fail", delay * 2 / 3, self._break_copy)
        if fault("hang", *sources) == "Running":
            self._later(key, uid, "stuck", progress_seconds(vmi), self._give_up_stuck)
        else:
            self._later(key, uid, "copy", delay, self._finish_copy)
            self._later(key, uid, "budget", completion_seconds(vmi), self._run_out_of_time)

    def _later(self, key: Key, uid: str, step: str, delay: float, act: Callable[[Obj], None]) -> None:
        def run() -> None:
            vmi = self._current(key, uid)
            if vmi:
                act(vmi)

        self.once_after(delay, run, step, uid)

    def _current(self, key: Key, uid: str) -> Obj | None:
        """The VMI while this migration is still open and both nodes answer."""
        vmi = self.store.get(VMI, *key)
        state = dig(vmi, "status", "migrationState", default={})
        if vmi is None or state.get("migrationUid") != uid or state.get("completed") or is_final(vmi):
            return None
        silent = any(is_down(self.store.peek(NODE, "", state[n])) for n in ("sourceNode", "targetNode"))
        return None if silent else vmi

    def _target_is_lost(self, vmi: Obj) -> bool:
        state = vmi["status"]["migrationState"]
        pod = self.store.peek(POD, key_of(vmi)[0], state["targetPod"])
        return not state.get("endTimestamp") and (pod is None or is_final(pod))

    def _lose_target(self, vmi: Obj) -> None:
        """The guest stays where it is (sourced: kubevirt pkg/virt-handler/migration-source.go)."""
        if self._target_is_lost(vmi) and not is_deleting(vmi):
            self._fail(vmi, "Target pod is down")

    def _prepare_target(self, vmi: Obj) -> None:
        sources = self.context.with_vm(vmi)
        reason = failure_in("PreparingTarget", *sources)
        if reason is not None:
            self._fail(vmi, reason or "Target pod is down")
        elif fault("hang", *sources) != "PreparingTarget":
            self._listen(vmi)

    def _listen(self, vmi: Obj) -> None:
        state = vmi["status"]["migrationState"]
        node = self.store.peek(NODE, "", state["targetNode"])
        address = node_address(node) if node else ""
        base = 40000 + int(state["migrationUid"][:2], 16)
        ports = {str(base): 0, str(base + 1000): 49152, str(base + 2000): 49153}
        state |= {"targetDirectMigrationNodePorts": ports, "targetNodeAddress": address}
        self.store.update(VMI, vmi)
        listening = f"Migration Target is listening at {address}, on ports: {','.join(ports)}"
        self.events.normal(vmi, "PreparingTarget", "VirtualMachineInstance Migration Target Prepared.", COMPONENT)
        self.events.normal(vmi, "PreparingTarget", listening, COMPONENT)

    def _start_copy(self, vmi: Obj) -> None:
        sources = self.context.with_vm(vmi)
        reason = failure_in("TargetReady", *sources)
        if reason is not None:
            self._fail(vmi, reason or f"Live migration failed {LIBVIRT_ERROR}")
            return
        if fault("hang", *sources) == "TargetReady" or is_deleting(vmi):
            return
        vmi["status"]["migrationState"] |= {"mode": "PreCopy", "startTimestamp": self.clock.timestamp()}
        self.store.update(VMI, vmi)
        self.events.normal(vmi, "Migrating", "VirtualMachineInstance is migrating.", COMPONENT)

    def _break_copy(self, vmi: Obj) -> None:
        if not dig(vmi, "status", "migrationState", "endTimestamp"):
            reason = failure_in("Running", *self.context.with_vm(vmi))
            self._fail(vmi, f"Live migration failed {reason or LIBVIRT_ERROR}")

    def _give_up_stuck(self, vmi: Obj) -> None:
        self._stop_copy(vmi, stuck(progress_seconds(vmi)))

    def _run_out_of_time(self, vmi: Obj) -> None:
        """Without leave to disturb the guest the copy is aborted; with it, it ends soon (sourced: virtwrap)."""
        state = vmi["status"]["migrationState"]
        mode = disruption_mode(vmi)
        if state.get("endTimestamp"):
            return
        if not mode:
            self._stop_copy(vmi, too_slow(completion_seconds(vmi)))
            return
        state["mode"] = mode
        self.store.update(VMI, vmi)
        self._later(key_of(vmi), state["migrationUid"], "disrupted", COPY_SECONDS, self._finish_copy)

    def _abort_later(self, vmi: Obj, uid: str) -> None:
        asked = fault("abort", *self.context.with_vm(vmi))
        if asked != "ignored":
            delay = SLOW_ABORT_SECONDS if asked == "slow" else self.reaction
            self._later(key_of(vmi), uid, "abort", delay, self._abort)

    def _abort(self, vmi: Obj) -> None:
        name = key_of(vmi)[1]
        self._stop_copy(vmi, f"Live migration failed {name}: operation aborted: migration out: canceled by client")

    def _stop_copy(self, vmi: Obj, cause: str) -> None:
        if not dig(vmi, "status", "migrationState", "endTimestamp"):
            vmi["status"]["migrationState"]["abortStatus"] = "Succeeded"
            self._fail(vmi, abort_reason(self.context.settings.version, cause))

    def _fail(self, vmi: Obj, reason: str) -> None:
        state = vmi["status"]["migrationState"]
        state |= {"completed": True, "endTimestamp": self.clock.timestamp(), "failed": True, "failureReason": reason}
        if self.context.settings.version < (1, 3):
            del state["failureReason"]
        self.store.update(VMI, vmi)
        text = f"VirtualMachineInstance migration uid {state['migrationUid']} failed. reason:{reason}"
        self.events.warning(vmi, "Migrated", text, COMPONENT)

    def _finish_copy(self, vmi: Obj) -> None:
        """The guest arrives: first seen on the target, then the VMI moves, then it is said to be complete."""
        state = vmi["status"]["migrationState"]
        if phase(vmi) != "Running" or is_deleting(vmi) or state.get("endTimestamp"):
            return
        state |= {"targetNodeDomainDetected": True, "targetNodeDomainReadyTimestamp": self.clock.timestamp()}
        self.store.update(VMI, vmi)
        key, uid = key_of(vmi), state["migrationUid"]
        self.store.modify(POD, key[0], state["targetPod"], self._mark_target)
        self._later(key, uid, "hand-over", FINISH_SECONDS, self._move)

    def _mark_target(self, pod: Obj) -> None:
        ready = self.clock.timestamp().replace("T", " ").replace("Z", " +0000 UTC")
        pod["metadata"].setdefault("annotations", {})["kubevirt.io/migration-target-ready-timestamp"] = ready

    def _move(self, vmi: Obj) -> None:
        state = vmi["status"]["migrationState"]
        node = state["targetNode"]
        pod = self.store.peek(POD, key_of(vmi)[0], state["targetPod"])
        vmi["metadata"]["labels"][NODE_NAME] = node
        vmi["status"].pop("launcherContainerImageVersion", None)
        vmi["status"].pop("evacuationNodeName", None)
        vmi["status"] |= {
            "nodeName": node,
            "interfaces": guest_interfaces(vmi, dig(pod, "status", "podIP", default="")),
        }
        state["endTimestamp"] = self.clock.timestamp()
        self.store.update(VMI, vmi)
        self.events.normal(vmi, "Migrated", f"The VirtualMachineInstance migrated to node {node}.", COMPONENT)
        self._later(key_of(vmi), state["migrationUid"], "complete", FINISH_SECONDS, self._complete)

    def _complete(self, vmi: Obj) -> None:
        vmi["status"]["migrationState"]["completed"] = True
        self.store.update(VMI, vmi)
