"""The word that a move has not ended in time; each time a message of its own, since an edit notifies nobody.

It says what was last seen and offers two ways on. Afterwards `settled_card` takes its place, so that no button stays
that does nothing.
"""

from bot import describe
from bot.migration import MoveState
from bot.progress import moving
from bot.record import Overdue, Record, Run
from handlers import blocks
from handlers.blocks import code, date, escape, mention
from handlers.cards import calling_off, parts
from handlers.cards.card import Card
from handlers.ids import ActionId, Slot

_SECONDS = "{time_secs}"


def slots(record: Record, index: int) -> list[str]:
    """The messages of all times that a move was overdue, oldest first."""
    return [f"{Slot.OVERDUE}_{index}_{number}" for number in range(len(record.runs[index].overdue))]


def is_open(run: Run) -> bool:
    """Whether people are told so now."""
    return run.state is MoveState.UNKNOWN and bool(run.overdue)


def open_card(record: Record, index: int) -> Card:
    """The limit has passed; the cluster is still at it."""
    move, run = moving(record, index), record.runs[index]
    name = escape(move.vm, blocks.NAME)
    headline = (
        f"⏳ *Taking longer than allowed:* the move of *{name}* did not end in time. The cluster still works on it and "
        "I go on looking; the report comes here when it ends."
    )
    seen = f"*Last seen:* {escape(describe.phase(run.overdue[-1].phase))}{_since(run)}."
    why = f"\n*Why it takes so long:* {escape(run.held_up.what)}" if run.held_up else ""
    watch = blocks.button("Keep watching", ActionId.WATCH_ON, parts.move_value(record, index))
    look = blocks.context(f"Look yourself: {code(describe.look_closer(move, run), 600)}")
    meaning = "• *Keep watching*: I tell you again when the same time has passed once more."
    made = [blocks.section(headline), blocks.section(f"{seen}{why}"), blocks.section(meaning)]
    return Card(headline, (*made, blocks.actions(watch, *calling_off.buttons(record, index)), look))


def settled_card(record: Record, index: int, number: int) -> Card:
    """What stands in its place once it is open no longer."""
    told = record.runs[index].overdue[number]
    text = f"⏳ The move of *{escape(moving(record, index).vm, blocks.NAME)}* did not end in time. {_settled(told)}"
    return Card(text, (blocks.section(text),))


def _settled(told: Overdue) -> str:
    if told.watched_by is None:
        return "It has ended since; this thread says how."
    again = f" I tell you again at {date(told.until, _SECONDS)}, unless it has ended." if told.until else ""
    return f"{mention(told.watched_by.user)} keeps watching.{again}"


def _since(run: Run) -> str:
    return f", since {date(run.phases[-1].at, _SECONDS)}" if run.phases else ""
