"""A plan for later: when it starts, that it is near, and why it was not run. Slack shows every time in the reader's own
time zone."""

from datetime import datetime

from bot.migration import PlanState
from bot.record import Record
from handlers import blocks
from handlers.blocks import Block, escape, mention
from handlers.cards import parts
from handlers.cards.card import Card
from handlers.ids import ActionId
from handlers.values import PlanRef

_DAY = "{date_short_pretty} {time}"


def when(moment: datetime) -> str:
    """A day and a time."""
    return blocks.date(moment, _DAY)


def starts(record: Record) -> list[Block]:
    """When it would start, for a plan that waits for its Confirm."""
    if record.schedule is None:
        return []
    schedule = record.schedule
    late = f", not after {when(schedule.latest)}"
    check = "All is proved again before; if anything has changed, it is not run and you are told."
    note = f"\n⚠️ *Mind:* {escape(schedule.note)}" if schedule.note else ""
    return [blocks.section(f"🕑 *Starts {when(schedule.start)}*{late}. {check}{note}")]


def from_when(record: Record) -> str:
    """What the first line of a plan that waits for its Confirm adds: it does not begin with the press."""
    return f", starting *{when(record.schedule.start)}*" if record.schedule else ""


def waiting(record: Record, names: str) -> str:
    """The status of a plan that is confirmed and waits for its time."""
    assert record.schedule is not None
    return f"🕑 *Scheduled.* The move of {names} starts {when(record.schedule.start)}. Nothing was touched yet."


def is_missed(record: Record) -> bool:
    """Whether it was not run at its time, and there is a reason to tell."""
    return record.state is PlanState.LAPSED and record.schedule is not None and bool(record.note)


def missed(record: Record) -> str:
    """Why it was not run at its time."""
    return f"{escape(record.note)} Nothing was touched."


def expiry(record: Record) -> str:
    """Until when it waits for its Confirm."""
    return f"expires at {when(record.expires_at) if record.schedule else blocks.date(record.expires_at)}"


def in_the_dialog(record: Record) -> str:
    """What the dialog behind Confirm adds, in which Slack shows no times."""
    return " Not now: at the time that the card says." if record.schedule else ""


def verdict(record: Record) -> str:
    """What whoever asked is told when it is confirmed."""
    waits = record.state is PlanState.SCHEDULED and record.schedule
    return f" It starts {when(waits.start)}." if waits else ""


def is_near(record: Record) -> bool:
    """Whether people are to be told that it is about to start."""
    waits = record.state is PlanState.SCHEDULED
    return waits and record.schedule is not None and record.schedule.checked_at is not None


def near_card(record: Record) -> Card:
    """In the thread, shortly before: the last quiet moment to cancel."""
    assert record.schedule is not None
    assert record.schedule.checked_at is not None
    proved = blocks.date(record.schedule.checked_at)
    starts = f"⏳ *Starts at {blocks.date(record.schedule.start)}:* {parts.subject(record)}."
    text = f"{starts} Proved again at {proved}. {mention(record.requester.user)} asked for it."
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    cancel = blocks.button("Cancel", ActionId.CANCEL, value)
    return Card(text, (blocks.section(text), blocks.actions(cancel)))


def past_card(record: Record) -> Card:
    """What becomes of that word, once it is no longer true."""
    text = f"⏳ {_became(record)}"
    return Card(text, (blocks.context(text),))


def _became(record: Record) -> str:
    match record.state:
        case PlanState.CANCELED if not any(run.started_at for run in record.runs):
            return "It was canceled before its time."
        case PlanState.DENIED:
            return "It was denied before its time."
        case PlanState.LAPSED:
            return "It was not run; the card says why."
        case _:
            return "Its time has come."
