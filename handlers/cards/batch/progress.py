"""How far a batch is: one message that is edited in place, with a row for each VM, and a line in the thread for each
that is done."""

from collections.abc import Mapping
from itertools import chain

from bot import describe, turns
from bot.migration import MoveState, PlanState
from bot.plan import Move
from bot.progress import moving
from bot.record import Record, Run
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import Block, escape
from handlers.cards import calling_off, cold, live
from handlers.cards.batch import table
from handlers.cards.card import Card
from handlers.fitting import LIST_SIZE, paragraphs, size, within
from handlers.ids import ActionId, Slot
from handlers.values import PlanRef

SIGNS: Mapping[MoveState, str] = {
    MoveState.WAITING: "▫️",
    MoveState.RUNNING: "🔄",
    MoveState.ASKING: "❓",
    MoveState.UNKNOWN: "⏳",
    MoveState.SUCCEEDED: "✅",
    MoveState.FAILED: "❌",
    MoveState.CANCELED: "🛑",
    MoveState.SKIPPED: "⏭️",
    MoveState.DROPPED: "➖",
}
_STATUS = {MoveType.LIVE: live.status, MoveType.COLD: cold.status}
_MOST_ROWS = 60
"""Rows in the message; beyond, what is done is one row together."""
_UNDER_WAY = 5_500
"""Characters of the message for what is under way, see `handlers.fitting`."""
_DONE = (MoveState.SUCCEEDED, MoveState.FAILED, MoveState.CANCELED)


def batch_progress_card(record: Record) -> Card:
    """All of it. What is under way comes first, each with its Cancel, as far as there is room: of many at once those
    that began last are rows until one before them ends."""
    status, under_way = _headline(record), turns.under_way(record)
    going = within(_UNDER_WAY, (_under_way(record, index) for index in under_way))
    more = len(under_way) - len(going)
    going += [[blocks.context(f"{more} more are under way; their Cancel comes up here as others end.")]] if more else []
    rows = _rows(record, LIST_SIZE - size(going))
    return Card(status, (blocks.section(status), *chain(*going), *paragraphs(rows), *_ways(record)))


def _headline(record: Record) -> str:
    text = describe.batch.tally(record.runs)
    match record.state:
        case PlanState.PAUSED:
            going = turns.under_way(record)
            return f"⏸️ *Paused:* {text}" + (" What is under way goes on to its end." if going else "")
        case PlanState.APPROVED | PlanState.RUNNING:
            return f"🔄 *Running:* {text}"
        case _:
            return f"🏁 *Ended:* {text} The report is below."


def _under_way(record: Record, index: int) -> list[Block]:
    move, run = moving(record, index), record.runs[index]
    since = run.cluster_away_since
    away = f"\n⚠️ The cluster has not answered since {blocks.date(since, '{time_secs}')}." if since else ""
    text = f"{_status(move, run)}{away}"
    ways = calling_off.buttons(record, index)
    return [blocks.section(text, ways[0] if ways else None), *calling_off.notes(run)]


def _status(move: Move, run: Run) -> str:
    if canceling := calling_off.status(move, run):
        return canceling
    if run.state is MoveState.RUNNING:
        return _STATUS[move.type](move, run)
    return f"{SIGNS[run.state]} *{table.name(move.vm)}*: {escape(describe.batch.outcome(move, run))}."


def _rows(record: Record, room: int) -> list[str]:
    rows = [_row(record, index) for index in range(len(record.runs))]
    if len(rows) <= _MOST_ROWS and size(rows) <= room:
        return rows
    rest = [row for row, run in zip(rows, record.runs, strict=True) if run.state is not MoveState.SUCCEEDED]
    shown = within(room, rest[:_MOST_ROWS])
    more = len(rest) - len(shown)
    return [f"✅ {len(rows) - len(rest)} have moved", *shown, *([f"… and {more} more"] if more else [])]


def _row(record: Record, index: int) -> str:
    move, run = moving(record, index), record.runs[index]
    to = f" → {table.name(move.target.name)}" if move.target and run.state is MoveState.WAITING else ""
    return f"{SIGNS[run.state]} *{table.vm(move, record.plan)}*{to} · {escape(describe.batch.outcome(move, run), 120)}"


def _ways(record: Record) -> list[Block]:
    if record.state is not PlanState.RUNNING or not turns.waiting(record):
        return []
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    waiting = len(turns.waiting(record))
    stays = "1 VM that has not begun stays" if waiting == 1 else f"{waiting} VMs that have not begun stay"
    question = blocks.dialog(
        "Stop the batch?",
        f"{stays} where {'it is' if waiting == 1 else 'they are'}. What is under way goes on to its end.",
        "Stop it",
        "Go on",
    )
    pause = blocks.button("Pause", ActionId.PAUSE, value)
    return [blocks.actions(pause, blocks.button("Stop", ActionId.STOP, value, confirm=question))]


def done_cards(record: Record) -> dict[str, Card]:
    """A line for each VM that is done."""
    return {
        f"{Slot.DONE}_{index}": _line(record, index)
        for index, run in enumerate(record.runs)
        if run.state in _DONE or (run.state is MoveState.SKIPPED)
    }


def _line(record: Record, index: int) -> Card:
    move, run = moving(record, index), record.runs[index]
    text = f"{SIGNS[run.state]} *{table.vm(move, record.plan)}*: {escape(describe.batch.outcome(move, run))}"
    return Card(text, (blocks.section(text),))
