"""What `vm-migrate-bot check` says about a rule: what it is for, who could approve by it, and whether that can work."""

from collections.abc import Awaitable, Callable

from bot.policy import CHANNEL, Confirm, Match, Rule, is_group

MANY = 50
"""People whom one card would notify, from which on there is a warning."""
SHOWN = 5
"""People who are named; the others are counted."""

NO_FILE = (
    "no file: members of a channel may do everything there, one Confirm is enough. Whoever can invite the bot to a "
    "channel of their own can move VMs alone; docs/policy.md says how to rule that"
)

Members = Callable[[str], Awaitable[frozenset[str] | None]]
"""User ids of a group; None where Slack does not say, or has no such group."""


async def approvable(rule: Rule, members: Members) -> tuple[bool, str]:
    """Whether plans under this rule could ever be approved, and words for the operator."""
    what = f"for {_matched(rule.match)}: "
    if rule.confirm is None:
        return True, f"{what}denies"
    asked = f"{what}{rule.confirm.count} of {', '.join(rule.confirm.who)} may approve"
    people, unread = await _everybody(rule.confirm.who, members)
    if unread:
        return False, f"{asked}, but Slack has no group {' or '.join(unread)}, or does not say who is in it"
    if people is None:
        return True, f"{asked}; whoever is in the channel"
    if why := await _why_none(rule, rule.confirm, people, members):
        return False, f"{asked}, but this rule has no approver: {why}"
    warning = f"; warning: a card will notify {len(people)} people" if len(people) > MANY else ""
    named = ", ".join(sorted(people)[:SHOWN]) + (", …" if len(people) > SHOWN else "")
    return True, f"{asked}: {len(people)} found ({named}){warning}"


async def _everybody(who: tuple[str, ...], members: Members) -> tuple[frozenset[str] | None, list[str]]:
    """All of them (None: whoever is in the channel), and the groups that cannot be read."""
    found = {each: await members(each) if is_group(each) else frozenset({each}) for each in who if each != CHANNEL}
    unread = [each for each, people in found.items() if people is None]
    if CHANNEL in who:
        return None, unread
    return frozenset[str]().union(*(people or () for people in found.values())), unread


async def _why_none(rule: Rule, confirm: Confirm, people: frozenset[str], members: Members) -> str:
    """Why nobody could approve; empty when somebody can."""
    if len(people) < confirm.count:
        return f"{len(people)} found"
    requesters, unread = await _everybody(rule.request, members)
    if confirm.own or requesters is None or unread:
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
