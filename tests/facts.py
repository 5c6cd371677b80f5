"""Worlds and people for pure tests. The worlds are those of the gallery of cards, so that both show the same."""

from bot.errors import BotError
from bot.policy import Actor
from bot.sandbox.gallery.facts import ASKED, DANA, MEI, NOW, OPS, RAVI, WEB, facts, node, proposed, with_vmi

__all__ = [
    "ASKED",
    "DANA",
    "LENA",
    "MEI",
    "NOW",
    "OPS",
    "OTTO",
    "RAVI",
    "WEB",
    "Acquaintances",
    "facts",
    "node",
    "proposed",
    "with_vmi",
]

OTTO = Actor(user="U0OTTO", team="T0ELSE", own_workspace=False, channel_member=True)
LENA = Actor(user="U0LENA", team="T0HOME", own_workspace=True, channel_member=False)


class Acquaintances:
    """Implements `bot.ports.People`: everybody is who they were, until a test says otherwise."""

    def __init__(self) -> None:
        self.now: dict[str, Actor | BotError] = {}
        """What has become of somebody, by id."""

    async def again(self, actor: Actor, channel: str) -> Actor:
        assert channel
        found = self.now.get(actor.id, actor)
        if isinstance(found, BotError):
            raise found
        return found

    async def group_id(self, who: str) -> str | None:
        return {"@sre": "S0SRE000001"}.get(who, None if who.startswith("@") else who)

    async def group_members(self, who: str) -> frozenset[str] | None:
        return {"@sre": frozenset({"U0RAVI", "U0MEI"})}.get(who)
