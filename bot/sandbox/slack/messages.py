"""A message, an ephemeral message, and everything either ever looked like.

Slack itself forgets earlier versions; the sandbox keeps each as a `Revision`, so that a test can see that a card
was edited in place and what it said before.
"""

from dataclasses import dataclass, field

from bot.sandbox.slack.blockkit.values import Values, initial_values
from bot.sandbox.slack.wire import Json


@dataclass(frozen=True)
class Revision:
    """One version of a message; `ts` is when it began, in Slack's notation."""

    ts: str
    text: str
    blocks: list[Json]


@dataclass
class Message:
    """A message as the workspace keeps it.

    `sender` holds the wire keys of the author. `visible_to` is set for an ephemeral message and names its only
    reader. `edited_ts` is set only by an edit that shows "(edited)".
    """

    channel: str
    ts: str
    author: str
    sender: Json
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    broadcast: bool = False
    visible_to: str | None = None
    metadata: Json | None = None
    edited_ts: str | None = None
    is_tombstone: bool = False
    revisions: list[Revision] = field(default_factory=list)
    inputs: dict[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.revisions.append(Revision(self.ts, self.text, self.blocks))

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def is_ephemeral(self) -> bool:
        return self.visible_to is not None

    def values_of(self, person_id: str) -> Values:
        """What this person has entered into the message's own elements."""
        return self.inputs.setdefault(person_id, initial_values(self.blocks))

    def rewrite(self, text: str, blocks: list[Json], ts: str) -> None:
        """Put a new version in place.

        docs chat.update: an edit of blocks alone shows no "edited" mark.
        """
        if text != self.text:
            self.edited_ts = ts
        self.text, self.blocks = text, blocks
        self.inputs.clear()
        self.revisions.append(Revision(ts, text, blocks))

    def bury(self, ts: str) -> None:
        """Leave "This message was deleted." where replies hang on."""
        self.rewrite("This message was deleted.", [], ts)
        self.is_tombstone = True

    def body(self, *, with_metadata: bool = False) -> Json:
        """The message as the Web API shows it."""
        body: Json = {"type": "message", **self.sender, "text": self.text, "ts": self.ts}
        optional: Json = {
            "blocks": self.blocks,
            "attachments": self.attachments,
            "thread_ts": self.thread_ts,
            "metadata": self.metadata if with_metadata else None,
            "edited": {"user": self.author, "ts": self.edited_ts} if self.edited_ts else None,
            "subtype": self._subtype,
            "is_ephemeral": self.is_ephemeral or None,
        }
        return body | {key: value for key, value in optional.items() if value}

    @property
    def _subtype(self) -> str | None:
        if self.is_tombstone:
            return "tombstone"
        return "thread_broadcast" if self.broadcast and self.is_reply else None
