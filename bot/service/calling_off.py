"""While a move runs: calling it off, and giving an overdue one more time."""

from bot import calling_off
from bot.policy import Action, Actor
from bot.ports import Entry
from bot.record import Record
from bot.service.base import Base


class CallingOff(Base):
    """Moves that people want to end, or to wait longer for."""

    async def call_off(self, plan_id: str, revision: int, index: int, actor: Actor) -> Record:
        """Note the wish and let the run see to it; the report tells what became of it, as read from the cluster."""
        now = self._clock.now()
        return await self._decide(
            await self._allowed(plan_id, Action.CALL_OFF, actor),
            lambda current: calling_off.call_off(current, index, actor, now),
            Entry("called off", actor, {"move": index}),
            revision=revision,
            restart=True,
        )

    async def watch_on(self, plan_id: str, index: int, actor: Actor) -> Record:
        """Tell people again when the limit has passed once more; for whoever may ask for such a move."""
        now = self._clock.now()
        return await self._decide(
            await self._allowed(plan_id, Action.REQUEST, actor),
            lambda current: calling_off.watch_on(current, index, actor, now, self._live_limit),
            Entry("watching on", actor, {"move": index}),
        )
