"""From the start of the process to the line that says it takes commands: the bot against a bare Bolt app.

The bare one imports the Kubernetes client too. Both are started on what an earlier start has left: compiled modules, an
existing database.
"""

import sys
from collections.abc import Mapping
from time import perf_counter

from bot.sandbox.stage import READY
from tests.bench import echo
from tests.bench.rounds import Comparison, Round
from tests.stories.processes import BOT, Ground

GOAL = 1.5
BARE = f"import kubernetes.aio.client, runpy; runpy.run_module({echo.__name__!r}, run_name='__main__')"


async def compare(place: Ground, tokens: Mapping[str, str], rounds: int) -> Comparison:
    """Start both, in turns; the first round warms up."""
    measured = []
    for _ in range(rounds + 1):
        bot = await _start(place, [str(BOT), "run"], place.settings(tokens), READY)
        bare = await _start(place, [sys.executable, "-c", BARE], tokens, echo.READY)
        measured.append(Round(bot, bare))
    return Comparison("start, process to connected", tuple(measured[1:]), GOAL)


async def _start(place: Ground, program: list[str], settings: Mapping[str, str], ready: str) -> float:
    begin = perf_counter()
    command = await place.program(program, settings)
    await command.until(ready)
    took = perf_counter() - begin
    await command.kill()
    return took
