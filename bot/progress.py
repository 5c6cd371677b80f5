"""A move while it runs: what was noted, seen and found, from the first write to its end.

Each function takes a Record and returns the next, or raises a BotError and changes nothing; the readings of the
cluster and the clock are arguments.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import migration, turns
from bot.approval import next_state
from bot.diagnosis import Cause
from bot.errors import BotError
from bot.migration import MoveEvent, MoveState, PlanEvent, PlanState
from bot.plan import HOME_STEPS, Move, StepKind
from bot.record import Intent, Overdue, Phase, Pin, Record, Result, Run
from bot.request import MoveType


def start(record: Record, index: int, intent: Intent, now: datetime, limit: timedelta, older_pin: str = "") -> Record:
    """Note what is about to be written; from here on the plan runs. Of a pin that is gone already an earlier attempt
    may have taken note."""
    run = record.runs[index]
    pin = run.older_pin or older_pin
    return begin(record, index, now, {"intent": intent, "deadline": run.deadline or now + limit, "older_pin": pin})


def begin(record: Record, index: int, now: datetime, noted: Mapping[str, Any]) -> Record:
    """Note what is about to be written. Whatever was canceled or has lapsed meanwhile refuses it; a pause refuses a
    move's first write only."""
    run = record.runs[index]
    waits = run.state is MoveState.WAITING
    goes_on = record.state is PlanState.RUNNING or (record.state is PlanState.PAUSED and not waits)
    state = record.state if goes_on else next_state(record, PlanEvent.STARTED)
    begun = migration.apply_move(run.state, MoveEvent.STARTED if waits else MoveEvent.ADVANCED)
    changed = {"state": begun, "started_at": run.started_at or now, **noted}
    return record.model_copy(update={"state": state}).with_run(index, changed)


def created(record: Record, index: int, uid: str) -> Record:
    """The create was answered: the VMIM has this uid."""
    run = record.runs[index]
    intent = run.intent.model_copy(update={"uid": uid}) if run.intent else None
    return record.with_run(index, {"intent": intent})


def advance(record: Record, index: int) -> Record:
    """The step under way is done; go to the next."""
    run = record.runs[index]
    return record.with_run(index, {"step": run.step + 1})


def at_step(record: Record, index: int) -> StepKind | None:
    """The step that a move is at, None after its last."""
    run = record.runs[index]
    steps = HOME_STEPS if run.homeward else record.plan.moves[index].steps
    return steps[run.step] if run.step < len(steps) else None


def run_of(record: Record, index: int) -> Run:
    """What a move that somebody names has done. Raises BotError where there is none."""
    if not 0 <= index < len(record.runs):
        raise BotError("unknown-move", "This plan has no such move.", "Use the buttons on the card.")
    return record.runs[index]


def moving(record: Record, index: int) -> Move:
    """A move as it is being carried out: with the target that was chosen on the way, where one was."""
    move, run = record.plan.moves[index], record.runs[index]
    if run.elsewhere is None:
        return move
    return move.model_copy(update={"target": run.elsewhere.target, "replaces": run.elsewhere.replaces})


def observe(record: Record, index: int, phases: tuple[Phase, ...], now: datetime) -> Record:
    """The VMIM has reached further phases."""
    seen = {"phases": phases, "phase_seen_at": now, "held_up": None}
    return record.with_run(index, seen)


def phase_name(run: Run) -> str:
    """The phase that a live move was last seen in; "" where KubeVirt has not taken it up."""
    return run.phases[-1].name if run.phases else ""


def held_up(record: Record, index: int, cause: Cause) -> Record:
    """The phase lasts long for this reason; said only as long as it lasts."""
    return record.with_run(index, {"held_up": cause})


def show_runbook(record: Record, index: int) -> Record:
    """Somebody wants to read what to do about the cause."""
    return record.with_run(index, {"runbook": True})


def cluster_away(record: Record, index: int, since: datetime | None) -> Record:
    """The cluster stopped answering, or (None) answers again."""
    return record.with_run(index, {"cluster_away_since": since})


def time_out(record: Record, index: int, now: datetime) -> Record:
    """The limit passed while the cluster is still at it."""
    run = record.runs[index]
    state = migration.apply_move(run.state, MoveEvent.TIMED_OUT)
    overdue = (*run.overdue, Overdue(at=now, phase=phase_name(run)))
    return record.with_run(index, {"state": state, "deadline": None, "overdue": overdue})


def no_way_back(record: Record, index: int) -> Record:
    """The guest has been started on the target before its memory is complete."""
    return record.with_run(index, {"post_copy": True})


CALLED_OFF = "called-off"
"""Code of the cause of a move that ended as somebody wished: where it was, running."""


def finish(record: Record, index: int, result: Result) -> Record:
    """A move has ended; the last one ends the plan. After a cold one that succeeded people are asked about its pin."""
    run = record.runs[index]
    pinned = record.plan.moves[index].type is MoveType.COLD and result.cause is None
    ended = {
        "state": migration.apply_move(run.state, _end(result)),
        "result": result,
        "cluster_away_since": None,
        "pin": Pin() if pinned else None,
    }
    return turns.concluded(record.with_run(index, ended))


def _end(result: Result) -> MoveEvent:
    if result.cause is None:
        return MoveEvent.SUCCEEDED
    return MoveEvent.CANCELED if result.cause.code == CALLED_OFF else MoveEvent.FAILED


def cleaned(record: Record, index: int) -> Record:
    """The finished VMIM is gone from the cluster, as somebody asked."""
    return record.with_run(index, {"cleaned": True})
