"""Who may do what.

A pure decision over an Actor, never over a Slack payload: whoever stands at the edge (`handlers.identity`) turns a
Slack user into an Actor once and states the two facts that the rule needs. Unknown means no: an Actor whose
membership could not be read is not a member.

The built-in rule: members of the channel, from the bot's own workspace, may ask, change, confirm and cancel. One
approval is enough and the requester's own press counts. People of another workspace in a shared channel may only
look. One thing is narrower: what a report asks about the pin is for whoever asked for the move or approved it, which
only its Record knows (`bot.record.check_concerned`).
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Action(StrEnum):
    """What somebody wants to do to a plan."""

    REQUEST = "request"
    MODIFY = "modify"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    CLEAN_UP = "clean up"
    ANSWER = "answer"
    UNPIN = "remove a pin"


class Actor(BaseModel):
    """A person, as the edge has proved them. Identity is user id plus the person's own team id, never a name."""

    model_config = ConfigDict(frozen=True)

    user: str
    team: str
    own_workspace: bool
    """Belongs to the workspace (or Enterprise organisation) that the bot is installed in."""
    channel_member: bool
    """Is a member of the channel in which this happens."""

    @property
    def id(self) -> str:
        """The same for the same person, different for two."""
        return f"{self.team}/{self.user}"


class Decision(BaseModel):
    """Yes or no, with the rule that said so and the sentence for the person."""

    model_config = ConfigDict(frozen=True)

    allowed: bool
    rule: str
    reason: str = ""
    remedy: str = ""


QUORUM = 1
"""Approvals that the built-in rule asks for."""


def decide(actor: Actor, action: Action) -> Decision:
    """Apply the built-in rule. Explicit refusals come first."""
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
    return Decision(allowed=True, rule="built-in: channel members of the own workspace")
