"""What the bot adds to a live move: Confirm to report, against the bare API calls on the same simulated cluster.

The bare counterpart knows everything beforehand, creates the VMIM, watches it and reads where the VMI is. The bot also
reads and judges again, keeps notes before each write, edits its messages within Slack's limits and posts a report. The
cluster's clock runs as fast as the wall's, because Slack's limits do. VMs take turns in both directions, so that both
sides move the same VM between the same nodes.
"""

import asyncio
import json
from time import perf_counter

import aiohttp

from tests.bench.rounds import Comparison, Round
from tests.stories.processes import Json, People

GOAL = 1.05
SOURCE, TARGET = "worker-01", "worker-05"
BASE = "/apis/kubevirt.io/v1/namespaces/production"
VMIMS = f"{BASE}/virtualmachineinstancemigrations"
REFILL = 10.0
"""Seconds after each of the bot's moves, until Slack would take a burst of edits again."""


async def compare(people: People, api: aiohttp.ClientSession, rounds: int) -> Comparison:
    """There by the bot, back by the script."""
    measured: list[Round] = []
    for number in range(rounds):
        bot = await _by_bot(people)
        await asyncio.sleep(REFILL)
        measured.append(Round(bot, await _by_script(api, f"bare-{number}")))
        await forget(api)
    return Comparison("live move, Confirm to report", tuple(measured), GOAL)


async def _by_bot(people: People) -> float:
    await people.say("dana", f"/vm-migrate web-01 {TARGET}")
    card = await people.sees("dana", "Waiting for Confirm")
    begin = perf_counter()
    await people.click("ravi", card, "Confirm")
    await people.sees("dana", "Move succeeded", thread=card, within=60)
    return perf_counter() - begin


async def _by_script(api: aiohttp.ClientSession, name: str) -> float:
    """Move it back."""
    body: Json = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceMigration",
        "metadata": {"name": name},
        "spec": {"vmiName": "web-01", "addedNodeSelector": {"kubernetes.io/hostname": SOURCE}},
    }
    begin = perf_counter()
    async with api.post(VMIMS, json=body) as created:
        created.raise_for_status()
        version = (await created.json())["metadata"]["resourceVersion"]
    await _ended(api, name, version)
    async with api.get(f"{BASE}/virtualmachineinstances/web-01") as answer:
        node = (await answer.json())["status"]["nodeName"]
    if node != SOURCE:
        raise RuntimeError(f"the script's move ended on {node}")
    return perf_counter() - begin


async def _ended(api: aiohttp.ClientSession, name: str, version: str) -> None:
    query = {"watch": "true", "resourceVersion": version, "fieldSelector": f"metadata.name={name}"}
    async with api.get(VMIMS, params=query) as events:
        async for line in events.content:
            if json.loads(line)["object"].get("status", {}).get("phase") in ("Succeeded", "Failed"):
                return


async def forget(api: aiohttp.ClientSession) -> None:
    """Delete the finished migrations, so that every round begins alike."""
    async with api.delete(VMIMS) as answer:
        answer.raise_for_status()
