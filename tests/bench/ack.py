"""How long Slack waits for the acknowledgement of a command: the bot against the echo app, on the same local Slack.

The command names a node that does not exist. So the bot does its real work behind the acknowledgement (it reads the
cluster) and answers the person alone; Slack's limit on posts plays no part. Time runs from the person's Enter to the
moment at which Slack has the acknowledgement.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import perf_counter

from bot.sandbox.stage import READY
from tests.bench import echo
from tests.bench.rounds import Comparison, Round, percentile
from tests.stories.processes import BOT, Ground, People

GOAL = 1.3
ONE_BY_ONE = 100
AT_ONCE = 50
COMMAND = "/vm-migrate web-01 worker-99"
REST = 0.1
"""Seconds between two commands one by one, so that the work behind the first does not count for the second."""


async def compare(place: Ground, people: People, tokens: Mapping[str, str], rounds: int) -> list[Comparison]:
    """Measure both, in turns."""
    found: dict[str, list[Round]] = {}
    for _ in range(rounds):
        async with serving(place, [str(BOT), "run"], place.settings(tokens), READY):
            bot = await _measure(people)
        async with serving(place, [sys.executable, "-m", echo.__name__], tokens, echo.READY):
            bare = await _measure(people)
        for crowd, (own, other) in {"one by one": (bot[0], bare[0]), f"{AT_ONCE} at once": (bot[1], bare[1])}.items():
            for share in (0.5, 0.99):
                name = f"ack of a command, {crowd}, p{share * 100:.0f}"
                found.setdefault(name, []).append(Round(percentile(own, share), percentile(other, share)))
    return [Comparison(name, tuple(measured), GOAL) for name, measured in found.items()]


@asynccontextmanager
async def serving(place: Ground, program: list[str], settings: Mapping[str, str], ready: str) -> AsyncIterator[None]:
    """A program that takes commands meanwhile."""
    command = await place.program(program, settings)
    await command.until(ready)
    yield
    await command.kill()


async def _measure(people: People) -> tuple[list[float], list[float]]:
    """Seconds one by one, and at once."""
    alone = []
    for _ in range(1 + ONE_BY_ONE):
        alone.append(await _ask(people))
        await asyncio.sleep(REST)
    crowd = await asyncio.gather(*(_ask(people) for _ in range(AT_ONCE)))
    return alone[1:], crowd  # the very first one also opens connections


async def _ask(people: People) -> float:
    begin = perf_counter()
    await people.say("dana", COMMAND)
    return perf_counter() - begin
