"""Heartbeats of the nodes and what follows when they stop.

Recorded: node-death (NotReady after 52 s, schedulable=false after 347 s, eviction 300 s after the taint) and drain
(cordon taint 18 ms after the flag, heartbeats about every 60 s).
"""

from collections.abc import Callable, Iterable

from bot.sandbox.cluster.clock import parse_time
from bot.sandbox.cluster.controller import Context, Controller
from bot.sandbox.cluster.faults import fault
from bot.sandbox.cluster.kubelet import is_down
from bot.sandbox.cluster.objects import (
    Key,
    Obj,
    annotations,
    condition,
    is_deleting,
    is_final,
    is_true,
    key_of,
    labels,
    set_condition,
)
from bot.sandbox.cluster.pods import delete_pod
from bot.sandbox.cluster.resources import LEASE, NODE, POD
from bot.sandbox.cluster.store import Change

HEARTBEAT_SECONDS = 60.0
LEASE_SECONDS = 10.0
MONITOR_SECONDS = 5.0
GRACE_SECONDS = 50.0
HANDLER_SILENT_SECONDS = 300.0
HANDLER_MONITOR_SECONDS = 60.0
EVICTION_SECONDS = 300.0
EXECUTE_TAINT_SECONDS = 0.06
LEASE_NAMESPACE = "kube-node-lease"
HEARTBEAT = "kubevirt.io/heartbeat"

_UNREACHABLE = "node.kubernetes.io/unreachable"
_CORDONED = "node.kubernetes.io/unschedulable"
_HEALTHY = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}


class NodeLifecycle(Controller):
    reaction = 0.018

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._last_seen: dict[str, float] = {}

    def start(self) -> None:
        """Begin the periodic work: leases, heartbeats, the monitor."""
        self._every(LEASE_SECONDS, self._renew_leases)
        self._every(HEARTBEAT_SECONDS, self._beat)
        self._every(MONITOR_SECONDS, self._monitor)
        self._every(HANDLER_MONITOR_SECONDS, self._monitor_handlers)
        self._renew_leases()
        self._beat()

    def keys_for(self, change: Change) -> Iterable[Key]:
        return [key_of(change.obj)] if change.resource is NODE else []

    def reconcile(self, key: Key) -> None:
        """Taints follow the node's state a moment later."""
        node = self.store.get(NODE, *key)
        if node is None:
            return
        name = key[1]
        back = name in self._last_seen and self.clock.now - self._last_seen[name] > LEASE_SECONDS
        if back and not is_down(node):
            self._beat_one(name)
            return
        ready = condition(node, "Ready").get("status")
        self._set_taint(node, _CORDONED, "NoSchedule", wanted=bool(node["spec"].get("unschedulable")))
        self._set_taint(node, _UNREACHABLE, "NoSchedule", wanted=ready == "Unknown")
        self.store.update(NODE, node)
        if ready == "Unknown":
            self.once_after(EXECUTE_TAINT_SECONDS, lambda: self._sync_execute_taint(name), "taint", name)
            self.once_after(EVICTION_SECONDS, lambda: self._evict(name), "evict", name)

    def _sync_execute_taint(self, name: str) -> None:
        """Comes a moment after the other taint, and goes with the monitor's next round (recorded: node-death)."""

        def sync(node: Obj) -> None:
            unknown = condition(node, "Ready").get("status") == "Unknown"
            self._set_taint(node, _UNREACHABLE, "NoExecute", wanted=unknown)

        self.store.modify(NODE, "", name, sync)

    def _every(self, interval: float, act: Callable[[], None]) -> None:
        def tick() -> None:
            act()
            self.clock.call_later(interval, tick)

        self.clock.call_later(interval, tick)

    def _renew_leases(self) -> None:
        for node in self.store.select(NODE):
            name = node["metadata"]["name"]
            if not is_down(node):
                self._last_seen[name] = self.clock.now
                self.store.modify(LEASE, LEASE_NAMESPACE, name, self._renew)

    def _renew(self, lease: Obj) -> None:
        lease["spec"]["renewTime"] = self.clock.micro_timestamp()

    def _beat(self) -> None:
        for node in self.store.select(NODE):
            if not is_down(node):
                self._beat_one(node["metadata"]["name"])

    def _beat_one(self, name: str) -> None:
        self._last_seen[name] = self.clock.now
        self.store.modify(NODE, "", name, self._report_healthy)
        self.store.modify(NODE, "", name, self._report_handler)

    def _report_healthy(self, node: Obj) -> None:
        now = self.clock.timestamp()
        for type_, (status, reason, message) in _HEALTHY.items():
            old = condition(node, type_)
            changed = now if old.get("status") != status else old.get("lastTransitionTime", now)
            set_condition(
                node,
                {
                    "type": type_,
                    "status": status,
                    "lastHeartbeatTime": now,
                    "lastTransitionTime": changed,
                    "reason": reason,
                    "message": message,
                },
            )

    def _report_handler(self, node: Obj) -> None:
        if HEARTBEAT in annotations(node) and fault("handler", node) != "silent":
            node["metadata"]["annotations"][HEARTBEAT] = self.clock.timestamp()
            node["metadata"]["labels"]["kubevirt.io/schedulable"] = "true"

    def _monitor(self) -> None:
        for node in self.store.select(NODE):
            name = node["metadata"]["name"]
            silent = self.clock.now - self._last_seen.get(name, self.clock.now)
            if silent >= GRACE_SECONDS and condition(node, "Ready").get("status") == "True":
                self._mark_unreachable(node)
            elif condition(node, "Ready").get("status") == "True":
                self._sync_execute_taint(name)

    def _monitor_handlers(self) -> None:
        for node in self.store.select(NODE):
            if self._handler_is_silent(node):
                self._mark_unresponsive(node)

    def _mark_unreachable(self, node: Obj) -> None:
        now = self.clock.timestamp()

        def forget(new: Obj) -> None:
            for old in new["status"]["conditions"]:
                old |= {
                    "status": "Unknown",
                    "lastTransitionTime": now,
                    "reason": "NodeStatusUnknown",
                    "message": "Kubelet stopped posting node status.",
                }

        self.store.modify(NODE, *key_of(node), forget)
        name = node["metadata"]["name"]
        self.events.normal(node, "NodeNotReady", f"Node {name} status is now: NodeNotReady", "node-controller")
        for pod in [p for p in self.store.select(POD) if p["spec"].get("nodeName") == name and is_true(p, "Ready")]:
            self.store.modify(POD, *key_of(pod), self._mark_not_ready)
            self.events.warning(pod, "NodeNotReady", "Node is not ready", "node-controller")

    def _mark_not_ready(self, pod: Obj) -> None:
        """False without a reason (recorded: node-death; it is what VMI and VM then show)."""
        now = self.clock.timestamp()
        set_condition(pod, {"type": "Ready", "status": "False", "lastProbeTime": None, "lastTransitionTime": now})

    def _handler_is_silent(self, node: Obj) -> bool:
        beat = annotations(node).get(HEARTBEAT)
        schedulable = labels(node).get("kubevirt.io/schedulable") == "true"
        return bool(beat and schedulable and self.clock.now - parse_time(beat) > HANDLER_SILENT_SECONDS)

    def _mark_unresponsive(self, node: Obj) -> None:
        text = "virt-handler is not responsive, marking node as unresponsive"
        self.events.normal(node, "NodeUnresponsive", text, "node-controller")
        self.store.modify(
            NODE, *key_of(node), lambda n: n["metadata"]["labels"].update({"kubevirt.io/schedulable": "false"})
        )

    def _evict(self, name: str) -> None:
        """The taint manager deletes the pods; they stay until the kubelet answers (recorded: node-death)."""
        node = self.store.peek(NODE, "", name)
        if node is None or condition(node, "Ready").get("status") != "Unknown":
            return
        for pod in [p for p in self.store.select(POD) if p["spec"].get("nodeName") == name]:
            if not is_final(pod) and not is_deleting(pod) and not _is_daemon(pod):
                self.store.modify(POD, *key_of(pod), self._mark_disrupted)
                delete_pod(self.store, pod)

    def _mark_disrupted(self, pod: Obj) -> None:
        set_condition(
            pod,
            {
                "type": "DisruptionTarget",
                "status": "True",
                "lastProbeTime": None,
                "lastTransitionTime": self.clock.timestamp(),
                "reason": "DeletionByTaintManager",
                "message": "Taint manager: deleting due to NoExecute taint",
            },
        )

    def _set_taint(self, node: Obj, key: str, effect: str, *, wanted: bool) -> None:
        taints = node["spec"].get("taints") or []
        others = [t for t in taints if (t["key"], t["effect"]) != (key, effect)]
        present = len(others) != len(taints)
        if wanted == present:
            return
        added = [{"key": key, "effect": effect, "timeAdded": self.clock.timestamp()}] if wanted else []
        node["spec"]["taints"] = [*others, *added]
        if not node["spec"]["taints"]:
            del node["spec"]["taints"]


def _is_daemon(pod: Obj) -> bool:
    return any(ref["kind"] == "DaemonSet" for ref in pod["metadata"].get("ownerReferences") or [])
