"""The conditions that virt-controller writes on a VMI: what its pod and its eviction mark say about it.

Sourced: kubevirt pkg/virt-controller/watch/vmi/lifecycle.go. Reasons and words recorded: cold-always,
cold-unschedulable, node-death, drain.
"""

from bot.sandbox.cluster.clock import VirtualClock
from bot.sandbox.cluster.objects import Obj, condition, dig, drop_conditions, is_deleting, phase, set_condition


def sync_conditions(vmi: Obj, pod: Obj | None, clock: VirtualClock) -> None:
    """Bring Ready, PodScheduled, Synchronized and EvictionRequested in line with the pod that runs the guest."""
    _sync_ready(vmi, pod, clock)
    _sync_scheduled(vmi, pod)
    _sync_image_pull(vmi, pod, clock)
    _sync_eviction(vmi, clock)


def false_condition(clock: VirtualClock, type_: str, reason: str, message: str) -> Obj:
    now = clock.timestamp()
    return {
        "lastProbeTime": now,
        "lastTransitionTime": now,
        "message": message,
        "reason": reason,
        "status": "False",
        "type": type_,
    }


def _sync_ready(vmi: Obj, pod: Obj | None, clock: VirtualClock) -> None:
    new, old = _ready(vmi, pod, clock), condition(vmi, "Ready")
    same = all(old.get(k) == new.get(k) for k in ("status", "reason", "message"))
    if phase(vmi) in {"Succeeded", "Pending"} or (old and same):
        return
    rest = [c for c in dig(vmi, "status", "conditions", default=[]) if c["type"] != "Ready"]
    vmi["status"]["conditions"] = [new, *rest]


def _ready(vmi: Obj, pod: Obj | None, clock: VirtualClock) -> Obj:
    if pod is None:
        text = "virt-launcher pod has not yet been scheduled"
        return false_condition(clock, "Ready", "PodNotExists", text)
    if is_deleting(pod):
        return false_condition(clock, "Ready", "PodTerminating", "virt-launcher pod is terminating")
    if phase(vmi) != "Running":
        return false_condition(clock, "Ready", "GuestNotRunning", "Guest VM is not reported as running")
    missing = "virt-launcher pod is missing the Ready condition"
    return condition(pod, "Ready") or false_condition(clock, "Ready", "PodConditionMissing", missing)


def _sync_scheduled(vmi: Obj, pod: Obj | None) -> None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False" and not condition(vmi, "PodScheduled"):
        set_condition(vmi, {k: v for k, v in scheduled.items() if k != "observedGeneration"})
    elif scheduled.get("status") == "False":
        condition(vmi, "PodScheduled")["message"] = scheduled["message"]
    elif scheduled:
        drop_conditions(vmi, ["PodScheduled"])


def _sync_image_pull(vmi: Obj, pod: Obj | None, clock: VirtualClock) -> None:
    """Synchronized=False while the pod's image cannot be pulled; a pod without trouble clears it."""
    reason = _image_reason(pod) if pod else ""
    if pod and not reason:
        drop_conditions(vmi, ["Synchronized"])
    elif reason and condition(vmi, "Synchronized").get("reason") != reason:
        set_condition(vmi, false_condition(clock, "Synchronized", reason, "Back-off pulling image"))


def _image_reason(pod: Obj) -> str:
    waiting = [dig(c, "state", "waiting", "reason") for c in dig(pod, "status", "containerStatuses", default=[])]
    return next((r for r in waiting if r in {"ErrImagePull", "ImagePullBackOff"}), "")


def _sync_eviction(vmi: Obj, clock: VirtualClock) -> None:
    marked = bool(dig(vmi, "status", "evacuationNodeName"))
    if marked and not condition(vmi, "EvictionRequested"):
        text = "VMI is marked for eviction"
        requested = false_condition(clock, "EvictionRequested", "EvictionRequested", text)
        set_condition(vmi, requested | {"status": "True"})
    elif not marked:
        drop_conditions(vmi, ["EvictionRequested"])
