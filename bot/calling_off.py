"""Calling off a move that runs, and giving an overdue one more time.

As in `progress`: each function takes a Record and returns the next, or raises a BotError and changes nothing. A wish is
noted here; carrying it out is the executor's. A live move is then aborted where KubeVirt still can, and may succeed all
the same. A cold one turns home, from wherever it is.
"""

from datetime import datetime, timedelta

from bot import cold, migration, progress
from bot.diagnosis import Cause, WayOn
from bot.errors import BotError
from bot.migration import IllegalEvent, MoveEvent, MoveState
from bot.plan import Move, StepKind
from bot.policy import Actor
from bot.progress import CALLED_OFF, run_of
from bot.record import CalledOff, Choice, Record, Run
from bot.request import MoveType

_IN_THREAD = "The thread shows where it stands."

_UP_TO = {
    MoveType.LIVE: (StepKind.PROVE, StepKind.MIGRATE, StepKind.FOLLOW),
    MoveType.COLD: (StepKind.PROVE, StepKind.STOP, StepKind.GONE, StepKind.START, StepKind.ARRIVE),
}
"""Steps at which there is still something to call off."""


def why_not(record: Record, index: int) -> BotError | None:
    """Why a move cannot be called off (any more); None where it can."""
    move, run = progress.moving(record, index), record.runs[index]
    if MoveEvent.CALLED_OFF not in migration.MOVE[run.state]:
        return BotError("already-decided", "This move is not running, or has already ended.", _IN_THREAD)
    if run.called_off:
        return BotError("already-called-off", "This move has been canceled already.", _IN_THREAD)
    if run.homeward:
        return BotError("already-called-off", f"{move.vm} is on its way home already.", _IN_THREAD)
    return _too_late(move, run, progress.at_step(record, index))


def call_off(record: Record, index: int, actor: Actor, now: datetime) -> Record:
    """Note somebody's wish to end it; a cold move turns home."""
    run = run_of(record, index)
    if refused := why_not(record, index):
        raise refused
    state = migration.apply_move(run.state, MoveEvent.CALLED_OFF)
    wished = {"state": state, "called_off": CalledOff(actor=actor, at=now), "not_called_off": None}
    if run.state is MoveState.ASKING:
        answered = run.askings[-1].model_copy(update={"choice": Choice.HOME, "actor": actor})
        wished["askings"] = (*run.askings[:-1], answered)
    record = record.with_run(index, wished)
    return record if record.plan.moves[index].type is MoveType.LIVE else cold.turn_home(record, index, called_off())


def refused(record: Record, index: int, cause: Cause) -> Record:
    """The cluster did not take the wish: the move goes on, and somebody may wish it again."""
    return record.with_run(index, {"called_off": None, "not_called_off": cause})


def watch_on(record: Record, index: int, actor: Actor, now: datetime, limit: timedelta) -> Record:
    """Give an overdue move as much time again."""
    run = run_of(record, index)
    try:
        state = migration.apply_move(run.state, MoveEvent.WATCHED_ON)
    except IllegalEvent as illegal:
        raise BotError("already-answered", "The move has gone on meanwhile, or has ended.", _IN_THREAD) from illegal
    told = run.overdue[-1].model_copy(update={"watched_by": actor, "until": now + limit})
    watched = {"state": state, "deadline": now + limit, "overdue": (*run.overdue[:-1], told)}
    return record.with_run(index, watched)


def called_off() -> Cause:
    """Of a move that has ended where it began, as somebody wished."""
    return Cause(
        code=CALLED_OFF,
        what="Somebody canceled the move while it ran.",
        remedy="Nothing is left to do. Plan it again when it is wanted.",
        ways=(WayOn.AGAIN,),
    )


def called_off_and_down() -> Cause:
    """Of a cold move that was called off, and whose VM did not come up again."""
    return Cause(
        code="home-not-up",
        what="The move was canceled; the VM has its old placement back, but has not come up.",
        remedy="Look at the VM's events now: it is down.",
        ways=(WayOn.OTHER_NODE, WayOn.AGAIN),
    )


def _too_late(move: Move, run: Run, step: StepKind | None) -> BotError | None:
    if run.post_copy:
        return BotError(
            "too-late",
            f"{move.vm} runs on {move.target_name} already while its memory follows; stopping that now could lose it.",
            "Wait for the report, then use Move back.",
        )
    if step not in _UP_TO[move.type]:
        return BotError("too-late", "The move is as good as over.", "Wait for its report, then use Move back.")
    return None
