"""Sets the stage for a recording and plays it: the world before, the calls, what hands did in between.

Hands are what the recordings did besides calling the API: cordon, drain, take a node down. The heads say when.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.contract.bench import Bench, SimulatedBench
from tests.contract.facets import anonymous
from tests.contract.recording import Call, Json, Recording

NODES = [{"name": f"worker-{n:02}", "zone": "rack-a"} for n in range(1, 6)]
NAMESPACES = [{"name": n} for n in ("default", "kubevirt", "kube-node-lease", "production", "staging", "vms")]
DOWN = "sandbox.vm-migrate/down"

MERGE = {"Content-Type": "application/merge-patch+json"}
Act = tuple[float, Callable[[], Awaitable[None]]]
Answers = list[tuple[Call, int, Any, str]]


@dataclass(frozen=True)
class Directions:
    """What was played in a recording and must be played here: fault annotations, cordons, an earlier migration."""

    faults: dict[str, str] = field(default_factory=dict)
    cordoned: str = ""
    migrated_before: bool = False


def directions(name: str) -> Directions:
    return _DIRECTIONS.get(name, Directions())


_DIRECTIONS = {
    "live-failed": Directions({"fail": "Running"}),
    "live-cancelled-running": Directions({"copy-seconds": "60"}),
    "live-cancelled-scheduling": Directions({"target-pod": "never-ready"}),
    "live-limit": Directions({"copy-seconds": "12"}),
    "live-limit-node": Directions({"copy-seconds": "8"}),
    "vm-deleted": Directions({"copy-seconds": "60"}),
    "drain": Directions({"copy-seconds": "600"}),
    "stuck-stop": Directions({"stop": "stuck"}),
    "stuck-stop-manual": Directions({"stop": "stuck"}),
    "cold-unschedulable": Directions(cordoned="worker-05"),
    "cold-unschedulable-manual": Directions(cordoned="worker-05"),
    "live-again": Directions(migrated_before=True),
    "cold-unschedulable-uncordon": Directions(migrated_before=True),
    "cold-unschedulable-stop-start": Directions(cordoned="worker-05", migrated_before=True),
}


def world_for(recording: Recording) -> Json:
    """Five workers, the recording's VM as it was, and the other VMs that its calls name."""
    vms: dict[str, list[Json]] = {recording.namespace: [_entry(recording)]}
    for other in recording.head.get("all_vmims", []):
        namespace, name = other["vm"].split("/")
        if (namespace, name) != (recording.namespace, recording.vm):
            entry = {"name": name, "node": other["sourceNode"], "annotations": _annotations(recording)}
            vms.setdefault(namespace, []).append(entry)
    return {"nodes": NODES, "namespaces": NAMESPACES, "vms": vms}


def _entry(recording: Recording) -> Json:
    vm, vmi = recording.first("VirtualMachine"), recording.first("VirtualMachineInstance")
    claim = recording.first("PersistentVolumeClaim")
    disk = "rwx" if "ReadWriteMany" in claim["spec"]["accessModes"] else "rwo"
    if any(o["kind"] == "PersistentVolume" and o["spec"].get("nodeAffinity") for o in recording.initial):
        disk = "local"
    return {
        "name": recording.vm,
        "node": vmi["status"]["nodeName"],
        "strategy": vm["spec"].get("runStrategy"),
        "spec": vm["spec"],
        "disk": disk,
        "annotations": _annotations(recording),
        "labels": vm["metadata"].get("labels", {}),
    }


def _annotations(recording: Recording) -> dict[str, str]:
    faults = directions(recording.name).faults
    return {f"sandbox.vm-migrate/{name}": value for name, value in faults.items()}


class Play:
    """One replay: keeps the names of this cluster's objects beside those of the recording."""

    def __init__(self, recording: Recording, bench: Bench) -> None:
        self._recording = recording
        self._bench = bench
        self.answers: Answers = []
        self._first_pod = ""

    async def prepare(self, bench: SimulatedBench) -> None:
        asked = directions(self._recording.name)
        if asked.cordoned:
            await self._cordon(asked.cordoned, wanted=True)
        if asked.migrated_before:
            path = f"/apis/kubevirt.io/v1/namespaces/{self._recording.namespace}/virtualmachineinstancemigrations"
            body = {"metadata": {"name": "before"}, "spec": {"vmiName": self._recording.vm}}
            await bench.call("POST", path, {}, body, {})
        await bench.wait_until(20)
        if not any(o["kind"] == "VirtualMachineInstanceMigration" for o in self._recording.initial):
            path = f"/apis/kubevirt.io/v1/namespaces/{self._recording.namespace}/virtualmachineinstancemigrations"
            await bench.call("DELETE", f"{path}/before", {}, None, {})
        await self._running_pod()
        bench.restart_clock()

    async def run(self) -> None:
        acts: list[Act] = [(call.t, partial(self._replay, call)) for call in self._recording.calls]
        acts += [(step["t"], partial(self._by_hand, step["do"])) for step in self._recording.head["steps"]]
        for t, act in sorted(acts, key=lambda a: a[0]):
            await self._bench.wait_until(t)
            await act()
        await self._bench.wait_until(self._recording.head["ends_at"])

    async def _replay(self, call: Call) -> None:
        headers = {"Accept": "application/json, */*"}
        headers["Content-Type"] = call.content_type or "application/json"
        path, body = await self._translated(call.path), call.body
        if call.path.endswith("/eviction"):
            body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": path.split("/")[-2]}}
        status, answer, warning = await self._bench.call(call.verb, path, call.query, body, headers)
        self.answers.append((call, status, answer, warning))

    async def _translated(self, path: str) -> str:
        """Generated names of the recording become those of the living object of that kind."""
        if "/pods/virt-launcher-" in path:
            return re.sub(r"virt-launcher-[a-z0-9-]+", await self._running_pod(), path)
        if "/kubevirt-evacuation-" in path:
            base = path.rsplit("/", 1)[0]
            _, listed, _ = await self._bench.call("GET", base, {}, None, {})
            return f"{base}/{listed['items'][0]['metadata']['name']}"
        return path

    async def _running_pod(self) -> str:
        """The pod that ran the guest at the start, also when it is gone by now."""
        if not self._first_pod:
            self._first_pod = await self._oldest_pod()
        return self._first_pod

    async def _oldest_pod(self) -> str:
        path = f"/api/v1/namespaces/{self._recording.namespace}/pods"
        query = {"labelSelector": f"vm.kubevirt.io/name={self._recording.vm}", "fieldSelector": "status.phase=Running"}
        _, listed, _ = await self._bench.call("GET", path, query, None, {})
        return str(listed["items"][0]["metadata"]["name"])

    async def _by_hand(self, did: str) -> None:
        if match := re.fullmatch(r"kubectl drain prints: node/(\S+) cordoned", did):
            await self._cordon(match[1], wanted=True)
        elif match := re.fullmatch(
            rf"kubectl drain prints: evicting pod \S+/virt-launcher-{self._recording.vm}-\S+", did
        ):
            pod = await self._running_pod()
            path = f"/api/v1/namespaces/{self._recording.namespace}/pods/{pod}/eviction"
            body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
            await self._bench.call("POST", path, {}, body, {"Content-Type": "application/json"})
        elif match := re.fullmatch(r"(worker-\d\d) (down|back)", did):
            body = {"metadata": {"annotations": {DOWN: "true" if match[2] == "down" else None}}}
            await self._bench.call("PATCH", f"/api/v1/nodes/{match[1]}", {}, body, MERGE)

    async def _cordon(self, node: str, *, wanted: bool) -> None:
        body = {"spec": {"unschedulable": wanted or None}}
        await self._bench.call("PATCH", f"/api/v1/nodes/{node}", {}, body, MERGE)


_WHOLE_SPEC = {"VirtualMachine", "VirtualMachineInstance", "VirtualMachineInstanceMigration", "KubeVirt"}


def comparable(body: Any) -> Any:
    """Of an answer what must be the same: a Status without names, of an object its spec, labels and finalizers."""
    if not isinstance(body, dict):
        return body
    if body.get("kind") == "Status":
        causes = [anonymous(c.get("message", "")) for c in (body.get("details") or {}).get("causes", [])]
        return [body.get("reason"), body.get("code"), anonymous(body.get("message", "")), causes]
    metadata = body.get("metadata", {})
    if body.get("kind") not in _WHOLE_SPEC:
        spec = body.get("spec", {})
        return [body.get("kind"), {k: spec.get(k) for k in ("unschedulable", "accessModes", "hard", "nodeAffinity")}]
    return [body.get("kind"), body.get("spec"), metadata.get("labels"), metadata.get("finalizers")]
