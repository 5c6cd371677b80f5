"""Drains: the mark on the VMI, the evacuation controller's VMIMs, and what eviction of a launcher pod answers.

Recorded: drain, drain-completed. Sourced: kubevirt pkg/virt-controller/watch/drain/evacuation,
adm/pod-eviction-admitter.go.
"""

from collections.abc import Iterable

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.admission import admit_create
from bot.sandbox.cluster.controller import Context, Controller
from bot.sandbox.cluster.launcher import CREATED_BY
from bot.sandbox.cluster.objects import Key, Obj, condition, dig, is_deleting, is_final, key_of, labels, phase
from bot.sandbox.cluster.pods import delete_pod
from bot.sandbox.cluster.resources import NODE, VMI, VMIM
from bot.sandbox.cluster.store import Change

MARK = "kubevirt.io/evacuationMigration"
PRIORITY_SINCE = (1, 9)
"""The priority queue is on by default since then (recorded: drain; sourced: feature gate MigrationPriorityQueue)."""
WEBHOOK = "virt-launcher-eviction-interceptor.kubevirt.io"
_MIGRATING_STRATEGIES = frozenset({"LiveMigrate", "LiveMigrateIfPossible", "External"})


class EvacuationController(Controller):
    """Looks at marked VMIs when their node or they change, not when a VMIM goes (recorded: drain, 44 s gap)."""

    reaction = 0.02

    def keys_for(self, change: Change) -> Iterable[Key]:
        if change.resource is VMI and change.type == "MODIFIED":
            return [key_of(change.obj)] if self._is_newly_marked(change.obj) else []
        if change.resource is NODE:
            name = change.obj["metadata"]["name"]
            return [key_of(v) for v in self.store.scan(VMI) if dig(v, "status", "evacuationNodeName") == name]
        return []

    def _is_newly_marked(self, vmi: Obj) -> bool:
        marked = bool(dig(vmi, "status", "evacuationNodeName"))
        return marked and not condition(vmi, "EvictionRequested")

    def reconcile(self, key: Key) -> None:
        vmi = self.store.peek(VMI, *key)
        node = dig(vmi, "status", "evacuationNodeName")
        if vmi is None or not node or is_deleting(vmi) or phase(vmi) != "Running" or self._has_job(vmi):
            return
        job = self.store.prepare(
            VMIM,
            {
                "metadata": {
                    "generateName": "kubevirt-evacuation-",
                    "namespace": key[0],
                    "annotations": {MARK: node},
                },
                "spec": {"vmiName": key[1]},
            },
        )
        try:
            admit_create(self.context, VMIM, job)
        except errors.ApiError as error:
            self.events.warning(
                vmi, "FailedCreate", f"Error creating a Migration: {error.message}", "evacuation-controller"
            )
            return
        if self.context.settings.version >= PRIORITY_SINCE:
            job["spec"]["priority"] = "system-critical"
        self.store.create(VMIM, job)
        text = f"Created Migration {job['metadata']['name']}"
        self.events.normal(vmi, "SuccessfulCreate", text, "evacuation-controller")

    def _has_job(self, vmi: Obj) -> bool:
        namespace, name = key_of(vmi)
        return any(j["spec"]["vmiName"] == name and not is_final(j) for j in self.store.select(VMIM, namespace))


def evict(context: Context, pod: Obj) -> None:
    """Delete the pod, or mark its VMI and refuse with 429 when KubeVirt migrates it instead."""
    vmi = _vmi_of(context, pod)
    if vmi is None or is_final(pod) or is_final(vmi):
        delete_pod(context.store, pod)
        return
    strategy = vmi["spec"].get("evictionStrategy") or context.settings.eviction_strategy
    migratable = condition(vmi, "LiveMigratable").get("status") == "True"
    if strategy not in _MIGRATING_STRATEGIES or (strategy == "LiveMigrateIfPossible" and not migratable):
        delete_pod(context.store, pod)
        return
    name = "/".join(key_of(vmi))
    if strategy == "LiveMigrate" and not migratable:
        why = f"VMI {key_of(vmi)[1]} is configured with an eviction strategy but is not live-migratable"
        raise errors.denied(WEBHOOK, why, code=429)
    node = pod["spec"].get("nodeName")
    if node != dig(vmi, "status", "nodeName"):
        raise errors.denied(WEBHOOK, "Eviction request for target Pod", code=429)
    why = f'Eviction triggered evacuation of VMI "{name}"'
    if dig(vmi, "status", "evacuationNodeName") == node:
        raise errors.denied(WEBHOOK, f"Evacuation in progress: {why}", code=429)
    context.store.modify(VMI, *key_of(vmi), lambda v: v["status"].update(evacuationNodeName=node))
    raise errors.denied(WEBHOOK, why, code=429)


def _vmi_of(context: Context, pod: Obj) -> Obj | None:
    vmi = context.store.peek(VMI, key_of(pod)[0], labels(pod).get("vm.kubevirt.io/name", ""))
    return vmi if vmi and vmi["metadata"]["uid"] == labels(pod).get(CREATED_BY) else None
