"""What somebody reads who asks for a VM that is being moved already: that move, instead of a second one."""

from bot.progress import moving
from bot.record import Record
from handlers import blocks
from handlers.blocks import code, date, escape
from handlers.cards import progress
from handlers.cards.card import Card

_SECONDS = "{time_secs}"


def running_card(record: Record, key: str, link: str) -> Card:
    """The move of `namespace/name` as it stands; `link` leads to its card, where Slack has told it."""
    text = f"ℹ️ *{escape(key, 2 * blocks.NAME)} is being moved already*; nothing was planned a second time."
    where = f"\n→ <{link}|Open its card>" if link else "\n→ Its card is in the channel where it was asked for."
    status = [line for index in _of(record, key) for line in progress.status_lines(record, index)]
    since = next((run.started_at for run in record.runs if run.started_at), None)
    begun = [f"since {date(since, _SECONDS)}"] if since else ["confirmed, not begun yet"]
    small = " · ".join((f"plan {code(record.id)}", *begun))
    return Card(text, (blocks.section(f"{text}{where}"), *map(blocks.section, status), blocks.context(small)))


def _of(record: Record, key: str) -> list[int]:
    return [index for index in range(len(record.runs)) if moving(record, index).key == key]
