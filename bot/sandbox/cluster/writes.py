"""Create, replace, patch and delete, in the order of a real API server.

Decoding and pruning, namespace check, mutating admission, name check, validating admission, then storage; dryRun=All
runs all of it and stores nothing (recorded: errors.json). No server-side apply: that content type is a 415 here.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.admission import admit_create, admit_update, warnings_for
from bot.sandbox.cluster.controller import Context
from bot.sandbox.cluster.objects import Obj, clone, is_owned_by, key_of, uid_of
from bot.sandbox.cluster.patch import json_patch, merge_patch, strategic_merge_patch
from bot.sandbox.cluster.paths import Route
from bot.sandbox.cluster.pods import check_quota, delete_pod
from bot.sandbox.cluster.resources import NAMESPACE, POD, VMI
from bot.sandbox.cluster.schema import prune, schema_of

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_PATCHES = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_merge_patch,
}
_SERVER_FIELDS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass
class Written:
    """The answer of a write: status code, object, Warning texts."""

    code: int
    obj: Obj
    warnings: list[str] = field(default_factory=list)


class Writer:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def create(self, route: Route, body: Obj, query: Mapping[str, str]) -> Written:
        resource = route.resource
        obj, unknown = self._decode(route, body, query)
        if resource.namespaced:
            self._require_namespace(route.namespace)
        obj = self._store.prepare(resource, _as_new(route, obj))
        admit_create(self._context, resource, obj)
        _check_name(route, obj)
        if resource is POD:
            check_quota(self._store, obj)
        if self._store.peek(resource, *key_of(obj)):
            raise errors.already_exists(resource, obj["metadata"]["name"])
        warnings = [*_unknown_warnings(unknown, query), *warnings_for(resource, obj)]
        return Written(201, obj if _is_dry_run(query) else self._store.create(resource, obj), warnings)

    def replace(self, route: Route, body: Obj, query: Mapping[str, str]) -> Written:
        old = self._store.require(route.resource, route.namespace, route.name)
        new, unknown = self._decode(route, body, query)
        return self._update(route, old, new, unknown, query)

    def patch(self, route: Route, content_type: str, body: bytes, query: Mapping[str, str]) -> Written:
        apply = self._patch_function(route, content_type)
        old = self._store.require(route.resource, route.namespace, route.name)
        try:
            document = json.loads(body)
        except ValueError as error:
            raise errors.bad_request(f"error decoding patch: {error}") from error
        new = apply(old, document)
        whole = json.dumps(new, separators=(",", ":"), sort_keys=True)
        unknown = self._prune(route, new)
        if unknown and query.get("fieldValidation") == "Strict":
            raise _strict_patch(whole, unknown)
        return self._update(route, old, new, unknown, query)

    def delete(self, route: Route, options: Obj, query: Mapping[str, str]) -> Obj:
        """The object while something holds it, else a Status of success (recorded: errors.json 29)."""
        old = self._store.require(route.resource, route.namespace, route.name)
        self._check_preconditions(route, old, options)
        if _is_dry_run(query) or options.get("dryRun"):
            return old
        grace = options.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
        if options.get("propagationPolicy", query.get("propagationPolicy")) == "Orphan":
            self._orphan_dependents(old)
        if route.resource is POD:
            return delete_pod(self._store, old, None if grace is None else float(grace))
        deleted = self._store.delete(route.resource, route.namespace, route.name)
        if self._store.peek(route.resource, route.namespace, route.name):
            return deleted
        return deleted_status(route, old)

    def _decode(self, route: Route, body: Obj, query: Mapping[str, str]) -> tuple[Obj, list[str]]:
        """The object without unknown fields, and the paths of those; 400 where they are not allowed."""
        resource = route.resource
        obj = clone(body) | {"apiVersion": resource.api_version, "kind": resource.kind}
        unknown = self._prune(route, obj)
        if unknown and query.get("fieldValidation") == "Strict":
            raise errors.bad_request(_strict_text(resource.kind, route.version, unknown))
        return obj, unknown

    def _patch_function(self, route: Route, content_type: str) -> Callable[[Obj, object], Obj]:
        kind = content_type.partition(";")[0].strip()
        accepted = [t for t in _PATCHES if not (route.resource.custom and t.startswith("application/strategic"))]
        if kind not in accepted:
            raise errors.unsupported_patch(", ".join([*accepted, "application/apply-patch+yaml"]))
        return _PATCHES[kind]

    def _update(self, route: Route, old: Obj, new: Obj, unknown: list[str], query: Mapping[str, str]) -> Written:
        resource = route.resource
        _keep_server_fields(route, old, new)
        _check_identity(route, new)
        if route.subresource != "status":
            admit_update(self._context, resource, old, new)
        warnings = [*_unknown_warnings(unknown, query), *warnings_for(resource, new)]
        if _is_dry_run(query):
            return Written(200, _foresee(route, old, new), warnings)
        return Written(200, self._store.update(resource, new), warnings)

    def _prune(self, route: Route, obj: Obj) -> list[str]:
        return prune(obj, schema_of(route.resource, self._context.settings.version))

    def _require_namespace(self, namespace: str) -> None:
        if self._store.peek(NAMESPACE, "", namespace) is None:
            raise errors.not_found(NAMESPACE, namespace)

    def _check_preconditions(self, route: Route, old: Obj, options: Obj) -> None:
        asked = options.get("preconditions") or {}
        name = old["metadata"]["name"]
        for label, actual in (("UID", uid_of(old)), ("ResourceVersion", old["metadata"]["resourceVersion"])):
            wanted = asked.get("uid" if label == "UID" else "resourceVersion")
            if wanted and wanted != actual:
                why = f"Precondition failed: {label} in precondition: {wanted}, {label} in object meta: {actual}"
                raise errors.conflict(route.resource, name, why)

    def _orphan_dependents(self, owner: Obj) -> None:
        def disown(obj: Obj) -> None:
            references = obj["metadata"].get("ownerReferences") or []
            obj["metadata"]["ownerReferences"] = [r for r in references if r["uid"] != uid_of(owner)]

        for resource in (VMI, POD):
            for obj in self._store.select(resource, key_of(owner)[0]):
                if is_owned_by(obj, uid_of(owner)):
                    self._store.modify(resource, *key_of(obj), disown)


def _as_new(route: Route, obj: Obj) -> Obj:
    """Without what only the server may set."""
    resource = route.resource
    metadata = obj.setdefault("metadata", {})
    for server_field in (*_SERVER_FIELDS, "resourceVersion"):
        metadata.pop(server_field, None)
    if resource.namespaced:
        metadata["namespace"] = route.namespace
    if resource.has_status and resource is not NAMESPACE:
        obj.pop("status", None)
    if resource is POD:
        obj["status"] = {"phase": "Pending", "qosClass": "Burstable"}
    return obj


def deleted_status(route: Route, obj: Obj) -> Obj:
    details = {"name": obj["metadata"]["name"], "kind": route.resource.plural, "uid": uid_of(obj)}
    if route.resource.group:
        details["group"] = route.resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _is_dry_run(query: Mapping[str, str]) -> bool:
    return query.get("dryRun") == "All"


def _foresee(route: Route, old: Obj, new: Obj) -> Obj:
    """What an update would answer (recorded: errors.json 83, the next generation under the old version)."""
    if route.resource.generation == "spec" and old.get("spec") != new.get("spec"):
        new["metadata"]["generation"] = old["metadata"]["generation"] + 1
    return new


def _keep_server_fields(route: Route, old: Obj, new: Obj) -> None:
    metadata = new.setdefault("metadata", {})
    for server_field in _SERVER_FIELDS:
        if server_field in old["metadata"]:
            metadata[server_field] = (
                metadata.get("uid", uid_of(old)) if server_field == "uid" else old["metadata"][server_field]
            )
        else:
            metadata.pop(server_field, None)
    if route.subresource == "status":
        status = new.get("status")
        new |= {k: v for k, v in old.items() if k not in {"metadata", "status"}}
        new["status"] = status
    elif route.resource.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]


def _check_identity(route: Route, new: Obj) -> None:
    name = new["metadata"].get("name", "")
    if name != route.name:
        text = f"the name of the object ({name}) does not match the name on the URL ({route.name})"
        raise errors.bad_request(text)
    if route.resource.namespaced:
        new["metadata"]["namespace"] = route.namespace


def _check_name(route: Route, obj: Obj) -> None:
    name = obj["metadata"]["name"]
    if not _NAME.fullmatch(name) and not route.resource.group.startswith("rbac."):
        cause = f'Invalid value: "{name}": {_NAME_RULE}'
        raise errors.invalid(route.resource, name, "metadata.name", cause)


def _unknown_warnings(unknown: list[str], query: Mapping[str, str]) -> list[str]:
    if query.get("fieldValidation", "Warn") != "Warn":
        return []
    return [f'unknown field "{path}"' for path in unknown]


def _strict_text(kind: str, version: str, unknown: list[str]) -> str:
    fields = ", ".join(f'unknown field "{path}"' for path in unknown)
    return f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: {fields}'


def _strict_patch(whole: str, unknown: list[str]) -> errors.ApiError:
    """422 with the whole object quoted (recorded: errors.json 77)."""
    fields = ", ".join(f'unknown field "{path}"' for path in unknown)
    cause = f"Invalid value: {json.dumps(whole, ensure_ascii=False)}: strict decoding error: {fields}"
    details = {"causes": [{"reason": "FieldValueInvalid", "message": cause, "field": "patch"}]}
    return errors.ApiError(422, f' "" is invalid: patch: {cause}', "Invalid", details)
