"""The bots that are killed: as many as serve side by side, each a process of its own."""

import asyncio
import random
from collections.abc import Mapping

from bot.sandbox.stage import READY
from tests.stories.processes import BOT, Command

ALL_AT_ONCE = 0.2
"""How often a kill takes all bots, and not one of them: then nobody is left to follow."""


class Bots:
    """They live on one database and one Slack, and come back whenever they were killed."""

    def __init__(self, count: int, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.count = count
        self._serving: list[Command] = []
        self.kills = 0

    async def start(self) -> None:
        """Start those that are missing, and wait until all serve."""
        missing = self.count - len(self._serving)
        await asyncio.gather(*(self._one() for _ in range(missing)))

    async def kill(self, chance: random.Random) -> None:
        """SIGKILL for one of them, now and then for all: nothing of what they were doing gets finished."""
        victims = self._serving if chance.random() < ALL_AT_ONCE else [chance.choice(self._serving)]
        await asyncio.gather(*(each.kill() for each in victims))
        self.kills += len(victims)
        self._serving = [each for each in self._serving if each.process.returncode is None]

    async def stop(self) -> list[int]:
        """SIGTERM for all; their exit codes."""
        return list(await asyncio.gather(*(each.stop() for each in self._serving)))

    async def end(self) -> None:
        """Leave none behind, however it went."""
        await asyncio.gather(*(each.kill() for each in self._serving))

    async def _one(self) -> None:
        bot = await Command.start([str(BOT), "run"], self._environment)
        self._serving.append(bot)
        await bot.until(READY)
