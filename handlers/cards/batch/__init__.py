"""The messages of a batch: one card, its table in the thread when it is long, one progress message, a line for each VM
that is done, a question for each pause, and the report."""

from collections.abc import Mapping

from bot.record import Record
from handlers.cards.batch import holds, table
from handlers.cards.batch.plan import batch_card
from handlers.cards.batch.progress import batch_progress_card, done_cards
from handlers.cards.batch.report import report_cards
from handlers.cards.card import Card
from handlers.cards.edits import edit_cards
from handlers.ids import Slot

__all__ = ["batch_card", "settled", "wanted"]


def wanted(record: Record) -> Mapping[str, Card]:
    """What stands for all of it; questions about one VM come on top."""
    messages: dict[str, Card] = {Slot.CARD: batch_card(record), **edit_cards(record), **table.cards(record)}
    if any(run.started_at or run.skipped for run in record.runs):
        messages[Slot.PROGRESS] = batch_progress_card(record)
    return messages | done_cards(record) | holds.open_card(record) | report_cards(record)


def settled(record: Record) -> Mapping[str, Card]:
    """What becomes of pauses that are over, and of pages that are no longer needed."""
    return table.settled_cards(record) | holds.settled_cards(record)
