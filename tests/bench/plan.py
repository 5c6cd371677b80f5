"""From a person's Enter to the plan card: the bot against the bare critical path, with slower and slower API answers.

The bare counterpart knows beforehand what to read: three reads, each of which needs the one before, and one post. The
bot reads more, side by side, asks the cluster's admission, judges, and keeps the plan before it shows it. That the
number of calls does not grow with nodes and pods is a test's business (tests/bot/test_ack.py).
"""

import asyncio
from collections.abc import Mapping
from time import perf_counter

import aiohttp

from handlers.webclient import make_client
from tests.bench.rounds import Comparison, Round
from tests.bench.screen import Screen
from tests.stories.processes import OPS, People

GOAL = 1.25
LATENCIES = (0.0, 0.02, 0.1)
PER_LATENCY = 5
REST = 1.1
"""Seconds between two posts: Slack takes one a second."""
BASE = "/apis/kubevirt.io/v1/namespaces/production"
DEPENDENT = (f"{BASE}/virtualmachines/web-02", f"{BASE}/virtualmachineinstances/web-02", "/api/v1/nodes/worker-02")
MARK = "bare plan"


async def compare(
    people: People, screen: Screen, api: aiohttp.ClientSession, tokens: Mapping[str, str]
) -> list[Comparison]:
    """Measure both, in turns, at each latency."""
    found = []
    for latency in LATENCIES:
        await _slow(api, latency)
        rounds = []
        for number in range(PER_LATENCY + 1):
            bot = await _by_bot(people, screen)
            await asyncio.sleep(REST)
            rounds.append(Round(bot, await _by_script(screen, api, tokens, f"{MARK} {latency} {number}")))
            await asyncio.sleep(REST)
        name = f"plan, Enter to card, API +{latency * 1000:.0f} ms"
        found.append(Comparison(name, tuple(rounds[1:]), GOAL))
    await _slow(api, 0)
    return found


async def _by_bot(people: People, screen: Screen) -> float:
    begin = perf_counter()
    await people.say("dana", "/vm-migrate web-02 worker-05")
    return await screen.when("Waiting for Confirm", since=begin) - begin


async def _by_script(screen: Screen, api: aiohttp.ClientSession, tokens: Mapping[str, str], text: str) -> float:
    client = make_client(tokens["SLACK_BOT_TOKEN"], tokens["SLACK_API_URL"])
    begin = perf_counter()
    for path in DEPENDENT:
        async with api.get(path) as answer:
            answer.raise_for_status()
            await answer.json()
    await client.chat_postMessage(channel=OPS, text=text)
    return await screen.when(text, since=begin) - begin


async def _slow(api: aiohttp.ClientSession, seconds: float) -> None:
    async with api.post("/sandbox/faults", json={"latency": seconds}) as answer:
        answer.raise_for_status()
