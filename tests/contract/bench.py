"""Where a recording is replayed: on the simulation and its virtual clock, or on a real cluster and the wall clock."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import aiohttp
from kubernetes import aio

from bot.sandbox.cluster import ClusterSandbox
from tests.contract.recording import Event, Json

KUBECONFIG_VARIABLE = "CONTRACT_KUBECONFIG"
START = 1_795_000_000.0

_CORE = ("pods", "events")
_KUBEVIRT = ("virtualmachines", "virtualmachineinstances", "virtualmachineinstancemigrations")


class Bench(Protocol):
    """What the replay needs of a cluster."""

    events: list[Event]

    async def wait_until(self, t: float) -> None:
        """Return when ``t`` seconds have passed since the beginning of the scenario."""

    async def call(
        self, verb: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any, str]:
        """Status, body (JSON where it is JSON) and Warning header of one request."""


class SimulatedBench:
    def __init__(self, sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
        self._sandbox = sandbox
        self._http = http
        self._begin = sandbox.clock.now
        self.events: list[Event] = []
        sandbox.store.subscribe(
            lambda change: self.events.append(Event(sandbox.clock.now - self._begin, change.type, _copy(change.obj)))
        )

    def restart_clock(self) -> None:
        """What happened so far was preparation."""
        self._begin = self._sandbox.clock.now
        self.events.clear()

    async def wait_until(self, t: float) -> None:
        await self._sandbox.advance(max(0.0, self._begin + t - self._sandbox.clock.now))

    async def call(
        self, verb: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any, str]:
        data = body if isinstance(body, str) else None if body is None else json.dumps(body)
        async with self._http.request(verb, path, params=query, data=data, headers=headers) as response:
            return response.status, _parse(await response.text()), response.headers.get("Warning", "")


class RealBench:
    def __init__(self, api: aio.client.ApiClient) -> None:
        self._api = api
        self._begin = time.monotonic()
        self.events: list[Event] = []

    async def settle(self, seconds: float) -> list[Json]:
        """Let the watches begin; what they show by then is the state before the scenario, which begins now."""
        await asyncio.sleep(seconds)
        initial = {e.uid: e.obj for e in self.events}
        self.events.clear()
        self._begin = time.monotonic()
        return list(initial.values())

    async def wait_until(self, t: float) -> None:
        await asyncio.sleep(max(0.0, self._begin + t - time.monotonic()))

    async def call(
        self, verb: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any, str]:
        parameters = await self._api.param_serialize(
            verb, path, query_params=list(query.items()), header_params=dict(headers), body=body
        )
        response = await self._api.call_api(*parameters)
        raw = await response.read()
        return response.status, _parse(raw.decode()), response.headers.get("Warning", "")

    async def follow(self, path: str) -> None:
        """Take the watch events of one kind until cancelled."""
        parameters = await self._api.param_serialize("GET", path, query_params=[("watch", "true")])
        answer = await self._api.call_api(*parameters, _preload_content=False)
        async for line in answer.response.content:
            event = json.loads(line)
            self.events.append(Event(time.monotonic() - self._begin, event["type"], event["object"]))


def _copy(obj: Json) -> Json:
    copied: Json = json.loads(json.dumps(obj))
    return copied


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@asynccontextmanager
async def simulated(world: Json) -> AsyncIterator[SimulatedBench]:
    sandbox = ClusterSandbox(world=world, start_time=START)
    await sandbox.start()
    try:
        async with aiohttp.ClientSession(sandbox.url) as http:
            yield SimulatedBench(sandbox, http)
    finally:
        await sandbox.stop()


@asynccontextmanager
async def real(namespace: str) -> AsyncIterator[RealBench]:
    """A bench on the cluster of $CONTRACT_KUBECONFIG that follows the namespace's objects."""
    configuration = aio.client.Configuration()
    await aio.config.load_kube_config(os.environ[KUBECONFIG_VARIABLE], client_configuration=configuration)
    async with aio.client.ApiClient(configuration) as api:
        bench = RealBench(api)
        following = [asyncio.create_task(bench.follow(path)) for path in _watched(namespace)]
        try:
            yield bench
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)


def _watched(namespace: str) -> Iterable[str]:
    yield from (f"/api/v1/namespaces/{namespace}/{plural}" for plural in _CORE)
    yield from (f"/apis/kubevirt.io/v1/namespaces/{namespace}/{plural}" for plural in _KUBEVIRT)
