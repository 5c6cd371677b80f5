"""What is special about a cold move while it runs and when it has ended: its stages, its downtime, and the pin."""

from bot import describe
from bot.describe import Row, Stage, StageState
from bot.migration import MoveState
from bot.plan import Move
from bot.progress import moving
from bot.record import Doubt, Record, Result, Run
from handlers import blocks
from handlers.blocks import Block, date, escape
from handlers.cards import parts, pin, question

_SIGNS = {StageState.DONE: "✅", StageState.NOW: "▶️", StageState.NEXT: "▫️", StageState.FAILED: "❌"}
_SECONDS = "{time_secs}"


def status(move: Move, run: Run) -> str:
    """What it is doing now; on the way home also why."""
    name = escape(move.vm, blocks.NAME)
    now = next((stage.text for stage in describe.stages(move, run) if stage.state is StageState.NOW), "under way")
    if run.homeward:
        return f"↩️ *Bringing {name} back to its old placement:* {escape(now)}. {escape(run.homeward.what)}"
    doing = f"*Placing {name}*" if describe.only_places(move) else f"*Moving {name}* {parts.route(move)}"
    return f"🔄 {doing}: {escape(now)}."


def progress(record: Record, index: int) -> list[Block]:
    """One line for each step with its times, and since when the VM is down."""
    move, run = moving(record, index), record.runs[index]
    made = [blocks.section("\n".join(_lines(move, run)))]
    if run.result is None and (down := _down(run)):
        made.append(blocks.section(down))
    if run.state is MoveState.RUNNING and run.slow_stop and not run.stop_forced:
        made.append(blocks.actions(question.force(record, index, Doubt.STOPPING)))
    return made


def _lines(move: Move, run: Run) -> list[str]:
    return [_line(stage) for stage in describe.stages(move, run)]


def _line(stage: Stage) -> str:
    text = escape(stage.text[:1].upper() + stage.text[1:], blocks.NAME)
    words = f"*{text}*" if stage.state is StageState.NOW else text
    return f"{_SIGNS[stage.state]} {words}{_times(stage)}"


def _times(stage: Stage) -> str:
    if stage.state is StageState.FAILED:
        return " · not done"
    if stage.took is not None:
        return f" · {describe.duration(stage.took)}"
    if stage.began is None:
        return ""
    began = f" · {'since' if stage.state is StageState.NOW else 'at'} {date(stage.began, _SECONDS)}"
    return began + (f", grace period until {date(stage.until, _SECONDS)}" if stage.until else "")


def _down(run: Run) -> str:
    if run.down_since is None or run.stopped_at is None:
        return ""
    if run.downtime is None:
        return f"🔻 *Down*, counted from the stop at {date(run.stopped_at, _SECONDS)}"
    return f"🔺 *Up again* after {describe.duration(run.downtime)}"


def measured(move: Move, run: Run, result: Result) -> tuple[Row, ...]:
    """What the report adds to the table."""
    return (describe.downtime(run), describe.affinity(move, run))


def trail(move: Move, run: Run) -> list[Block]:
    """The way it took, for the report."""
    return [blocks.section("*Steps*\n" + "\n".join(_lines(move, run)))]


def next_steps(move: Move, run: Run) -> list[str]:
    """What to do after a success, besides looking at the VM."""
    if describe.only_places(move):
        return ["Start the VM when it is wanted; nothing has started it."]
    return ["The VM has restarted: check that its applications behave and its services answer."]


def closing(record: Record, index: int) -> list[Block]:
    """What can be done after a success: first the question about the pin."""
    back = parts.move_back(record, index)
    return [*pin.blocks_of(record, index), *([blocks.actions(*back)] if back else [])]
