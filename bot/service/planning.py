"""Up to the first write: a plan is proposed, changed, approved, or ended without a run."""

from bot import approval
from bot.authority import confirming
from bot.errors import BotError
from bot.judge import drift_entry
from bot.migration import PlanState
from bot.policy import Action, Actor
from bot.ports import Change, Entry, PlanExists
from bot.record import Place, Record
from bot.request import MoveType, Planned
from bot.schedule import Schedule, resolve
from bot.service.base import ended, way_back
from bot.service.incidents import Incidents


class Planning(Incidents):
    """Plans that do not run yet."""

    async def propose(self, request: Planned, actor: Actor, place: Place, before: Record | None = None) -> Record:
        """Judge a request and store the plan; showing it is the caller's next call. What the chat delivers twice makes
        one plan: the second time that one is returned. `before`: it was asked for then, and its time of day is still
        that of whoever said it."""
        if made := await self._made_of(place.once):
            return made
        action = Action.INCIDENT if request.incident else Action.REQUEST
        self._authority.authorize(actor, action)
        self._throttle.take(actor, place, self._clock.now())
        said = before.schedule if before else None
        schedule = self._resolve(request, said.zone if said else actor.zone)
        planned = await self._judge(request, place.channel)
        decision = self._authority.authorize(actor, action, planned, place)
        if schedule is None:
            await self._check_free(planned)
        self._throttle.check_open(actor, await self._store.open_plans())
        quorum, incident = await self._authority.quorum(planned, place, [actor]), None
        if request.incident:
            named = (request.incident, request.reason or "")
            incident, quorum = await self._incident(planned, place, *named, actor, decision.rule)
        now, plan_id = self._clock.now(), self._new_id(place.once)
        proposed = approval.propose(plan_id, planned, actor, place, now, self._valid_for, quorum, schedule, incident)
        details = {"request": str(request), "fingerprint": planned.fingerprint, "blocked": planned.blocked}
        details |= {"start": schedule.start.isoformat()} if schedule else {}
        declared = [Entry("incident", actor, {"incident": incident.id, "reason": incident.reason})] if incident else []
        try:
            await self._store.add(proposed, [Entry("proposed", actor, details), *declared])
        except PlanExists:
            if made := await self._made_of(place.once):  # by the other delivery, while this one was being judged
                return made
            raise
        self._authority.done(actor, action, decision, "proposed", proposed)
        return proposed

    def _resolve(self, request: Planned, zone: str) -> Schedule | None:
        return resolve(request.when, self._clock.now(), zone, self._late_start) if request.when else None

    async def _made_of(self, delivery: str) -> Record | None:
        found = await self._store.get(self._new_id(delivery)) if delivery else None
        return found if found and found.delivery == delivery else None

    async def modify(self, plan_id: str, revision: int, request: Planned, actor: Actor) -> Record:
        """Plan again with other parameters, as a new revision of the same plan."""
        before = (await self._allowed(plan_id, Action.MODIFY, actor)).before
        self._throttle.take(actor, before.place, self._clock.now())
        approval.check_revision(before, revision)
        request = request.model_copy(update={"when": before.plan.request.when, "incident": None})
        planned = await self._judge(request, before.place.channel)
        allowed = self._allow(before, Action.MODIFY, actor, planned)
        if {move.key for move in planned.moves} - {move.key for move in before.plan.moves}:
            self._allow(before, Action.REQUEST, actor, planned)
        quorum = await self._authority.quorum(planned, before.place, [before.requester, actor])
        now = self._clock.now()
        details = {"request": str(request), "revision": revision + 1, "fingerprint": planned.fingerprint}
        return await self._decide(
            allowed,
            lambda current: approval.modify(current, planned, actor, now, self._valid_for, quorum),
            Entry("modified", actor, details),
            revision=revision,
        )

    async def replace_rules(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """The same cold move as a new revision, in which the pin takes the place of rules that forbid the target."""
        request = (await self.get(plan_id)).plan.asked(0)
        replacing = request.model_copy(update={"type": MoveType.COLD, "replace_rules": True})
        return await self.modify(plan_id, revision, replacing, actor)

    async def confirm(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """Count this person's Confirm; read the cluster again first. Drift makes a new revision instead."""
        before = await self.get(plan_id)
        action = confirming(before)
        self._allow(before, action, actor)
        approval.check_revision(before, revision)
        planned, changes = await self._prove(before)
        decision = self._allow(before, action, actor, planned).decision
        quorum = await self._authority.quorum_now(planned, before)
        now = self._clock.now()

        def change(current: Record) -> Change:
            approval.check_revision(current, revision)
            if changes and current.state is PlanState.PROPOSED:
                changed = approval.drifted(current, planned, changes, now, self._valid_for, quorum)
                return Change(changed, [drift_entry(changed)])
            confirmed = approval.confirm(current, actor, decision, now, quorum)
            details = {"revision": revision, "rule": decision.rule, "fingerprint": current.plan.fingerprint}
            return Change(confirmed, [Entry("confirmed", actor, details)])

        try:
            after = await self._update(plan_id, change)
        except approval.OwnPress as own:
            self._authority.refused(actor, Action.CONFIRM, own.rule, own, plan_id)
            raise
        has_drifted = after.revision != revision
        self._authority.done(actor, Action.CONFIRM, decision, "drifted" if has_drifted else "confirmed", after)
        if after.state is PlanState.APPROVED:
            self._runner.start(plan_id)
        if has_drifted:
            raise BotError(
                "drifted",
                "The cluster has changed since this plan was made, so nothing was started.",
                "Read what changed on the card and confirm again.",
            )
        return after

    async def cancel(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """End a plan that has not started."""
        return await self._decide(
            await self._allowed(plan_id, Action.CANCEL, actor),
            lambda current: approval.cancel(current, actor),
            Entry("canceled", actor),
            revision=revision,
        )

    async def deny(self, plan_id: str, revision: int, reason: str, actor: Actor) -> Record:
        """An approver's no to a plan that has not started."""
        return await self._decide(
            await self._allowed(plan_id, Action.DENY, actor),
            lambda current: approval.deny(current, actor, reason),
            Entry("denied", actor, {"reason": reason}),
            revision=revision,
        )

    async def withdraw(self, plan_id: str, note: str) -> None:
        """End a plan whose card nobody can see."""
        await self._update(plan_id, lambda current: Change(approval.withdraw(current, note), [Entry("withdrawn")]))

    async def plan_again(self, plan_id: str, actor: Actor, place: Place) -> Record:
        """A fresh plan from the request of an old one."""
        before = await self.get(plan_id)
        return await self.propose(before.plan.request.model_copy(update={"incident": None}), actor, place, before)

    async def replan(self, plan_id: str, type_: MoveType, actor: Actor, place: Place) -> Record:
        """A fresh plan of the same move in another way."""
        before = await self.get(plan_id)
        request = before.plan.asked(0).model_copy(update={"type": type_, "incident": None})
        return await self.propose(request, actor, place, before)

    async def move_back(self, plan_id: str, index: int, actor: Actor, place: Place) -> Record:
        """A fresh plan that takes a VM back to where it was, in the same way."""
        current = await self.get(plan_id)
        _, move = ended(current, index)
        if not move.source:
            raise BotError(
                "no-way-back", f"{move.vm} did not run before, so there is no node to go back to.", "Name one."
            )
        return await self.propose(way_back(move), actor, place)
