"""The contract of single answers: ``errors.json``, 165 requests in their order against one simulated cluster.

The entries build on each other (a VMIM is created, then refused a second time ...); ``PAUSES`` says how much time
passes before an entry, ``PREPARE`` what else must have happened. Compared are status, headers that matter, the whole
Status body, and of objects what the entry is about.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from tests.contract import differences
from tests.contract.bench import START
from tests.contract.facets import anonymous
from tests.contract.recording import Json, load_errors
from tests.contract.stage import DOWN, MERGE, NAMESPACES, NODES

PAUSES = {
    20: 0.05,
    27: 0.4,
    29: 3.5,
    30: 1,
    32: 15,
    52: 0.3,
    55: 6,
    57: 0.1,
    58: 1.2,
    59: 4,
    62: 1,
    63: 10,
    65: 1,
    67: 6,
    70: 6,
    111: 15,
    120: 0.3,
    122: 6,
    126: 1.5,
    128: 4,
    132: 5,
    141: 3,
    142: 4,
    144: 5,
    147: 5,
    148: 0.5,
    149: 0.3,
    150: 0.1,
    151: 1,
    152: 4,
    154: 10,
    155: 4,
    156: 0.02,
    157: 1,
    158: 4,
    160: 430,
}
"""Virtual seconds that pass before the entry of that number."""

ROBOT = "system:serviceaccount:slackbot:kubevirt-bot"
_VERSION = re.compile(r"(?<=\()\d+(?=\))|(?<=current: )\d+")
_CUT = re.compile(r'"\{.*\}"', re.DOTALL)

ERRORS = load_errors()


def world() -> Json:
    web = [{"name": f"web-{n:02}", "node": f"worker-0{n % 5 + 1}"} for n in (1, 5, 7, 8, 9, 11, 12, 13)]
    others = [
        {"name": "database-01", "node": "worker-03", "strategy": "Manual"},
        {"name": "web-server", "node": "worker-02", "strategy": "RerunOnFailure"},
        {"name": "app-vm", "node": "worker-04", "disk": "rwo"},
        {"name": "batch-01", "strategy": "Halted"},
    ]
    stopped = [{"name": n, "strategy": "Halted"} for n in ("batch-01", "cache-01", "dev-01", "evict-01", "once-01")]
    stopped += [{"name": n, "strategy": "Halted"} for n in ("local-01", "win-01", "win-02")]
    return {"nodes": NODES, "namespaces": NAMESPACES, "vms": {"production": web + others, "vms": stopped}}


class ErrorBench:
    def __init__(self, sandbox: ClusterSandbox) -> None:
        self.sandbox = sandbox
        self._tokens = {
            "cluster admin": self._token("kubernetes-admin"),
            "bot ServiceAccount without RBAC": self._token(ROBOT),
            "nobody": "not-a-token",
        }
        self.http = aiohttp.ClientSession(sandbox.url)
        self._continue = ""
        self._stale = ""

    def _token(self, user: str) -> str:
        return str(self.sandbox.kubeconfig(user)["users"][0]["user"]["token"])

    async def admin(self, verb: str, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._tokens['cluster admin']}", **(headers or {})}
        async with self.http.request(verb, path, json=body, headers=headers) as response:
            return await response.text()

    async def ask(self, entry: Json) -> tuple[int, Any, str]:
        call = entry["call"]
        headers = {"Authorization": f"Bearer {self._tokens[entry['as']]}", "Accept": "*/*", **call.get("headers", {})}
        if call.get("body") is not None:
            headers["Content-Type"] = call.get("contentType") or "application/json"
        body = call.get("body")
        data = body if isinstance(body, str) else None if body is None else json.dumps(body)
        query = dict(call.get("query") or {})
        if query.get("continue", "").startswith("eyJ"):
            query["continue"] = self._continue
        async with self.http.request(call["verb"], call["path"], params=query, data=data, headers=headers) as response:
            raw = await (response.content.readline() if "first_event" in entry else response.read())
            answer = _parse(raw.decode())
            if isinstance(answer, dict) and query.get("limit") and not self._continue:
                self._continue = answer["metadata"]["continue"]
            return response.status, answer, response.headers.get("Warning", "")


async def finish_a_migration(bench: ErrorBench) -> None:
    path = "/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstancemigrations"
    await bench.admin("POST", path, {"metadata": {"name": "live-limit-web-05"}, "spec": {"vmiName": "web-05"}})


async def forget_the_past(bench: ErrorBench) -> None:
    await bench.admin("POST", "/sandbox/faults", {"expireWatches": True})


async def lose_a_node(bench: ErrorBench) -> None:
    """Take worker-04 down with web-13 on it, then start web-07, which may only run there."""
    base = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/web-07"
    await bench.admin("PUT", f"{base}/stop", None, {"Accept": "*/*"})
    await bench.sandbox.advance(6)
    selector = {"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": "worker-04"}}}}}
    vm = "/apis/kubevirt.io/v1/namespaces/production/virtualmachines/web-07"
    await bench.admin("PATCH", vm, selector, MERGE)
    await bench.admin("PATCH", "/api/v1/nodes/worker-04", {"metadata": {"annotations": {DOWN: "true"}}}, MERGE)
    await bench.sandbox.advance(10)
    await bench.admin("PUT", f"{base}/start", None, {"Accept": "*/*"})


PREPARE: dict[int, Callable[[ErrorBench], Awaitable[None]]] = {
    111: finish_a_migration,
    112: forget_the_past,
    116: forget_the_past,
    160: lose_a_node,
}


@pytest.fixture
async def bench() -> AsyncIterator[ErrorBench]:
    sandbox = ClusterSandbox(world=world(), start_time=START, rbac=True)
    await sandbox.start()
    errors = ErrorBench(sandbox)
    yield errors
    await errors.http.close()
    await sandbox.stop()


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _message(text: str) -> str:
    return _CUT.sub('"{...}"', _VERSION.sub("<n>", anonymous(text)))


def essence(body: Any) -> Any:
    """What must be equal: a text, a Status, or the telling parts of an object or list."""
    if not isinstance(body, dict):
        return body
    if body.get("kind") == "Status":
        details = dict(body.get("details") or {})
        causes = [c | {"message": _message(c.get("message", ""))} for c in details.pop("causes", [])]
        return [
            body["status"],
            body.get("reason"),
            body.get("code"),
            _message(body.get("message", "")),
            details,
            causes,
        ]
    if "items" in body:
        return [body["kind"], sorted(body["metadata"].keys() - {"remainingItemCount"})]
    return [body.get("kind"), *_object_essence(body)]


def _object_essence(body: Json) -> list[Any]:
    spec, status = body.get("spec", {}), body.get("status") or {}
    conditions = sorted((c["type"], c["status"], c.get("reason")) for c in status.get("conditions", []))
    return [
        sorted(body["metadata"].get("finalizers", [])),
        "deletionTimestamp" in body["metadata"],
        "resourceVersion" in body["metadata"],
        {k: spec.get(k) for k in ("runStrategy", "vmiName", "addedNodeSelector", "affinity", "resourceAttributes")},
        {k: status.get(k) for k in ("phase", "printableStatus", "ready", "allowed", "runStrategy")},
        conditions,
        sorted(status.get("migrationState") or {}),
        [e["phase"] for e in status.get("phaseTransitionTimestamps", [])],
        (status.get("startFailure") or {}).get("consecutiveFailCount"),
    ]


async def test_every_recorded_answer_is_given(bench: ErrorBench) -> None:
    found, used = [], set()
    for number, entry in enumerate(ERRORS):
        if number in PREPARE:
            await PREPARE[number](bench)
        await bench.sandbox.advance(PAUSES.get(number, 0))
        status, body, warning = await bench.ask(entry)
        recorded_body = entry.get("first_event", {}).get("object", entry["body"])
        body = body["object"] if "first_event" in entry else body
        recorded = (entry["status"], essence(recorded_body), entry.get("warning") or "")
        if recorded != (status, essence(body), warning):
            if entry["what"] in differences.ERRORS:
                used.add(entry["what"])
                continue
            seen = (status, essence(body), warning)
            found.append(f"{number} {entry['what']}\n  recorded {recorded}\n  seen     {seen}")
    assert not found, "\n".join(found)
    assert used == differences.ERRORS.keys(), "an entry of the table excuses nothing any more"
