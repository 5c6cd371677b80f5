"""People and groups of a rule, as a card names them. A mention notifies when it is posted; edits notify nobody."""

from collections.abc import Iterable, Sequence

from bot import policy
from bot.policy import Quorum
from handlers.blocks import escape, mention, mention_group


def whom(who: Sequence[str], quorum: Quorum) -> str:
    """All of one rule's list, by mention."""
    return " or ".join(_words(who, quorum))


def _words(who: Iterable[str], quorum: Quorum) -> Iterable[str]:
    for each in who:
        if each == policy.CHANNEL:
            yield "this channel's members"
        elif group := quorum.groups.get(each):
            yield mention_group(group)
        else:
            yield escape(each) if policy.is_group(each) else mention(each)
