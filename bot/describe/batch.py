"""The words of a batch: its totals, how it runs, what each VM notices, what became of each."""

from collections.abc import Sequence
from datetime import timedelta

from bot.describe.load import carried
from bot.describe.outcome import took
from bot.describe.outlook import cold_downtime
from bot.describe.words import duration, only_places
from bot.migration import MoveState
from bot.plan import Move, Plan
from bot.record import HoldReason, Run
from bot.request import MoveType

_USUAL = (timedelta(seconds=30), timedelta(seconds=60))
"""A live move of a typical VM, and the downtime of a cold one (the seed's rule of thumb)."""


def notices(move: Move) -> str:
    """What people notice of one move."""
    if move.type is MoveType.LIVE:
        return "<1 s pause"
    return "no downtime, it does not run" if only_places(move) else f"{cold_downtime(move)} downtime"


def counts(plan: Plan) -> str:
    """How many, and in which way."""
    live = sum(move.type is MoveType.LIVE for move in plan.moves)
    cold = len(plan.moves) - live
    parts = [f"{live} live" if live else "", f"{cold} cold" if cold else ""]
    return " + ".join(part for part in parts if part)


def stopping(plan: Plan) -> list[Move]:
    """Those whose VM stops for its move: cold ones, but for VMs that do not run anyway."""
    return [move for move in plan.moves if move.type is MoveType.COLD and not only_places(move)]


def downtime(plan: Plan) -> str:
    """All downtimes together; they do not overlap, since cold moves never run side by side."""
    if not (down := stopping(plan)):
        return "none"
    least, most = _sum(down)
    together = " in total" if len(down) > 1 else ""
    return f"about {duration(least)} to {duration(most)}{together}, {_vms(len(down))}"


def length(plan: Plan) -> str:
    """How long all of it takes, pauses not counted."""
    live = [move for move in plan.moves if move.type is MoveType.LIVE]
    rounds = -(-len(live) // plan.pace.side_by_side)
    least, most = _sum(stopping(plan))
    return f"about {duration(least + _USUAL[0] * rounds)} to {duration(most + _USUAL[1] * rounds)}"


def _sum(moves: list[Move]) -> tuple[timedelta, timedelta]:
    pairs = [(move.estimate.p50, move.estimate.p95) if move.estimate else _USUAL for move in moves]
    return sum((low for low, _ in pairs), timedelta()), sum((high for _, high in pairs), timedelta())


def _vms(count: int) -> str:
    return "1 VM" if count == 1 else f"{count} VMs one after the other"


def pace(plan: Plan) -> str:
    """In which order and in which groups."""
    beside = plan.pace.side_by_side
    order = "One at a time" if beside == 1 else f"Up to {beside} live moves side by side, cold ones alone"
    if not plan.pace.stage:
        return f"{order}, without a pause"
    minutes = plan.pace.pause_minutes
    pause = f"a pause of {minutes:g} min" if minutes else "a pause until somebody lets it go on"
    return f"{order}, in groups of {plan.pace.stage} with {pause} between them"


def tally(runs: Sequence[Run]) -> str:
    """How many have moved and how many have not, in a sentence; those under way are the rest."""
    done = sum(run.state is MoveState.SUCCEEDED for run in runs)
    failed = sum(run.state is MoveState.FAILED for run in runs)
    canceled = sum(run.state is MoveState.CANCELED for run in runs)
    waiting = sum(run.state is MoveState.WAITING for run in runs)
    other = sum(run.state in (MoveState.SKIPPED, MoveState.DROPPED) for run in runs)
    said = [f"{done} of {len(runs)} VMs have moved"]
    said += [f"{failed} failed"] if failed else []
    said += [f"{canceled} canceled"] if canceled else []
    said += [f"{other} not moved"] if other else []
    said += [f"{waiting} {'waits' if waiting == 1 else 'wait'}"] if waiting else []
    return ", ".join(said) + "."


def outcome(move: Move, run: Run) -> str:
    """What became of one VM, in few words."""
    match run.state:
        case MoveState.WAITING:
            return "waits"
        case MoveState.RUNNING:
            return "is moving"
        case MoveState.ASKING:
            return "is stuck: the thread asks how to go on"
        case MoveState.UNKNOWN:
            return "not ended in time, still watched"
        case MoveState.SKIPPED:
            return f"skipped: {run.skipped.what}" if run.skipped else "skipped"
        case MoveState.DROPPED:
            return "not attempted"
        case MoveState.SUCCEEDED | MoveState.FAILED | MoveState.CANCELED:
            return _ended(move, run)


def _ended(move: Move, run: Run) -> str:
    result = run.result
    where = f"on {result.node}" if result and result.node else "place not known"
    if result and result.node and not result.running:
        where = f"{where}, NOT running"
    if run.state is not MoveState.SUCCEEDED:
        word = "canceled" if run.state is MoveState.CANCELED else "failed"
        return f"{word}, {where}" + (f": {result.cause.what}" if result and result.cause else "")
    if only_places(move):
        return f"pinned to {move.target_name}, not started"
    return f"{where}{_time(run)}"


def _time(run: Run) -> str:
    if run.downtime is not None:
        return f", down for {duration(run.downtime)}"
    measured = run.result is not None and run.result.started_at is not None and run.result.ended_at is not None
    return f" after {took(run.result)}" if measured and run.result else ""


def plan_text(plan: Plan) -> str:
    """What a batch says besides its moves, for a terminal; nothing for one move."""
    if not plan.batch:
        return ""
    lines = [f"Warning: {note.text} {note.remedy}".rstrip() for note in plan.notes]
    lines += [f"Not in this plan: {out.vm}: {out.why} {out.remedy}".rstrip() for out in plan.left_out]
    lines += [f"Total: {counts(plan)}. Downtime: {downtime(plan)}. Duration: {length(plan)}. {pace(plan)}."]
    lines += [f"{shift.node}: {carried(shift)}" for shift in plan.nodes]
    return "\n" + "\n".join(lines) + "\n"


HOLDS = {
    HoldReason.ASKED: "somebody pressed Pause",
    HoldReason.STAGE: "a group is through",
    HoldReason.FAILED: "a move has failed",
    HoldReason.CALLED_OFF: "a move was canceled",
    HoldReason.UNKNOWN: "a move has not ended in time",
    HoldReason.CHANGED: "a VM is no longer as approved",
    HoldReason.UNHEALTHY: "a VM that has moved is not well",
    HoldReason.OUTAGE: "the bot or the cluster was away for long",
}
"""Why a batch pauses."""
