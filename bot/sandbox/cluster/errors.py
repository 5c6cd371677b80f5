"""``Status`` bodies of a Kubernetes API server; the texts are those of the recording ``errors.json``."""

from typing import Any

from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.resources import Resource


class ApiError(Exception):
    """A refusal that the HTTP layer renders as a ``Status`` object."""

    def __init__(self, code: int, message: str, reason: str = "", details: Obj | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.details = details
        self.continue_token = ""

    def body(self) -> Obj:
        body: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self.continue_token} if self.continue_token else {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


def _details(resource: Resource, name: str, *, kind: str = "") -> Obj:
    details: Obj = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    return details | {"kind": kind or resource.plural}


def not_found(resource: Resource, name: str) -> ApiError:
    message = f'{resource.qualified} "{name}" not found'
    return ApiError(404, message, "NotFound", _details(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    message = f'{resource.qualified} "{name}" already exists'
    return ApiError(409, message, "AlreadyExists", _details(resource, name))


def conflict(resource: Resource, name: str, why: str = "") -> ApiError:
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, message, "Conflict", _details(resource, name))


def bad_request(message: str) -> ApiError:
    return ApiError(400, message, "BadRequest")


def forbidden(resource: Resource, name: str, why: str, subresource_group: str = "") -> ApiError:
    group = subresource_group or resource.group
    qualified = f"{resource.plural}.{group}" if group else resource.plural
    subject = f'{qualified} "{name}"' if name else qualified
    details: Obj = {"name": name} if name else {}
    details |= ({"group": group} if group else {}) | {"kind": resource.plural}
    return ApiError(403, f"{subject} is forbidden: {why}", "Forbidden", details)


def invalid(resource: Resource, name: str, field: str, cause: str, cause_reason: str = "FieldValueInvalid") -> ApiError:
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = _details(resource, name, kind=resource.kind) | {
        "causes": [{"reason": cause_reason, "message": cause, "field": field}]
    }
    return ApiError(422, f'{kind} "{name}" is invalid: {field}: {cause}', "Invalid", details)


def denied(webhook: str, why: str, *, code: int = 400, causes: list[dict[str, Any]] | None = None) -> ApiError:
    """A webhook's refusal. With 400 the Status has no reason, with 422 it is Invalid (recorded: errors.json)."""
    message = f'admission webhook "{webhook}" denied the request: {why}'
    if causes is None:
        return ApiError(code, message)
    return ApiError(code, message, "Invalid", {"causes": causes})


def patch_failed() -> ApiError:
    """The one text for every failed JSON patch: test, missing parent, unknown op (recorded: errors.json)."""
    return ApiError(422, "the server rejected our request due to an error in our request", "Invalid", {})


def unsupported_patch(accepted: str) -> ApiError:
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return ApiError(415, message, "UnsupportedMediaType")


def internal(message: str) -> ApiError:
    details = {"causes": [{"message": message}]}
    return ApiError(500, f"Internal error occurred: {message}", "InternalError", details)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def expired(asked: int, oldest: int) -> ApiError:
    return ApiError(410, f"too old resource version: {asked} ({oldest})", "Expired")


def too_large_resource_version(asked: int, current: int) -> ApiError:
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return ApiError(504, message, "Timeout", details)


def method_not_allowed() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, message, "MethodNotAllowed", {})
