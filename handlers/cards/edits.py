"""Who changed a plan, and what: a message in its thread for each Modify, since the card shows only the outcome."""

from bot.plan import Drift
from bot.record import Edit, Record
from handlers import blocks
from handlers.blocks import escape, mention
from handlers.cards.card import Card
from handlers.ids import Slot

_MOST = 6
"""Changes that are told one by one: a batch may have dozens, and its card shows what it is now."""


def edit_cards(record: Record) -> dict[str, Card]:
    """By slot, oldest first."""
    return {f"{Slot.EDIT}_{edit.revision}": _card(edit) for edit in record.edits}


def _card(edit: Edit) -> Card:
    told = "; ".join(map(_told, edit.changes[:_MOST])) or "nothing but the reading of the cluster"
    more = len(edit.changes) - _MOST
    told += f"; and {more} more" if more > 0 else ""
    text = f"✏️ {mention(edit.actor.user)} changed the plan: {told}. What was confirmed before counts no longer."
    return Card(text, (blocks.section(text),))


def _told(change: Drift) -> str:
    return f"{escape(change.what)} ~{escape(change.before, blocks.NAME)}~ → *{escape(change.now, blocks.NAME)}*"
