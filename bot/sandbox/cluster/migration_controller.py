"""virt-controller's migration loop: the phases of a VMIM, its target pod, its end.

Sourced: kubevirt pkg/virt-controller/watch/migration/migration.go. Order, words and times recorded: live-*, vm-deleted.
The copy itself is the virt-handlers' part.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

from bot.sandbox.cluster.controller import Context, Controller
from bot.sandbox.cluster.errors import ApiError
from bot.sandbox.cluster.faults import PREFIX, failure_in, fault
from bot.sandbox.cluster.launcher import JOB_UID, current_pod, render_target_pod, target_pod
from bot.sandbox.cluster.migration_limits import has_free_slot
from bot.sandbox.cluster.objects import (
    Key,
    Obj,
    annotations,
    condition,
    dig,
    drop_conditions,
    has_finalizer,
    is_deleting,
    is_final,
    is_true,
    key_of,
    labels,
    phase,
    remove_finalizer,
    set_condition,
    status,
    uid_of,
)
from bot.sandbox.cluster.phases import enter_phase
from bot.sandbox.cluster.pods import create_pod, delete_pod
from bot.sandbox.cluster.resources import POD, QUOTA, VM, VMI, VMIM
from bot.sandbox.cluster.store import Change
from bot.sandbox.cluster.vmi_controller import OBSERVED_VERSIONS

COMPONENT = "virtualmachine-controller"
FINALIZER = "kubevirt.io/migrationJobFinalize"
TARGET_LABEL = "kubevirt.io/migrationTargetNodeName"
VMI_LABEL = "kubevirt.io/vmi-name"
UNSCHEDULABLE_SECONDS = 300
PENDING_SECONDS = 900
LIMIT_RETRY_SECONDS = 5.0
QUOTA_RETRY_FIRST = 0.02
QUOTA_RETRY_LIMIT = 1000.0
FINALIZER_SECONDS = 0.03
KEPT_FINAL_JOBS = 5

ABORT = "migrationAbortRequested"
QUOTA_REJECTED = "migrationRejectedByResourceQuota"


class MigrationController(Controller):
    reaction = 0.011

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._quota_attempts: dict[str, int] = {}

    def keys_for(self, change: Change) -> Iterable[Key]:
        namespace, name = key_of(change.obj)
        if change.resource is VMIM:
            waiting = [key_of(j) for j in self.store.select(VMIM) if phase(j) == "Pending"]
            return [(namespace, name), *(waiting if is_final(change.obj) or change.type == "DELETED" else [])]
        if change.resource in (VM, VMI):  # of a VM only its faults matter: one may have been taken away
            return self._jobs_of(namespace, name)
        if change.resource is POD and JOB_UID in labels(change.obj):
            return self._jobs_of(namespace, labels(change.obj)["vm.kubevirt.io/name"])
        if change.resource is QUOTA:
            return [key_of(j) for j in self.store.select(VMIM, namespace) if phase(j) == "Pending"]
        return []

    def _jobs_of(self, namespace: str, vmi_name: str) -> list[Key]:
        return [key_of(j) for j in self.store.select(VMIM, namespace) if j["spec"]["vmiName"] == vmi_name]

    def reconcile(self, key: Key) -> None:
        job = self.store.get(VMIM, *key)
        if job is None or self._mark_observed(job):
            return
        vmi = self.store.get(VMI, key[0], job["spec"]["vmiName"])
        if vmi is None:
            self._drop_orphan(job)
        elif is_final(job):
            self._settle(job, vmi)
        elif is_final(vmi) and phase(job) in {"", "Pending"}:
            # sourced: pkg/virt-controller/watch/migration/migration.go, updateStatus: a VMI that has ended
            self._fail(job, "Migration failed vmi shutdown during migration.")
        else:
            self._STEPS[phase(job)](self, job, vmi)

    def _mark_observed(self, job: Obj) -> bool:
        if OBSERVED_VERSIONS.keys() <= annotations(job).keys():
            return False
        job["metadata"].setdefault("annotations", {}).update(OBSERVED_VERSIONS)
        if self.context.faults.take_failure():
            job["metadata"]["annotations"][f"{PREFIX}fail"] = "Scheduled"
        self.store.update(VMIM, job)
        return True

    def _drop_orphan(self, job: Obj) -> None:
        """With the VMI all its VMIMs go, finished ones too (recorded: vm-deleted, cold-unschedulable-stop-start)."""
        if not is_final(job):
            self._fail(job, "Migration failed because vmi does not exist.")
            return
        if not is_deleting(job):
            self.store.delete(VMIM, *key_of(job))
        self.store.modify(VMIM, *key_of(job), lambda j: remove_finalizer(j, FINALIZER))

    # the phases

    def _begin(self, job: Obj, vmi: Obj) -> None:
        others = [j for j in self.store.select(VMIM, key_of(job)[0]) if labels(j).get(VMI_LABEL) == key_of(vmi)[1]]
        if any(uid_of(j) != uid_of(job) and not is_final(j) and phase(j) for j in others):
            text = "VMI is not eligible for migration because another migration job is in progress."
            self._fail(job, text)
            return
        self._note_source_pod(job, vmi)
        self._enter(job, "Pending")

    def _pending(self, job: Obj, vmi: Obj) -> None:
        if is_deleting(job):
            self._cancel_early(job, None)
        elif target_pod(self.store, vmi, job):
            self._enter(job, "Scheduling")
        elif self._hangs(job, vmi) or phase(vmi) != "Running" or self._fails(job, vmi):
            return
        elif not has_free_slot(self.store, self.context.settings, job, vmi):
            self.enqueue(key_of(job), LIMIT_RETRY_SECONDS)
        elif annotations(vmi).get("kubevirt.io/nonroot") != "true":
            vmi["metadata"].setdefault("annotations", {})["kubevirt.io/nonroot"] = "true"
            self.store.update(VMI, vmi)
        else:
            self._create_target(job, vmi)

    def _create_target(self, job: Obj, vmi: Obj) -> None:
        try:
            pod = create_pod(self.store, render_target_pod(self.store, vmi, job))
        except ApiError as error:
            self._reject_by_quota(job, vmi, error)
            return
        text = f"Created migration target pod {pod['metadata']['name']}"
        self.events.normal(job, "SuccessfulCreate", text, COMPONENT)

    def _reject_by_quota(self, job: Obj, vmi: Obj, error: ApiError) -> None:
        """Retries at doubling gaps, each with an event on the VMI (recorded: live-quota)."""
        self.events.warning(vmi, "FailedCreate", f"Error creating pod: {error.message}", COMPONENT)
        attempts = self._quota_attempts.get(uid_of(job), 0)
        self._quota_attempts[uid_of(job)] = attempts + 1
        self.enqueue(key_of(job), min(QUOTA_RETRY_FIRST * 2**attempts, QUOTA_RETRY_LIMIT))
        if not condition(job, QUOTA_REJECTED) and error.code == 403:
            set_condition(job, self._true(QUOTA_REJECTED))
            self.store.update(VMIM, job)

    def _scheduling(self, job: Obj, vmi: Obj) -> None:
        pod = target_pod(self.store, vmi, job)
        if condition(job, QUOTA_REJECTED):
            drop_conditions(job, [QUOTA_REJECTED])
            self.store.update(VMIM, job)
        elif is_deleting(job):
            self._cancel_early(job, pod)
        elif self._target_is_lost(job, pod) or self._hangs(job, vmi) or self._fails(job, vmi):
            return
        elif pod and is_true(pod, "ContainersReady"):
            self._enter(job, "Scheduled")
        elif pod:
            self._watch_timeouts(job, vmi, pod)

    def _watch_timeouts(self, job: Obj, vmi: Obj, pod: Obj) -> None:
        """Five minutes without a node, fifteen without starting (recorded: live-unschedulable; the second: sourced)."""
        limit = self._timeout(job, "migrationPendingPodTimeoutSeconds", PENDING_SECONDS)
        self._delete_after(job, pod, "pending", limit)
        if condition(pod, "PodScheduled").get("reason") != "Unschedulable":
            self.forget("unschedulable", uid_of(pod))
            return
        namespace, name = key_of(vmi)
        if not self.is_waiting("unschedulable", uid_of(pod)):
            text = f"Migration target pod for VMI [{namespace}/{name}] is currently unschedulable."
            self.events.warning(job, "migrationTargetPodUnschedulable", text, COMPONENT)
        limit = self._timeout(job, "migrationUnschedulablePodTimeoutSeconds", UNSCHEDULABLE_SECONDS)
        self._delete_after(job, pod, "unschedulable", limit)

    def _timeout(self, job: Obj, annotation: str, default: float) -> float:
        return float(annotations(job).get(f"kubevirt.io/{annotation}", default))

    def _delete_after(self, job: Obj, pod: Obj, why: str, limit: float) -> None:
        key = key_of(pod)

        def expire() -> None:
            waiting = self.store.peek(POD, *key)
            if waiting and uid_of(waiting) == uid_of(pod) and phase(waiting) == "Pending" and not is_deleting(waiting):
                delete_pod(self.store, waiting)
                text = f"{why} pod {'/'.join(key)} timeout period exceeded"
                self.events.normal(job, "SuccessfulDelete", text, COMPONENT)

        self.once_after(limit, expire, why, uid_of(pod))

    def _scheduled(self, job: Obj, vmi: Obj) -> None:
        pod = target_pod(self.store, vmi, job)
        if is_deleting(job) and not self._is_handed_over(job, vmi):
            self._cancel_early(job, pod)
        elif self._target_is_lost(job, pod) or self._hangs(job, vmi) or self._fails(job, vmi) or pod is None:
            return
        elif self._is_handed_over(job, vmi):
            self._enter(job, "PreparingTarget")
        else:
            self._hand_over(job, vmi, pod)

    def _hand_over(self, job: Obj, vmi: Obj, pod: Obj) -> None:
        vmi["metadata"].setdefault("labels", {})[TARGET_LABEL] = pod["spec"]["nodeName"]
        source = current_pod(self.store, vmi)
        vmi["status"]["migrationState"] = {
            "migrationConfiguration": self.context.settings.migrations,
            "migrationUid": uid_of(job),
            "sourceNode": vmi["status"]["nodeName"],
            "sourcePod": source["metadata"]["name"] if source else "",
            "targetMemoryOverhead": "276Mi",
            "targetNode": pod["spec"]["nodeName"],
            "targetPod": pod["metadata"]["name"],
        }
        self.store.update(VMI, vmi)
        text = "Migration target pod is ready for preparation by virt-handler."
        self.events.normal(job, "SuccessfulHandOver", text, COMPONENT)

    def _preparing(self, job: Obj, vmi: Obj) -> None:
        if not self._goes_wrong(job, vmi) and dig(vmi, "status", "migrationState", "targetNodeAddress"):
            self._enter(job, "TargetReady")

    def _target_ready(self, job: Obj, vmi: Obj) -> None:
        if not self._goes_wrong(job, vmi) and dig(vmi, "status", "migrationState", "startTimestamp"):
            self._enter(job, "Running")

    def _goes_wrong(self, job: Obj, vmi: Obj) -> bool:
        """Failures of the phases after the hand-over; a cancel is only written down until Running (sourced)."""
        if is_deleting(job) and not condition(job, ABORT):
            set_condition(job, self._true(ABORT))
            self.store.update(VMIM, job)
            return True
        if self._source_failed(job, vmi):
            return True
        return self._target_is_lost(job, target_pod(self.store, vmi, job)) or self._hangs(job, vmi)

    def _running(self, job: Obj, vmi: Obj) -> None:
        state = dig(vmi, "status", "migrationState", default={})
        if self._source_failed(job, vmi):
            return
        if state.get("completed"):
            self.events.normal(job, "SuccessfulMigration", "Source node reported migration succeeded", COMPONENT)
            self._enter(job, "Succeeded")
        elif is_deleting(job) and not state.get("abortRequested"):
            vmi["status"]["migrationState"]["abortRequested"] = True
            self.store.update(VMI, vmi)
            text = "Migration is ready to be canceled by virt-handler."
            self.events.normal(job, "SuccessfulAbortMigration", text, COMPONENT)
        elif is_deleting(job) and not condition(job, ABORT):
            set_condition(job, self._true(ABORT))
            self.store.update(VMIM, job)
        elif not state.get("endTimestamp"):
            self._target_is_lost(job, target_pod(self.store, vmi, job))

    def _source_failed(self, job: Obj, vmi: Obj) -> bool:
        state = dig(vmi, "status", "migrationState", default={})
        if state.get("migrationUid") != uid_of(job) or not state.get("failed"):
            return False
        self._fail(job, "source node reported migration failed")
        return True

    _STEPS: ClassVar[dict[str, Callable[["MigrationController", Obj, Obj], None]]] = {
        "": _begin,
        "Pending": _pending,
        "Scheduling": _scheduling,
        "Scheduled": _scheduled,
        "PreparingTarget": _preparing,
        "TargetReady": _target_ready,
        "Running": _running,
    }

    # the ends

    def _cancel_early(self, job: Obj, pod: Obj | None) -> None:
        """Before the hand-over a cancel is immediate (recorded: live-cancelled-scheduling)."""
        if pod and not is_deleting(pod):
            delete_pod(self.store, pod)
            text = f"migration canceled and pod {'/'.join(key_of(pod))} is deleted"
            self.events.normal(job, "SuccessfulDelete", text, COMPONENT)
        set_condition(job, self._true(ABORT))
        self._fail(job, "Migration failed due to being canceled")

    def _target_is_lost(self, job: Obj, pod: Obj | None) -> bool:
        if pod is None:
            self._fail(job, "Migration target pod was removed during active migration.")
        elif is_final(pod):
            self._fail(job, "Migration failed because target pod shutdown during migration")
        return pod is None or is_final(pod)

    def _fails(self, job: Obj, vmi: Obj) -> bool:
        """A fault asked for by annotation, in a phase before the hand-over."""
        reason = failure_in(phase(job), job, *self.context.with_vm(vmi))
        if reason is None:
            return False
        pod = target_pod(self.store, vmi, job)
        if pod:
            delete_pod(self.store, pod)
        self._fail(job, reason or "Migration target pod was removed during active migration.")
        return True

    def _fail(self, job: Obj, message: str) -> None:
        self._enter(job, "Failed")
        self.events.warning(job, "FailedMigration", message, COMPONENT)

    def _settle(self, job: Obj, vmi: Obj) -> None:
        """After the final phase, as three events: the copy, the VMI's label, the finalizer (recorded: live-ok)."""
        state = dig(vmi, "status", "migrationState", default={})
        is_ours = state.get("migrationUid") == uid_of(job)
        copied = {k: v for k, v in state.items() if k != "sourcePod"} | dig(job, "status", "migrationState", default={})
        if is_ours and status(job).get("migrationState") != copied:
            job["status"]["migrationState"] = copied
            self.store.update(VMIM, job)
        elif is_ours and TARGET_LABEL in labels(vmi) and not is_deleting(vmi):
            del vmi["metadata"]["labels"][TARGET_LABEL]
            self.store.update(VMI, vmi)
        elif has_finalizer(job, FINALIZER):
            self.once_after(FINALIZER_SECONDS, lambda: self._release(key_of(job)), "finalizer", uid_of(job))

    def _release(self, key: Key) -> None:
        job = self.store.modify(VMIM, *key, lambda j: remove_finalizer(j, FINALIZER))
        if job:
            self._collect_old_jobs(key[0], job["spec"]["vmiName"])

    def _collect_old_jobs(self, namespace: str, vmi_name: str) -> None:
        """Only the five newest final VMIMs of a VMI stay (sourced: garbageCollectFinalizedMigrations)."""
        finished = [j for j in self.store.select(VMIM, namespace) if j["spec"]["vmiName"] == vmi_name and is_final(j)]
        finished.sort(key=lambda j: (j["metadata"]["creationTimestamp"], int(j["metadata"]["resourceVersion"])))
        for old in finished[:-KEPT_FINAL_JOBS]:
            self.store.delete(VMIM, *key_of(old))

    # helpers

    def _note_source_pod(self, job: Obj, vmi: Obj) -> None:
        pod = current_pod(self.store, vmi)
        if pod:
            job.setdefault("status", {})["migrationState"] = {"sourcePod": pod["metadata"]["name"]}

    def _is_handed_over(self, job: Obj, vmi: Obj) -> bool:
        return bool(dig(vmi, "status", "migrationState", "migrationUid") == uid_of(job))

    def _hangs(self, job: Obj, vmi: Obj) -> bool:
        return fault("hang", *self.context.with_vm(vmi)) == phase(job)

    def _enter(self, job: Obj, new_phase: str) -> None:
        enter_phase(job, new_phase, self.clock)
        self.store.update(VMIM, job)

    def _true(self, type_: str) -> Obj:
        now = self.clock.timestamp()
        return {"lastProbeTime": now, "lastTransitionTime": None, "status": "True", "type": type_}
