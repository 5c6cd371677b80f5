"""Cards: pure functions from a Record to a message.

`wanted` says which messages a plan should have now; the notifier makes it so. Nothing here reads a clock, a store or
Slack.
"""

from bot.migration import MoveState, PlanState
from bot.record import Record
from handlers.cards.answers import fault_card, help_card, refusal_card
from handlers.cards.card import Card
from handlers.cards.plan import plan_card
from handlers.cards.progress import overdue_card, progress_card
from handlers.cards.report import report_card
from handlers.ids import Slot

__all__ = ["Card", "fault_card", "help_card", "plan_card", "refusal_card", "wanted"]


def wanted(record: Record) -> dict[Slot, Card]:
    """The messages that should stand, in the order in which they are sent. What is no longer wanted stays as it was."""
    messages = {Slot.CARD: plan_card(record)}
    if any(run.started_at for run in record.runs):
        messages[Slot.PROGRESS] = progress_card(record)
    if any(run.state is MoveState.UNKNOWN for run in record.runs):
        messages[Slot.OVERDUE] = overdue_card(record)
    if record.state in (PlanState.SUCCEEDED, PlanState.FAILED):
        messages[Slot.REPORT] = report_card(record)
    return messages
