"""The three patch formats, with the answers of the Go libraries behind a real API server.

Written out rather than taken from a library: evanphx/json-patch lets ``test`` with ``null`` hold on a missing member,
and every failure is one and the same 422 (recorded: errors.json).
"""

from typing import Any

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.objects import Obj, clone

_MERGE_KEYS = {
    "conditions": "type",
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "ownerReferences": "uid",
    "env": "name",
}
"""patchMergeKey of the core kinds; a list that is not named here is replaced (taints, finalizers aside)."""


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return clone(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge_patch(target: Any, patch: Any) -> Any:
    """Merge patch that joins keyed lists; of the directives it knows the two that delete."""
    if not isinstance(patch, dict):
        return clone(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith(("$setElementOrder/", "$retainKeys")):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.split("/", 1)[1]
            result[name] = [item for item in result.get(name) or [] if item not in value]
        elif value is None:
            result.pop(key, None)
        elif key in _MERGE_KEYS and isinstance(value, list):
            result[key] = _merge_list(result.get(key) or [], value, _MERGE_KEYS[key])
        else:
            result[key] = strategic_merge_patch(result.get(key), value)
    return result


def _merge_list(old: list[Obj], patch: list[Obj], merge_key: str) -> list[Obj]:
    merged = {item[merge_key]: item for item in old}
    for item in patch:
        if item.get("$patch") == "delete":
            merged.pop(item[merge_key], None)
        else:
            merged[item[merge_key]] = strategic_merge_patch(merged.get(item[merge_key]), item)
    return list(merged.values())


def json_patch(target: Obj, operations: Any) -> Obj:
    """RFC 6902. Raises the server's one 422 on any failure."""
    document: Any = clone(target)
    try:
        for operation in operations:
            _apply(document, operation)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise errors.patch_failed() from error
    return dict(document)


def _apply(document: Any, operation: Obj) -> None:
    name, path = operation["op"], _pointer(operation["path"])
    if name == "test":
        _test(document, path, operation.get("value"))
    elif name in {"add", "replace"}:
        _set(document, path, clone(operation["value"]), insert=name == "add")
    elif name == "remove":
        _remove(document, path)
    elif name in {"move", "copy"}:
        source = _pointer(operation["from"])
        value = clone(_value(document, source))
        if name == "move":
            _remove(document, source)
        _set(document, path, value, insert=True)
    else:
        raise ValueError(name)


def _pointer(text: str) -> list[str]:
    if not text.startswith("/"):
        raise ValueError(text)
    return [step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/")]


def _step(container: Any, step: str) -> Any:
    return container[int(step)] if isinstance(container, list) else container[step]


def _value(document: Any, path: list[str]) -> Any:
    for step in path:
        document = _step(document, step)
    return document


def _test(document: Any, path: list[str], expected: Any) -> None:
    parent = _value(document, path[:-1])
    actual = parent.get(path[-1]) if isinstance(parent, dict) else _step(parent, path[-1])
    if actual != expected:
        raise ValueError(path)


def _set(document: Any, path: list[str], value: Any, *, insert: bool) -> None:
    parent, last = _value(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        index = len(parent) if last == "-" else int(last)
        parent[index : index if insert else index + 1] = [value]
    elif isinstance(parent, dict) and (insert or last in parent):
        parent[last] = value
    else:
        raise LookupError(last)


def _remove(document: Any, path: list[str]) -> None:
    parent, last = _value(document, path[:-1]), path[-1]
    del parent[int(last) if isinstance(parent, list) else last]
