"""A message as it is sent: blocks for the eye, and a text that alone tells the story (for notifications)."""

import hashlib
import json
from dataclasses import dataclass

from handlers.blocks import NOTIFICATION, Block, clip_mrkdwn
from handlers.fitting import MESSAGE, Room, fitted


@dataclass(frozen=True)
class Card:
    """`text` is mrkdwn, already escaped; `blocks` carry no block_id: each edit gets its own, see `stamped`. Both are
    held to what Slack takes."""

    text: str
    blocks: tuple[Block, ...]
    room: Room = MESSAGE

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clip_mrkdwn(self.text, NOTIFICATION))
        object.__setattr__(self, "blocks", fitted(self.blocks, self.room))

    @property
    def digest(self) -> str:
        """Equal exactly for cards that look the same."""
        content = json.dumps([self.text, self.blocks], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def stamped(self) -> list[Block]:
        """The blocks with ids that no other version has: clients keep an old block whose id stays the same
        (docs.slack.dev/reference/methods/chat.update)."""
        digest = self.digest
        return [{**block, "block_id": f"{digest}-{number}"} for number, block in enumerate(self.blocks)]
