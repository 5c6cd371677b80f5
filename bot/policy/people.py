"""What people can do, who they are, and the answer that they get."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Action(StrEnum):
    """What somebody wants to do to a plan."""

    REQUEST = "request"
    MODIFY = "modify"
    CONFIRM = "confirm"
    DENY = "deny"
    CANCEL = "cancel"
    CALL_OFF = "call off"
    """Cancel a move that runs."""
    CLEAN_UP = "clean up"
    ANSWER = "answer"
    INCIDENT = "declare an incident"
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
    zone: str = ""
    """By whose clock they mean a time of day: a name of the tz database, empty where the chat does not tell."""
    groups: tuple[str, ...] = ()
    """Which of the groups that the policy names they are in, each as the policy writes it."""

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
