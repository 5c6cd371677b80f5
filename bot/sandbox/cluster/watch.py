"""Watch streams: replay, follow, bookmarks, and the ways in which they end.

An expired resourceVersion is HTTP 200 and an ERROR event with the 410 Status (recorded: errors.json 112); a nonsense
one is HTTP 500 (115). With a selector, objects that enter or leave the selection are ADDED or DELETED.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping

from aiohttp import web

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.lists import Form, predicate_of
from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.paths import Route
from bot.sandbox.cluster.selectors import Predicate
from bot.sandbox.cluster.store import Change, Store

BOOKMARK_SECONDS = 60.0
DEFAULT_TIMEOUT = 1800.0
INITIAL_EVENTS_END = "k8s.io/initial-events-end"

Query = Mapping[str, str]


class Watch:
    """One open stream; ``end`` closes it politely, ``cut`` like a broken line."""

    def __init__(self, store: Store, route: Route, query: Query, form: Form) -> None:
        self._store = store
        self._route = route
        self._form = form
        self._matches: Predicate = predicate_of(route, query)
        self._query = query
        self._queue: asyncio.Queue[Obj | None] = asyncio.Queue()
        self._was_cut = False
        self._table_header = True

    def cut(self) -> None:
        self._was_cut = True
        self._queue.put_nowait(None)

    def expire(self) -> None:
        """End with 410, as when the server's window has moved on."""
        self._queue.put_nowait(_error_event(errors.expired(1, self._store.version)))
        self._queue.put_nowait(None)

    def begin(self) -> list[Obj]:
        """The events that come first; raises the 500 of a nonsense version."""
        text = self._query.get("resourceVersion", "")
        if text and not text.isdigit():
            why = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
            raise errors.ApiError(500, why)
        initial = self._query.get("sendInitialEvents") == "true"
        if text in {"", "0"} or initial:
            found = [o for o in self._store.select(self._route.resource, self._route.namespace) if self._matches(o)]
            events = [self._event("ADDED", o) for o in found]
            return [*events, self._bookmark(initial_end=True)] if initial else events
        if int(text) > self._store.version:
            return [_error_event(errors.too_large_resource_version(int(text), self._store.version))]
        try:
            changes = self._store.changes_since(self._route.resource, int(text))
        except errors.ApiError as error:
            self._queue.put_nowait(None)
            return [_error_event(error)]
        return [event for change in changes for event in self._events_for(change)]

    async def stream(self, response: web.StreamResponse, first: list[Obj]) -> None:
        """Send until the timeout, the end of the server, or a cut; the latter aborts the connection."""
        unsubscribe = self._store.subscribe(self._on_change)
        try:
            for event in first:
                await _send(response, event)
            async with asyncio.timeout(self._timeout()):
                await self._follow(response)
        except TimeoutError:
            if self._wants_bookmarks():
                await _send(response, self._bookmark())
        finally:
            unsubscribe()

    async def _follow(self, response: web.StreamResponse) -> None:
        while True:
            try:
                async with asyncio.timeout(BOOKMARK_SECONDS):
                    event = await self._queue.get()
            except TimeoutError:
                event = self._bookmark() if self._wants_bookmarks() else {}
            if event is None:
                break
            if event:
                await _send(response, event)
        if self._was_cut:
            raise ConnectionResetError("watch was cut")

    def _timeout(self) -> float:
        return float(self._query.get("timeoutSeconds") or DEFAULT_TIMEOUT)

    def _wants_bookmarks(self) -> bool:
        return self._query.get("allowWatchBookmarks") in {"true", "1"}

    def _on_change(self, change: Change) -> None:
        if change.resource is self._route.resource:
            for event in self._events_for(change):
                self._queue.put_nowait(event)

    def _events_for(self, change: Change) -> Iterator[Obj]:
        namespace = self._route.namespace
        if namespace and change.obj["metadata"].get("namespace") != namespace:
            return
        now = self._matches(change.obj)
        if change.type != "MODIFIED" or change.previous is None:
            if now:
                yield self._event(change.type, change.obj)
            return
        before = self._matches(change.previous)
        if now or before:
            yield self._event("MODIFIED" if now and before else "ADDED" if now else "DELETED", change.obj)

    def _event(self, type_: str, obj: Obj) -> Obj:
        shown = self._form.one(self._route, obj, self._store.clock.now)
        if self._form.is_table and not self._table_header:
            shown = shown | {"columnDefinitions": None}
        self._table_header = False
        return {"type": type_, "object": shown}

    def _bookmark(self, *, initial_end: bool = False) -> Obj:
        resource = self._route.resource
        metadata: Obj = {"resourceVersion": str(self._store.version)}
        if initial_end:
            metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
        obj: Obj = {"kind": resource.kind, "apiVersion": self._route.api_version, "metadata": metadata}
        if self._form.is_table:
            obj = {
                "kind": "Table",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "columnDefinitions": None,
                "rows": None,
            }
        return {"type": "BOOKMARK", "object": obj}


def _error_event(error: errors.ApiError) -> Obj:
    return {"type": "ERROR", "object": error.body()}


async def _send(response: web.StreamResponse, event: Obj) -> None:
    await response.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
