"""What `vm-migrate-bot check` says about a rule: what it is for, who could approve by it, and whether that can work."""

from collections.abc import Iterable

from bot.policy import Action, Confirm, Match, Members, Rule, everybody

MANY = 50
"""People whom one card would notify, from which on there is a warning."""
SHOWN = 5
"""People who are named; the others are counted."""

NO_FILE = (
    "no file: members of a channel may do everything there, one Confirm is enough. Whoever can invite the bot to a "
    "channel of their own can move VMs alone; docs/policy.md says how to rule that"
)


async def approvable(rule: Rule, members: Members) -> tuple[bool, str]:
    """Whether plans under this rule could ever be approved, and everybody whom it names be found; and words for the
    operator."""
    what = f"for {_matched(rule.match)}: "
    if rule.confirm is None:
        return True, f"{what}denies"
    asked = f"{what}{rule.confirm.count} of {', '.join(rule.confirm.who)} may approve"
    if unread := [group for group in sorted(rule.groups) if await members(group) is None]:
        return False, f"{asked}, but Slack has no group {' or '.join(unread)}, or does not say who is in it"
    people = await everybody(rule.confirm.who, members)
    if people is not None and (why := await _why_none(rule, rule.confirm, people, members)):
        return False, f"{asked}, but this rule has no approver: {why}"
    if nobody := [action for action in _special(rule) if await everybody(rule.who(action), members) == frozenset()]:
        return False, f"{asked}, but nobody may {' or '.join(nobody)}: no one is in {_named(rule, nobody)}"
    return True, asked + (_found(people) if people is not None else "; whoever is in the channel")


def _special(rule: Rule) -> list[Action]:
    """What it says of others than those who ask and confirm. Nobody at all is meant so."""
    return [action for action in (Action.INCIDENT, *rule.allow) if rule.who(action)]


def _named(rule: Rule, actions: Iterable[Action]) -> str:
    return ", ".join(dict.fromkeys(who for action in actions for who in rule.who(action)))


def _found(people: frozenset[str]) -> str:
    warning = f"; warning: a card will notify {len(people)} people" if len(people) > MANY else ""
    named = ", ".join(sorted(people)[:SHOWN]) + (", …" if len(people) > SHOWN else "")
    return f": {len(people)} found ({named}){warning}"


async def _why_none(rule: Rule, confirm: Confirm, people: frozenset[str], members: Members) -> str:
    """Why nobody could approve; empty when somebody can."""
    if len(people) < confirm.count:
        return f"{len(people)} found"
    requesters = await everybody(rule.request, members)
    if confirm.own or requesters is None:
        return ""
    if any(len(people - {requester}) >= confirm.count for requester in requesters):
        return ""
    return f"{len(people)} found, and nobody's own press counts" if requesters else "nobody may even ask"


def _matched(match: Match) -> str:
    """What a rule is for, in the words of the file."""
    given = match.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{key} {_words(value)}" for key, value in given.items()) or "every move"


def _words(value: object) -> str:
    if isinstance(value, dict):
        return " and ".join(f"{key}={each}" for key, each in value.items())
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)
