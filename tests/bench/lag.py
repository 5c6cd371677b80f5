"""From a phase in the API to the edit that shows it: the bench watches the migrations itself, beside the bot.

A phase that has passed before the edit is shown by the next one, so the first edit that says this phase or a later one
counts. Between two moves Slack's budget of edits fills up again; within a move of five phases it holds.
"""

import asyncio
import json
from time import perf_counter

import aiohttp

from bot.describe.progress import PHASES
from tests.bench.overhead import REFILL, SOURCE, TARGET, VMIMS, forget
from tests.bench.rounds import Figure, percentile
from tests.bench.screen import Json, Screen, fits
from tests.stories.processes import People

GOAL = 250.0
SEED = "5,000 to 10,000 ms by polling"
ORDER = tuple(phase for phase in PHASES if phase not in ("", "Pending", "Failed"))


async def measure(people: People, screen: Screen, api: aiohttp.ClientSession, rounds: int) -> Figure:
    """There and back, in turns; the 95th percentile of each move's phases."""
    found = []
    for number in range(rounds):
        reached: dict[str, float] = {}
        watching = asyncio.create_task(_watch(api, reached))
        await _move(people, screen, TARGET if number % 2 == 0 else SOURCE)
        watching.cancel()
        found.append(1000 * percentile(_lags(screen, reached), 0.95))
        await forget(api)
        await asyncio.sleep(REFILL)
    return Figure("phase in the API to edit in Slack, p95", "ms", tuple(found), GOAL, SEED)


async def _watch(api: aiohttp.ClientSession, reached: dict[str, float]) -> None:
    async with api.get(VMIMS, params={"watch": "true"}) as events:
        async for line in events.content:
            phase = json.loads(line)["object"].get("status", {}).get("phase")
            reached.setdefault(str(phase), perf_counter())


async def _move(people: People, screen: Screen, target: str) -> None:
    begin = perf_counter()
    await people.say("dana", f"/vm-migrate web-01 {target}")
    _, card = await screen.find(lambda message: fits(message, ("Waiting for Confirm", target), None), since=begin)
    await people.click("ravi", card, "Confirm")
    await screen.when("Move succeeded", since=begin, thread=card["ts"])


def _lags(screen: Screen, reached: dict[str, float]) -> list[float]:
    lags = []
    for place, phase in enumerate(ORDER):
        if phase in reached:
            words = tuple(PHASES[later] for later in ORDER[place:])
            lags.append(_first(screen, words, reached[phase]) - reached[phase])
    return lags


def _first(screen: Screen, words: tuple[str, ...], since: float) -> float:
    def says(message: Json) -> bool:
        return bool(message.get("thread_ts")) and any(fits(message, (word,), None) for word in words)

    return next(moment for moment, message in screen.seen if moment >= since and says(message))
