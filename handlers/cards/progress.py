"""The progress message: one per plan, in the card's thread, edited in place. And the word when it takes too long.

Moments are shown as Slack dates, so the message needs no clock of its own and changes only when something has happened.
"""

from bot import describe
from bot.describe import PhaseTime
from bot.migration import MoveState
from bot.plan import Move
from bot.record import Record, Run
from handlers import blocks
from handlers.blocks import Block, code, escape
from handlers.cards import parts
from handlers.cards.card import Card


def progress_card(record: Record) -> Card:
    """How far each move is."""
    status = " ".join(_status(move, run) for move, run in parts.runs(record))
    body = [block for move, run in parts.runs(record) for block in _move(move, run)]
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


def _move(move: Move, run: Run) -> list[Block]:
    made = [blocks.section(_status(move, run))]
    if run.phases:
        made.append(blocks.section("\n".join(_phases(run))))
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
            now = describe.phase(run.phases[-1].name if run.phases else "")
            return f"🔄 *Moving {name}* {parts.route(move)}: {now}."
        case MoveState.UNKNOWN:
            return f"⏳ *Still moving {name}* {parts.route(move)}: not ended in time, the cluster still works on it."
        case MoveState.SUCCEEDED:
            return f"✅ *{name} has moved.* The report is below."
        case MoveState.FAILED:
            return f"❌ *The move of {name} failed.* The report is below."


def _phases(run: Run) -> list[str]:
    """One line for each phase; the one in which a migration failed is marked like the failure itself."""
    times = describe.phase_times(run)
    return [_phase(run, reached, after) for reached, after in zip(times, [*times[1:], None], strict=True)]


def _phase(run: Run, reached: PhaseTime, after: PhaseTime | None) -> str:
    words = f"*{escape(reached.name, blocks.NAME)}* {reached.words}"
    took = "" if reached.took is None else f" · {describe.duration(reached.took)}"
    if "Failed" in (reached.name, after and after.name):
        return f"❌ {words}{took}"
    if after is None and run.state in (MoveState.RUNNING, MoveState.UNKNOWN):
        return f"▶️ {words} · since {blocks.date(run.phases[-1].at, '{time_secs}')}"
    return f"✅ {words}{took}"
