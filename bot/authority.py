"""One place that says yes or no to people, for the service when they press and for the executor before the first write.

It fails closed: what the policy does not allow, or Slack does not say, is refused. People who counted when they pressed
are looked at again when the run begins; who has lost the right meanwhile no longer counts.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from bot import policy
from bot.errors import BotError
from bot.plan import Plan
from bot.policy import Action, Actor, Case, Decision, Policy, Quorum, Subject
from bot.ports import Audit, People, Verdict
from bot.record import Place, Record


class Holds(NamedTuple):
    """What is left of an approval when it is looked at again."""

    quorum: Quorum
    lost: tuple[Actor, ...] = ()
    """Approvers who may no longer confirm this plan."""
    requester: str = ""
    """Why whoever asked, or changed the plan, may no longer; empty when they may."""
    why: str = ""
    """Why the first of `lost` may no longer."""

    @property
    def told(self) -> str:
        """Why it may not run, in words."""
        if self.requester:
            return f"Whoever asked for this move may no longer do so. They would be told now: “{self.requester}”"
        if self.lost:
            return f"A Confirm no longer counts. Whoever gave it would be told now: “{self.why}”"
        return "More Confirms are needed by now."

    def enough(self, current: Record) -> bool:
        """Whether the plan may run."""
        left = {given.actor.id for given in current.approvers} - {actor.id for actor in self.lost}
        return not self.requester and len(left) >= self.quorum.needed


class InForce(Protocol):
    """Where the rules of this moment are; they may change while the bot runs."""

    @property
    def current(self) -> Policy:
        """All rules."""
        ...


class Authority:
    """The policy in force, over fresh people."""

    def __init__(self, rules: InForce, people: People, audit: Audit) -> None:
        self._rules = rules
        self._people = people
        self._audit = audit

    @property
    def _policy(self) -> Policy:
        return self._rules.current

    def authorize(
        self, actor: Actor, action: Action, plan: Plan | None = None, place: Place | None = None, about: str = ""
    ) -> Decision:
        """The policy's yes, or its refusal as an error. Without a plan: whether there is anything they may do."""
        return self._ruled(actor, action, case(plan, place) if plan and place else None, about)

    def authorize_unpin(self, actor: Actor, subject: Subject, place: Place) -> Decision:
        """The same for a pin that may have outlived its plan."""
        return self._ruled(actor, Action.UNPIN, Case(subjects=(subject,), channel=place.channel))

    def _ruled(self, actor: Actor, action: Action, judged: Case | None, about: str = "") -> Decision:
        decision = self._policy.decide(actor, action, judged)
        if not decision.allowed:
            refusal = BotError("not-allowed", decision.reason, decision.remedy)
            self.refused(actor, action, decision.rule, refusal, about)
            raise refusal
        return decision

    def refused(self, actor: Actor, action: Action, rule: str, refusal: BotError, about: str) -> None:
        """Put on record what a rule has kept somebody from; `about` is the plan's id."""
        no = Decision(allowed=False, rule=rule, reason=refusal.what, remedy=refusal.remedy)
        self._audit.write(Verdict(actor, action, no, about))

    def may(self, actor: Actor, action: Action, record: Record) -> bool:
        """Whether they may do it to this plan. Nothing is done by asking, so it is not audited."""
        return self._policy.decide(actor, action, case(record.plan, record.place)).allowed

    def check_insider(self, actor: Actor) -> None:
        """Refuse whoever is of another organisation or not in the channel. Looking needs no rule and no audit."""
        if refused := policy.outsider(actor, "look"):
            raise BotError("not-allowed", refused.reason, refused.remedy)

    def allowed(self, actor: Actor) -> frozenset[Action]:
        """What any rule lets this person do here. Nothing is done by that, so it is not audited."""
        return frozenset(action for action in Action if self._policy.decide(actor, action).allowed)

    def done(self, actor: Actor, action: Action, decision: Decision, what: str, record: Record | str) -> None:
        """Put on record what somebody was allowed, and what came of it in the word of the plan's log. Of a plan that is
        not known any more there is only the id."""
        if isinstance(record, str):
            self._audit.write(Verdict(actor, action, decision, record, done=what))
            return
        fingerprint, incident = record.plan.fingerprint, record.incident.id if record.incident else ""
        about = (record.id, record.revision, fingerprint, record.state, incident)
        self._audit.write(Verdict(actor, action, decision, *about, done=what))

    async def quorum(self, plan: Plan, place: Place, asking: Iterable[Actor] = ()) -> Quorum:
        """What the plan needs, with the ids of the groups that are to approve it, and how many people could: `asking`
        are those whose own press may not count."""
        quorum = self._policy.quorum(case(plan, place))
        ids = await self._group_ids(quorum)
        own = frozenset() if quorum.own_counts else frozenset(actor.user for actor in asking)
        return quorum.model_copy(update={"groups": ids, "able": await self._able(quorum, own)})

    async def incident_quorum(self, plan: Plan, place: Place) -> Quorum:
        """What the plan needs in an incident."""
        quorum = self._policy.incident_quorum(case(plan, place))
        return quorum.model_copy(update={"groups": await self._group_ids(quorum)})

    async def _group_ids(self, quorum: Quorum) -> dict[str, str]:
        named = {who for each in quorum.who for who in each if policy.is_group(who)}
        return {who: found for who in sorted(named) if (found := await self._people.group_id(who))}

    async def _able(self, quorum: Quorum, not_them: frozenset[str]) -> int | None:
        """An approver is among the people of every rule; of rules that let in a whole channel nothing is counted."""
        members = self._people.group_members
        known = [found for who in quorum.who if (found := await policy.everybody(who, members)) is not None]
        return len(frozenset.intersection(*known) - not_them) if known else None

    async def quorum_now(self, plan: Plan, current: Record) -> Quorum:
        """What an existing plan needs by the rules of this moment."""
        if current.incident:
            return await self.incident_quorum(plan, current.place)
        return await self.quorum(plan, current.place, asking(current))

    async def again(self, current: Record, planned: Plan) -> Holds:
        """Look at the requester and the counted approvers once more. Raises BotError when Slack does not answer."""
        quorum = await self.quorum_now(planned, current)
        judged = case(planned, current.place)
        for actor, action in _askers(current):
            if reason := await self._lost(current, actor, action, judged):
                return Holds(quorum, requester=reason)
        lost, why = [], ""
        for given in current.approvers:
            reason = await self._lost(current, given.actor, confirming(current), judged)
            if not reason and not quorum.own_counts and given.actor.id in current.askers:
                reason = "By the rules of now your own press does not count."
            if reason:
                lost.append(given.actor)
                why = why or reason
        return Holds(quorum, tuple(lost), why=why)

    async def _lost(self, current: Record, actor: Actor, action: Action, judged: Case) -> str:
        """Why this person may no longer; empty when they may."""
        try:
            fresh = await self._people.again(actor, judged.channel)
        except BotError as refused:
            if refused.code == UNSURE:
                raise
            return refused.what
        decision = self._policy.decide(fresh, action, judged)
        if decision.allowed:
            return ""
        self._audit.write(Verdict(fresh, action, decision, current.id, current.revision, current.plan.fingerprint))
        return decision.reason


UNSURE = "slack-unsure"
"""Code of the refusal when Slack does not say who somebody is: it may do so a moment later."""


def case(plan: Plan, place: Place) -> Case:
    """A plan as rules look at it."""
    subjects = tuple(
        Subject(
            namespace=move.namespace,
            labels=move.labels,
            type=move.type,
            target=move.target.name if move.target else "",
        )
        for move in plan.moves
    )
    return Case(subjects=subjects, channel=place.channel)


def asking(current: Record) -> tuple[Actor, ...]:
    """Whose wish a plan is."""
    return tuple(actor for actor, _ in _askers(current))


def confirming(current: Record) -> Action:
    """What somebody does who presses Confirm on this plan."""
    return Action.INCIDENT if current.incident else Action.CONFIRM


def _askers(current: Record) -> list[tuple[Actor, Action]]:
    changed = [(current.changed_by, Action.MODIFY)] if current.changed_by else []
    declared = [(current.incident.by, Action.INCIDENT)] if current.incident else []
    if current.incident and current.incident.by.id == current.requester.id:
        return [*declared, *changed]
    return [(current.requester, Action.REQUEST), *declared, *changed]
