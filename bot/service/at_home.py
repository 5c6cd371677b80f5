"""What concerns one person, whatever channel it was asked for in: for their own page, which nobody else sees.

Plans of a channel are told to those who may see that channel; that is asked anew each time.
"""

from collections.abc import Awaitable, Callable, Mapping

from bot import policy
from bot.authority import confirming
from bot.migration import PlanState
from bot.policy import Action, Actor
from bot.ports import AtHome
from bot.record import Record
from bot.service.aftercare import Aftercare

MOST_RECENT = 5
MOST_LISTED = 10

MOVING = (PlanState.APPROVED, PlanState.RUNNING, PlanState.PAUSED)

In = Callable[[frozenset[str]], Awaitable[Mapping[str, Actor]]]
"""Who the person is in each of these channels; those in which they are nobody are left out. Raises BotError."""


class Home(Aftercare):
    """One use case: look at what is one's own."""

    async def at_home(self, user: str, prove: In) -> AtHome:
        """What runs, what waits for this person, what they asked for lately, and the pins there are."""
        open_plans = await self._store.open_plans()
        mine = await self._store.ended(lambda plan: plan.requester.user == user, None, MOST_RECENT)
        proved = await prove(frozenset(plan.place.channel for plan in (*open_plans, *mine)))
        known = {channel: actor for channel, actor in proved.items() if policy.outsider(actor, "look") is None}
        seen = [plan for plan in reversed(open_plans) if plan.place.channel in known]
        return AtHome(
            running=tuple(plan for plan in seen if plan.state in MOVING)[:MOST_LISTED],
            waiting=tuple(plan for plan in seen if self._waits_for(plan, known[plan.place.channel]))[:MOST_LISTED],
            scheduled=tuple(plan for plan in seen if plan.state is PlanState.SCHEDULED)[:MOST_LISTED],
            recent=tuple(plan for plan in mine if plan.place.channel in known),
            pins=await self._seen_pins(known),
            at=self._clock.now(),
        )

    def _waits_for(self, plan: Record, actor: Actor) -> bool:
        if plan.state is not PlanState.PROPOSED or plan.plan.blocked:
            return False
        has_pressed = actor.id in {given.actor.id for given in plan.approvers}
        is_own = actor.id in plan.askers and not plan.quorum.own_counts
        return not has_pressed and not is_own and self._authority.may(actor, confirming(plan), plan)

    async def _seen_pins(self, known: Mapping[str, Actor]) -> int:
        """How many VMs are pinned, for whoever may ask for a move somewhere; the list itself is a command away."""
        if not any(Action.REQUEST in self._authority.allowed(actor) for actor in known.values()):
            return 0
        return len(await self._pins())
