"""`make torture`: the bot is killed at random moments while it moves VMs; nothing may be lost, doubled or down.

The bot is a process of its own and gets SIGKILL, again and again, while people ask, confirm and press again what was
not answered. In the end all is left in peace, and looked at: the plans in the database, the VMs and migrations in the
cluster, the messages in the chat. One line of figures at the end; exit code 1 if anything was lost, doubled or down.

python -m tests.torture [--kills 50] [--moves 20] [--seed N]
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from bot.sandbox.stage import Stage
from tests.torture.judge import judge
from tests.torture.people import People
from tests.torture.watch import Watch

SPEED = 4.0
AT_ONCE = 3
"""Moves under way at the same time."""
SETTINGS = {
    "VM_MIGRATE_PLAN_VALID_MINUTES": "1",  # what was asked for twice, since nobody answered, is over soon
    "VM_MIGRATE_REQUESTS_PER_MINUTE": "10000",
    "VM_MIGRATE_CHANNEL_REQUESTS_PER_MINUTE": "10000",
    "VM_MIGRATE_OPEN_PLANS": "1000",
}


async def main(kills: int, moves: int, seed: int) -> int:
    """Torture the bot; the exit code."""
    chance, begun = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vm-migrate-torture-") as folder:
        stage = Stage(Path(folder), speed=SPEED, settings=SETTINGS, print_line=lambda _: None)
        async with stage, aiohttp.ClientSession() as http:
            watch = Watch(stage.cluster, Path(folder) / "bot.db")
            people = People(http, stage.slack.url, watch, chance)
            await stage.start_bot()
            done = await _torture(stage, people, chance, kills, moves)
            await people.until_over()
            await stage.stop_bot()
            wrong, outcomes = judge(watch, stage.slack.workspace), watch.outcomes()
    figures = f"seed {seed}: {done} kills during {people.moves} moves ({outcomes}), {watch.created} migrations"
    sys.stdout.write(f"{figures}, {time.monotonic() - begun:.0f} s; {len(wrong)} wrong\n")
    sys.stderr.writelines(f"WRONG: {line}\n" for line in wrong)
    return 1 if wrong else 0


async def _torture(stage: Stage, people: People, chance: random.Random, kills: int, moves: int) -> int:
    """Kill the bot that often while at least so many moves are made; how often it was killed."""
    done = 0
    workers = [asyncio.create_task(people.keep_moving(number)) for number in range(AT_ONCE)]
    while done < kills or people.moves < moves:
        await asyncio.sleep(chance.uniform(0.05, 2.5))
        if people.moving:
            await stage.kill_bot()
            await stage.start_bot()
            done += 1
    people.stop()
    await asyncio.gather(*workers)
    return done


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Kill the bot while it moves VMs.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    sys.exit(asyncio.run(main(asked.kills, asked.moves, asked.seed)))
