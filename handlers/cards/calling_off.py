"""Calling off a move that runs: its button as long as it can work, and what is said once somebody has pressed it."""

from bot import calling_off
from bot.plan import Move
from bot.record import Record, Run
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import Block, date, escape, mention
from handlers.cards import parts
from handlers.ids import ActionId

_SECONDS = "{time_secs}"

_SENTENCES = {
    MoveType.LIVE: (
        "KubeVirt is asked to abort the migration. The VM keeps running where it is. If the copy is almost done it may "
        "arrive all the same; the report says which."
    ),
    MoveType.COLD: (
        "The VM gets its old placement back and is started again. A shutdown that has begun is finished first."
    ),
}


def buttons(record: Record, index: int) -> list[Block]:
    """Cancel, where it can still work."""
    if calling_off.why_not(record, index) is not None:
        return []
    move = record.plan.moves[index]
    question = blocks.dialog(
        f"Cancel the move of {blocks.clip(move.vm, 60)}?",
        _SENTENCES[move.type],
        "Cancel the move",
        "Let it go on",
        style="danger",
    )
    value = parts.move_value(record, index)
    return [blocks.button("Cancel", ActionId.CALL_OFF, value, style="danger", confirm=question)]


def status(move: Move, run: Run) -> str | None:
    """What a live move that was called off is doing; None for any other. A cold one is on its way home."""
    if run.called_off is None or move.type is MoveType.COLD:
        return None
    since = date(run.called_off.at, _SECONDS)
    return (
        f"🛑 *Canceling the move of {escape(move.vm, blocks.NAME)}*, as {mention(run.called_off.actor.user)} asked at "
        f"{since}: KubeVirt aborts it where it still can. It may arrive all the same."
    )


def notes(run: Run) -> list[Block]:
    """Why it cannot be called off, where somebody may look for the button."""
    if run.not_called_off:
        return parts.why(run.not_called_off, "⚠️ *Not canceled:*")
    if run.post_copy and run.result is None:
        return [blocks.context("It runs on the target already while its memory follows: too late to cancel safely.")]
    return []


def told(run: Run) -> str:
    """Who called it off, for the report of a move that has ended; empty where nobody did."""
    if run.called_off is None or run.result is None:
        return ""
    who = mention(run.called_off.actor.user)
    if run.result.cause is None:
        return f"{who} had canceled it, which came too late: the guest had arrived."
    return f"{who} had canceled it while it ran."
