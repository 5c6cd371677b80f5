"""What a run says while it is under way: the phases of a VMIM, the stages of a cold move, what it is stuck at.

Phases carry the cluster's clock, stages the bot's; neither is ever subtracted from the other.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from bot.plan import HOME_STEPS, Move, StepKind
from bot.record import Doubt, Run


class PhaseTime(NamedTuple):
    """A phase of the VMIM and how long it took; None while it lasts or when it is the last."""

    name: str
    words: str
    took: timedelta | None


PHASES: Mapping[str, str] = {
    "": "handed to KubeVirt",
    "Pending": "waits for its turn in the cluster",
    "Scheduling": "looks for a place on the target node",
    "Scheduled": "has a place on the target node",
    "PreparingTarget": "the target node gets ready",
    "TargetReady": "the target node is ready",
    "Running": "copies the memory; the VM keeps running",
    "Succeeded": "done",
    "Failed": "ended without success",
}
"""What a VMIM's phase means to people (kubevirt.io/api core/v1 VirtualMachineInstanceMigrationPhase)."""


def phase(name: str) -> str:
    """A phase in words; one that this version does not know is simply under way."""
    return PHASES.get(name, "under way")


def phase_times(run: Run) -> tuple[PhaseTime, ...]:
    """The phases that were reached, with their lengths by the cluster's clock."""
    ends = [after.at - before.at for before, after in pairwise(run.phases)]
    return tuple(
        PhaseTime(reached.name, phase(reached.name), took)
        for reached, took in zip(run.phases, [*ends, None], strict=False)
    )


class StageState(StrEnum):
    """Where a stage stands."""

    DONE = "done"
    NOW = "now"
    NEXT = "next"
    FAILED = "failed"


class Stage(NamedTuple):
    """One step of a cold move as it stands; the text of one that failed says what should have been done."""

    text: str
    state: StageState
    began: datetime | None = None
    took: timedelta | None = None
    until: datetime | None = None
    """When the guest's grace period ends, once it takes long to shut down."""


class _Words(NamedTuple):
    to_do: str
    now: str
    done: str


_STAGES: Mapping[StepKind, _Words] = {
    StepKind.PROVE: _Words("read again", "reading again", "read again: all is as approved"),
    StepKind.STOP: _Words("stop it", "being told to stop", "told to stop"),
    StepKind.GONE: _Words("wait until guest and pod are gone", "shutting down", "guest and pod are gone"),
    StepKind.START: _Words(
        "pin it to {target} and start it", "being pinned to {target}", "pinned to {target}, started"
    ),
    StepKind.ARRIVE: _Words("watch it come up", "coming up", "came up"),
    StepKind.VERIFY: _Words("read where it runs", "reading where it runs", "read where it runs"),
    StepKind.PLACE: _Words("pin it to {target}", "being pinned to {target}", "pinned to {target}; it was not started"),
    StepKind.RETURN: _Words(
        "give it its old placement back and start it",
        "getting its old placement back",
        "has its old placement, started",
    ),
}


def stages(move: Move, run: Run) -> tuple[Stage, ...]:
    """The steps of a cold move on the way that it is on; those that were never reached are left out at the end."""
    steps = HOME_STEPS if run.homeward else move.steps
    reached = steps[: run.step + 1] if run.result else steps
    return tuple(_stage(move, run, kind, place - run.step) for place, kind in enumerate(reached))


def _stage(move: Move, run: Run, kind: StepKind, distance: int) -> Stage:
    """`distance` is how far the step is ahead of the one under way."""
    state = _state(run, kind, distance)
    words = _Words(*(text.format(target=move.target_name) for text in _STAGES[kind]))
    if state is StageState.NOW:
        return _under_way(run, kind, words.now)
    if state is not StageState.DONE:
        return Stage(words.to_do, state)
    took = _took(run, kind)
    again = kind is StepKind.GONE and took is None
    return Stage(words.done, state, None if again else _began(run, kind), took)


def _under_way(run: Run, kind: StepKind, text: str) -> Stage:
    began = _began(run, kind)
    if kind is not StepKind.GONE or not (run.slow_stop or run.stop_forced):
        return Stage(text, StageState.NOW, began)
    if run.stop_forced:
        return Stage("being forced to stop", StageState.NOW, began)
    return Stage(f"still {text}", StageState.NOW, began, until=_grace(run))


def _state(run: Run, kind: StepKind, distance: int) -> StageState:
    if distance > 0:
        return StageState.NEXT
    if distance < 0:
        never_up = kind is StepKind.ARRIVE and run.up_since is None
        return StageState.FAILED if never_up else StageState.DONE
    if run.result is None:
        return StageState.NOW
    return StageState.FAILED if run.result.cause and kind is not StepKind.VERIFY else StageState.DONE


def _began(run: Run, kind: StepKind) -> datetime | None:
    if kind in (StepKind.STOP, StepKind.GONE):
        return run.stopping_since
    if kind not in (StepKind.START, StepKind.RETURN, StepKind.ARRIVE) or run.starting_since is None:
        return None
    of_the_way_out = run.stopping_since is not None and run.starting_since < run.stopping_since
    return None if of_the_way_out else run.starting_since


def _took(run: Run, kind: StepKind) -> timedelta | None:
    """None for a second stop, on the way home: the VM had been down before."""
    ends = {StepKind.GONE: run.down_since, StepKind.ARRIVE: run.up_since}
    began, end = _began(run, kind), ends.get(kind)
    return end - began if began and end and end >= began else None


def _grace(run: Run) -> datetime | None:
    if run.stopping_since is None or run.originals is None:
        return None
    return run.stopping_since + timedelta(seconds=run.originals.grace_seconds)


_DOUBTS: Mapping[Doubt, str] = {
    Doubt.STOPPING: "the guest does not shut down",
    Doubt.STARTING: "it does not come up on {target}",
}


def doubt(target_name: str, stuck_at: Doubt) -> str:
    """What a cold move to that node is stuck at."""
    return _DOUBTS[stuck_at].format(target=target_name)
