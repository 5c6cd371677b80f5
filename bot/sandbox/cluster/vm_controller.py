"""virt-controller's VM loop: run strategies, state change requests, live update of placement, status.

Sourced: kubevirt pkg/virt-controller/watch/vm/vm.go. Recorded: cold-*, strategy-*, affinity-liveupdate, rollout-stage.
It promises no CPU or memory hotplug: such a change asks for a restart here.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass

from bot.sandbox.cluster.clock import parse_time
from bot.sandbox.cluster.controller import Context, Controller
from bot.sandbox.cluster.objects import (
    Key,
    Obj,
    annotations,
    clone,
    dig,
    drop_conditions,
    has_finalizer,
    is_deleting,
    is_final,
    is_owned_by,
    is_true,
    key_of,
    owner_reference,
    phase,
    remove_finalizer,
    set_condition,
    status,
    uid_of,
)
from bot.sandbox.cluster.resources import PVC, REVISION, VM, VMI, VMIM
from bot.sandbox.cluster.store import Change
from bot.sandbox.cluster.vm_status import (
    has_start_request,
    has_stop_request,
    printable_status,
    run_strategy,
    sync_conditions,
    sync_start_failure,
    trim_requests,
)
from bot.sandbox.cluster.vmi_template import render_vmi

COMPONENT = "virtualmachine-controller"
FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"
GENERATION = "kubevirt.io/vm-generation"
LIVE_FIELDS = ("affinity", "nodeSelector", "tolerations")
RETRY_SECONDS = 0.25
"""How soon a refused placement change is tried again (recorded: errors.json 144, 0.3 s after the VMIM's end)."""


@dataclass(frozen=True)
class _View:
    """What one round sees. Like the real controller's cache it is not refreshed by the round's own writes."""

    vm: Obj
    vmi: Obj | None
    strategy: str


class VMController(Controller):
    reaction = 0.012

    def __init__(self, context: Context, dice: random.Random) -> None:
        super().__init__(context)
        self._dice = dice

    def keys_for(self, change: Change) -> Iterable[Key]:
        return [key_of(change.obj)] if change.resource in {VM, VMI} else []

    def reconcile(self, key: Key) -> None:
        vm = self.store.get(VM, *key)
        if vm is None:
            return
        vmi = self.store.get(VMI, *key)
        view = _View(vm, vmi if vmi and is_owned_by(vmi, uid_of(vm)) else None, run_strategy(vm))
        failure = ""
        if is_deleting(vm):
            if self._delete(view):
                return
        else:
            self._bump_generation(view)
            failure = self._propagate_placement(view)
            self._sync_strategy(view)
        self._update_status(view, failure)

    # run strategy

    def _delete(self, view: _View) -> bool:
        """A VM goes last, after its VMI (recorded: vm-deleted)."""
        if view.vmi is None and has_finalizer(view.vm, FINALIZER):
            remove_finalizer(view.vm, FINALIZER)
            self.store.update(VM, view.vm)
            return True
        if view.vmi and not is_deleting(view.vmi):
            self._stop(view, view.vmi)
        return False

    def _sync_strategy(self, view: _View) -> None:
        if view.vmi is None:
            if self._wants_start(view):
                self._start(view)
        elif not is_deleting(view.vmi) and self._wants_stop(view, view.vmi):
            self._ask_for_rerun(view, view.vmi)
            self._stop(view, view.vmi)

    def _wants_start(self, view: _View) -> bool:
        """Halted -> RerunOnFailure starts by itself, Halted -> Manual does not (recorded: strategy-rerunonfailure)."""
        if view.strategy in {"Always", "Once"} or (has_start_request(view.vm) and view.strategy != "Halted"):
            return True
        return view.strategy == "RerunOnFailure" and status(view.vm).get("runStrategy") != "RerunOnFailure"

    def _wants_stop(self, view: _View, vmi: Obj) -> bool:
        if view.strategy == "Halted" or has_stop_request(view.vm, vmi):
            return True
        return is_final(vmi) and view.strategy in {"Always", "RerunOnFailure"}

    def _ask_for_rerun(self, view: _View, vmi: Obj) -> None:
        """Sourced: vm.go, RerunOnFailure re-creates after Failed only."""
        if view.strategy == "RerunOnFailure" and phase(vmi) == "Failed" and not has_stop_request(view.vm, vmi):
            view.vm["status"]["stateChangeRequests"] = [
                {"action": "Stop", "uid": uid_of(vmi)},
                {"action": "Start"},
            ]

    def _start(self, view: _View) -> None:
        retry_after = dig(view.vm, "status", "startFailure", "retryAfterTimestamp")
        if retry_after and parse_time(retry_after) > self.clock.now:
            self.enqueue(key_of(view.vm), parse_time(retry_after) - self.clock.now + self.reaction)
            return
        revision = self._save_revision(view.vm)
        vmi = render_vmi(view.vm, revision, self.clock)
        self.store.create(VMI, vmi)
        name = vmi["metadata"]["name"]
        text = f"Started the virtual machine by creating the new virtual machine instance {name}"
        self.events.normal(view.vm, "SuccessfulCreate", text, COMPONENT)

    def _stop(self, view: _View, vmi: Obj) -> None:
        self.store.delete(VMI, *key_of(vmi))
        text = f"Stopped the virtual machine by deleting the virtual machine instance {uid_of(vmi)}"
        self.events.normal(view.vm, "SuccessfulDelete", text, COMPONENT)

    # live update

    def _save_revision(self, vm: Obj) -> str:
        """The spec that a VMI was started from; later changes are measured against it."""
        namespace, _ = key_of(vm)
        name = f"revision-start-vm-{uid_of(vm)}-{vm['metadata']['generation']}"
        for old in self.store.select(REVISION, namespace):
            if is_owned_by(old, uid_of(vm)):
                self.store.remove(REVISION, *key_of(old))
        metadata = {"name": name, "namespace": namespace, "ownerReferences": [owner_reference(vm)]}
        data = {"spec": clone(vm["spec"])}
        self.store.create(REVISION, {"metadata": metadata, "data": data, "revision": vm["metadata"]["generation"]})
        return name

    def _started_from(self, vmi: Obj) -> Obj:
        revision = self.store.peek(REVISION, key_of(vmi)[0], status(vmi).get("virtualMachineRevisionName", ""))
        found: Obj = dig(revision, "data", "spec", "template", "spec", default={})
        return found

    def _bump_generation(self, view: _View) -> None:
        """Only while the template is the one that the VMI was started from (recorded: affinity-liveupdate)."""
        generation = str(view.vm["metadata"]["generation"])
        vmi = view.vmi
        if vmi is None or annotations(vmi).get(GENERATION) == generation:
            return
        if view.vm["spec"]["template"]["spec"] == self._started_from(vmi):
            vmi["metadata"]["annotations"][GENERATION] = generation
            self.store.modify(
                VMI, *key_of(vmi), lambda v: v["metadata"]["annotations"].update({GENERATION: generation})
            )

    def _propagate_placement(self, view: _View) -> str:
        """Copy changed placement to the VMI; the error message where that must wait."""
        vmi = view.vmi
        if vmi is None or is_deleting(vmi) or is_final(vmi) or not self._may_propagate(view):
            return ""
        wanted = {f: view.vm["spec"]["template"]["spec"].get(f) for f in LIVE_FIELDS}
        if all((vmi["spec"].get(f) or None) == (v or None) for f, v in wanted.items()):
            return ""
        if self._has_active_migration(vmi):
            self.enqueue(key_of(vmi), RETRY_SECONDS)
            return "Node affinity should not be changed during VMI migration"
        self.store.modify(VMI, *key_of(vmi), lambda v: _replace_placement(v, wanted))
        return ""

    def _may_propagate(self, view: _View) -> bool:
        return self.context.settings.live_update and not is_true(view.vm, "RestartRequired")

    def _has_active_migration(self, vmi: Obj) -> bool:
        namespace, name = key_of(vmi)
        jobs = self.store.labelled(VMIM, "kubevirt.io/vmi-name", name)
        return any(key_of(j)[0] == namespace and not is_final(j) for j in jobs)

    # status

    def _update_status(self, view: _View, failure: str) -> None:
        vm, vmi = clone(view.vm), view.vmi
        vm.setdefault("status", {})
        trim_requests(vm, vmi)
        self._sync_counters(vm, vmi, view.strategy)
        sync_conditions(vm, vmi, self.clock)
        self._sync_restart_required(vm, vmi)
        self._sync_failure(vm, failure)
        sync_start_failure(vm, vmi, self.clock, self._dice)
        vm["status"]["printableStatus"] = printable_status(vm, vmi)
        vm["status"]["volumeSnapshotStatuses"] = self._snapshot_statuses(vm)
        self.store.update(VM, vm)

    def _sync_counters(self, vm: Obj, vmi: Obj | None, strategy: str) -> None:
        new = vm["status"]
        _set_or_drop(new, "created", value=vmi is not None)
        _set_or_drop(new, "ready", value=is_true(vmi, "Ready"))
        if vmi:
            new["desiredGeneration"] = vm["metadata"]["generation"]
            new["observedGeneration"] = int(annotations(vmi).get(GENERATION, "0"))
        if vmi or strategy != "Halted" or "runStrategy" in new:
            new["runStrategy"] = strategy

    def _sync_restart_required(self, vm: Obj, vmi: Obj | None) -> None:
        """Once set, only a revert of the template or a new VMI takes it away (recorded: rollout-stage)."""
        if vmi is None or is_deleting(vmi):
            drop_conditions(vm, ["RestartRequired"])
            return
        wanted, started = vm["spec"]["template"]["spec"], self._started_from(vmi)
        if wanted == started:
            drop_conditions(vm, ["RestartRequired"])
        elif not is_true(vm, "RestartRequired") and self._needs_restart(wanted, started):
            set_condition(
                vm,
                {
                    "lastProbeTime": None,
                    "lastTransitionTime": self.clock.timestamp(),
                    "message": "a non-live-updatable field was changed in the template spec",
                    "status": "True",
                    "type": "RestartRequired",
                },
            )

    def _needs_restart(self, wanted: Obj, started: Obj) -> bool:
        if not self.context.settings.live_update:
            return True
        fixed = [{k: v for k, v in spec.items() if k not in LIVE_FIELDS} for spec in (wanted, started)]
        return fixed[0] != fixed[1]

    def _sync_failure(self, vm: Obj, failure: str) -> None:
        """Recorded: errors.json 142."""
        text = f"Error encountered while handling node affinity change request: {failure}"
        if not failure:
            drop_conditions(vm, ["Failure"])
        elif not is_true(vm, "Failure"):
            set_condition(
                vm,
                {
                    "lastProbeTime": None,
                    "lastTransitionTime": self.clock.timestamp(),
                    "message": text,
                    "reason": "AffinityChangeError",
                    "status": "True",
                    "type": "Failure",
                },
            )

    def _snapshot_statuses(self, vm: Obj) -> list[Obj]:
        volumes = vm["spec"]["template"]["spec"].get("volumes", [])
        return [self._snapshot_status(key_of(vm)[0], volume) for volume in volumes]

    def _snapshot_status(self, namespace: str, volume: Obj) -> Obj:
        name, claim_name = volume["name"], dig(volume, "persistentVolumeClaim", "claimName", default="")
        claim = self.store.peek(PVC, namespace, claim_name)
        if claim is None:
            return {
                "enabled": False,
                "name": name,
                "reason": f"Snapshot is not supported for this volumeSource type [{name}]",
            }
        class_name = claim["spec"].get("storageClassName", "")
        missing = "No VolumeSnapshotClass: Volume snapshots are not configured for this StorageClass"
        return {"enabled": False, "name": name, "reason": f"{missing} [{class_name}] [{name}]"}


def _set_or_drop(target: Obj, field: str, *, value: bool) -> None:
    """The API omits false here (recorded: VM.status.ready and .created are absent when false)."""
    if value:
        target[field] = True
    else:
        target.pop(field, None)


def _replace_placement(vmi: Obj, wanted: Obj) -> None:
    for field, value in wanted.items():
        if value:
            vmi["spec"][field] = clone(value)
        else:
            vmi["spec"].pop(field, None)
