"""What is due on a plan at a moment: pure, from the Record alone, or (`asks_about_start`, `goes_home`, `explains_wait`)
as soon as the cluster says the same (`bot.executor.explain`).

A sweep applies the first thing that is due; what else is due comes with the next sweep, a second later.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from bot import approval, cold, progress, turns, waiting
from bot.diagnosis import Cause, say_after
from bot.executor.moving import Limits
from bot.migration import MoveState, PlanState
from bot.plan import StepKind
from bot.record import Choice, Doubt, HoldReason, Record, Run

GIVE_UP_AT_HOME = timedelta(minutes=10)
"""A VM that does not even come up in its old place is reported as down after that; it is nobody's job to wait more."""


class Due(NamedTuple):
    """A change to apply, the log's word for it, and whether the run must look at the plan anew."""

    change: Callable[[Record], Record]
    kind: str
    restart: bool = False


def first_due(current: Record, now: datetime, limits: Limits, away_since: datetime | None) -> Due | None:
    """The most urgent thing."""
    if current.state is PlanState.PROPOSED and now >= current.expires_at:
        return Due(approval.expire, "expired")
    if found := too_late(current, now, limits) or _of_batch(current, now, away_since):
        return found
    for index, run in enumerate(current.runs):
        for due in _of_run(current, index, run, now, away_since):
            return due
    return None


def too_late(current: Record, now: datetime, limits: Limits) -> Due | None:
    """An approved plan that has not begun in its time."""
    if current.state is not PlanState.APPROVED or now <= approval.start_by(current, limits.approved_valid):
        return None
    return (
        Due(partial(waiting.miss, note=waiting.UNBEGUN), "missed")
        if current.schedule
        else Due(approval.lapse, "lapsed")
    )


def wants_explaining(current: Record, now: datetime) -> bool:
    """Whether the cluster is to be asked about one of the moves."""
    asked = (asks_about_start, goes_home, explains_wait)
    return any(wants(current, index, now) for index in range(len(current.runs)) for wants in asked)


def asks_about_start(current: Record, index: int, now: datetime) -> bool:
    """Whether a VM has failed to come up on its target for long enough to ask people."""
    run = current.runs[index]
    if run.state is not MoveState.RUNNING or run.homeward or progress.at_step(current, index) is not StepKind.ARRIVE:
        return False
    patience = run.question.waits_until if run.question else None
    return now >= (patience or (run.starting_since or now) + cold.ASK_STARTING_AFTER)


def goes_home(current: Record, index: int, now: datetime) -> bool:
    """Whether the time is over that people had to say what to do with a VM that does not come up."""
    run = current.runs[index]
    answer_by = run.question.answer_by if run.question else None
    return run.state is MoveState.ASKING and answer_by is not None and now >= answer_by


def explains_wait(current: Record, index: int, now: datetime) -> bool:
    """Whether a live move has been in one phase for long enough to say why."""
    run = current.runs[index]
    under_way = run.state in (MoveState.RUNNING, MoveState.UNKNOWN) and run.intent and not run.result
    if not under_way or run.held_up or progress.at_step(current, index) is not StepKind.FOLLOW:
        return False
    since, patience = run.phase_seen_at or run.started_at, say_after(progress.phase_name(run))
    return since is not None and patience is not None and now - since >= patience


def ask_about_start(index: int, now: datetime, limits: Limits, why: Cause) -> Due:
    """The question what to do with a VM that does not come up."""
    answer_by = now + limits.start_answer
    return Due(
        partial(cold.ask, index=index, doubt=Doubt.STARTING, now=now, answer_by=answer_by, cause=why),
        "asked about the start",
    )


def go_home(index: int, now: datetime) -> Due:
    """The default, where nobody has answered."""
    home = partial(cold.answer, index=index, doubt=Doubt.STARTING, choice=Choice.HOME, actor=None, now=now)
    return Due(home, "went home unanswered", restart=True)


def held_up(index: int, why: Cause) -> Due:
    """Say what a phase waits for."""
    return Due(partial(progress.held_up, index=index, cause=why), "held up")


def _of_batch(current: Record, now: datetime, away_since: datetime | None) -> Due | None:
    """A pause that begins, or one whose time is over."""
    held = turns.current_hold(current)
    if held and held.until and now >= held.until:
        return Due(partial(turns.go_on, number=len(current.holds) - 1, actor=None), "went on", restart=True)
    if away_since and current.state is PlanState.RUNNING and turns.waiting(current):
        asked = max((hold.at for hold in current.holds if hold.reason is HoldReason.OUTAGE), default=away_since)
        if now - max(away_since, asked) >= turns.LONG_OUTAGE:
            return ask_after_outage(now - away_since, now)
    if found := turns.next_hold(current):
        reason, index = found
        return Due(partial(turns.hold, reason=reason, now=now, index=index), f"paused: {reason}")
    return None


def ask_after_outage(gap: timedelta, now: datetime) -> Due:
    """Pause what nobody expects any more."""
    ask = partial(turns.hold, reason=HoldReason.OUTAGE, now=now, cause=turns.outage(gap))
    return Due(ask, f"paused: {HoldReason.OUTAGE}")


def _of_run(current: Record, index: int, run: Run, now: datetime, away_since: datetime | None) -> Iterator[Due]:
    if run.state is MoveState.RUNNING and run.deadline and now >= run.deadline:
        yield Due(partial(progress.time_out, index=index, now=now), "timed out")
    under_way = run.state in (MoveState.RUNNING, MoveState.UNKNOWN, MoveState.ASKING)
    if under_way and bool(away_since) is not bool(run.cluster_away_since):
        kind = "cluster away" if away_since else "cluster back"
        yield Due(partial(progress.cluster_away, index=index, since=away_since), kind)
    if run.pin and run.pin.remind_at and now >= run.pin.remind_at:
        yield Due(partial(cold.reminded, index=index), "reminded of the pin")
    yield from _of_stopping(current, index, run, now)
    if run.homeward and _at(current, index, StepKind.ARRIVE) and _since(run.starting_since, now) > GIVE_UP_AT_HOME:
        yield Due(partial(progress.advance, index=index), "gave up waiting", restart=True)


def _of_stopping(current: Record, index: int, run: Run, now: datetime) -> Iterator[Due]:
    if run.state is not MoveState.RUNNING or not _at(current, index, StepKind.GONE):
        return
    stopping = _since(run.stopping_since, now)
    grace = timedelta(seconds=run.originals.grace_seconds if run.originals else 0)
    waits = run.question.waits_until if run.question else None
    if not run.stop_forced and stopping > grace + cold.STUCK_AFTER_GRACE and now >= (waits or now):
        ask = partial(cold.ask, index=index, doubt=Doubt.STOPPING, now=now, answer_by=None)
        yield Due(ask, "asked about the stop")
    elif not run.slow_stop and stopping > cold.SAY_STOPPING_AFTER:
        yield Due(partial(cold.slow, index=index), "slow stop")


def _at(current: Record, index: int, step: StepKind) -> bool:
    running = current.state in (PlanState.RUNNING, PlanState.PAUSED)
    return running and progress.at_step(current, index) is step


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return now - moment if moment else timedelta(0)
