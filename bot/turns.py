"""The moves of a batch one after the other: whose turn it is, when it pauses, and how it ends.

Each function takes a Record and returns the next, or raises a BotError and changes nothing. A pause (`Hold`) only keeps
further moves from beginning: what is under way goes on to its end. A plan of one move never pauses.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot import migration
from bot.approval import next_state
from bot.diagnosis import Cause
from bot.errors import BotError
from bot.migration import MoveEvent, MoveState, PlanEvent, PlanState
from bot.policy import Actor
from bot.record import Hold, HoldAnswer, HoldReason, Record, Run
from bot.request import MoveType

HEALTHY_WITHIN = timedelta(minutes=2)
"""A VM that has moved is given that long to be Ready, with its guest agent, before people are asked: a guest that was
started anew needs a minute to start its agent."""

LONG_OUTAGE = timedelta(minutes=15)
"""After an outage of the cluster, or of the bot, a batch asks before it goes on: nobody expects it any more."""

UNDER_WAY = (MoveState.RUNNING, MoveState.ASKING, MoveState.UNKNOWN)
"""States of a move that has begun and not ended."""


def waiting(record: Record) -> tuple[int, ...]:
    """Moves that have not begun, in their order."""
    return tuple(index for index, run in enumerate(record.runs) if run.state is MoveState.WAITING)


def under_way(record: Record) -> tuple[int, ...]:
    """Moves that have begun and not ended."""
    return tuple(index for index, run in enumerate(record.runs) if run.state in UNDER_WAY)


def ready(record: Record) -> tuple[int, ...]:
    """Moves to work on now: those under way, and those that may begin, as far as the plan says. How many the cluster
    has room for is not known here."""
    going = under_way(record)
    if record.state is PlanState.APPROVED:
        return waiting(record)[:1]
    if record.state is not PlanState.RUNNING or next_hold(record) or unlooked(record):
        return going
    return (*going, *_beginning(record))


def _beginning(record: Record) -> Iterator[int]:
    """The next move; and, as long as all are live, as many as go side by side."""
    busy = _busy(record)
    room = record.plan.pace.side_by_side - len(busy)
    alone = any(record.plan.moves[index].type is MoveType.COLD for index in busy)
    for index in waiting(record):
        cold = record.plan.moves[index].type is MoveType.COLD
        first_of_group = _starts_group(record, index) and busy
        if room <= 0 or alone or (cold and busy) or first_of_group:
            return
        yield index
        busy.append(index)
        room, alone = room - 1, cold
    return


def _busy(record: Record) -> list[int]:
    """Moves that others wait for. An unsettled `unknown` that people have chosen to leave behind holds up nobody."""
    return [index for index in under_way(record) if record.runs[index].state is not MoveState.UNKNOWN]


def next_hold(record: Record) -> tuple[HoldReason, int | None] | None:
    """What a running batch pauses for now, before anything else begins; None when it may go on."""
    if record.state is not PlanState.RUNNING or not waiting(record):
        return None
    for index, run in enumerate(record.runs):
        if (reason := _trouble(run)) and not _answered(record, reason, index):
            return reason, index
    following = waiting(record)[0]
    if _starts_group(record, following) and not _busy(record) and not _answered(record, HoldReason.STAGE, following):
        return HoldReason.STAGE, following
    return None


def _trouble(run: Run) -> HoldReason | None:
    if run.state is MoveState.FAILED:
        return HoldReason.FAILED
    if run.state is MoveState.CANCELED:
        return HoldReason.CALLED_OFF
    if run.state is MoveState.UNKNOWN:
        return HoldReason.UNKNOWN
    return HoldReason.UNHEALTHY if run.healthy is False else None


def _answered(record: Record, reason: HoldReason, index: int) -> bool:
    return any((hold.reason, hold.index) == (reason, index) for hold in record.holds)


def _starts_group(record: Record, index: int) -> bool:
    """Whether a move is the first of a group that is not the first."""
    stage = record.plan.pace.stage or 0
    return stage > 0 and index > 0 and index % stage == 0


def unlooked(record: Record) -> tuple[int, ...]:
    """Moves that have succeeded and whose VM nobody has looked at yet, while others wait."""
    if not waiting(record):
        return ()
    return tuple(
        index for index, run in enumerate(record.runs) if run.state is MoveState.SUCCEEDED and run.healthy is None
    )


def hold(
    record: Record,
    reason: HoldReason,
    now: datetime,
    *,
    index: int | None = None,
    cause: Cause | None = None,
    by: Actor | None = None,
) -> Record:
    """Pause: nothing further begins."""
    if not waiting(record):
        raise BotError("nothing-waits", "No further move waits, so there is nothing to pause.", "The thread shows it.")
    minutes = record.plan.pace.pause_minutes if reason is HoldReason.STAGE else None
    until = now + timedelta(minutes=minutes) if minutes else None
    held = Hold(reason=reason, at=now, index=index, until=until, cause=cause, by=by)
    state = next_state(record, PlanEvent.PAUSED)
    return record.model_copy(update={"state": state, "holds": (*record.holds, held)})


def go_on(record: Record, number: int, actor: Actor | None) -> Record:
    """End a pause; actor None: its time is over."""
    return _answer(record, number, HoldAnswer.GO_ON, actor)


def skip(record: Record, number: int, actor: Actor) -> Record:
    """Go on without the VM that the pause is about."""
    held = _open(record, number)
    after = _answer(record, number, HoldAnswer.SKIP, actor)
    if held.index is None or record.runs[held.index].state is not MoveState.WAITING:
        return after
    return concluded(_skipped(after, held.index, held.cause))


def leave_out(record: Record, index: int, cause: Cause) -> Record:
    """At its turn there is nothing left to do for this VM."""
    return concluded(_skipped(record, index, cause))


def _skipped(record: Record, index: int, cause: Cause | None) -> Record:
    run = record.runs[index]
    changed = {"state": migration.apply_move(run.state, MoveEvent.SKIPPED), "skipped": cause}
    return record.with_run(index, changed)


def stop(record: Record, actor: Actor) -> Record:
    """Begin nothing further; what is under way goes on to its end."""
    if record.state not in (PlanState.RUNNING, PlanState.PAUSED):
        next_state(record, PlanEvent.PAUSED)
    if not waiting(record):
        raise BotError("nothing-waits", "No further move waits, so there is nothing to stop.", "The thread shows it.")
    if record.state is PlanState.PAUSED:
        record = _answer(record, len(record.holds) - 1, HoldAnswer.STOP, actor)
    for index in waiting(record):
        run = record.runs[index]
        state = migration.apply_move(run.state, MoveEvent.DROPPED)
        record = record.with_run(index, {"state": state})
    return concluded(record.model_copy(update={"ended_by": actor}))


def looked_at(record: Record, index: int, now: datetime, *, healthy: bool) -> Record:
    """How the VM is that has moved; what is not well yet is given some time."""
    run = record.runs[index]
    since = run.health_since or now
    verdict = True if healthy else (False if now - since >= HEALTHY_WITHIN else None)
    return record.with_run(index, {"health_since": since, "healthy": verdict})


def current_hold(record: Record) -> Hold | None:
    """The pause that a plan is in."""
    return record.holds[-1] if record.state is PlanState.PAUSED and record.holds else None


def _open(record: Record, number: int) -> Hold:
    if record.state is not PlanState.PAUSED or number != len(record.holds) - 1:
        raise BotError("already-answered", "That pause is over.", "The thread shows how it goes on.")
    return record.holds[number]


def _answer(record: Record, number: int, answer: HoldAnswer, actor: Actor | None) -> Record:
    held = _open(record, number).model_copy(update={"answer": answer, "answered_by": actor})
    return record.model_copy(
        update={"state": next_state(record, PlanEvent.RESUMED), "holds": (*record.holds[:number], held)}
    )


def concluded(record: Record) -> Record:
    """The plan's end, once each of its moves has one."""
    states = [run.state for run in record.runs]
    if not all(migration.is_final(state) for state in states):
        return record
    event = _end(states)
    wish = next((run.called_off for run in record.runs if run.called_off), None)
    ended_by = wish.actor if wish and event is PlanEvent.CALLED_OFF else record.ended_by
    return record.model_copy(update={"state": next_state(record, event), "ended_by": ended_by})


def _end(states: list[MoveState]) -> PlanEvent:
    if MoveState.DROPPED in states:
        return PlanEvent.STOPPED
    missed = {MoveState.FAILED, MoveState.CANCELED} & set(states)
    if not missed:
        return PlanEvent.FINISHED
    if MoveState.SUCCEEDED in states:
        return PlanEvent.PARTLY_BROKE
    return PlanEvent.BROKE if MoveState.FAILED in missed else PlanEvent.CALLED_OFF


def outage(gap: timedelta) -> Cause:
    """Why a batch asks after it."""
    minutes = round(gap.total_seconds() / 60)
    return Cause(
        code="outage",
        what=f"The bot or the cluster was away for about {minutes} min.",
        remedy="Let it go on if that still suits everybody.",
    )
