"""The final report, in the card's thread. It names the people, so that Slack tells them.

Success: where the VM is, how long it took, what to do next. Failure: first where the VM is and whether it runs, then
the cause, the cluster's own words and what would work.
"""

from bot import describe
from bot.describe import Row
from bot.plan import Move
from bot.record import Record, Result, Run
from handlers import blocks
from handlers.blocks import Block, code, escape
from handlers.cards import parts
from handlers.cards.card import Card
from handlers.ids import ActionId, CommandName
from handlers.values import MoveRef


def report_card(record: Record) -> Card:
    """How a plan that ran has ended."""
    lines, body = [], []
    for index, (move, run) in enumerate(parts.runs(record)):
        if run.result is None:
            continue
        succeeded = run.result.cause is None
        line = _success_line(move, run.result) if succeeded else _failure_line(move, run.result)
        lines.append(line)
        body += [blocks.section(line)]
        body += _success(record, index) if succeeded else _failure(record, index)
    return Card(" ".join(lines), (*body, blocks.context(parts.people(record))))


def _success_line(move: Move, result: Result) -> str:
    return f"✅ *Move succeeded.* {escape(describe.whereabouts(move, result))}."


def _success(record: Record, index: int) -> list[Block]:
    move, run = record.plan.moves[index], record.runs[index]
    assert run.result is not None, "a move that ended has a result"
    return [
        parts.table(_summary(move, run.result)),
        *_phases(run),
        blocks.section(_next_steps(move, run)),
        _cleanup(record, index),
    ]


def _summary(move: Move, result: Result) -> tuple[Row, ...]:
    return (
        *describe.summary(move),
        Row("Duration", describe.took(result), "by the cluster's clock"),
        Row("Running on", result.node, "read from the VMI"),
        Row("Phase", "Running" if result.running else "not Running", "read from the VMI"),
        Row("Ready", str(result.ready), "read from the VMI"),
    )


def _phases(run: Run) -> list[Block]:
    timed = [reached for reached in describe.phase_times(run) if reached.took is not None]
    told = " → ".join(f"{escape(reached.name)} {describe.duration(reached.took)}" for reached in timed if reached.took)
    return [blocks.context(f"Phases: {told}")] if told else []


def _next_steps(move: Move, run: Run) -> str:
    steps = [
        "Check that the application behaves.",
        f"Look at the VM: {code(describe.look(move), 600)}",
        f"Move it back: {code(f'{CommandName.MIGRATE} {describe.back(move)}', 600)}",
    ]
    if run.intent and not run.cleaned:
        steps.append(f"The finished migration {code(run.intent.name)} stays as a record until somebody deletes it.")
    return "*Next steps*\n" + "\n".join(f"• {step}" for step in steps)


def _cleanup(record: Record, index: int) -> Block:
    run = record.runs[index]
    name = run.intent.name if run.intent else "the migration"
    if run.cleaned:
        return blocks.context(f"🧹 The finished migration {code(name)} was deleted.")
    value = MoveRef(plan=record.id, revision=record.revision, move=index).dump()
    question = blocks.dialog(
        "Delete the migration object?",
        f"{blocks.clip(name, 100)} is a record of this move. Deleting it does nothing to the VM.",
        "Delete it",
        "Keep it",
    )
    return blocks.actions(blocks.button("Delete migration", ActionId.CLEAN_UP, value, confirm=question))


def _failure_line(move: Move, result: Result) -> str:
    return f"❌ *Move failed.* {escape(describe.whereabouts(move, result))}."


def _failure(record: Record, index: int) -> list[Block]:
    move, run = record.plan.moves[index], record.runs[index]
    cause = run.result.cause if run.result else None
    assert cause is not None, "a move that failed has a cause"
    steps = [
        escape(cause.remedy),
        f"Where is the VM: {code(describe.look(move), 600)}",
        f"What does the cluster say: {code(describe.look_closer(move, run), 600)}",
    ]
    return [
        blocks.section(f"*Why:* {escape(cause.what)}"),
        *([blocks.raw(cause.evidence)] if cause.evidence else []),
        blocks.section("*What to do*\n" + "\n".join(f"• {step}" for step in steps)),
        parts.table(describe.summary(move)),
        blocks.actions(parts.again(record)),
    ]
