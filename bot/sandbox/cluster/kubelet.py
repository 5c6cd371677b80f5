"""The kubelets, played: pods start after one second and end one second after their guest (as in the recordings).

A pod of a node that is down keeps the state it had.
"""

from collections.abc import Iterable

from bot.sandbox.cluster.controller import Controller
from bot.sandbox.cluster.faults import fault
from bot.sandbox.cluster.launcher import CREATED_BY, JOB_UID, launcher_pods
from bot.sandbox.cluster.objects import (
    Key,
    Obj,
    condition,
    dig,
    is_deleting,
    is_final,
    is_true,
    key_of,
    labels,
    phase,
)
from bot.sandbox.cluster.pod_trouble import BLOCKED, killed_for_memory, set_containers
from bot.sandbox.cluster.resources import NODE, POD, VMI
from bot.sandbox.cluster.store import Change

START_SECONDS = 1.0
EXIT_SECONDS = 1.0
OUT_OF_MEMORY_SECONDS = 1.0
"""From the start of a launcher to its end, where it has too little memory for its guest."""
READINESS_SECONDS = 0.06
"""From the readiness gate's condition to pod Ready (recorded: live-targeted, 24 ms; here long enough to be seen)."""

_GATE = "kubevirt.io/virtual-machine-unpaused"


class Kubelet(Controller):
    def keys_for(self, change: Change) -> Iterable[Key]:
        if change.resource is POD:
            return [key_of(change.obj)]
        if change.resource is VMI:
            return [key_of(p) for p in launcher_pods(self.store, change.obj)]
        if change.resource is NODE and turned(change):
            return [key_of(p) for p in self.store.scan(POD) if _is_on(p, change.obj)]
        return []

    def reconcile(self, key: Key) -> None:
        pod = self.store.peek(POD, *key)
        if pod is None or not pod["spec"].get("nodeName") or self._node_is_down(pod):
            return
        if is_deleting(pod) and is_final(pod):
            self._finish_deletion(pod)
        elif not is_final(pod) and self._should_exit(pod):
            self.once_after(EXIT_SECONDS, lambda: self._exit(key), "exit", *key)
        elif phase(pod) == "Pending":
            self._start_later(pod)
        elif phase(pod) == "Running" and not is_deleting(pod) and _should_be_ready(pod) != is_true(pod, "Ready"):
            self.once_after(READINESS_SECONDS, lambda: self._set_ready(key), "ready", *key)

    def _start_later(self, pod: Obj) -> None:
        vmi = self._vmi_of(pod)
        target = labels(pod).get(JOB_UID)
        sources = self.context.with_vm(vmi) if vmi else ()
        blocked = fault("target-pod" if target else "start", *sources)
        if blocked in BLOCKED:
            self._show_trouble(pod, blocked)
        elif blocked != "never-ready":
            key = key_of(pod)
            self.once_after(START_SECONDS, lambda: self._start(key), "start", *key)
            if blocked == "out-of-memory":
                self.once_after(START_SECONDS + OUT_OF_MEMORY_SECONDS, lambda: self._kill(key), "kill", *key)

    def _should_exit(self, pod: Obj) -> bool:
        """A launcher ends when its guest is gone: shut down, moved elsewhere, or never started here."""
        vmi = self._vmi_of(pod)
        if vmi is None or not labels(pod).get(CREATED_BY):
            return is_deleting(pod)
        if is_final(vmi):
            return True
        state = dig(vmi, "status", "migrationState", default={})
        name = pod["metadata"]["name"]
        if state.get("completed") and name == state.get("targetPod" if state.get("failed") else "sourcePod"):
            return True
        return is_deleting(pod) and dig(vmi, "status", "nodeName") != pod["spec"]["nodeName"]

    def _start(self, key: Key) -> None:
        pod = self.store.peek(POD, *key)
        if pod and phase(pod) == "Pending" and not is_deleting(pod) and not self._node_is_down(pod):
            self.store.modify(POD, *key, self._mark_running)

    def _mark_running(self, pod: Obj) -> None:
        now = self.clock.timestamp()
        node = self.store.peek(NODE, "", pod["spec"]["nodeName"])
        address = node_address(node) if node else ""
        kept = [c for c in dig(pod, "status", "conditions", default=[]) if c["type"] in {_GATE, "PodScheduled"}]
        started = [_plain(t, now) for t in ("Initialized", "PodReadyToStartContainers", "ContainersReady")]
        pod["status"] |= {
            "phase": "Running",
            "hostIP": address,
            "hostIPs": [{"ip": address}],
            "podIP": _pod_address(pod, address),
            "podIPs": [{"ip": _pod_address(pod, address)}],
            "startTime": now,
        }
        set_containers(pod, {"running": {"startedAt": now}})
        pod["status"]["conditions"] = [*started, ready_condition(pod, now), *kept]

    def _set_ready(self, key: Key) -> None:
        def change(pod: Obj) -> None:
            if phase(pod) == "Running":
                new = ready_condition(pod, self.clock.timestamp())
                conditions = pod["status"]["conditions"]
                pod["status"]["conditions"] = [new if c["type"] == "Ready" else c for c in conditions]

        self.store.modify(POD, *key, change)

    def _show_trouble(self, pod: Obj, kind: str) -> None:
        trouble = BLOCKED[kind]
        self.store.modify(POD, *key_of(pod), lambda new: set_containers(new, {"waiting": dict(trouble.waiting)}))
        for event in trouble.events(pod, self.store):
            self.events.warning(pod, event.reason, event.message, event.component)

    def _kill(self, key: Key) -> None:
        pod = self.store.peek(POD, *key)
        if pod and phase(pod) == "Running" and not self._node_is_down(pod):
            self.store.modify(POD, *key, lambda new: killed_for_memory(new, self.clock.timestamp()))

    def _exit(self, key: Key) -> None:
        pod = self.store.peek(POD, *key)
        if pod and not is_final(pod) and not self._node_is_down(pod):
            self.store.modify(POD, *key, self._mark_succeeded)

    def _mark_succeeded(self, pod: Obj) -> None:
        now = self.clock.timestamp()
        kept = [c for c in dig(pod, "status", "conditions", default=[]) if c["type"] in {_GATE, "PodScheduled"}]
        ended = [_plain(t, now, "False", "PodCompleted") for t in ("Ready", "ContainersReady")]
        initialized = _plain("Initialized", now, "True", "PodCompleted")
        pod["status"]["phase"] = "Succeeded"
        pod["status"]["conditions"] = [*ended, initialized, _plain("PodReadyToStartContainers", now, "False"), *kept]
        terminated = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": now}}
        set_containers(pod, terminated)

    def _finish_deletion(self, pod: Obj) -> None:
        """The kubelet's last delete has no grace; only that one removes the object (recorded: cold-always)."""
        key = key_of(pod)
        if pod["metadata"].get("deletionGracePeriodSeconds"):

            def last(new: Obj) -> None:
                new["metadata"] |= {"deletionTimestamp": self.clock.timestamp(), "deletionGracePeriodSeconds": 0}

            self.store.modify(POD, *key, last)
        else:
            self.store.remove(POD, *key)

    def _vmi_of(self, pod: Obj) -> Obj | None:
        uid = labels(pod).get(CREATED_BY)
        vmi = self.store.peek(VMI, key_of(pod)[0], labels(pod).get("vm.kubevirt.io/name", ""))
        return vmi if vmi and vmi["metadata"]["uid"] == uid else None

    def _node_is_down(self, pod: Obj) -> bool:
        return is_down(self.store.peek(NODE, "", pod["spec"]["nodeName"]))


def turned(change: Change) -> bool:
    """Whether a change of a node is that it went down or came back."""
    return fault("down", change.obj) != fault("down", change.previous)


def is_down(node: Obj | None) -> bool:
    return node is None or fault("down", node) == "true"


def node_address(node: Obj) -> str:
    return str(next((a["address"] for a in node["status"].get("addresses", []) if a["type"] == "InternalIP"), ""))


def ready_condition(pod: Obj, now: str) -> Obj:
    """Ready once the readiness gate is open; a migration's target waits for the hand-over (recorded: live-targeted)."""
    if _should_be_ready(pod):
        return _plain("Ready", now)
    gate = condition(pod, _GATE)
    text = "corresponding condition of pod readiness gate does not exist."
    if gate:
        text = f'the status of pod readiness gate "{_GATE}" is not "True", but {gate["status"]}'
    return _plain("Ready", now, "False", "ReadinessGatesNotReady") | {"message": text}


def _gate_open(pod: Obj) -> bool:
    return condition(pod, _GATE).get("status") == "True"


def _should_be_ready(pod: Obj) -> bool:
    return not pod["spec"].get("readinessGates") or _gate_open(pod)


def _plain(type_: str, now: str, status: str = "True", reason: str = "") -> Obj:
    base: Obj = {"type": type_, "status": status, "lastProbeTime": None, "lastTransitionTime": now}
    return base | ({"reason": reason} if reason else {})


def _pod_address(pod: Obj, host: str) -> str:
    last = host.rsplit(".", 1)[-1] or "0"
    return f"10.244.{last}.{int(pod['metadata']['uid'][:2], 16)}"


def _is_on(pod: Obj, node: Obj) -> bool:
    return bool(pod["spec"].get("nodeName") == node["metadata"]["name"])
