"""The progress message: one per plan, in the card's thread, edited in place.

Moments are shown as Slack dates, so the message needs no clock of its own and changes only when something has happened.
"""

from datetime import datetime

from bot import describe
from bot.migration import MoveState
from bot.plan import Move
from bot.progress import moving
from bot.record import Record, Run
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import escape
from handlers.cards import calling_off, cold, live, parts
from handlers.cards.card import Card

_STATUS = {MoveType.LIVE: live.status, MoveType.COLD: cold.status}
_PROGRESS = {MoveType.LIVE: live.progress, MoveType.COLD: cold.progress}


def progress_card(record: Record) -> Card:
    """How far a plan of one move is."""
    move, run = moving(record, 0), record.runs[0]
    status, ways = _status(move, run), calling_off.buttons(record, 0)
    body = [blocks.section(status), *_PROGRESS[move.type](record, 0), *calling_off.notes(run)]
    return Card(status, (*body, *([blocks.actions(*ways)] if ways else [])))


def status_lines(record: Record, index: int) -> list[str]:
    """Where one move stands, in a sentence; none before it has begun."""
    move, run = moving(record, index), record.runs[index]
    return [_status(move, run)] if run.started_at else []


def _unseen(name: str, since: datetime) -> str:
    """In place of where it was seen last, which may not be true any more; that stands below."""
    return (
        f"⚠️ *Waiting for the cluster* since {blocks.date(since, '{time_secs}')}: its API server does not answer, so I "
        f"do not see how far *{name}* is. The move goes on inside the cluster; I look again every few seconds."
    )


def _status(move: Move, run: Run) -> str:
    name = escape(move.vm, blocks.NAME)
    if run.result is None and run.cluster_away_since:
        return _unseen(name, run.cluster_away_since)
    if run.result is None and (canceling := calling_off.status(move, run)):
        return canceling
    return _seen(move, run, name)


def _seen(move: Move, run: Run, name: str) -> str:
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
        case MoveState.CANCELED:
            return f"🛑 *The move of {name} was canceled.* The report is below."
        case MoveState.SKIPPED | MoveState.DROPPED:
            return f"➖ *{name}* was not moved."
