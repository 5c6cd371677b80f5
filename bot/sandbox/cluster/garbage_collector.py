"""Kubernetes' garbage collector: an object whose only owner is gone is deleted, a little later."""

from collections.abc import Iterable

from bot.sandbox.cluster.controller import Controller
from bot.sandbox.cluster.objects import Key, is_deleting, key_of, uid_of
from bot.sandbox.cluster.pods import delete_pod
from bot.sandbox.cluster.resources import POD, PVC, REVISION, VM, VMI, VMIM
from bot.sandbox.cluster.store import Change

_OWNERS = (VM, VMI)
_OWNED = (VMI, POD, REVISION, VMIM, PVC)


class GarbageCollector(Controller):
    reaction = 0.05

    def keys_for(self, change: Change) -> Iterable[Key]:
        """Here a key is (namespace, uid of the owner that went)."""
        if change.type == "DELETED" and change.resource in _OWNERS:
            return [(key_of(change.obj)[0], uid_of(change.obj))]
        return []

    def reconcile(self, key: Key) -> None:
        namespace, owner = key
        for resource in _OWNED:
            for obj in self.store.select(resource, namespace):
                owners = [ref["uid"] for ref in obj["metadata"].get("ownerReferences") or []]
                if owners != [owner] or is_deleting(obj):
                    continue
                if resource is POD:
                    delete_pod(self.store, obj)
                else:
                    self.store.delete(resource, *key_of(obj))
