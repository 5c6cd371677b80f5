"""What is special about a live move while it runs and when it has ended: phases of the VMIM, and its clean-up."""

from bot import describe
from bot.describe import PhaseTime, Row
from bot.migration import MoveState
from bot.plan import Move
from bot.record import Record, Result, Run
from handlers import blocks
from handlers.blocks import Block, code, escape
from handlers.cards import parts
from handlers.ids import ActionId


def status(move: Move, run: Run) -> str:
    """What it is doing now."""
    now = describe.phase(run.phases[-1].name if run.phases else "")
    return f"🔄 *Moving {escape(move.vm, blocks.NAME)}* {parts.route(move)}: {now}."


def progress(record: Record, index: int) -> list[Block]:
    """One line for each phase that was reached; one that ended in failure is marked like the failure itself."""
    run = record.runs[index]
    times = describe.phase_times(run)
    lines = [_phase(run, reached, after) for reached, after in zip(times, [*times[1:], None], strict=False)]
    phases = [blocks.section("\n".join(lines))] if lines else []
    return [*phases, *parts.why(run.held_up, "🐢 *Takes long:*", quoted=2)]


def _phase(run: Run, reached: PhaseTime, after: PhaseTime | None) -> str:
    words = f"*{escape(reached.name, blocks.NAME)}* {reached.words}"
    took = "" if reached.took is None else f" · {describe.duration(reached.took)}"
    if "Failed" in (reached.name, after and after.name):
        return f"❌ {words}{took}"
    if after is None and run.state is MoveState.CANCELED:
        return f"🛑 {words} · canceled"
    if after is None and run.state in (MoveState.RUNNING, MoveState.UNKNOWN):
        return f"▶️ {words} · since {blocks.date(run.phases[-1].at, '{time_secs}')}"
    return f"✅ {words}{took}"


def measured(move: Move, run: Run, result: Result) -> tuple[Row, ...]:
    """What the report adds to the table."""
    known = result.started_at and result.ended_at
    took = Row("Duration", describe.took(result), "by the cluster's clock" if known else "")
    return (took, *describe.freed(run))


def trail(move: Move, run: Run) -> list[Block]:
    """The way it took, for the report."""
    timed = [reached for reached in describe.phase_times(run) if reached.took is not None]
    told = " → ".join(f"{escape(reached.name)} {describe.duration(reached.took)}" for reached in timed if reached.took)
    return [blocks.context(f"Phases: {told}")] if told else []


def next_steps(move: Move, run: Run) -> list[str]:
    """What to do after a success, besides looking at the VM."""
    steps = ["Check that the application behaves."]
    if run.intent and not run.cleaned:
        steps.append(f"The finished migration {code(run.intent.name)} stays as a record until somebody deletes it.")
    return steps


def closing(record: Record, index: int) -> list[Block]:
    """What can be done after a success."""
    run = record.runs[index]
    name = run.intent.name if run.intent else "the migration"
    back = parts.move_back(record, index)
    if run.cleaned:
        deleted = blocks.context(f"🧹 The finished migration {code(name)} was deleted.")
        return [*([blocks.actions(*back)] if back else []), deleted]
    question = blocks.dialog(
        "Delete the migration object?",
        f"{blocks.clip(name, 100)} is a record of this move. Deleting it does nothing to the VM.",
        "Delete it",
        "Keep it",
    )
    value = parts.move_value(record, index)
    return [blocks.actions(*back, blocks.button("Delete migration", ActionId.CLEAN_UP, value, confirm=question))]
