"""`make bench`: JSON to stdout, a table to stderr.

python -m tests.bench [--rounds N] [--only NAME ...] > bench.json
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import perf_counter

import aiohttp

from tests.bench import ack, cards, crowd, growth, moves, plan, start
from tests.bench.rounds import Broken, Row, table
from tests.bench.screen import watching
from tests.stories.processes import Ground, ground, people_of

UNLIMITED = {
    "VM_MIGRATE_REQUESTS_PER_MINUTE": "10000",
    "VM_MIGRATE_CHANNEL_REQUESTS_PER_MINUTE": "10000",
    "VM_MIGRATE_OPEN_PLANS": "1000",
}
"""One person asks for more than people may, and every request is to do its work."""

COMPILED_ONCE = "PYTHONDONTWRITEBYTECODE"
"""Not set here: each start would compile the bot anew, but not the packages, and no installation does."""

Bench = Callable[[Ground, dict[str, str], int], Awaitable[Sequence[Row]]]


async def _processes(place: Ground, tokens: dict[str, str], rounds: int) -> Sequence[Row]:
    await place.cluster(speed=1)
    people = people_of(aiohttp.ClientSession(), tokens)
    async with people.http:
        starts = await start.compare(place, tokens, rounds)
        return [starts, *await ack.compare(place, people, tokens | UNLIMITED, rounds)]


async def _talk(place: Ground, tokens: dict[str, str], _rounds: int) -> Sequence[Row]:
    _, address = await place.cluster(speed=1)
    await place.bot(place.settings(tokens) | UNLIMITED)
    async with aiohttp.ClientSession() as http, aiohttp.ClientSession(address) as api:
        people = people_of(http, tokens)
        async with watching(http, people.url) as screen:
            plans = await plan.compare(people, screen, api, tokens)
            return [*plans, *await moves.compare(people, screen, api)]


async def _cards(place: Ground, tokens: dict[str, str], _rounds: int) -> Sequence[Row]:
    return await cards.measure(place, tokens)


async def _crowd(place: Ground, tokens: dict[str, str], _rounds: int) -> Sequence[Row]:
    return await crowd.measure(place, tokens)


async def _growth(place: Ground, _tokens: dict[str, str], rounds: int) -> Sequence[Row]:
    return await growth.compare(place.folder, rounds)


BENCHES: dict[str, Bench] = {
    "processes": _processes,
    "talk": _talk,
    "cards": _cards,
    "crowd": _crowd,
    "growth": _growth,
}
"""Each on a Slack and a cluster of its own."""


async def main(names: Sequence[str], rounds: int) -> list[Row]:
    """Run them one after the other; what breaks one is told, and the others are measured all the same."""
    rows: list[Row] = []
    for name in names:
        begin = perf_counter()
        try:
            rows += await _run(name, rounds)
        except Exception:  # noqa: BLE001  # whatever it is, the other figures are worth having
            traceback.print_exc()
            rows.append(Broken(name))
        sys.stderr.write(f"{name}: {perf_counter() - begin:.0f} s\n")
    return rows


async def _run(name: str, rounds: int) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(prefix="vm-migrate-bench-") as folder:
        async with ground(Path(folder)) as place:
            _, tokens = await place.slack()
            return await BENCHES[name](place, tokens, rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Ratios to bare counterparts.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=list(BENCHES))
    asked = parser.parse_args()
    os.environ.pop(COMPILED_ONCE, None)
    measured = asyncio.run(main(asked.only, asked.rounds))
    machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
    json.dump({"machine": machine, "rows": [each.report for each in measured]}, sys.stdout, indent=2)
    sys.stdout.write("\n")
    sys.stderr.write(table(measured) + "\n")
