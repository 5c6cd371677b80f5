"""Judging by rules: may this person do that, and what does a plan need before it runs?

A move is judged by the first rule that matches it, but a matching rule that denies wins wherever it stands; a move that
no rule matches is denied. A plan of several moves asks for each of them alone: a person may do to the plan only what
every rule lets them do, and of the quorums the strictest holds. Before any rule: people of another organisation and
people who are not in the channel may do nothing.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import timedelta

from pydantic import Field, model_validator

from bot.policy.people import Action, Actor, Decision
from bot.policy.rules import CHANNEL, Case, Confirm, Frozen, Match, Rule, Subject, is_group


class Quorum(Frozen):
    """What a plan needs before it runs, as its Record keeps it for the cards."""

    needed: int = 1
    own_counts: bool = True
    who: tuple[tuple[str, ...], ...] = ((CHANNEL,),)
    """One group of people for each rule that a move met: an approver is in all of them."""
    rule: str = ""
    valid_for: timedelta | None = None
    """How long it waits; None: as the settings say."""
    groups: Mapping[str, str] = {}
    """Id of each group by the word for it in `who`, where Slack told."""
    incident: tuple[tuple[str, ...], ...] = ()
    """Who could waive this in an incident, one group of people for each rule; empty: nobody."""
    able: int | None = None
    """How many people could give it, as far as the chat told; None where that cannot be counted."""

    @property
    def hopeless(self) -> bool:
        """Whether it is known that not enough people could ever confirm."""
        return self.able is not None and self.able < self.needed


class Policy(Frozen):
    """All rules."""

    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> "Policy":
        names = [rule.name for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules are named {', '.join(twice)}")
        return self

    @property
    def groups(self) -> frozenset[str]:
        """Every user group that a rule names."""
        return frozenset().union(*(rule.groups for rule in self.rules))

    def decide(self, actor: Actor, action: Action, case: Case | None = None) -> Decision:
        """Judge. Without a case (lists, forms): whether any rule lets this person do it to anything."""
        refused = outsider(actor, action)
        if refused:
            return refused
        if case is None:
            return self._anywhere(actor, action)
        rules = self._rules(case)
        refusal = next((no for rule in rules if (no := _refusal(rule, actor, action, case))), None)
        return refusal or Decision(allowed=True, rule=_names(rule for rule in rules if rule))

    def quorum(self, case: Case) -> Quorum:
        """What a plan needs. Of moves that no rule lets run nothing is said: `decide` refuses them."""
        judging = self._rules(case)
        rules = [rule for rule in judging if rule]
        asked = [rule.confirm for rule in rules if rule.confirm]
        waits = [rule.expires_minutes for rule in rules if rule.expires_minutes]
        waivers = [rule.incident.who for rule in rules if rule.incident]
        return Quorum(
            incident=tuple(dict.fromkeys(waivers)) if len(waivers) == len(judging) else (),
            needed=max((each.count for each in asked), default=1),
            own_counts=all(each.own for each in asked),
            who=tuple(dict.fromkeys(each.who for each in asked)),
            rule=_names(rules),
            valid_for=timedelta(minutes=min(waits)) if waits else None,
        )

    def incident_quorum(self, case: Case) -> Quorum:
        """What a plan needs in an incident: one of those whom its rules name for that, for as long as they say."""
        rules = [rule for rule in self._rules(case) if rule]
        waivers = [rule.incident for rule in rules if rule.incident]
        return Quorum(
            who=tuple(dict.fromkeys(waiver.who for waiver in waivers)),
            rule=_names(rules),
            valid_for=timedelta(minutes=min((waiver.minutes for waiver in waivers), default=0.0)),
        )

    def _rules(self, case: Case) -> list[Rule | None]:
        return [rule for subject in case.subjects for rule in self._rules_for(subject, case)]

    def _rules_for(self, subject: Subject, case: Case) -> Iterator[Rule | None]:
        """The rule for a move, None where there is none. Where the scheduler decides its target all that it could fall
        under, up to the first that takes it wherever it goes."""
        matching = [rule for rule in self.rules if rule.match.takes(subject, case)]
        denying = next((rule for rule in matching if rule.deny is not None), None)
        if denying:
            yield denying
            return
        for rule in matching:
            yield rule
            if subject.target or not rule.match.targets:
                return
        yield None

    def _anywhere(self, actor: Actor, action: Action) -> Decision:
        for rule in self.rules:
            if rule.deny is not None and rule.match == Match():
                return Decision(allowed=False, rule=rule.name, reason=rule.deny, remedy=f"This is rule “{rule.name}”.")
        for rule in self.rules:
            if _is_one(actor, rule.who(action)):
                return Decision(allowed=True, rule=rule.name)
        return Decision(
            allowed=False,
            rule="no rule",
            reason=f"No rule lets you {action}.",
            remedy="Ask somebody of the team that runs these VMs.",
        )


def decide(actor: Actor, action: Action) -> Decision:
    """Judge by the built-in rule."""
    return BUILT_IN.decide(actor, action)


Members = Callable[[str], Awaitable[frozenset[str] | None]]
"""User ids of a group; None where the chat does not say, or has no such group."""


async def everybody(who: Iterable[str], members: Members) -> frozenset[str] | None:
    """User ids of all whom a rule names; None where that cannot be counted: a whole channel, or a group that cannot be
    read."""
    people: set[str] = set()
    for each in who:
        found = await members(each) if is_group(each) else frozenset({each})
        if each == CHANNEL or found is None:
            return None
        people |= found
    return frozenset(people)


def outsider(actor: Actor, action: str) -> Decision | None:
    """The refusal of whoever may do nothing here, not even look, whatever the rules say."""
    if not actor.own_workspace:
        return Decision(
            allowed=False,
            rule="own-workspace",
            reason="You belong to another workspace; only this workspace's people may do this.",
            remedy="Ask somebody of this workspace in the channel.",
        )
    if not actor.channel_member:
        return Decision(
            allowed=False,
            rule="channel-member",
            reason=f"You are not a member of this channel, so you may not {action} here.",
            remedy="Join the channel, or ask somebody in it.",
        )
    return None


def _refusal(rule: Rule | None, actor: Actor, action: Action, case: Case) -> Decision | None:
    if rule is None:
        reason, remedy = "No rule allows this move.", "Whoever keeps the policy file of the bot can add one."
        return Decision(allowed=False, rule="no rule", reason=reason, remedy=remedy)
    if rule.deny is not None:
        may_go = rule.match.targets and not all(subject.target for subject in case.subjects)
        way_on = " Name a node to move to: without one it may go where this rule forbids it." if may_go else ""
        return Decision(allowed=False, rule=rule.name, reason=rule.deny, remedy=f"This is rule “{rule.name}”.{way_on}")
    if rule.channels and case.channel not in rule.channels:
        places = " or ".join(rule.channels)
        reason = f"Rule “{rule.name}” allows this in other channels only."
        return Decision(allowed=False, rule=rule.name, reason=reason, remedy=f"Ask there: {places}")
    if not _is_one(actor, rule.who(action)):
        reason = f"Rule “{rule.name}” lets {words(rule.who(action))} {action} here, and you are not one of them."
        return Decision(allowed=False, rule=rule.name, reason=reason, remedy="Ask one of them.")
    return None


def words(who: Iterable[str]) -> str:
    """People for a sentence; ids stay ids."""
    named = ["members of this channel" if each == CHANNEL else each for each in dict.fromkeys(who)]
    return " or ".join(named) or "nobody"


def _is_one(actor: Actor, who: tuple[str, ...]) -> bool:
    return any((each == CHANNEL and actor.channel_member) or each == actor.user or each in actor.groups for each in who)


def _names(rules: Iterable[Rule]) -> str:
    return ", ".join(dict.fromkeys(rule.name for rule in rules))


BUILT_IN_RULE = "built-in: channel members of the own workspace"

BUILT_IN = Policy(
    rules=(Rule(name=BUILT_IN_RULE, request=(CHANNEL,), confirm=Confirm(who=(CHANNEL,), own=True)),),
)
"""What holds without a policy file: members of the channel, from the bot's own workspace, may do everything; one
approval is enough and the requester's own press counts."""
