"""The end of a batch: what became of each VM, and the way back for all of them."""

from bot import describe
from bot.migration import MoveState, PlanState
from bot.progress import moving
from bot.record import PinState, Record
from bot.request import BatchRequest
from handlers import blocks
from handlers.blocks import Block, code, escape
from handlers.cards import parts
from handlers.cards.batch import table
from handlers.cards.batch.progress import SIGNS
from handlers.cards.card import Card
from handlers.fitting import pages, paragraphs
from handlers.ids import ActionId, CommandName, Slot
from handlers.values import HomeRef, PlanRef

_ENDED = (PlanState.SUCCEEDED, PlanState.PARTLY_FAILED, PlanState.FAILED, PlanState.STOPPED, PlanState.CANCELED)


def report_cards(record: Record) -> dict[str, Card]:
    """The report, in as many messages as its rows need; the last one has the buttons."""
    if record.state not in _ENDED or not any(run.result or run.skipped for run in record.runs):
        return {}
    rows = pages(_row(record, index) for index in range(len(record.runs)))
    made: dict[str, Card] = {}
    for number, page in enumerate(rows):
        first, last = number == 0, number == len(rows) - 1
        headline = _headline(record) if first else "📋 *The report goes on.*"
        body = [blocks.section(headline), *paragraphs(page), *(_closing(record) if last else [])]
        made[Slot.REPORT.value if first else f"{Slot.REPORT}_{number}"] = Card(headline, tuple(body))
    return made


def _headline(record: Record) -> str:
    word = {
        PlanState.SUCCEEDED: "✅ *Batch done.*",
        PlanState.PARTLY_FAILED: "⚠️ *Batch partly failed.*",
        PlanState.STOPPED: "⏹️ *Batch stopped.*",
        PlanState.CANCELED: "🛑 *Batch canceled.*",
    }.get(record.state, "❌ *Batch failed.*")
    return f"{word} {describe.batch.tally(record.runs)}"


def _row(record: Record, index: int) -> str:
    move, run = moving(record, index), record.runs[index]
    return (
        f"{SIGNS[run.state]} *{table.vm(move, record.plan)}* ({move.type}) · "
        f"{escape(describe.batch.outcome(move, run), 200)}"
    )


def _closing(record: Record) -> list[Block]:
    steps = ["Check that the applications behave and their services answer."]
    if failed := [run for run in record.runs if run.state is MoveState.FAILED]:
        steps.append(f"{len(failed)} failed: the thread has a line for each, with the reason.")
    pinned = _pinned(record)
    if pinned:
        steps.append(f"VMs still pinned to their node: {pinned}. One by one: {code(f'{CommandName.MIGRATE} pins')}")
    buttons = _buttons(record, pinned)
    return [
        blocks.section("*Next steps*\n" + "\n".join(f"• {step}" for step in steps)),
        *([blocks.actions(*buttons)] if buttons else []),
        blocks.context(parts.people(record)),
    ]


def _pinned(record: Record) -> int:
    return sum(run.pin is not None and run.pin.state is not PinState.REMOVED for run in record.runs)


def _buttons(record: Record, pinned: int) -> list[Block]:
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    made = [blocks.button("Remove all pins", ActionId.UNPIN_ALL, value, style="primary")] if pinned else []
    moved = any(
        run.state is MoveState.SUCCEEDED and move.source
        for move, run in zip(record.plan.moves, record.runs, strict=True)
    )
    if not moved:
        return made
    request = record.plan.request
    if isinstance(request, BatchRequest) and request.evacuate:
        node = HomeRef(node=request.evacuate).dump()
        text = f"Bring back to {blocks.clip(request.evacuate, 40)}"
        return [*made, blocks.button(text, ActionId.BRING_BACK, node)]
    return [*made, blocks.button("Move all back", ActionId.BACK, value)]
