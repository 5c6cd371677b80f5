"""List answers: selectors, pages, resource versions, and the forms a client can ask for.

A page after the first shows the present state under the first page's resourceVersion; a real server shows a snapshot.
"""

import base64
import json
from collections.abc import Iterable, Mapping

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.objects import Obj, key_of
from bot.sandbox.cluster.paths import Route
from bot.sandbox.cluster.selectors import Predicate, parse_field_selector, parse_label_selector
from bot.sandbox.cluster.store import Store
from bot.sandbox.cluster.tables import partial_metadata, table

EXPIRED_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)

Query = Mapping[str, str]


def predicate_of(route: Route, query: Query) -> Predicate:
    """What both selectors of a list or watch let through."""
    by_label = parse_label_selector(query.get("labelSelector", ""))
    by_field = parse_field_selector(route.resource, query.get("fieldSelector", ""))
    return lambda obj: by_label(obj) and by_field(obj)


def read_version(text: str, current: int) -> int:
    """The resourceVersion of a list; 504 for one from the future (recorded: errors.json 118)."""
    if text in {"", "0"}:
        return 0
    version = int(text) if text.isdigit() else 0
    if version > current:
        raise errors.too_large_resource_version(version, current)
    return version


def list_objects(store: Store, route: Route, query: Query) -> tuple[list[Obj], Obj]:
    """The objects of one page and the list's metadata."""
    _check_version(store, route, query)
    limit = _limit(query.get("limit", ""))
    matches = predicate_of(route, query)
    version, start = _position(store, route, query.get("continue", ""))
    found = [o for o in store.select(route.resource, route.namespace) if key_of(o) > start and matches(o)]
    page = found[:limit] if limit else found
    metadata: Obj = {"continue": ""} if route.resource.custom else {}
    metadata["resourceVersion"] = str(version)
    if len(page) < len(found):
        metadata["continue"] = _token(version, key_of(page[-1]))
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(found) - len(page)
    return page, metadata


def present(route: Route, obj: Obj) -> Obj:
    """The object as the version that the client speaks."""
    return obj if obj.get("apiVersion") == route.api_version else obj | {"apiVersion": route.api_version}


def as_list(route: Route, objects: Iterable[Obj], metadata: Obj) -> Obj:
    """Items of a custom resource carry kind and apiVersion, those of a core kind do not (recorded: errors.json 146)."""
    if route.resource.custom:
        items = [present(route, o) for o in objects]
    else:
        items = [{k: v for k, v in o.items() if k not in {"kind", "apiVersion"}} for o in objects]
    kind = f"{route.resource.kind}List"
    return {"apiVersion": route.api_version, "kind": kind, "metadata": metadata, "items": items}


class Form:
    """How the client wants objects: as they are, as a Table, or their metadata alone."""

    def __init__(self, accept: str, query: Query) -> None:
        wanted = [part for part in accept.split(",") if "as=" in part]
        first = wanted[0] if wanted else ""
        self.is_table = "as=Table" in first
        self.is_partial = "as=PartialObjectMetadata" in first
        self._whole = query.get("includeObject") == "Object"

    def one(self, route: Route, obj: Obj, now: float) -> Obj:
        if self.is_table:
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            return table(route.resource, [obj], metadata, now, whole=self._whole)
        return partial_metadata(obj) if self.is_partial else present(route, obj)

    def many(self, route: Route, objects: list[Obj], metadata: Obj, now: float) -> Obj:
        if self.is_table:
            return table(route.resource, objects, metadata, now, whole=self._whole)
        if self.is_partial:
            items = [partial_metadata(o) for o in objects]
            version = "meta.k8s.io/v1"
            return {"kind": "PartialObjectMetadataList", "apiVersion": version, "metadata": metadata, "items": items}
        return as_list(route, objects, metadata)


def _check_version(store: Store, route: Route, query: Query) -> None:
    version = read_version(query.get("resourceVersion", ""), store.version)
    exact = query.get("resourceVersionMatch") == "Exact"
    if exact and version < store.oldest_version(route.resource):
        raise errors.ApiError(410, "The resourceVersion for the provided list is too old.", "Expired")


def _limit(text: str) -> int:
    try:
        return int(text or "0")
    except ValueError as error:
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def _token(version: int, key: tuple[str, str]) -> str:
    raw = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(key) + "\0"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _position(store: Store, route: Route, token: str) -> tuple[int, tuple[str, str]]:
    if not token:
        return store.version, ("", "")
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    try:
        content = json.loads(raw)
    except ValueError as error:
        found = f"\\u{raw[0]:04x}" if raw else ""
        text = f"continue key is not valid: invalid character '{found}' looking for beginning of value"
        raise errors.bad_request(f"invalid continue token: {text}") from error
    namespace, _, name = str(content["start"]).rstrip("\0").partition("/")
    version = int(content["rv"])
    if 0 <= version < store.oldest_version(route.resource):
        refusal = errors.ApiError(410, EXPIRED_CONTINUE, "Expired")
        refusal.continue_token = _token(-1, (namespace, name))
        raise refusal
    return (store.version if version < 0 else version), (namespace, name)
