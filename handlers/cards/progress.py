"""The progress message: one per plan, in the card's thread, edited in place. And the word when it takes too long.

Moments are shown as Slack dates, so the message needs no clock of its own and changes only when something has happened.
"""

from bot import describe
from bot.migration import MoveState
from bot.plan import Move
from bot.progress import moving
from bot.record import Record, Run
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import Block, code, escape
from handlers.cards import cold, live, parts
from handlers.cards.card import Card

_STATUS = {MoveType.LIVE: live.status, MoveType.COLD: cold.status}
_PROGRESS = {MoveType.LIVE: live.progress, MoveType.COLD: cold.progress}


def progress_card(record: Record) -> Card:
    """How far each move is."""
    status = " ".join(_status(move, run) for move, run in parts.runs(record))
    body = [block for index in range(len(record.runs)) for block in _move(record, index)]
    return Card(status, tuple(body))


def overdue_card(record: Record) -> Card:
    """Says once that the limit has passed. What it says stays true after the move has ended."""
    names = ", ".join(f"*{escape(move.vm, blocks.NAME)}*" for move, run in parts.runs(record))
    text = (
        f"⏳ *Taking longer than allowed:* the move of {names} did not end in time. The cluster still works on it and "
        "I go on watching. There is nothing to do but wait; the report comes here when it ends."
    )
    look = [f"Look yourself: {code(describe.look_closer(move, run), 600)}" for move, run in parts.runs(record)]
    return Card(text, (blocks.section(text), blocks.context("\n".join(look))))


def _move(record: Record, index: int) -> list[Block]:
    move, run = moving(record, index), record.runs[index]
    made = [blocks.section(_status(move, run)), *_PROGRESS[move.type](record, index)]
    if run.cluster_away_since:
        since = blocks.date(run.cluster_away_since, "{time_secs}")
        made.append(
            blocks.section(
                f"⚠️ *Waiting for the cluster* since {since}: its API server does not answer. "
                "The move goes on inside the cluster; I look again every few seconds."
            )
        )
    return made


def _status(move: Move, run: Run) -> str:
    name = escape(move.vm, blocks.NAME)
    match run.state:
        case MoveState.WAITING:
            return f"⏳ *{name}* waits to be moved."
        case MoveState.RUNNING:
            return _STATUS[move.type](move, run)
        case MoveState.ASKING:
            stuck = escape(describe.doubt(move.target_name, run.question.doubt)) if run.question else "it is stuck"
            return f"❓ *Waiting for an answer about {name}:* {stuck}. The question is in this thread."
        case MoveState.UNKNOWN:
            return f"⏳ *Still moving {name}* {parts.route(move)}: not ended in time, the cluster still works on it."
        case MoveState.SUCCEEDED:
            return f"✅ *{name} {escape(describe.moved(move), 2 * blocks.NAME)}.* The report is below."
        case MoveState.FAILED:
            return f"❌ *The move of {name} failed.* The report is below."
