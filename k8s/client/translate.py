"""An HTTP answer that is no success, in the words of `k8s.errors`. Pure.

Promises that a message is short, free of the webhook's prefix and of quoted objects (a VM's holds its cloud-init
secrets), and that NotFound is only ever what a Status says of an object: a 404 from a proxy, or from an API group that
is not served, is Invalid, because "the VMI does not exist" is something the bot acts on.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from k8s.client.paths import NAMESPACES, kind_of
from k8s.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    InFlight,
    Invalid,
    NotFound,
    Refused,
    TooMany,
    Unauthorized,
    Unreachable,
)
from k8s.snapshots import Json

MESSAGE_LIMIT: Final = 600
"""Characters of a message that are kept."""

DEFAULT_RETRY_AFTER: Final = 1.0
"""Seconds to wait after a 429 that does not say."""

JSON_PATCH: Final = "application/json-patch+json"

_WEBHOOK = re.compile(r'^(?:Internal error occurred: )?admission webhook "[^"]+" denied the request: ')
_IN_FLIGHT = re.compile(r"in-flight migration detected\. Active migration job \(([^)]*)\)")
_MISSING_RIGHT = re.compile(
    r'cannot (?P<verb>\w+) (?:resource|path) "(?P<resource>[^"]+)"(?:.* in the namespace "(?P<namespace>[^"]*)")?'
)
_NAMESPACE = re.compile(r"/namespaces/([^/]+)/")
_QUOTED_OBJECT = re.compile(r'"\{.*\}"', re.DOTALL)
_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Sent:
    """The request that was answered, as far as the answer's meaning depends on it."""

    method: str
    path: str
    content_type: str = "application/json"

    @property
    def verb(self) -> str:
        """The API's word for the method."""
        return _VERBS[self.method]


def translate(sent: Sent, code: int, headers: Mapping[str, str], body: bytes) -> ClusterError:
    """The error for an answer with status `code` (>= 400)."""
    status = _status(body)
    message = _shorten(str(status.get("message") or f"the API server answered {code}"))
    if code >= 500 or code == 408:
        return Unreachable(message, code=code)
    match code:
        case 401:
            return Unauthorized(message, code=code)
        case 403:
            return _forbidden(sent, status, message)
        case 404:
            return _not_found(sent, status)
        case 409:
            return (AlreadyExists if status.get("reason") == "AlreadyExists" else Conflict)(message, code=code)
        case 429:
            return TooMany(message, retry_after=_retry_after(headers, status))
        case 400 | 422:
            return _refused(sent, code, status, message)
    return Invalid(message, code=code)


def _status(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def _shorten(message: str) -> str:
    clean = _QUOTED_OBJECT.sub("(the object)", _WEBHOOK.sub("", message))
    if len(clean) <= MESSAGE_LIMIT:
        return clean
    # The reason of a rejected patch stands at the end, that of everything else at the start: keep both.
    head, tail = MESSAGE_LIMIT * 2 // 3, MESSAGE_LIMIT // 3 - 3
    return f"{clean[:head]} … {clean[-tail:]}"


def _forbidden(sent: Sent, status: Json, message: str) -> ClusterError:
    if right := _MISSING_RIGHT.search(message):
        return Forbidden(message, verb=right["verb"], resource=right["resource"], namespace=right["namespace"] or "")
    if status:  # admission says 403 as well: a policy webhook, an exceeded quota, a namespace that is being deleted
        return Refused(message, code=403)
    return Forbidden(message, verb=sent.verb, resource=sent.path)


def _not_found(sent: Sent, status: Json) -> ClusterError:
    details: Json = status.get("details") or {}
    if not details.get("name"):
        return Invalid("the API server does not serve this API; is KubeVirt installed?", code=404)
    kind = kind_of(str(details.get("kind") or ""))
    inside = _NAMESPACE.search(sent.path) if kind != NAMESPACES.kind else None
    return NotFound(kind, str(details["name"]), unquote(inside[1]) if inside else "")


def _retry_after(headers: Mapping[str, str], status: Json) -> float:
    said = headers.get("Retry-After") or (status.get("details") or {}).get("retryAfterSeconds")
    try:
        return max(0.0, float(said or DEFAULT_RETRY_AFTER))
    except ValueError:  # the HTTP-date form, which the API server never sends
        return DEFAULT_RETRY_AFTER


def _refused(sent: Sent, code: int, status: Json, message: str) -> ClusterError:
    if flying := _IN_FLIGHT.search(message):
        return InFlight(message, uid=flying[1], code=code)
    if code == 422 and sent.content_type == JSON_PATCH and not (status.get("details") or {}).get("causes"):
        # Recorded: a failed `test`, a missing parent and an unknown op are one and the same text, without causes.
        return Conflict(message, code=code)
    by_webhook = "reason" not in status  # recorded: webhook denials with 400 carry no reason
    if status and (code == 422 or by_webhook or "strict decoding error" in message):
        return Refused(message, code=code)
    return Invalid(message, code=code)
