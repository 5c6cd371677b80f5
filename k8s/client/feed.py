"""One list+watch of one collection, kept alive for as long as somebody listens.

Promises: every object state that the API server sends is handed on, in order, once per listener. After an outage that
was longer than the server's memory (410) the collection is listed again; states in between are then lost, the present
one is not, and an object that vanished meanwhile is reported gone with the last state known. As a safety net against a
watch that has gone silent the collection is listed again every REREAD_SECONDS. A feed never ends by itself.

Does not promise an order across collections, nor that a state is handed on only once it is durable elsewhere.
"""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from k8s.client.paths import Resource
from k8s.client.reads import Reads
from k8s.client.rest import Rest
from k8s.client.timing import Timing
from k8s.errors import ClusterError, TooMany, Unreachable
from k8s.snapshots import Json

WATCH_SECONDS: Final = 120
"""Longest life of one watch; the server ends it, and a stalled connection is noticed at that time."""

REREAD_SECONDS: Final = 300.0

SILENCE_GRACE: Final = 10.0
"""Seconds beyond a watch's life after which a server that did not end it counts as lost."""

INSTANT: Final = 1.0
"""A watch that ends empty within this many seconds was refused in all but name."""

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0

_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Change:
    """One state of one object. When it is `gone`, `raw` is its last state."""

    resource: Resource
    raw: Json
    gone: bool = False


Inbox = asyncio.Queue["Change | BaseException"]
"""Where a listener's changes wait, in order; an exception means that the feed itself broke, which is a bug."""


class Feed:
    """Follows one resource in one namespace, or in all."""

    def __init__(self, rest: Rest, resource: Resource, namespace: str | None, timing: Timing) -> None:
        self._rest = rest
        self._reads = Reads(rest)
        self._resource = resource
        self._namespace = namespace
        self._timing = timing
        self._objects: dict[str, Json] = {}
        self._inboxes: set[tuple[str, Inbox]] = set()
        self._version = ""
        """resourceVersion to watch from; "" asks for a list first."""
        self._listed_at = 0.0
        self._failures = 0
        self._refusal: Exception | None = None
        self._known = asyncio.Event()
        self.unhealthy_since: float | None = None
        """By the feed's clock: since when nothing has been heard. None while all is well."""

    async def ready(self) -> None:
        """Wait for the first list. Raises what refuses it for good, such as Forbidden, or what broke the feed."""
        await self._known.wait()
        if self._refusal is not None:
            raise self._refusal

    def get(self, name: str) -> Json | None:
        """The object as last heard of."""
        return self._objects.get(name)

    @contextmanager
    def heard_by(self, inbox: Inbox, name: str) -> Iterator[None]:
        """Hand every change of the objects of that name to the inbox."""
        listener = (name, inbox)
        self._inboxes.add(listener)
        try:
            yield
        finally:
            self._inboxes.discard(listener)

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                await self._follow_once()
        except Exception as bug:
            self._refusal = bug
            self._known.set()
            for _, inbox in self._inboxes:
                inbox.put_nowait(bug)
            raise

    async def _follow_once(self) -> None:
        try:
            if not self._version or self._reread_is_due():
                await self._list()
            await self._watch()
        except ClusterError as error:
            self._note_failure(error)
            await self._pause(error)

    async def _list(self) -> None:
        found: dict[str, Json] = {}
        version = ""
        async for page in self._reads.pages(self._resource, self._namespace, {}):
            version = version or str((page.get("metadata") or {}).get("resourceVersion") or "")
            found |= {raw["metadata"]["name"]: raw for raw in page.get("items") or ()}
        self._listed_at = self._timing.now()
        self._compare(found)
        self._version = version
        self._heard()
        self._refusal = None
        self._known.set()

    def _compare(self, found: dict[str, Json]) -> None:
        for name, known in list(self._objects.items()):
            if name not in found or _uid(found[name]) != _uid(known):
                self._drop(known)
        for raw in found.values():
            self._keep(raw)

    async def _watch(self) -> None:
        """Follow from the last version to the end of this watch."""
        until_reread = self._listed_at + REREAD_SECONDS - self._timing.now()
        seconds = max(1, min(WATCH_SECONDS, math.ceil(until_reread)))
        query = {"resourceVersion": self._version, "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}
        began, empty = self._timing.now(), True
        path = self._resource.collection(self._namespace)
        async with self._rest.watch(path, query, seconds + SILENCE_GRACE) as events:
            self._heard()
            async for event in events:
                self._take(event)
                empty = False
                if self._reread_is_due():
                    break
        if empty and self._timing.now() - began < INSTANT:
            self._version = ""  # who sends nothing and hangs up may have had something to say
            raise Unreachable("the API server ends its watches at once")
        self._failures = 0

    def _take(self, event: Json) -> None:
        raw: Json = event.get("object") or {}
        kind = event.get("type")
        if kind == "ERROR":  # a Status, with HTTP 200 before it (recorded: the expired watch)
            raise Unreachable(str(raw.get("message") or "the watch broke"), code=int(raw.get("code") or 500))
        self._heard()
        self._failures = 0
        self._version = str((raw.get("metadata") or {}).get("resourceVersion") or self._version)
        if kind == "DELETED":
            self._drop(raw)
        elif kind in {"ADDED", "MODIFIED"}:
            self._keep(raw)

    def _keep(self, raw: Json) -> None:
        meta = raw["metadata"]
        meta.pop("managedFields", None)
        known = self._objects.get(meta["name"])
        self._objects[meta["name"]] = raw
        if known is None or known["metadata"].get("resourceVersion") != meta.get("resourceVersion"):
            self._hand_on(Change(self._resource, raw))

    def _drop(self, raw: Json) -> None:
        self._objects.pop(raw["metadata"]["name"], None)
        self._hand_on(Change(self._resource, raw, gone=True))

    def _hand_on(self, change: Change) -> None:
        for name, inbox in self._inboxes:
            if name == change.raw["metadata"]["name"]:
                inbox.put_nowait(change)

    def _heard(self) -> None:
        self.unhealthy_since = None

    def _note_failure(self, error: ClusterError) -> None:
        self._failures += 1
        if self.unhealthy_since is None:
            self.unhealthy_since = self._timing.now()
        if error.code == _GONE or not error.temporary:
            self._version = ""
        if error.code != _GONE and not error.temporary and not self._known.is_set():
            self._refusal = error
            self._known.set()

    async def _pause(self, error: ClusterError) -> None:
        if error.code == _GONE and self._failures == 1:
            return
        asked = error.retry_after if isinstance(error, TooMany) else 0.0
        await self._timing.sleep(max(asked, self._timing.jitter(pause_after(self._failures))))

    def _reread_is_due(self) -> bool:
        return self._timing.now() - self._listed_at >= REREAD_SECONDS


def pause_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, up to LONGEST_PAUSE."""
    doublings = min(failures - 1, 16)  # a night's outage has thousands of failures, and 2.0 ** 1024 overflows
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**doublings)


def _uid(raw: Json) -> str:
    return str(raw["metadata"].get("uid") or "")
