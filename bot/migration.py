"""The life of a plan and of a move, as two tables.

Two rules: everything that decides which state may follow which lives in this file, and an event that is not in the
row of the current state is an error that changes nothing. Who may cause an event is `policy`'s business, when it
happens is the executor's; the picture in ARCHITECTURE.md is drawn from these tables by a test.

A plan is proposed until enough people confirm it. Approved, it waits for its first write: it lapses when that does not
come, and goes back to proposed (as a new revision) when the cluster no longer is what people approved, or (the same
revision) when somebody whose approval counted has lost the right to it. Running ends in
exactly one final state. A move that we could not follow to its end is `unknown`: not final, because the VM stays locked
until somebody or something has settled it; people may give it more time. A cold move that is stuck is `asking`: people
choose how it goes on, and without an answer a default is taken at a deadline; it goes on by itself when the cluster
does. Calling a move off is a wish: it goes on under that wish until the cluster says what became of it, and may end as
canceled, or have succeeded all the same.

A batch that is paused has moves that wait: it begins none of them, while what is under way goes on. Stopped, its
waiting moves are dropped: not attempted. A move that is skipped was left out at its turn, because people chose it or
nothing was left to do.
"""

from collections.abc import Mapping
from enum import StrEnum


class PlanState(StrEnum):
    """Where a plan stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    PARTLY_FAILED = "partly failed"
    FAILED = "failed"
    STOPPED = "stopped"
    CANCELED = "canceled"
    DENIED = "denied"
    EXPIRED = "expired"
    LAPSED = "lapsed"


class PlanEvent(StrEnum):
    """What can happen to a plan."""

    CHANGED = "changed"
    CONFIRMED = "confirmed"
    SCHEDULED = "scheduled"
    DUE = "due"
    CANCELED = "canceled"
    DENIED = "denied"
    EXPIRED = "expired"
    DRIFTED = "drifted"
    REVOKED = "revoked"
    LAPSED = "lapsed"
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    FINISHED = "finished"
    PARTLY_BROKE = "partly broke"
    BROKE = "broke"
    CALLED_OFF = "called off"
    STOPPED = "stopped"


class MoveState(StrEnum):
    """Where one move stands."""

    WAITING = "waiting"
    RUNNING = "running"
    ASKING = "asking"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    DROPPED = "not attempted"


class MoveEvent(StrEnum):
    """What can happen to a move."""

    STARTED = "started"
    ADVANCED = "advanced"
    ASKED = "asked"
    ANSWERED = "answered"
    TIMED_OUT = "timed out"
    WATCHED_ON = "watched on"
    CALLED_OFF = "called off"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    DROPPED = "dropped"


PLAN: Mapping[PlanState, Mapping[PlanEvent, PlanState]] = {
    PlanState.PROPOSED: {
        PlanEvent.CHANGED: PlanState.PROPOSED,
        PlanEvent.CONFIRMED: PlanState.APPROVED,
        PlanEvent.SCHEDULED: PlanState.SCHEDULED,
        PlanEvent.CANCELED: PlanState.CANCELED,
        PlanEvent.DENIED: PlanState.DENIED,
        PlanEvent.EXPIRED: PlanState.EXPIRED,
    },
    PlanState.APPROVED: {
        PlanEvent.STARTED: PlanState.RUNNING,
        PlanEvent.DRIFTED: PlanState.PROPOSED,
        PlanEvent.REVOKED: PlanState.PROPOSED,
        PlanEvent.CANCELED: PlanState.CANCELED,
        PlanEvent.DENIED: PlanState.DENIED,
        PlanEvent.LAPSED: PlanState.LAPSED,
        PlanEvent.BROKE: PlanState.FAILED,
    },
    PlanState.SCHEDULED: {
        PlanEvent.DUE: PlanState.APPROVED,
        PlanEvent.CANCELED: PlanState.CANCELED,
        PlanEvent.DENIED: PlanState.DENIED,
        PlanEvent.LAPSED: PlanState.LAPSED,
    },
    PlanState.RUNNING: {
        PlanEvent.PAUSED: PlanState.PAUSED,
        PlanEvent.FINISHED: PlanState.SUCCEEDED,
        PlanEvent.PARTLY_BROKE: PlanState.PARTLY_FAILED,
        PlanEvent.BROKE: PlanState.FAILED,
        PlanEvent.CALLED_OFF: PlanState.CANCELED,
        PlanEvent.STOPPED: PlanState.STOPPED,
    },
    PlanState.PAUSED: {
        PlanEvent.RESUMED: PlanState.RUNNING,
    },
    PlanState.SUCCEEDED: {},
    PlanState.PARTLY_FAILED: {},
    PlanState.STOPPED: {},
    PlanState.FAILED: {},
    PlanState.CANCELED: {},
    PlanState.DENIED: {},
    PlanState.EXPIRED: {},
    PlanState.LAPSED: {},
}

MOVE: Mapping[MoveState, Mapping[MoveEvent, MoveState]] = {
    MoveState.WAITING: {
        MoveEvent.STARTED: MoveState.RUNNING,
        MoveEvent.FAILED: MoveState.FAILED,
        MoveEvent.SKIPPED: MoveState.SKIPPED,
        MoveEvent.DROPPED: MoveState.DROPPED,
    },
    MoveState.RUNNING: {
        MoveEvent.ADVANCED: MoveState.RUNNING,
        MoveEvent.ASKED: MoveState.ASKING,
        MoveEvent.TIMED_OUT: MoveState.UNKNOWN,
        MoveEvent.CALLED_OFF: MoveState.RUNNING,
        MoveEvent.SUCCEEDED: MoveState.SUCCEEDED,
        MoveEvent.FAILED: MoveState.FAILED,
        MoveEvent.CANCELED: MoveState.CANCELED,
    },
    MoveState.ASKING: {
        MoveEvent.ANSWERED: MoveState.RUNNING,
        MoveEvent.ADVANCED: MoveState.RUNNING,
        MoveEvent.CALLED_OFF: MoveState.RUNNING,
        MoveEvent.FAILED: MoveState.FAILED,
    },
    MoveState.UNKNOWN: {
        MoveEvent.ADVANCED: MoveState.UNKNOWN,
        MoveEvent.WATCHED_ON: MoveState.RUNNING,
        MoveEvent.CALLED_OFF: MoveState.UNKNOWN,
        MoveEvent.SUCCEEDED: MoveState.SUCCEEDED,
        MoveEvent.FAILED: MoveState.FAILED,
        MoveEvent.CANCELED: MoveState.CANCELED,
    },
    MoveState.SUCCEEDED: {},
    MoveState.FAILED: {},
    MoveState.CANCELED: {},
    MoveState.SKIPPED: {},
    MoveState.DROPPED: {},
}


class IllegalEvent(Exception):
    """An event that the current state does not know. Nothing has changed."""

    def __init__(self, state: PlanState | MoveState, event: PlanEvent | MoveEvent) -> None:
        super().__init__(f"{state.value} does not take “{event.value}”")
        self.state = state
        self.event = event


def apply(state: PlanState, event: PlanEvent) -> PlanState:
    """The state of a plan after the event. Raises IllegalEvent."""
    try:
        return PLAN[state][event]
    except KeyError:
        raise IllegalEvent(state, event) from None


def apply_move(state: MoveState, event: MoveEvent) -> MoveState:
    """The state of a move after the event. Raises IllegalEvent."""
    try:
        return MOVE[state][event]
    except KeyError:
        raise IllegalEvent(state, event) from None


def is_final(state: PlanState | MoveState) -> bool:
    """Whether nothing can follow."""
    return not (PLAN[state] if isinstance(state, PlanState) else MOVE[state])
