"""A small API server on loopback that does what a test tells it, faults included.

It stores objects by path and knows the simplest selectors, no rules of KubeVirt: a test that needs those runs against
the simulated cluster. `plan` scripts answers, `streams` scripts watches, `waves` holds requests until all that are
expected together have come.
"""

import asyncio
import json
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

Json = dict[str, Any]
DATA = Path(__file__).parent / "data"

VMS = "/apis/kubevirt.io/v1/namespaces/production/virtualmachines"
VMIS = "/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstances"
VMIMS = "/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstancemigrations"
CLAIMS = "/api/v1/namespaces/production/persistentvolumeclaims"
PODS = "/api/v1/namespaces/production/pods"
EVENTS = "/api/v1/namespaces/production/events"
NODES = "/api/v1/nodes"
KUBEVIRTS = "/apis/kubevirt.io/v1/kubevirts"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/virtualmachineinstancemigrations.kubevirt.io"


def load(name: str) -> Json:
    """An object of a real control plane."""
    found: Json = json.loads((DATA / f"{name}.json").read_text())
    return found


def replay(name: str) -> Iterator[Json]:
    """The watch events of a recorded scenario, with whole objects, in the order in which they were written."""
    known: dict[str, Json] = {}
    for line in (DATA / f"{name}.jsonl").read_text().splitlines():
        entry = json.loads(line)
        uid = entry["uid"]
        known[uid] = entry["object"] if "object" in entry else merged(known[uid], entry["merge"])
        yield {**entry, "object": known[uid]}


def merged(target: Json, patch: Json) -> Json:
    """RFC 7396, JSON merge patch."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key) or {}, value)
        else:
            result[key] = value
    return result


def status(code: int, message: str = "no", **more: Any) -> Json:
    """A Kubernetes Status."""
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code, **more}


class HandTime:
    """Time that passes only by sleeping; nobody really waits."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)

    def jitter(self, seconds: float) -> float:
        return seconds


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]

    @property
    def name(self) -> str:
        """Method and last part of the path, and whose name a list is asked for by."""
        _, _, wanted = self.query.get("fieldSelector", "").partition("metadata.name=")
        return f"{self.method} {self.path.rsplit('/', 1)[-1]} {wanted}".rstrip()


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """Hang up instead of answering, after the request has had its effect."""


@dataclass
class Stream:
    """One watch connection: these events, then open until the test pushes more, or the end."""

    events: Sequence[Json] = ()
    ends: bool = False
    cut: bool = False


class Api:
    """The server. `objects` are served by path; a path that ends in a plural lists what lies below it."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.planned: dict[tuple[str, str], deque[Answer]] = defaultdict(deque)
        self.streams: dict[str, deque[Stream]] = defaultdict(deque)
        self.requests: list[Request] = []
        self.waves: deque[set[str]] = deque()
        self.version = 100
        self.url = ""
        self._pushed: dict[str, asyncio.Queue[Json]] = defaultdict(asyncio.Queue)
        self._released: dict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._arrived: set[str] = set()
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._closing = asyncio.Event()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def kubeconfig(self, directory: Path) -> str:
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.url, "proxy-url": "http://127.0.0.1:1"}}],
            "users": [{"name": "test", "user": {"token": "secret-token"}}],
        }
        path = directory / "kubeconfig"
        path.write_text(yaml.safe_dump(content))
        return str(path)

    def put(self, collection: str, raw: Json) -> None:
        """Store an object, as somebody else's write would, without telling any watch."""
        self.version += 1
        raw["metadata"]["resourceVersion"] = str(self.version)
        self.objects[f"{collection}/{raw['metadata']['name']}"] = raw

    def plan(self, method: str, path: str, *answers: Answer) -> None:
        """What to answer to the next such requests; after that, the stored objects answer again."""
        self.planned[method, path].extend(answers)

    def push(self, collection: str, event: Json) -> None:
        """Send an event on the open watch, or on the next one."""
        self._pushed[collection].put_nowait(event)

    def seen(self, method: str, path: str, *, watch: bool = False) -> list[Request]:
        return [
            r
            for r in self.requests
            if (r.method, r.path) == (method, path) and (r.query.get("watch") == "true") == watch
        ]

    async def until_seen(self, count: int, method: str, path: str, *, watch: bool = False) -> list[Request]:
        """Wait until that many such requests have come."""
        while len(found := self.seen(method, path, watch=watch)) < count:
            self._changed.clear()
            await self._changed.wait()
        return found

    def release(self) -> None:
        """Let go of all requests that are held."""
        number = len(self.waves)
        self.waves.clear()
        for waiting in range(number + 1):
            self._released[waiting].set()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        asked = Request(
            request.method, request.path, dict(request.query), json.loads(text) if text else None, dict(request.headers)
        )
        self.requests.append(asked)
        self._changed.set()
        await self._hold(asked)
        if asked.query.get("watch") == "true" and not self.planned[asked.method, asked.path]:
            return await self._stream(request)
        return self._answer(request, asked)

    async def _hold(self, asked: Request) -> None:
        """Keep the request until its whole wave is here; a request outside of the wave is kept for a later one."""
        if not self.waves:
            return
        while asked.name not in self.waves[0]:
            await self._released[len(self.waves)].wait()
            if not self.waves:
                return
        number = len(self.waves)
        self._arrived.add(asked.name)
        if self._arrived == self.waves[0]:
            self._arrived = set()
            self.waves.popleft()
            self._released[number].set()
        else:
            await self._released[number].wait()

    def _answer(self, request: web.Request, asked: Request) -> web.StreamResponse:
        planned = self.planned[asked.method, asked.path]
        answer = planned.popleft() if planned else None
        if answer is None or answer.cut:
            stored = self._stored(asked)
            if answer is not None and request.transport is not None:
                request.transport.abort()
            answer = stored
        if isinstance(answer.body, str):
            return web.Response(status=answer.status, text=answer.body, headers=answer.headers)
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)

    def _stored(self, asked: Request) -> Answer:
        collection, _, name = asked.path.rpartition("/")
        if asked.method == "POST":
            return self._create(asked)
        if asked.method == "GET" and name[-1] == "s" and asked.path not in self.objects:
            return self._list(asked)
        if asked.path not in self.objects:
            kind = collection.rsplit("/", 1)[-1]
            return Answer(404, status(404, reason="NotFound", details={"name": name, "kind": kind}))
        found = self.objects[asked.path]
        if asked.method == "DELETE":
            wanted = ((asked.body or {}).get("preconditions") or {}).get("uid")
            if wanted not in {None, found["metadata"]["uid"]}:
                message = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: other"
                return Answer(409, status(409, message, reason="Conflict"))
            del self.objects[asked.path]
        return Answer(200, found)

    def _create(self, asked: Request) -> Answer:
        created = {**asked.body, "metadata": {**asked.body["metadata"], "uid": f"uid-{len(self.requests)}"}}
        if "dryRun" not in asked.query:
            self.put(asked.path, created)
        return Answer(201, created)

    def _list(self, asked: Request) -> Answer:
        found = [
            raw
            for path, raw in self.objects.items()
            if _in_collection(path, asked.path) and _selected(raw, asked.query)
        ]
        return Answer(200, {"kind": "List", "metadata": {"resourceVersion": str(self.version)}, "items": found})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        script = self.streams[request.path].popleft() if self.streams[request.path] else Stream()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for event in script.events:
            await _send(response, event)
        if script.cut and request.transport is not None:
            request.transport.abort()
        while not (script.ends or script.cut):
            waiting = asyncio.create_task(self._pushed[request.path].get())
            closing = asyncio.create_task(self._closing.wait())
            done, _ = await asyncio.wait({waiting, closing}, return_when=asyncio.FIRST_COMPLETED)
            closing.cancel()
            if waiting not in done:
                waiting.cancel()
                break
            await _send(response, waiting.result())
            if waiting.result()["type"] == "ERROR":  # the real server says no more after it
                break
        return response


async def _send(response: web.StreamResponse, event: Json) -> None:
    await response.write(json.dumps(event).encode() + b"\n")


def _in_collection(path: str, collection: str) -> bool:
    if path.startswith(f"{collection}/") and "/" not in path[len(collection) + 1 :]:
        return True
    root, _, plural = collection.rpartition("/")
    return "/namespaces/" not in collection and path.startswith(f"{root}/namespaces/") and f"/{plural}/" in path


def _selected(raw: Json, query: Mapping[str, str]) -> bool:
    labels = raw["metadata"].get("labels") or {}
    for key, operator, value in _terms(query.get("labelSelector", "")):
        found = labels.get(key)
        if (
            found is None
            or (operator == "in" and found not in value.split(","))
            or (operator == "=" and found != value)
        ):
            return False
    for path, operator, value in _terms(query.get("fieldSelector", "")):
        outer, inner = path.split(".")
        if ((raw.get(outer, {}).get(inner) or "") == value) != (operator == "="):
            return False
    return True


def _terms(selector: str) -> Iterator[tuple[str, str, str]]:
    """`a`, `a=b`, `a!=b` and `a in (b,c)`, joined by commas."""
    for key, operator, listed, value in re.findall(r"([^\s,=!()]+)\s*(!=|=|in)?\s*(?:\(([^)]*)\)|([^,]*))", selector):
        yield key, operator, listed or value
