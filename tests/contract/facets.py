"""What the contract compares: how each aspect of each object changed, in order, without times and names.

A facet is the sequence of values that one aspect of one object took, repetitions left out. Names and uids are written
as roles (VMI#1, Pod#2) in the order in which the objects appeared.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from tests.contract.recording import Event, Json

Reader = Callable[[Json], Any]
Facets = dict[str, list[Any]]

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_POD = re.compile(r"virt-launcher-([a-z0-9-]+)-[a-z0-9]{5}\b")
_GENERATED = re.compile(r"(kubevirt-evacuation|kubevirt-migrate-vm)-[a-z0-9]{5}\b")
_ADDRESS = re.compile(r"listening at \S+, on ports: [\d,]+")
_NODE = re.compile(r"\bworker-\d\d\b")


def anonymous(text: str) -> str:
    """A message without uids, generated names and ports."""
    text = _ADDRESS.sub("listening at <address>, on ports: <ports>", text)
    return _GENERATED.sub(r"\1-<x>", _POD.sub(r"virt-launcher-\1-<x>", _UID.sub("<uid>", text)))


def _status(obj: Json, *path: str) -> Any:
    value: Any = obj.get("status") or {}
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _condition(type_: str) -> Reader:
    def read(obj: Json) -> Any:
        found = next((c for c in _status(obj, "conditions") or [] if c["type"] == type_), None)
        return None if found is None else [found["status"], found.get("reason", "")]

    return read


def _others(*types: str) -> Reader:
    """The conditions besides those types, as type, status and reason."""

    def read(obj: Json) -> Any:
        found = [c for c in _status(obj, "conditions") or [] if c["type"] not in types]
        return sorted([c["type"], c["status"], c.get("reason", "")] for c in found)

    return read


def _deleting(obj: Json) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def _migration_state(obj: Json) -> Any:
    state = _status(obj, "migrationState")
    if state is None:
        return None
    told = {k: state[k] for k in ("completed", "failed", "abortRequested", "abortStatus", "mode") if k in state}
    return [sorted(state), told]


def _requests(obj: Json) -> list[str]:
    return [r["action"] for r in _status(obj, "stateChangeRequests") or []]


def _strategy(obj: Json) -> Any:
    return [obj["spec"].get("runStrategy"), obj["spec"].get("running")]


def _taints(obj: Json) -> list[str]:
    return sorted(f"{t['key']}:{t['effect']}" for t in obj["spec"].get("taints") or [])


READERS: dict[str, dict[str, Reader]] = {
    "VirtualMachine": {
        "strategy": _strategy,
        "printableStatus": lambda o: _status(o, "printableStatus"),
        "status.runStrategy": lambda o: _status(o, "runStrategy"),
        "requests": _requests,
        "ready": lambda o: bool(_status(o, "ready")),
        "created": lambda o: bool(_status(o, "created")),
        "Ready": _condition("Ready"),
        "own conditions": lambda o: [_condition("Failure")(o), _condition("RestartRequired")(o)],
        "start failures": lambda o: _status(o, "startFailure", "consecutiveFailCount"),
        "generations": lambda o: _status(o, "desiredGeneration") == _status(o, "observedGeneration"),
        "deleting": _deleting,
    },
    "VirtualMachineInstance": {
        "phase": lambda o: [_status(o, "phase"), _deleting(o)],
        "has node": lambda o: bool(_status(o, "nodeName")),
        "Ready": _condition("Ready"),
        "other conditions": _others("Ready", "AgentConnected"),
        "placement": lambda o: [o["spec"].get("affinity"), o["spec"].get("nodeSelector")],
        "grace": lambda o: o["spec"].get("terminationGracePeriodSeconds"),
        "migration": _migration_state,
        "target label": lambda o: "kubevirt.io/migrationTargetNodeName" in o["metadata"].get("labels", {}),
        "finalizers": lambda o: o["metadata"].get("finalizers"),
        "active pods": lambda o: len(_status(o, "activePods") or {}),
        "evacuation": lambda o: bool(_status(o, "evacuationNodeName")),
    },
    "VirtualMachineInstanceMigration": {
        "phase": lambda o: _status(o, "phase"),
        "history": lambda o: [e["phase"] for e in _status(o, "phaseTransitionTimestamps") or []],
        "migration": _migration_state,
        "conditions": _others(),
        "finalizers": lambda o: o["metadata"].get("finalizers"),
        "deleting": _deleting,
    },
    "Pod": {
        "phase": lambda o: [_status(o, "phase"), _deleting(o)],
        "Ready": _condition("Ready"),
        "PodScheduled": _condition("PodScheduled"),
        "bound": lambda o: bool(o["spec"].get("nodeName")),
    },
    "Node": {
        "Ready": _condition("Ready"),
        "taints": _taints,
        "cordoned": lambda o: bool(o["spec"].get("unschedulable")),
        "schedulable": lambda o: o["metadata"]["labels"].get("kubevirt.io/schedulable"),
    },
}


class Roles:
    """Gives each object its role: kind and number, in order of appearance."""

    def __init__(self) -> None:
        self._roles: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = defaultdict(int)

    def role(self, obj: Json) -> str:
        uid = obj["metadata"]["uid"]
        if uid not in self._roles:
            self._counts[obj["kind"]] += 1
            self._roles[uid] = f"{obj['kind']}#{self._counts[obj['kind']]}"
            self._names[self._roles[uid]] = obj["metadata"]["name"]
        return self._roles[uid]

    def names(self) -> dict[str, str]:
        return dict(self._names)


def facets(initial: Iterable[Json], events: Iterable[Event]) -> tuple[Facets, dict[str, list[float]]]:
    """All facets, and the times at which each took its values (without the initial one)."""
    roles, found, times = Roles(), defaultdict(list), defaultdict(list)
    for obj in initial:
        for name, value in _read(roles, obj):
            found[name].append(value)
    for event in events:
        if event.kind == "Event":
            continue
        gone = event.type == "DELETED"
        for name, value in _read(roles, event.obj):
            shown = "DELETED" if gone else value
            if not found[name] or found[name][-1] != shown:
                found[name].append(shown)
                times[name].append(event.t)
    return dict(found), dict(times)


def _read(roles: Roles, obj: Json) -> Iterable[tuple[str, Any]]:
    for name, reader in READERS.get(obj["kind"], {}).items():
        yield f"{roles.role(obj)} {name}", reader(obj)


def kubernetes_events(events: Iterable[Event]) -> set[str]:
    """The distinct Event objects: about whom, how serious, the reason, the words."""
    found = set()
    for event in events:
        if event.kind == "Event":
            obj = event.obj
            text = _NODE.sub("<node>", anonymous(obj["message"]))
            found.add(json.dumps([obj["involvedObject"]["kind"], obj["type"], obj["reason"], text]))
    return found
