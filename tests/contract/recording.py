"""Reads the recordings of a real control plane (Kubernetes 1.34.9, KubeVirt 1.9.0).

Line 1 of a file is its head; then API calls and watch events, each with ``t`` in seconds. An event holds a whole
object the first time its uid is seen, and a JSON merge patch against the previous version afterwards.
"""

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FOLDER = Path(__file__).with_name("recordings")


@dataclass(frozen=True)
class Event:
    """One watch event with the whole object as it then was."""

    t: float
    type: str
    obj: Json

    @property
    def kind(self) -> str:
        return str(self.obj["kind"])

    @property
    def uid(self) -> str:
        return str(self.obj["metadata"]["uid"])

    @property
    def version(self) -> int:
        return int(self.obj["metadata"]["resourceVersion"])


@dataclass(frozen=True)
class Call:
    t: float
    verb: str
    path: str
    query: dict[str, str]
    body: Any
    content_type: str
    status: int
    answer: Any
    warning: str


@dataclass
class Recording:
    name: str
    head: Json
    initial: list[Json] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return str(self.head["vm"]).split("/")[0]

    @property
    def vm(self) -> str:
        return str(self.head["vm"]).split("/")[1]

    def first(self, kind: str) -> Json:
        return next(o for o in self.initial if o["kind"] == kind)


def names() -> list[str]:
    return sorted(p.name.removesuffix(".jsonl.gz") for p in FOLDER.glob("*.jsonl.gz"))


def load(name: str) -> Recording:
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt") as lines:
        recording = Recording(name, json.loads(next(lines)))
        latest: dict[str, Json] = {}
        for line in lines:
            _take(recording, latest, json.loads(line))
    recording.events.sort(key=lambda e: e.version)
    return recording


def load_errors() -> list[Json]:
    with gzip.open(FOLDER / "errors.json.gz", "rt") as file:
        entries: list[Json] = json.load(file)
        return entries


def _take(recording: Recording, latest: dict[str, Json], entry: Json) -> None:
    if "call" in entry:
        recording.calls.append(_call(entry))
        return
    uid = entry["uid"]
    obj = entry["object"] if "object" in entry else merge(latest[uid], entry["merge"])
    obj.setdefault("kind", entry["kind"])
    latest[uid] = obj
    if entry.get("initial"):
        recording.initial.append(obj)
    else:
        recording.events.append(Event(entry["t"], entry["type"], obj))


def _call(entry: Json) -> Call:
    call, answer = entry["call"], entry["answer"]
    return Call(
        entry["t"],
        call["verb"],
        call["path"],
        call.get("query") or {},
        call.get("body"),
        call.get("contentType", ""),
        answer["status"],
        answer.get("body"),
        answer.get("warning", ""),
    )


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396, written here again so that the recordings do not depend on the simulation's own patch code."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result
