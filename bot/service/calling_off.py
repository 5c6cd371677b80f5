"""While a move runs: calling it off, and giving an overdue one more time."""

from bot import approval, calling_off
from bot.policy import Action, Actor
from bot.ports import Change, Entry
from bot.record import Record
from bot.service.base import Base


class CallingOff(Base):
    """Moves that people want to end, or to wait longer for."""

    async def call_off(self, plan_id: str, revision: int, index: int, actor: Actor) -> Record:
        """Note the wish and let the run see to it; the report tells what became of it, as read from the cluster."""
        before = await self.get(plan_id)
        decision = self._authority.authorize(actor, Action.CALL_OFF, before.plan, before.place, plan_id)
        now = self._clock.now()

        def change(current: Record) -> Change:
            approval.check_revision(current, revision)
            wished = calling_off.call_off(current, index, actor, now)
            return Change(wished, [Entry("called off", actor, {"move": index})])

        after = await self._update(plan_id, change)
        self._authority.done(actor, Action.CALL_OFF, decision, after)
        self._runner.restart(plan_id)
        return after

    async def watch_on(self, plan_id: str, index: int, actor: Actor) -> Record:
        """Tell people again when the limit has passed once more; for whoever may ask for such a move."""
        before = await self.get(plan_id)
        decision = self._authority.authorize(actor, Action.REQUEST, before.plan, before.place, plan_id)
        now = self._clock.now()

        def change(current: Record) -> Change:
            watched = calling_off.watch_on(current, index, actor, now, self._live_limit)
            return Change(watched, [Entry("watching on", actor, {"move": index})])

        after = await self._update(plan_id, change)
        self._authority.done(actor, Action.REQUEST, decision, after)
        return after
