"""What concerns one person, whatever channel it was asked for in: for their own page, which nobody else sees.

Plans of a channel are told to those who may see that channel; that is asked anew each time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from bot.errors import BotError
from bot.migration import PlanState
from bot.policy import Action, Actor
from bot.ports import AtHome
from bot.record import Record
from bot.service.aftercare import Aftercare

MOST_RECENT = 5
MOST_LISTED = 10

In = Callable[[str], Awaitable[Actor]]
"""Proves the person as a member of a channel. Raises BotError."""


class Home(Aftercare):
    """One use case: look at what is one's own."""

    async def at_home(self, user: str, prove: In) -> AtHome:
        """What runs, what waits for this person, what they asked for lately, and the pins there are."""
        open_plans = await self._store.open_plans()
        mine = await self._store.ended(lambda plan: plan.requester.user == user, None, MOST_RECENT)
        known = await self._known(frozenset(plan.place.channel for plan in (*open_plans, *mine)), prove)
        seen = [plan for plan in reversed(open_plans) if plan.place.channel in known]
        return AtHome(
            running=tuple(plan for plan in seen if plan.state in (PlanState.APPROVED, PlanState.RUNNING))[:MOST_LISTED],
            waiting=tuple(plan for plan in seen if self._waits_for(plan, known[plan.place.channel]))[:MOST_LISTED],
            recent=tuple(plan for plan in mine if plan.place.channel in known),
            pins=await self._seen_pins(known),
            at=self._clock.now(),
        )

    async def _known(self, channels: frozenset[str], prove: In) -> Mapping[str, Actor]:
        """The channels in which this person is somebody."""

        async def proved(channel: str) -> Actor | None:
            try:
                return await prove(channel)
            except BotError:
                return None

        ordered = sorted(channels)
        actors = await asyncio.gather(*map(proved, ordered))
        return {channel: actor for channel, actor in zip(ordered, actors, strict=True) if actor}

    def _waits_for(self, plan: Record, actor: Actor) -> bool:
        if plan.state is not PlanState.PROPOSED or plan.plan.blocked:
            return False
        has_pressed = actor.id in {given.actor.id for given in plan.approvers}
        is_own = actor.id == plan.requester.id and not plan.quorum.own_counts
        return not has_pressed and not is_own and self._authority.may(actor, Action.CONFIRM, plan)

    async def _seen_pins(self, known: Mapping[str, Actor]) -> int:
        """How many VMs are pinned, for whoever may ask for a move somewhere; the list itself is a command away."""
        if not any(Action.REQUEST in self._authority.allowed(actor) for actor in known.values()):
            return 0
        return len(await self._pins())
