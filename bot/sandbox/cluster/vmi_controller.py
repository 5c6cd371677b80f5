"""virt-controller's VMI loop: the launcher pod, the phases up to Scheduled, and what the pod says about the VMI.

Sourced: kubevirt pkg/virt-controller/watch/vmi/lifecycle.go; order and words recorded: cold-always, cold-unschedulable.
"""

from collections.abc import Iterable

from bot.sandbox.cluster.controller import Controller
from bot.sandbox.cluster.errors import ApiError
from bot.sandbox.cluster.launcher import (
    CREATED_BY,
    IMAGE,
    JOB_UID,
    NODE_NAME,
    choose_current,
    launcher_pods,
    render_pod,
)
from bot.sandbox.cluster.launcher import unpaused_condition as unpaused
from bot.sandbox.cluster.objects import (
    Key,
    Obj,
    annotations,
    clone,
    condition,
    dig,
    has_finalizer,
    is_deleting,
    is_final,
    is_true,
    key_of,
    labels,
    phase,
    remove_finalizer,
    set_condition,
    uid_of,
)
from bot.sandbox.cluster.phases import enter_phase
from bot.sandbox.cluster.pods import create_pod, delete_pod
from bot.sandbox.cluster.resources import POD, PVC, QUOTA, VMI, VMIM
from bot.sandbox.cluster.store import Change
from bot.sandbox.cluster.vmi_conditions import false_condition, sync_conditions

COMPONENT = "virtualmachine-controller"
HANDLER_FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"
FOREGROUND_FINALIZER = "kubevirt.io/foregroundDeleteVirtualMachine"
OBSERVED_VERSIONS = {
    "kubevirt.io/latest-observed-api-version": "v1",
    "kubevirt.io/storage-observed-api-version": "v1",
}
EVICTION_MARK = "descheduler.alpha.kubernetes.io/eviction-in-progress"


class VMIController(Controller):
    reaction = 0.02

    def keys_for(self, change: Change) -> Iterable[Key]:
        if change.resource is VMI:
            return [key_of(change.obj)]
        if change.resource is POD and CREATED_BY in labels(change.obj):
            return [(key_of(change.obj)[0], labels(change.obj)["vm.kubevirt.io/name"])]
        if change.resource is VMIM:
            return [(key_of(change.obj)[0], change.obj["spec"]["vmiName"])]
        if change.resource in {PVC, QUOTA}:
            return [key_of(v) for v in self.store.select(VMI, key_of(change.obj)[0]) if phase(v) == "Pending"]
        return []

    def reconcile(self, key: Key) -> None:
        vmi = self.store.get(VMI, *key)
        if vmi is None or self._mark_observed(vmi):
            return
        pods = launcher_pods(self.store, vmi)
        if is_deleting(vmi):
            pods = [self._delete_pod(vmi, pod) for pod in pods]
        elif not pods and phase(vmi) == "Pending":
            self._create_pod(vmi)
            return
        self._sync_pods(vmi, pods)
        self._update(vmi, pods)

    def _mark_observed(self, vmi: Obj) -> bool:
        if OBSERVED_VERSIONS.keys() <= annotations(vmi).keys():
            return False
        vmi["metadata"].setdefault("annotations", {}).update(OBSERVED_VERSIONS)
        self.store.update(VMI, vmi)
        return True

    def _delete_pod(self, vmi: Obj, pod: Obj) -> Obj:
        """A pod that has ended is deleted once more, with one more count of the event (recorded: cold-always)."""
        if is_deleting(pod) and not is_final(pod):
            return pod
        deleted = pod if is_deleting(pod) else delete_pod(self.store, pod)
        text = f"Deleted virtual machine pod {pod['metadata']['name']}"
        self.events.normal(vmi, "SuccessfulDelete", text, COMPONENT)
        return deleted

    def _create_pod(self, vmi: Obj) -> None:
        if self._fail_missing_claims(vmi) or self._has_active_migration(vmi):
            return
        try:
            pod = create_pod(self.store, render_pod(vmi))
        except ApiError as error:
            message = f"Error creating pod: {error.message}"
            self.events.warning(vmi, "FailedCreate", message, COMPONENT)
            self._synchronized(vmi, "FailedCreate", f"failed to create virtual machine pod: {error.message}")
            return
        self.events.normal(vmi, "SuccessfulCreate", f"Created virtual machine pod {pod['metadata']['name']}", COMPONENT)

    def _fail_missing_claims(self, vmi: Obj) -> bool:
        namespace = key_of(vmi)[0]
        for volume in vmi["spec"].get("volumes", []):
            claim = dig(volume, "persistentVolumeClaim", "claimName") or dig(volume, "dataVolume", "name")
            if claim and self.store.peek(PVC, namespace, claim) is None:
                self._synchronized(
                    vmi, "FailedPvcNotFound", f"PVC {namespace}/{claim} does not exist, waiting for it to appear"
                )
                return True
        return False

    def _has_active_migration(self, vmi: Obj) -> bool:
        """Sourced: lifecycle.go, "active migration exists"."""
        namespace, name = key_of(vmi)
        jobs = self.store.select(VMIM, namespace)
        return any(job["spec"]["vmiName"] == name and not is_final(job) for job in jobs)

    def _synchronized(self, vmi: Obj, reason: str, message: str) -> None:
        if condition(vmi, "Synchronized").get("message") == message:
            return
        set_condition(vmi, false_condition(self.clock, "Synchronized", reason, message))
        self.store.update(VMI, vmi)

    def _sync_pods(self, vmi: Obj, pods: list[Obj]) -> None:
        """What the VMI says on its pods: readiness gate, node label, eviction mark."""
        running_on = dig(vmi, "status", "nodeName", default="")
        for pod in pods:
            if not is_final(pod) and not is_deleting(pod):
                self.store.modify(POD, *key_of(pod), lambda p: self._mark_pod(p, vmi, running_on))

    def _mark_pod(self, pod: Obj, vmi: Obj, running_on: str) -> None:
        is_current = not labels(pod).get(JOB_UID) or pod["spec"].get("nodeName") == running_on
        paused = is_true(vmi, "Paused")
        gate = condition(pod, "kubevirt.io/virtual-machine-unpaused")
        if is_current and gate.get("status") != ("False" if paused else "True"):
            set_condition(pod, unpaused(self.clock.timestamp(), paused=paused))
        if running_on and pod["spec"].get("nodeName") == running_on:
            pod["metadata"]["labels"][NODE_NAME] = running_on
            marks = pod["metadata"].setdefault("annotations", {})
            if dig(vmi, "status", "evacuationNodeName") == running_on:
                marks[EVICTION_MARK] = "true"
            else:
                marks.pop(EVICTION_MARK, None)

    def _update(self, vmi: Obj, pods: list[Obj]) -> None:
        """``pods`` as they were seen at the start of the round: like a cache, not refreshed by its own writes."""
        pod = choose_current(vmi, pods) or next(iter(pods), None)
        before = clone(vmi)
        self._sync_active_pods(vmi, pods)
        self._sync_phase(vmi, pod)
        sync_conditions(vmi, pod, self.clock)
        self._release(vmi, pods, was_final=is_final(before))
        if vmi != before:
            self.store.update(VMI, vmi)

    def _sync_active_pods(self, vmi: Obj, pods: list[Obj]) -> None:
        """Every pod object counts, finished ones too (recorded: live-again)."""
        active = {uid_of(p): p["spec"].get("nodeName", "") for p in pods}
        if phase(vmi) == "Succeeded":
            return
        if active:
            vmi["status"]["activePods"] = active
        else:
            vmi["status"].pop("activePods", None)

    def _sync_phase(self, vmi: Obj, pod: Obj | None) -> None:
        current = phase(vmi)
        if is_final(vmi) or (pod is None and current == "Pending" and not is_deleting(vmi)):
            return
        if self._lost_its_pod(vmi, pod):
            enter_phase(vmi, "Failed", self.clock)
        elif pod and current == "Pending":
            enter_phase(vmi, "Scheduling", self.clock)
            vmi["status"]["launcherContainerImageVersion"] = IMAGE
            vmi["status"].setdefault("memory", {})["memoryOverhead"] = "276Mi"
        elif pod and current == "Scheduling" and pod["spec"].get("nodeName"):
            vmi["status"]["qosClass"] = "Burstable"
            if is_true(pod, "ContainersReady"):
                self._enter_scheduled(vmi, pod)

    def _lost_its_pod(self, vmi: Obj, pod: Obj | None) -> bool:
        """A VMI without a live pod is Failed; one that never ran already when its pod is told to go."""
        if pod is None or is_final(pod):
            return True
        return phase(vmi) in {"Pending", "Scheduling"} and is_deleting(pod)

    def _enter_scheduled(self, vmi: Obj, pod: Obj) -> None:
        enter_phase(vmi, "Scheduled", self.clock)
        node = pod["spec"]["nodeName"]
        vmi["metadata"].setdefault("labels", {})[NODE_NAME] = node
        names = [n["name"] for n in vmi["spec"].get("networks", [])]
        vmi["status"] |= {
            "nodeName": node,
            "interfaces": [{"name": n, "podInterfaceName": f"eth{i}"} for i, n in enumerate(names)],
            "migrationTransport": "Unix",
            "volumeStatus": self._volume_status(vmi),
        }

    def _volume_status(self, vmi: Obj) -> list[Obj]:
        return [
            volume_status(self.store.peek(PVC, key_of(vmi)[0], _claim(v)), v) for v in vmi["spec"].get("volumes", [])
        ]

    def _release(self, vmi: Obj, pods: list[Obj], *, was_final: bool) -> None:
        """Recorded: cold-always (pod gone, then the VMI) and cold-unschedulable (a VMI that never had a node)."""
        if not is_deleting(vmi):
            return
        if not pods and has_finalizer(vmi, FOREGROUND_FINALIZER):
            remove_finalizer(vmi, FOREGROUND_FINALIZER)
            vmi["status"].pop("launcherContainerImageVersion", None)
        elif was_final and not dig(vmi, "status", "nodeName"):
            remove_finalizer(vmi, HANDLER_FINALIZER)


def _claim(volume: Obj) -> str:
    return str(dig(volume, "persistentVolumeClaim", "claimName") or dig(volume, "dataVolume", "name", default=""))


def volume_status(claim: Obj | None, volume: Obj) -> Obj:
    """Recorded: world/vmi-rwx-live-migratable.json."""
    entry: Obj = {"name": volume["name"], "target": ""}
    if claim is None:
        return entry
    return entry | {
        "persistentVolumeClaimInfo": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": dig(claim, "status", "capacity", default={}),
            "claimName": claim["metadata"]["name"],
            "filesystemOverhead": "0.055",
            "requests": dig(claim, "spec", "resources", "requests", default={}),
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
        }
    }
