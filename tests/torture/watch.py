"""What the bot has done, read beside it: its database while it runs and after it was killed, and all that the cluster
has ever made for it."""

from collections import Counter
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.record import Record
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.objects import labels, phase
from bot.sandbox.cluster.resources import VMI, VMIM
from bot.sandbox.cluster.store import Change
from bot.store.schema import log, messages, plans, unshown
from k8s.names import LABEL_PLAN


class Watch:
    """Eyes on the database and the cluster."""

    def __init__(self, cluster: ClusterSandbox, database: AsyncEngine) -> None:
        self.cluster = cluster
        self._database = database
        self._made: dict[str, set[str]] = {}
        cluster.store.subscribe(self._note)
        self.ran = {each["metadata"]["name"] for each in cluster.store.scan(VMI) if phase(each) == "Running"}

    def _note(self, change: Change) -> None:
        if change.resource is VMIM and LABEL_PLAN in labels(change.obj):
            self._made.setdefault(labels(change.obj)[LABEL_PLAN], set()).add(change.obj["metadata"]["uid"])

    @property
    def created(self) -> int:
        """Migrations that the bot has made."""
        return sum(len(uids) for uids in self._made.values())

    def made_for(self, plan_id: str) -> int:
        """Migrations that were made for one plan."""
        return len(self._made.get(plan_id, ()))

    async def plans(self) -> list[Record]:
        """All plans, oldest first."""
        rows = await self._read(select(plans.c.record).order_by(plans.c.seq))
        return [Record.model_validate_json(text) for (text,) in rows]

    async def all_shown(self) -> bool:
        """Whether the chat shows everything that there is to show."""
        return not await self._read(select(plans.c.id).where(unshown))

    async def log(self) -> dict[str, list[str]]:
        """Kinds of each plan's log, oldest first."""
        kinds: dict[str, list[str]] = {}
        for plan_id, kind in await self._read(select(log.c.plan_id, log.c.kind).order_by(log.c.seq)):
            kinds.setdefault(plan_id, []).append(kind)
        return kinds

    async def card(self, plan_id: str) -> tuple[str, str] | None:
        """Channel and timestamp of a plan's card, once the bot knows them."""
        of_plan = (messages.c.plan_id == plan_id) & (messages.c.slot == "card") & (messages.c.ts != "")
        return next(iter(await self._read(select(messages.c.channel, messages.c.ts).where(of_plan))), None)

    def node_of(self, name: str) -> str:
        """Where a VM runs; empty where it does not."""
        vmis = (each for each in self.cluster.store.scan(VMI) if each["metadata"]["name"] == name)
        return next((each["status"].get("nodeName", "") for each in vmis if phase(each) == "Running"), "")

    async def _read(self, query: Select[Any]) -> list[Any]:
        async with self._database.connect() as connection:
            return [tuple(row) for row in await connection.execute(query)]


def outcomes(found: list[Record]) -> str:
    """How many plans ended how."""
    states = Counter(plan.state.value for plan in found)
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
