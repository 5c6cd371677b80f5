"""What people can see without changing anything: open plans, ended ones, the VMs there are, what they may do.

Plans are told to the channel in which they were asked for, and to no other: a channel may be private.
"""

import asyncio
from collections.abc import Callable

from bot import errors
from bot.errors import BotError, unknown_name
from bot.inventory import Listed, listed
from bot.policy import Action, Actor
from bot.ports import Overview
from bot.record import Place, Record
from bot.request import History, Inventory, Status
from bot.service.base import Base

MOST_SHOWN = 20
"""Plans in one answer."""


class Looking(Base):
    """Questions, all of them for whoever may ask for a move."""

    def may(self, actor: Actor) -> frozenset[Action]:
        """What any rule lets this person do here."""
        return self._authority.allowed(actor)

    async def look(self, plan_id: str, actor: Actor) -> Record:
        """A plan, for everybody who is in its channel and of the own workspace."""
        self._authority.check_insider(actor)
        return await self.get(plan_id)

    async def status(self, request: Status, actor: Actor, place: Place) -> Overview:
        """The open plans of this channel."""
        self._authority.authorize(actor, Action.REQUEST)
        fitting = [plan for plan in await self._store.open_plans() if _is_about(request.vm, request.namespace)(plan)]
        here = [plan for plan in reversed(fitting) if plan.place.channel == place.channel]
        return Overview(tuple(here[:MOST_SHOWN]), len(here) > MOST_SHOWN, len(fitting) - len(here))

    async def history(self, request: History, actor: Actor, place: Place) -> Overview:
        """The plans of this channel that have ended."""
        self._authority.authorize(actor, Action.REQUEST)
        since = self._clock.now() - request.last if request.last else None
        is_about = _is_about(request.vm, request.namespace)
        found = await self._store.ended(
            lambda plan: plan.place.channel == place.channel and is_about(plan), since, MOST_SHOWN + 1
        )
        return Overview(found[:MOST_SHOWN], len(found) > MOST_SHOWN)

    async def inventory(self, request: Inventory, actor: Actor) -> tuple[Listed, ...]:
        """The VMs of a namespace, of a node, or all that the bot sees."""
        self._authority.authorize(actor, Action.REQUEST)
        with errors.for_people():
            vms, instances = await asyncio.gather(self._cluster.vms(request.namespace), self._cluster.instances())
            found = listed(vms, instances, request.node)
            if not found and (unknown := await self._unknown(request)):
                raise unknown
        return found

    async def _unknown(self, request: Inventory) -> BotError | None:
        """Nothing was found because there is no such namespace or node."""
        if request.node:
            nodes = [node.name for node in await self._cluster.nodes()]
            if request.node not in nodes:
                return unknown_name("node", request.node, nodes)
        namespaces = await self._cluster.namespaces()
        if request.namespace and namespaces and request.namespace not in namespaces:
            return unknown_name("namespace", request.namespace, namespaces)
        return None


def _is_about(vm: str | None, namespace: str | None) -> Callable[[Record], bool]:
    def fits(plan: Record) -> bool:
        return any(vm in (None, move.vm) and namespace in (None, move.namespace) for move in plan.plan.moves)

    return fits
