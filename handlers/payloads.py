"""What Slack sends, as far as we use it: tolerant of everything else, strict about what we read.

Sources: docs.slack.dev/reference/interaction-payloads, docs.slack.dev/interactivity/implementing-slash-commands. A
payload that is not like this is a BotError, never a crash. Only the ids, which Slack vouches for, are believed.
"""

import hashlib
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import BotError

_USER = r"^[UW][A-Z0-9]+$"
_TEAM = r"^[TE][A-Z0-9]+$"
_CHANNEL = r"^[CGD][A-Z0-9]+$"
_TS = r"^\d+\.\d+$"


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, body: dict[str, Any]) -> Self:
        """Check the parts that we use. Raises BotError `bad-payload`."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise BotError(
                "bad-payload", "Slack sent something that I do not understand.", "Try again; tell the bot's owner."
            ) from error


def named(delivered: str) -> str:
    """A name for what Slack gave an id that is not to be kept; empty where it gave none."""
    return hashlib.sha256(delivered.encode()).hexdigest() if delivered else ""


class SlashCommand(_Payload):
    """`/vm-migrate ...`. Its `team_id` is where it was typed, not whose the person is."""

    user_id: str = Field(pattern=_USER)
    channel_id: str = Field(pattern=_CHANNEL)
    text: str = ""
    trigger_id: str = ""

    @property
    def once(self) -> str:
        """Names this very command, also when Slack delivers it again."""
        return named(self.trigger_id)


class Mention(_Payload):
    """The event of an `app_mention`: a message in which somebody has named the bot."""

    user: str = Field(pattern=_USER)
    user_team: str | None = Field(default=None, pattern=_TEAM)
    """The person's own, where it is another one than the channel's."""
    channel: str = Field(pattern=_CHANNEL)
    ts: str = Field(pattern=_TS)
    thread_ts: str | None = Field(default=None, pattern=_TS)
    text: str = ""

    @property
    def once(self) -> str:
        """Names this very message, also when Slack tells of it again."""
        return named(f"{self.channel}/{self.ts}")


class _User(_Payload):
    """Whoever acts; `team_id` is the person's own, unlike the payload's `team.id`."""

    id: str = Field(pattern=_USER)
    team_id: str | None = Field(default=None, pattern=_TEAM)


class _Container(_Payload):
    channel_id: str = Field(pattern=_CHANNEL)
    message_ts: str = Field(pattern=_TS)
    thread_ts: str | None = None
    is_ephemeral: bool = False


class _Option(_Payload):
    value: str


class _Action(_Payload):
    action_id: str
    value: str = ""
    selected_option: _Option | None = None


class Click(_Payload):
    """A button of a message (`block_actions`)."""

    user: _User
    container: _Container
    actions: tuple[_Action, ...] = Field(min_length=1)
    trigger_id: str = ""

    @property
    def once(self) -> str:
        """Names this very click, also when Slack delivers it again."""
        return named(self.trigger_id)

    @property
    def channel(self) -> str:
        """Where the message is."""
        return self.container.channel_id

    @property
    def value(self) -> str:
        """What the button carries, or the choice that was made."""
        chosen = self.actions[0].selected_option
        return chosen.value if chosen else self.actions[0].value

    @property
    def on_a_card(self) -> bool:
        """Whether the message may be a plan's card: not a reply, and there for all."""
        in_thread = self.container.thread_ts not in (None, self.container.message_ts)
        return not in_thread and not self.container.is_ephemeral


class _Input(_Payload):
    value: str | None = None
    selected_option: _Option | None = None

    @property
    def entered(self) -> str:
        """Text that was typed or the value that was chosen."""
        return (self.selected_option.value if self.selected_option else self.value) or ""


class _State(_Payload):
    values: dict[str, dict[str, _Input]] = Field(default_factory=dict)


class _View(_Payload):
    callback_id: str = ""
    private_metadata: str = ""
    state: _State = _State()


class Submission(_Payload):
    """A submitted modal (`view_submission`)."""

    user: _User
    view: _View
    trigger_id: str = ""

    @property
    def once(self) -> str:
        """Names this very submission, also when Slack delivers it again."""
        return named(self.trigger_id)

    def entered(self, block_id: str) -> str:
        """What stands in the one input of a block; empty when there is none."""
        inputs = self.view.state.values.get(block_id, {})
        return next((field.entered for field in inputs.values()), "")
