"""Request bodies in Kubernetes' protobuf: kubectl sends a few core kinds this way and takes JSON back.

Only the messages that kubectl needs for reviews, evictions, deletions and small ``create`` commands are known;
anything else is 415.
Field numbers: the ``generated.proto`` files of k8s.io/api 1.34.
"""

from collections.abc import Iterator
from typing import Any

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.objects import Obj

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

Field = tuple[str, Any]
"""A name, and how to read the value: a message's fields, ``str``, ``int``, ``list`` for repeated strings, ``dict`` for
a map of strings to quantities."""
Message = dict[int, Field]

_METADATA: Message = {1: ("name", str), 2: ("generateName", str), 3: ("namespace", str)}
_ATTRIBUTES: Message = {
    1: ("namespace", str),
    2: ("verb", str),
    3: ("group", str),
    4: ("version", str),
    5: ("resource", str),
    6: ("subresource", str),
    7: ("name", str),
}
_DELETE_OPTIONS: Message = {
    1: ("gracePeriodSeconds", int),
    2: ("preconditions", {1: ("uid", str), 2: ("resourceVersion", str)}),
    4: ("propagationPolicy", str),
    5: ("dryRun", list),
}
_NON_RESOURCE: Message = {1: ("path", str), 2: ("verb", str)}
_MESSAGES: dict[str, Message] = {
    "SelfSubjectAccessReview": {
        1: ("metadata", _METADATA),
        2: ("spec", {1: ("resourceAttributes", _ATTRIBUTES), 2: ("nonResourceAttributes", _NON_RESOURCE)}),
    },
    "SelfSubjectRulesReview": {1: ("metadata", _METADATA), 2: ("spec", {1: ("namespace", str)})},
    "Eviction": {1: ("metadata", _METADATA), 2: ("deleteOptions", _DELETE_OPTIONS)},
    "DeleteOptions": _DELETE_OPTIONS,
    "Namespace": {1: ("metadata", _METADATA)},
    "ResourceQuota": {1: ("metadata", _METADATA), 2: ("spec", {1: ("hard", dict)})},
    "SelfSubjectReview": {1: ("metadata", _METADATA)},
    "ServiceAccount": {1: ("metadata", _METADATA)},
    "TokenRequest": {1: ("metadata", _METADATA)},
}
_MAP_ENTRY: Message = {1: ("key", str), 2: ("value", {1: ("string", str)})}
_ENVELOPE: Message = {1: ("typeMeta", {1: ("apiVersion", str), 2: ("kind", str)}), 2: ("raw", bytes)}


def decode(body: bytes) -> Obj:
    """The object in a protobuf body. Raises 415 for a kind that is not known here, 400 for a broken body."""
    try:
        envelope = _read(body.removeprefix(_MAGIC), _ENVELOPE)
        kind = envelope["typeMeta"]["kind"]
        if kind not in _MESSAGES:
            raise errors.unsupported_patch("application/json, application/yaml")
        return {**envelope["typeMeta"], **_read(envelope.get("raw", b""), _MESSAGES[kind])}
    except (LookupError, ValueError) as error:
        raise errors.bad_request(f"protobuf: {error}") from error


def _read(data: bytes, message: Message) -> Obj:
    result: Obj = {}
    for number, value in _fields(data):
        name, how = message.get(number, ("", None))
        if how is list:
            result.setdefault(name, []).append(value.decode() if isinstance(value, bytes) else str(value))
        elif how is dict and isinstance(value, bytes):
            entry = _read(value, _MAP_ENTRY)
            result.setdefault(name, {})[entry["key"]] = entry["value"]["string"]
        elif how is not None:
            result[name] = _value(value, how)
    return result


def _value(value: int | bytes, how: Any) -> Any:
    if isinstance(how, dict):
        return _read(value, how) if isinstance(value, bytes) else {}
    if how is str:
        return value.decode() if isinstance(value, bytes) else str(value)
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
        elif wire == 2:
            length, at = _varint(data, at)
            yield number, data[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    shift = value = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
