"""Versioned objects with optimistic concurrency, and the log that watches replay.

Promises: one counter for all kinds gives every change its own ``resourceVersion``; an update that carries a stale one
is refused with 409; every change is announced once, in order; stored objects are never mutated in place, so a reader
may keep what it got. It does not check schemas or rights, and it survives no restart.
"""

import random
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.clock import VirtualClock
from bot.sandbox.cluster.objects import Key, Obj, clone, key_of, labels
from bot.sandbox.cluster.resources import POD, VMIM, Resource

LOG_LENGTH = 5000
"""Changes kept per kind for watches that resume; older ones are answered with 410 Expired."""

INDEXED_LABELS = {POD: ("kubevirt.io/created-by",), VMIM: ("kubevirt.io/vmi-name",)}
"""The labels that controllers look objects up by."""

_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Change:
    type: str
    resource: Resource
    obj: Obj
    version: int
    previous: Obj | None = None
    """What the object was before a MODIFIED; watches with a selector need it."""


Listener = Callable[[Change], None]


class Store:
    def __init__(self, clock: VirtualClock, seed: int) -> None:
        self.clock = clock
        self.version = 1000
        self._random = random.Random(seed)
        self._objects: dict[Resource, dict[Key, Obj]] = defaultdict(dict)
        self._logs: dict[Resource, deque[Change]] = defaultdict(partial(deque, maxlen=LOG_LENGTH))
        self._forgotten: dict[Resource, int] = {}
        self._forgotten_everywhere = 0
        self._listeners: list[Listener] = []
        self._indexed: dict[tuple[Resource, str, str], dict[Key, Obj]] = defaultdict(dict)

    # reading

    def peek(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        """The stored object itself: read only. Ask :meth:`get` for one to change."""
        return self._objects[resource].get((namespace, name))

    def get(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        found = self.peek(resource, namespace, name)
        return clone(found) if found else None

    def require(self, resource: Resource, namespace: str, name: str) -> Obj:
        found = self.get(resource, namespace, name)
        if found is None:
            raise errors.not_found(resource, name)
        return found

    def select(self, resource: Resource, namespace: str = "") -> list[Obj]:
        """The objects of a kind in the order of their keys (read only); an empty namespace means all."""
        return sorted(self.scan(resource, namespace), key=key_of)

    def scan(self, resource: Resource, namespace: str = "") -> Iterator[Obj]:
        """The same in no order, for those who look at all of them anyway."""
        objects = self._objects[resource].values()
        return iter([o for o in objects if not namespace or o["metadata"].get("namespace") == namespace])

    def labelled(self, resource: Resource, label: str, value: str) -> list[Obj]:
        """The objects with that value of an indexed label, oldest first (read only)."""
        return list(self._indexed[(resource, label, value)].values())

    # writing

    def new_uid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def new_suffix(self, length: int = 5) -> str:
        return "".join(self._random.choices(_NAME_ALPHABET, k=length))

    def prepare(self, resource: Resource, obj: Obj) -> Obj:
        """Fill in what the server gives every new object, without storing it."""
        new = clone(obj)
        metadata = new["metadata"]
        new.setdefault("apiVersion", resource.api_version)
        new.setdefault("kind", resource.kind)
        if not metadata.get("name"):
            metadata["name"] = metadata.get("generateName", "") + self.new_suffix()
        metadata.setdefault("uid", self.new_uid())
        metadata.setdefault("creationTimestamp", self.clock.timestamp())
        if resource.generation != "none":
            metadata.setdefault("generation", 1)
        return new

    def create(self, resource: Resource, obj: Obj) -> Obj:
        new = self.prepare(resource, obj)
        if key_of(new) in self._objects[resource]:
            raise errors.already_exists(resource, new["metadata"]["name"])
        self._put(resource, new, "ADDED")
        return new

    def update(self, resource: Resource, obj: Obj) -> Obj:
        """Replace an object; refuses a stale resourceVersion or a foreign uid. Without a difference nothing happens.

        Returns what is stored (read only), as every write here does.
        """
        return self._replace(resource, clone(obj))

    def _replace(self, resource: Resource, new: Obj) -> Obj:
        name = new["metadata"]["name"]
        old = self.peek(resource, *key_of(new))
        if old is None:
            raise errors.not_found(resource, name)
        _check_preconditions(resource, old, new["metadata"])
        for field in ("uid", "creationTimestamp", "resourceVersion", "generation"):
            if field in old["metadata"]:
                new["metadata"][field] = old["metadata"][field]
        if new == old:
            return new
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            return self._remove_when_released(resource, old, new)
        if _moves_generation(resource, old, new):
            new["metadata"]["generation"] += 1
        self._put(resource, new, "MODIFIED")
        return new

    def modify(self, resource: Resource, namespace: str, name: str, change: Callable[[Obj], None]) -> Obj | None:
        """Read, change, write as one step; ``None`` when the object is gone."""
        obj = self.get(resource, namespace, name)
        if obj is None:
            return None
        change(obj)
        return self._replace(resource, obj)

    def delete(self, resource: Resource, namespace: str, name: str, *, grace: float = 0) -> Obj:
        """Ask for deletion: at once, or mark it while finalizers or a grace period (seconds) hold the object."""
        obj = self.require(resource, namespace, name)
        if not obj["metadata"].get("deletionTimestamp"):
            obj = self._mark(resource, obj, grace)
        if grace or obj["metadata"].get("finalizers"):
            return obj
        self.remove(resource, namespace, name)
        return obj

    def remove(self, resource: Resource, namespace: str, name: str) -> None:
        """Take the object out. The DELETED event carries its last state under a new version (recorded: every file)."""
        old = self._objects[resource].pop((namespace, name))
        self._index(resource, old, None)
        last = clone(old)
        self._announce(resource, last, "DELETED", old)

    # watching

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after each change; returns the function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def oldest_version(self, resource: Resource) -> int:
        """Watches may resume from this version on."""
        return max(self._forgotten.get(resource, 0), self._forgotten_everywhere)

    def changes_since(self, resource: Resource, version: int) -> list[Change]:
        if version < self.oldest_version(resource):
            raise errors.expired(version, self.version)
        return [change for change in self._logs[resource] if change.version > version]

    def compact(self) -> None:
        """Forget the log, as etcd's compaction does: resuming watches get 410."""
        self._forgotten_everywhere = self.version
        self._logs.clear()

    def _mark(self, resource: Resource, obj: Obj, grace: float) -> Obj:
        metadata = obj["metadata"]
        if not grace and not metadata.get("finalizers") and resource.generation != "delete":
            return obj
        metadata["deletionTimestamp"] = self.clock.timestamp(grace)
        metadata["deletionGracePeriodSeconds"] = int(grace)
        if resource.generation != "none":
            metadata["generation"] += 1
        self._put(resource, obj, "MODIFIED")
        return obj

    def _remove_when_released(self, resource: Resource, old: Obj, new: Obj) -> Obj:
        """The write that takes the last finalizer of a deleted object is the deletion; a pod waits for its kubelet."""
        if old["metadata"].get("finalizers") or not old["metadata"].get("deletionGracePeriodSeconds"):
            self.remove(resource, *key_of(new))
        else:
            self._put(resource, new, "MODIFIED")
        return new

    def _put(self, resource: Resource, obj: Obj, type_: str) -> None:
        previous = self.peek(resource, *key_of(obj))
        self._objects[resource][key_of(obj)] = obj
        self._index(resource, previous, obj)
        self._announce(resource, obj, type_, previous)

    def _index(self, resource: Resource, old: Obj | None, new: Obj | None) -> None:
        for label in INDEXED_LABELS.get(resource, ()):
            if old and (not new or labels(old).get(label) != labels(new).get(label)):
                self._indexed[(resource, label, labels(old).get(label, ""))].pop(key_of(old), None)
            if new:
                self._indexed[(resource, label, labels(new).get(label, ""))][key_of(new)] = new

    def _announce(self, resource: Resource, obj: Obj, type_: str, previous: Obj | None) -> None:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        change = Change(type_, resource, obj, self.version, previous)
        log = self._logs[resource]
        if len(log) == LOG_LENGTH:
            self._forgotten[resource] = log[0].version
        log.append(change)
        for listener in tuple(self._listeners):
            listener(change)


def _check_preconditions(resource: Resource, old: Obj, asked: Obj) -> None:
    name = old["metadata"]["name"]
    if asked.get("resourceVersion") and asked["resourceVersion"] != old["metadata"]["resourceVersion"]:
        raise errors.conflict(resource, name)
    if asked.get("uid") and asked["uid"] != old["metadata"]["uid"]:
        why = f"Precondition failed: UID in precondition: {asked['uid']}, UID in object meta: {old['metadata']['uid']}"
        raise errors.conflict(resource, name, why)


def _moves_generation(resource: Resource, old: Obj, new: Obj) -> bool:
    if resource.generation == "spec":
        return bool(old.get("spec") != new.get("spec"))
    if resource.generation == "all":
        return {k: v for k, v in old.items() if k != "metadata"} != {k: v for k, v in new.items() if k != "metadata"}
    return False
