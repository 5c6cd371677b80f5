"""The few fields of a VM that the bot writes, and the JSON patch that leads from what they are to what is wanted.

Promises that a patch changes these fields only, all of them or none, and only where they still are what was read:
every patch tests all of them, whichever it changes. So whoever decides from what was read may decide anew after a
Conflict and never overwrites what somebody else wrote meanwhile. Other writers of the same object, above all
KubeVirt's controllers, which write its status and annotations all the time, do not make it fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from k8s.names import ANNOTATION_NOTE, HALTED, LABEL_PINNED
from k8s.snapshots import Json, VirtualMachine


def pointer(*steps: str) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


_RUN_STRATEGY: Final = pointer("spec", "runStrategy")
_RUNNING: Final = pointer("spec", "running")
_AFFINITY: Final = pointer("spec", "template", "spec", "affinity")
_NODE_SELECTOR: Final = pointer("spec", "template", "spec", "nodeSelector")


@dataclass(frozen=True, slots=True)
class Managed:
    """The state of these fields; None where one is absent. `run_strategy` and `running` exclude each other."""

    run_strategy: str | None
    running: bool | None
    affinity: Json | None
    node_selector: Json | None
    note: str | None
    """Text of our annotation."""
    label: str | None
    """Value of our label."""

    @property
    def is_halted(self) -> bool:
        """Whether nothing may run."""
        return self.run_strategy == HALTED or self.running is False

    def halted(self) -> "Managed":
        """The same with nothing allowed to run, said in the field that the VM uses."""
        if self.running is not None:
            return replace(self, running=False)
        return replace(self, run_strategy=HALTED)


def managed(vm: VirtualMachine) -> Managed:
    """What a VM has."""
    return Managed(
        run_strategy=vm.run_strategy,
        running=vm.running,
        affinity=vm.placement.affinity,
        node_selector=None if vm.placement.node_selector is None else dict(vm.placement.node_selector),
        note=vm.annotations.get(ANNOTATION_NOTE),
        label=vm.labels.get(LABEL_PINNED),
    )


def patch(vm: VirtualMachine, wanted: Managed) -> list[Json]:
    """The operations that make that VM so; none when it is so already."""
    now = managed(vm)
    fields = (
        (_RUN_STRATEGY, now.run_strategy, wanted.run_strategy),
        (_RUNNING, now.running, wanted.running),
        (_AFFINITY, now.affinity, wanted.affinity),
        (_NODE_SELECTOR, now.node_selector, wanted.node_selector),
    )
    changes = [
        *(step for path, old, new in fields for step in _change(path, old, new)),
        *_change_member("annotations", ANNOTATION_NOTE, vm.annotations, wanted.note),
        *_change_member("labels", LABEL_PINNED, vm.labels, wanted.label),
    ]
    tests = [_test(pointer("metadata", "uid"), vm.uid), *(_test(path, old) for path, old, _ in fields)]
    note = pointer("metadata", "annotations", ANNOTATION_NOTE) if vm.annotations else pointer("metadata", "annotations")
    return [*tests, _test(note, now.note), *changes] if changes else []


def marks(vm: VirtualMachine, wanted: Mapping[str, str]) -> list[Json]:
    """The operations that set annotations which nothing depends on; none when they stand there already."""
    if all(vm.annotations.get(key) == value for key, value in wanted.items()):
        return []
    uid = _test(pointer("metadata", "uid"), vm.uid)
    if not vm.annotations:
        whole = pointer("metadata", "annotations")
        return [uid, _test(whole, None), {"op": "add", "path": whole, "value": dict(wanted)}]
    steps = (_change_member("annotations", key, vm.annotations, value) for key, value in wanted.items())
    return [uid, *(step for member in steps for step in member)]


def _test(path: str, value: object) -> Json:
    """Recorded: errors, a test of null holds where the field is absent and its parent is there."""
    return {"op": "test", "path": path, "value": value}


def _change(path: str, old: object, new: object) -> list[Json]:
    if old == new:
        return []
    return [{"op": "remove", "path": path}] if new is None else [{"op": "add", "path": path, "value": new}]


def _change_member(parent: str, key: str, siblings: object, new: str | None) -> list[Json]:
    """Change one annotation or label, on an object that may not have any yet."""
    if not siblings and new is not None:
        whole = pointer("metadata", parent)
        return [_test(whole, None), {"op": "add", "path": whole, "value": {key: new}}]
    old = siblings.get(key) if isinstance(siblings, dict) else None
    return _change(pointer("metadata", parent, key), old, new)
