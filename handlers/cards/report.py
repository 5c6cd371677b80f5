"""The final report, in the card's thread. It names the people, so that Slack tells them.

Success: where the VM is, what was measured, what to do next. Failure: first where the VM is and whether it runs, then
the cause, the cluster's own words and what would work.
"""

from bot import describe
from bot.describe import Row
from bot.diagnosis import Cause
from bot.migration import MoveState
from bot.plan import Move
from bot.progress import moving
from bot.record import PinState, Record, Result, Run
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import Block, code, escape
from handlers.cards import calling_off, cold, live, parts, ways
from handlers.cards.card import Card

_MEASURED = {MoveType.LIVE: live.measured, MoveType.COLD: cold.measured}
_TRAIL = {MoveType.LIVE: live.trail, MoveType.COLD: cold.trail}
_NEXT_STEPS = {MoveType.LIVE: live.next_steps, MoveType.COLD: cold.next_steps}
_CLOSING = {MoveType.LIVE: live.closing, MoveType.COLD: cold.closing}


def report_card(record: Record) -> Card:
    """How a plan of one move that ran has ended."""
    move, run = moving(record, 0), record.runs[0]
    assert run.result is not None, "a report is of a move that has ended"
    line = f"{_WORDS[run.state]} {escape(describe.whereabouts(move, run.result))}."
    told = blocks.section(" ".join(filter(None, (line, calling_off.told(run)))))
    body = [told, *_ending(record, move, run, run.result), blocks.context(parts.people(record))]
    return Card(f"{line}{_why_or_what_now(run, run.result)}", tuple(body))


def _why_or_what_now(run: Run, result: Result) -> str:
    """What a lock screen adds to the first line; in the report it stands below."""
    if result.cause and run.state is MoveState.FAILED:
        return f" {escape(result.cause.what)}"
    asked = run.pin is not None and run.pin.state is PinState.ASKED
    return " What becomes of its node affinity?" if asked else ""


_WORDS = {
    MoveState.SUCCEEDED: "✅ *Move succeeded.*",
    MoveState.FAILED: "❌ *Move failed.*",
    MoveState.CANCELED: "🛑 *Move canceled.*",
}


def _ending(record: Record, move: Move, run: Run, result: Result) -> list[Block]:
    if run.state is MoveState.CANCELED:
        return _canceled(record, move, run)
    return _failure(record, move, run, result.cause) if result.cause else _success(record, move, run, result)


def _canceled(record: Record, move: Move, run: Run) -> list[Block]:
    """It is where it was and runs: nothing is left to do but perhaps to plan again."""
    return [
        parts.table((*describe.summary(move), *_after_failure(move, run))),
        *_TRAIL[move.type](move, run),
        blocks.actions(parts.again(record)),
    ]


def _success(record: Record, move: Move, run: Run, result: Result) -> list[Block]:
    return [
        parts.table(_summary(move, run, result)),
        *_TRAIL[move.type](move, run),
        blocks.section(_next_steps(move, run)),
        *_CLOSING[move.type](record, 0),
    ]


def _summary(move: Move, run: Run, result: Result) -> tuple[Row, ...]:
    """Ten rows at most: a table takes no more."""
    return (
        *describe.summary(move),
        *_MEASURED[move.type](move, run, result),
        Row("Running on", result.node or "none", "read from the VMI" if result.node else "it does not run"),
        Row("Phase", "Running" if result.running else "not Running", "read from the VMI" if result.node else ""),
        Row("Ready", str(result.ready), "read from the VMI" if result.node else ""),
    )


def _next_steps(move: Move, run: Run) -> str:
    steps = [*_NEXT_STEPS[move.type](move, run), f"Look at the VM: {code(describe.look(move), 600)}"]
    return "*Next steps*\n" + "\n".join(f"• {step}" for step in steps)


def _failure(record: Record, move: Move, run: Run, cause: Cause) -> list[Block]:
    rescue = describe.rescue(move, run)
    steps = [
        *([f"*{escape(rescue)}*"] if rescue else []),
        escape(cause.remedy),
        f"Where is the VM: {code(describe.look(move), 600)}",
        f"What does the cluster say: {code(describe.look_closer(move, run), 600)}",
        *([f"Runbook: _{title}_"] if (title := ways.named(cause)) else []),
    ]
    return [
        blocks.section(f"*Why:* {escape(cause.what)}"),
        *([blocks.raw(cause.evidence)] if cause.evidence else []),
        blocks.section("*What to do*\n" + "\n".join(f"• {step}" for step in steps)),
        parts.table((*describe.summary(move), *_after_failure(move, run))),
        blocks.actions(*ways.buttons(record, 0, cause), *parts.move_back(record, 0)),
    ]


def _after_failure(move: Move, run: Run) -> tuple[Row, ...]:
    """A live move that failed was not measured; of a cold one people want to know what it cost."""
    return cold.measured(move, run, run.result) if move.type is MoveType.COLD and run.result else describe.freed(run)
