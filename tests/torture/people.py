"""People who do not give up: they ask again where nothing comes, and press again where nothing happens."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import aiohttp

from bot import migration
from bot.migration import PlanState
from bot.record import Record
from tests.torture.watch import Watch

T = TypeVar("T")
Look: TypeAlias = Callable[[], Awaitable[T | None]]

LIVE = {"web-01": "production", "web-02": "production", "web-03": "production"}
COLD = {"app-vm": "production", "manual-01": "vms", "rerun-01": "vms", "once-01": "vms", "dev-01": "dev"}
NODES = ("worker-01", "worker-02", "worker-03", "worker-04", "worker-05")
CHANNEL = "#ops"
LOOK = 0.1
PATIENCE = 8.0
"""Seconds until somebody asks or presses once more."""
LONGEST = 400.0
"""Seconds for a move to end; a create that may still arrive is waited for, which takes 75 of them after each kill."""


class People:
    """Ask for moves and confirm them."""

    def __init__(self, http: aiohttp.ClientSession, url: str, watch: Watch, chance: random.Random) -> None:
        self._http = http
        self._url = url
        self._watch = watch
        self._chance = chance
        self._stopped = False
        self._busy: set[str] = set()
        self.moves = 0
        """That were confirmed."""
        self.moving = 0
        """That are under way now."""

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stopped = True

    async def keep_moving(self, number: int) -> None:
        """One move after the other, live and cold in turn."""
        while not self._stopped:
            group = LIVE if (self.moves + number) % 2 else COLD
            if free := sorted(set(group) - self._busy):
                name = self._chance.choice(free)
                self._busy.add(name)
                await self._move(name, group[name], cold=group is COLD)
                self._busy.discard(name)
            else:
                await asyncio.sleep(LOOK)

    async def until_over(self) -> None:
        """Until nothing is open any more, by itself, and all of it has been told."""
        await self._see(self._over, LONGEST)

    async def _over(self) -> bool | None:
        return (not await self._open() and await self._watch.all_shown()) or None

    async def _open(self) -> list[Record]:
        return [plan for plan in await self._watch.plans() if not migration.is_final(plan.state)]

    async def _move(self, name: str, namespace: str, *, cold: bool) -> None:
        target = self._chance.choice([node for node in NODES if node != self._watch.node_of(name)])
        command = f"/vm-migrate {namespace}/{name} {target}" + (" --cold" if cold else "")
        plan_id = await self._insist(lambda: self._say(command), lambda: self._fresh(name))
        self.moving += 1
        self.moves += 1
        try:
            await self._insist(lambda: self._confirm(plan_id), lambda: self._decided(plan_id))
            await self._see(lambda: self._ended(plan_id), LONGEST)
        finally:
            self.moving -= 1

    async def _fresh(self, name: str) -> str | None:
        """A plan for that VM that waits for its Confirm, and whose card stands."""
        for plan in reversed(await self._watch.plans()):
            waits = plan.state is PlanState.PROPOSED and not plan.plan.blocked and plan.plan.moves[0].vm == name
            if waits and await self._watch.card(plan.id):
                return plan.id
        return None

    async def _decided(self, plan_id: str) -> bool | None:
        return (await self._plan(plan_id)).state is not PlanState.PROPOSED or None

    async def _ended(self, plan_id: str) -> bool | None:
        return migration.is_final((await self._plan(plan_id)).state) or None

    async def _plan(self, plan_id: str) -> Record:
        return next(plan for plan in await self._watch.plans() if plan.id == plan_id)

    async def _insist(self, doing: Callable[[], Awaitable[None]], seen: Look[T]) -> T:
        for _ in range(40):
            await doing()
            if (found := await self._seen(seen, PATIENCE)) is not None:
                return found
        raise AssertionError("nothing came of it, however often somebody tried")

    async def _see(self, look: Look[T], within: float) -> T:
        found = await self._seen(look, within)
        assert found is not None, f"{within} s passed; open: {[(plan.id, plan.state) for plan in await self._open()]}"
        return found

    async def _seen(self, look: Look[T], within: float) -> T | None:
        for _ in range(int(within / LOOK)):
            if (found := await look()) is not None:
                return found
            await asyncio.sleep(LOOK)
        return await look()

    async def _say(self, text: str) -> None:
        await self._do("say", user="dana", channel=CHANNEL, text=text)

    async def _confirm(self, plan_id: str) -> None:
        if card := await self._watch.card(plan_id):
            await self._do("click", user="ravi", channel=card[0], message_ts=card[1], action_id="plan_confirm")

    async def _do(self, deed: str, **body: str) -> None:
        """What fails (nobody is there to take it, the button is gone already) is tried again by whoever insists."""
        async with self._http.post(f"{self._url}/sandbox/{deed}", json=body) as answer:
            await answer.read()
