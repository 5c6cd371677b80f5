"""Cards: pure functions from a Record to a message.

`wanted` says which messages a plan should have now; the notifier makes it so. Nothing here reads a clock, a store or
Slack.
"""

from collections.abc import Mapping
from typing import Protocol

from bot.record import Record, Run
from handlers.cards import batch, incident, later, overdue, question, reminder, verdict
from handlers.cards.answers import (
    ambiguous_card,
    fault_card,
    help_card,
    namespaces_card,
    pointer_card,
    refusal_card,
)
from handlers.cards.card import Card
from handlers.cards.checked import checks_card
from handlers.cards.edits import edit_cards
from handlers.cards.home import home_card
from handlers.cards.incident import untold_card
from handlers.cards.lists import history_card, inventory_card, status_card
from handlers.cards.pin import pins_card, unpinned_card
from handlers.cards.plan import plan_card
from handlers.cards.progress import progress_card
from handlers.cards.report import report_card
from handlers.cards.running import running_card
from handlers.cards.ways import runbook_card, runbook_slot
from handlers.ids import Slot

__all__ = [
    "Card",
    "ambiguous_card",
    "checks_card",
    "fault_card",
    "help_card",
    "history_card",
    "home_card",
    "inventory_card",
    "namespaces_card",
    "pins_card",
    "plan_card",
    "pointer_card",
    "refusal_card",
    "running_card",
    "settled",
    "status_card",
    "unpinned_card",
    "untold_card",
    "wanted",
]


class _Asked(Protocol):
    """Something that people are asked or told about a move, each time in a message of its own."""

    def slots(self, record: Record, index: int) -> list[str]: ...

    def is_open(self, run: Run) -> bool: ...

    def open_card(self, record: Record, index: int) -> Card: ...

    def settled_card(self, record: Record, index: int, number: int) -> Card: ...


_ASKED: tuple[_Asked, ...] = (overdue, question, reminder)


def wanted(record: Record) -> Mapping[str, Card]:
    """The messages that should stand, in the order in which they are sent. What is no longer wanted stays as it was,
    unless it is `settled`."""
    messages = _before_it_runs(record)
    for index, run in enumerate(record.runs):
        for asked in _ASKED:
            if asked.is_open(run):
                messages[asked.slots(record, index)[-1]] = asked.open_card(record, index)
        if card := runbook_card(record, index):
            messages[runbook_slot(index)] = card
    return messages | incident.afterwards(record)


def _before_it_runs(record: Record) -> dict[str, Card]:
    messages = dict(batch.wanted(record) if record.plan.batch else _alone(record))
    messages |= verdict.wanted(record)
    if later.is_near(record):
        messages[Slot.NEAR] = later.near_card(record)
    return messages | incident.at_once(record)


def _alone(record: Record) -> Mapping[str, Card]:
    """Of a plan of one move."""
    messages: dict[str, Card] = {Slot.CARD: plan_card(record)}
    messages |= edit_cards(record)
    if record.runs[0].started_at:
        messages[Slot.PROGRESS] = progress_card(record)
    if record.runs[0].result:
        messages[Slot.REPORT] = report_card(record)
    return messages


def settled(record: Record) -> Mapping[str, Card]:
    """What becomes of questions that are open no longer, where they were ever asked: they are edited, never posted."""
    messages: dict[str, Card] = dict(batch.settled(record) if record.plan.batch else {})
    messages |= verdict.settled(record) | incident.settled(record)
    if record.schedule and record.schedule.checked_at and not later.is_near(record):
        messages[Slot.NEAR] = later.past_card(record)
    for index, run in enumerate(record.runs):
        for asked in _ASKED:
            told = asked.slots(record, index)
            over = told[:-1] if asked.is_open(run) else told
            messages |= {slot: asked.settled_card(record, index, number) for number, slot in enumerate(over)}
    return messages
