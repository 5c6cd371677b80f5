"""`make torture`: bots are killed at random moments while they move VMs; nothing may be lost, doubled or down.

A bot is a process of its own and gets SIGKILL, again and again, while people ask, confirm and press again what was
not answered. One bot keeps its plans in a file; several share a PostgreSQL of their own. In the end all is left in
peace, and looked at: the plans in the database, the VMs and migrations in the cluster, the messages in the chat. One
line of figures at the end; exit code 1 if anything was lost, doubled or down.

python -m tests.torture [--bots 1] [--kills 50] [--moves 20] [--seed N]
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from sqlalchemy.ext.asyncio import create_async_engine

from bot.sandbox.stage import Stage
from tests import postgres
from tests.torture.bots import Bots
from tests.torture.judge import judge
from tests.torture.people import People
from tests.torture.watch import Watch, outcomes

SPEED = 4.0
AT_ONCE = 3
"""Moves under way at the same time."""
LONGEST_PEACE = 2.5
"""Seconds between two kills at most, for each bot there is: what a dead one owned is free after 15 of them."""
SETTINGS = {
    "VM_MIGRATE_PLAN_VALID_MINUTES": "1",  # what was asked for twice, since nobody answered, is over soon
    "VM_MIGRATE_REQUESTS_PER_MINUTE": "10000",
    "VM_MIGRATE_CHANNEL_REQUESTS_PER_MINUTE": "10000",
    "VM_MIGRATE_OPEN_PLANS": "1000",
}


async def main(count: int, kills: int, moves: int, seed: int) -> int:
    """Torture the bots; the exit code."""
    chance, begun = random.Random(seed), time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="vm-migrate-torture-") as folder,
        _database(count, Path(folder)) as (url, beside),
    ):
        stage = Stage(Path(folder), settings={**SETTINGS, "VM_MIGRATE_DATABASE_URL": url}, speed=SPEED)
        database = create_async_engine(beside)
        async with stage, aiohttp.ClientSession() as http:
            watch, bots = Watch(stage.cluster, database), Bots(count, stage.environment())
            people = People(http, stage.slack.url, watch, chance)
            try:
                wrong = await _torture(bots, people, chance, kills, moves)
            finally:
                await bots.end()
            wrong += await judge(watch, stage.slack.workspace)
            ended = outcomes(await watch.plans())
        await database.dispose()
    figures = f"seed {seed}: {bots.kills} kills of {count} bots during {people.moves} moves ({ended})"
    took = f"{watch.created} migrations, {time.monotonic() - begun:.0f} s"
    sys.stdout.write(f"{figures}, {took}; {len(wrong)} wrong\n")
    sys.stderr.writelines(f"WRONG: {line}\n" for line in wrong)
    return 1 if wrong else 0


async def _torture(bots: Bots, people: People, chance: random.Random, kills: int, moves: int) -> list[str]:
    """Kill that often while at least so many moves are made, and leave all in peace; what is wrong with the bots."""
    await bots.start()
    workers = [asyncio.create_task(people.keep_moving(number)) for number in range(AT_ONCE)]
    while bots.kills < kills or people.moves < moves:
        await asyncio.sleep(chance.uniform(0.05, LONGEST_PEACE * bots.count))
        if people.moving:
            await bots.kill(chance)
            await bots.start()
    people.stop()
    await asyncio.gather(*workers)
    await people.until_over()
    return [f"a bot left with {code}" for code in await bots.stop() if code]


@contextmanager
def _database(count: int, folder: Path) -> Iterator[tuple[str, str]]:
    """Where the plans are: the URL for the bots, and one to read beside them. A file is one bot's alone."""
    if count == 1:
        file = folder / "bot.db"
        yield f"sqlite+aiosqlite:///{file}", f"sqlite+aiosqlite:///file:{file}?mode=ro&uri=true"
    else:
        with postgres.running() as server:
            url = server.create("torture")
            yield url, url


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Kill bots while they move VMs.")
    parser.add_argument("--bots", type=int, default=1)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    sys.exit(asyncio.run(main(asked.bots, asked.kills, asked.moves, asked.seed)))
