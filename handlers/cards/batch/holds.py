"""Why a batch pauses and how it can go on, each time as a message of its own, since an edit notifies nobody."""

from collections.abc import Mapping

from bot import describe, turns
from bot.diagnosis import Cause
from bot.progress import moving
from bot.record import Hold, HoldAnswer, HoldReason, Record
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import Block, date, mention
from handlers.cards import parts
from handlers.cards.batch import table
from handlers.cards.card import Card
from handlers.ids import ActionId, Slot
from handlers.values import HoldRef, PlanRef

_FAILED = (HoldReason.FAILED, HoldReason.CALLED_OFF)
_ABOUT_A_VM = (*_FAILED, HoldReason.UNKNOWN, HoldReason.CHANGED)


def open_card(record: Record) -> dict[str, Card]:
    """The pause that it is in."""
    if (held := turns.current_hold(record)) is None:
        return {}
    number = len(record.holds) - 1
    headline = _headline(record, held)
    body = [
        blocks.section(headline),
        *parts.why(_cause(record, held), "*Why:*", quoted=3),
        blocks.section(_choices(record, held)),
        blocks.actions(*_buttons(record, held, number)),
        blocks.context(parts.people(record)),
    ]
    return {f"{Slot.HOLD}_{number}": Card(headline, tuple(body))}


def settled_cards(record: Record) -> dict[str, Card]:
    """Those that are over, without their buttons."""
    over = record.holds[:-1] if turns.current_hold(record) else record.holds
    return {f"{Slot.HOLD}_{number}": _settled(record, held) for number, held in enumerate(over)}


def _headline(record: Record, held: Hold) -> str:
    waiting = len(turns.waiting(record))
    rest = f"*The batch is paused;* {waiting} {'VM waits' if waiting == 1 else 'VMs wait'}."
    return f"{_said(record, held)} {rest}"


def _said(record: Record, held: Hold) -> str:
    name = table.vm(moving(record, held.index), record.plan) if held.index is not None else ""
    match held.reason:
        case HoldReason.FAILED:
            return f"❌ *{name} was not moved:* the move failed."
        case HoldReason.CALLED_OFF:
            return f"🛑 *{name} was not moved:* somebody canceled its move."
        case HoldReason.UNKNOWN:
            return f"⏳ *{name} has not moved in time.* The cluster still works on it, and I go on watching it."
        case HoldReason.CHANGED:
            return f"🔀 *{name} is no longer as it was approved.* Nothing of it was touched."
        case HoldReason.UNHEALTHY:
            return f"🤒 *{name} has moved, but is not well:* it is not Ready, or its guest agent has not come back."
        case HoldReason.OUTAGE:
            return "🔌 *The bot or the cluster was away for long.*"
        case HoldReason.STAGE:
            return _group(record, held)
        case HoldReason.ASKED:
            return f"⏸️ *Paused by {mention(held.by.user)}.*" if held.by else "⏸️ *Paused.*"


def _group(record: Record, held: Hold) -> str:
    size = record.plan.pace.stage or len(record.runs)
    through, groups = (held.index or 0) // size, -(-len(record.runs) // size)
    return f"🚦 *Group {through} of {groups} is through.* Look at your network and your applications now."


def _cause(record: Record, held: Hold) -> Cause | None:
    if held.cause or held.index is None or held.reason not in _FAILED:
        return held.cause
    result = record.runs[held.index].result
    return result.cause if result else None


def _choices(record: Record, held: Hold) -> str:
    lines = {
        HoldReason.FAILED: ["*Retry*, *Retry as cold*: a plan of its own for this VM, while the batch waits."],
        HoldReason.CALLED_OFF: ["*Retry*, *Retry as cold*: a plan of its own for this VM, while the batch waits."],
        HoldReason.CHANGED: ["*Check again*: it is read once more, and moves if it is as approved."],
    }.get(held.reason, [])
    if held.reason in _ABOUT_A_VM:
        lines.append("*Skip and go on*: the others move, without this one.")
    else:
        lines.append("*Go on*: the next VM moves.")
    lines.append("*Stop*: those that wait stay where they are.")
    by_itself = (
        f"Without an answer it goes on at {date(held.until)}." if held.until else "Nothing moves without a click."
    )
    return "\n".join(f"• {line}" for line in lines) + f"\n{by_itself}"


def _buttons(record: Record, held: Hold, number: int) -> list[Block]:
    value = HoldRef(plan=record.id, revision=record.revision, hold=number).dump()
    made: list[Block] = []
    if held.reason in _FAILED and held.index is not None:
        move = parts.move_value(record, held.index)
        made.append(blocks.button("Retry", ActionId.RETRY, move))
        if record.plan.moves[held.index].type is MoveType.LIVE:
            made.append(blocks.button("Retry as cold", ActionId.RETRY_COLD, move))
    if held.reason is HoldReason.CHANGED:
        made.append(blocks.button("Check again", ActionId.GO_ON, value, style="primary"))
    if held.reason in _ABOUT_A_VM:
        made.append(blocks.button("Skip and go on", ActionId.SKIP, value))
    else:
        made.append(blocks.button("Go on", ActionId.GO_ON, value, style="primary"))
    stop = PlanRef(plan=record.id, revision=record.revision).dump()
    return [*made, blocks.button("Stop", ActionId.STOP, stop)]


_ANSWERS: Mapping[HoldAnswer, str] = {
    HoldAnswer.GO_ON: "It went on",
    HoldAnswer.SKIP: "It went on without it",
    HoldAnswer.STOP: "It was stopped",
}


def _settled(record: Record, held: Hold) -> Card:
    who = f", as {mention(held.answered_by.user)} chose" if held.answered_by else ", since its time was over"
    text = f"⏸️ It paused: {describe.batch.HOLDS[held.reason]}. {_ANSWERS[held.answer or HoldAnswer.GO_ON]}{who}."
    return Card(text, (blocks.section(text),))
