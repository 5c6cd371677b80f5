"""When it cannot wait: a plan is declared an incident's, and confirmed by one of those whom the rules name for that."""

from bot import incident
from bot.errors import BotError
from bot.plan import Plan
from bot.policy import Action, Actor, Quorum
from bot.ports import Entry
from bot.record import Incident, Place, Record
from bot.service.base import Base


class Incidents(Base):
    """Declaring. Confirming is `Planning.confirm`, for those who may declare."""

    async def declare(self, plan_id: str, revision: int, name: str, reason: str, actor: Actor) -> Record:
        """Make a waiting plan an incident's. It starts nothing: it still wants a Confirm of its own."""
        allowed = await self._allowed(plan_id, Action.INCIDENT, actor)
        before, rule = allowed.before, allowed.decision.rule
        declared, quorum = await self._incident(before.plan, before.place, name, reason, actor, rule)
        return await self._decide(
            allowed,
            lambda current: incident.declare(current, declared, quorum),
            Entry("incident", actor, {"incident": name, "reason": reason, "rule": rule}),
            revision=revision,
        )

    async def _incident(
        self, planned: Plan, place: Place, name: str, reason: str, actor: Actor, rule: str
    ) -> tuple[Incident, Quorum]:
        """What is kept of it, and what the plan needs by then."""
        if not reason.strip():
            raise BotError("no-reason", "An incident needs a reason.", "Say in a few words what is wrong.")
        quorum = await self._authority.incident_quorum(planned, place)
        now = self._clock.now()
        declared = Incident(
            id=name,
            reason=reason,
            by=actor,
            rule=rule,
            at=now,
            until=now + (quorum.valid_for or self._valid_for),
            skipped=await self._authority.quorum(planned, place, [actor]),
            audit_channel=self._audit_channel,
        )
        return declared, quorum
