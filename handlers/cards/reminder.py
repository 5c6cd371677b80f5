"""Whoever chose Later for a pin is asked again, in a new message each time, since Slack notifies nobody of an edit.

Only the newest has buttons.
"""

from bot.progress import moving
from bot.record import Record
from handlers import blocks
from handlers.blocks import code, escape, mention
from handlers.cards import pin
from handlers.cards.card import Card
from handlers.cards.pin import is_reminded as is_open
from handlers.ids import Slot

__all__ = ["is_open", "open_card", "settled_card", "slots"]


def slots(record: Record, index: int) -> list[str]:
    """The messages of the reminders that were given, oldest first."""
    left = record.runs[index].pin
    return [f"{Slot.REMINDER}_{index}_{number}" for number in range(left.reminders if left else 0)]


def open_card(record: Record, index: int) -> Card:
    """Asks again, and tells whoever wanted to be asked."""
    move, left = moving(record, index), record.runs[index].pin
    who = f"{mention(left.by.user)}: " if left and left.by else ""
    text = f"🔔 {who}*{escape(move.vm, blocks.NAME)} is still pinned* to {code(move.target_name)}."
    return Card(text, (blocks.section(text), *pin.question(record, index)))


def settled_card(record: Record, index: int, number: int) -> Card:  # one answer is for all of them
    """What stands in place of a reminder that was answered."""
    left = record.runs[index].pin
    assert left is not None, "who was reminded has left a pin"
    text = pin.decided(moving(record, index), left)
    return Card(text, (blocks.section(text),))
