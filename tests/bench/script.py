"""Moves by the bare API calls, as somebody would script them who knows everything beforehand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter

import aiohttp

from tests.stories.processes import Json

BASE = "/apis/kubevirt.io/v1/namespaces/production"
VMIMS, VMIS, VMS = (f"{BASE}/virtualmachine{kind}s" for kind in ("instancemigration", "instance", ""))
MERGE = {"Content-Type": "application/merge-patch+json"}
HOSTNAME = "kubernetes.io/hostname"


class Script:
    """On one cluster, all in one namespace."""

    def __init__(self, api: aiohttp.ClientSession) -> None:
        self._api = api

    async def live(self, name: str, vm: str, target: str) -> float:
        """Seconds of a live move."""
        body: Json = {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachineInstanceMigration",
            "metadata": {"name": name},
            "spec": {"vmiName": vm, "addedNodeSelector": {HOSTNAME: target}},
        }
        begin = perf_counter()
        async with self._api.post(VMIMS, json=body) as created:
            created.raise_for_status()
            version = (await created.json())["metadata"]["resourceVersion"]
        await self._until(VMIMS, name, version, lambda _, vmim: _phase(vmim) in ("Succeeded", "Failed"))
        await self._require(vm, target)
        return perf_counter() - begin

    async def cold(self, vm: str, target: str) -> float:
        """Seconds of a cold move; the VM keeps its pin."""
        begin = perf_counter()
        version = (await self._get(f"{VMIS}/{vm}"))["metadata"]["resourceVersion"]
        await self._patch(vm, {"runStrategy": "Halted"})
        version = await self._until(VMIS, vm, version, lambda kind, _: kind == "DELETED")
        pin = {"template": {"spec": {"nodeSelector": {HOSTNAME: target}}}}
        await self._patch(vm, {"runStrategy": "Always", **pin})
        await self._until(VMIS, vm, version, lambda _, vmi: _is_ready(vmi))
        await self._require(vm, target)
        return perf_counter() - begin

    async def forget(self) -> None:
        """Delete the finished migrations, so that every round begins alike."""
        async with self._api.delete(VMIMS) as answer:
            answer.raise_for_status()

    @asynccontextmanager
    async def phases(self) -> AsyncIterator[dict[str, float]]:
        """When the migrations of the namespace reach each phase, for as long as the context lasts."""
        reached: dict[str, float] = {}
        watching = asyncio.create_task(self._note_phases(reached))
        try:
            yield reached
        finally:
            watching.cancel()

    async def _note_phases(self, reached: dict[str, float]) -> None:
        async with self._api.get(VMIMS, params={"watch": "true"}) as events:
            async for line in events.content:
                reached.setdefault(_phase(json.loads(line)["object"]), perf_counter())

    async def _until(self, path: str, name: str, version: str, holds: Callable[[str, Json], bool]) -> str:
        """Watch until an event is the one; its version."""
        query = {"watch": "true", "resourceVersion": version, "fieldSelector": f"metadata.name={name}"}
        async with self._api.get(path, params=query) as events:
            async for line in events.content:
                event = json.loads(line)
                if holds(event["type"], event["object"]):
                    return str(event["object"]["metadata"]["resourceVersion"])
        raise RuntimeError(f"the watch of {name} ended")

    async def _require(self, vm: str, node: str) -> None:
        if (there := (await self._get(f"{VMIS}/{vm}"))["status"]["nodeName"]) != node:
            raise RuntimeError(f"the script's move ended on {there}")

    async def _get(self, path: str) -> Json:
        async with self._api.get(path) as answer:
            answer.raise_for_status()
            found: Json = await answer.json()
            return found

    async def _patch(self, vm: str, spec: Json) -> None:
        async with self._api.patch(f"{VMS}/{vm}", json={"spec": spec}, headers=MERGE) as answer:
            answer.raise_for_status()


def _phase(vmim: Json) -> str:
    return str(vmim.get("status", {}).get("phase"))


def _is_ready(vmi: Json) -> bool:
    conditions = vmi.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
