"""What the bot adds to a move, Confirm to report, and how soon people see each phase of a live one.

The bare counterpart is a script that knows everything beforehand: it makes the same writes on the same simulated
cluster, watches, and reads where the VM is. The bot also reads and judges again, keeps notes before each write, edits
its messages within Slack's limits and posts a report. The cluster's clock runs as fast as the wall's, because Slack's
limits do. VMs go there and back, so that each round is like the one before: live the bot moves a VM there and the
script back, cold each has a VM of its own.

A phase that has passed before the edit is shown by the next one, so the first message that says this phase or a later
one counts. While the script moves, Slack's budget of edits fills up again; within a move of five phases it holds.
"""

import asyncio
from collections.abc import Callable, Mapping
from time import perf_counter

import aiohttp

from bot.describe.progress import PHASES
from tests.bench.rounds import Comparison, Figure, Round, percentile
from tests.bench.screen import Screen, fits
from tests.bench.script import Script
from tests.stories.processes import Json, People

MOST, MOST_LAG = 1.05, 250.0
LIVE_ROUNDS, COLD_ROUNDS = 3, 2
REST = 3.0
"""Seconds after each move, until the launcher that it has left is gone too: it keeps others of its application away."""
SEED = "5,000 to 10,000 ms by polling"
ORDER = tuple(phase for phase in PHASES if phase not in ("", "Pending", "Failed"))
LIVE = ("web-01", "worker-01", "worker-05")
COLD, COLD_OF_SCRIPT = ("web-02", "worker-02", "worker-05"), ("web-03", "worker-03", "worker-05")


async def compare(people: People, screen: Screen, api: aiohttp.ClientSession) -> list[Comparison | Figure]:
    """Both kinds, in turns."""
    script, live, cold, lags = Script(api), [], [], []
    for number in range(LIVE_ROUNDS):
        vm, home, away = LIVE
        async with script.phases() as reached:
            bot = await _by_bot(people, screen, f"{vm} {away}")
        await asyncio.sleep(REST)
        lags.append(1000 * percentile(_lags(screen, reached), 0.95))
        live.append(Round(bot, await script.live(f"bare-{number}", vm, home)))
        await script.forget()
        await asyncio.sleep(REST)
    for number in range(COLD_ROUNDS):
        to = 2 if number % 2 == 0 else 1
        bot = await _by_bot(people, screen, f"{COLD[0]} {COLD[to]} cold")
        cold.append(Round(bot, await script.cold(COLD_OF_SCRIPT[0], COLD_OF_SCRIPT[to])))
        await asyncio.sleep(REST)
    return [
        Comparison("live move, Confirm to report", tuple(live), MOST),
        Comparison("cold move, Confirm to report", tuple(cold), MOST),
        Figure("phase in the API to edit in Slack, p95", "ms", tuple(lags), MOST_LAG, SEED),
    ]


async def _by_bot(people: People, screen: Screen, move: str) -> float:
    asked = perf_counter()
    await people.say("dana", f"/vm-migrate {move}")
    _, card = await screen.find(_waits_for_confirm(move.split()[:2]), since=asked)
    begin = perf_counter()
    await people.click("ravi", card, "Confirm")
    return await screen.when("Move succeeded", since=begin, thread=card["ts"], within=120) - begin


def _waits_for_confirm(names: list[str]) -> Callable[[Json], bool]:
    return lambda message: fits(message, ("Waiting for Confirm", *names), None)


def _lags(screen: Screen, reached: Mapping[str, float]) -> list[float]:
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
