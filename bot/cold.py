"""Decisions in the life of a cold move: begin, stop, ask, answer, turn back, and what becomes of the pin.

As in `record`: each function takes a Record and returns the next, or raises a BotError and changes nothing. A VM that
was stopped is always on its way to somewhere: to the target, or (`turn_home`) back to what it had before, whose
originals are noted in the Record and on the VM itself.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import migration, progress
from bot.diagnosis import Cause, WayOn
from bot.errors import BotError
from bot.migration import MoveEvent, MoveState
from bot.plan import COLD_STEPS, StepKind
from bot.policy import Actor
from bot.progress import moving, run_of
from bot.record import Asking, Choice, Doubt, Elsewhere, Originals, Pin, PinState, Question, Record, Run

SAY_STOPPING_AFTER = timedelta(seconds=60)
"""From then on the card says that the guest is still shutting down (the seed's limit)."""

STUCK_AFTER_GRACE = timedelta(seconds=60)
"""A guest is stuck that long after its own grace period; the launcher needs a little time of its own."""

ASK_STARTING_AFTER = timedelta(seconds=30)
"""A VM that has found no node is asked about after that; the scheduler needs a few tries after a node was freed."""

WAIT_MORE = timedelta(minutes=5)
"""What "keep waiting" gives."""

OPTIONS = {
    Doubt.STOPPING: (Choice.WAIT, Choice.FORCE, Choice.HOME),
    Doubt.STARTING: (Choice.WAIT, Choice.ELSEWHERE, Choice.HOME),
}


_ANEW: Mapping[str, Any] = {"question": None, "stopping_since": None, "slow_stop": False, "stop_forced": False}
"""What a second stop starts with."""


def begin(record: Record, index: int, originals: Originals, now: datetime) -> Record:
    """Note what the VM has, right before the first write; again before each try of it."""
    tried = originals.model_copy(update={"noted_at": now})
    return progress.begin(record, index, now, {"originals": tried, "stopping_since": now})


def stopping(record: Record, index: int, now: datetime) -> Record:
    """On its way home it is stopped once more."""
    return record.with_run(index, {"stopping_since": now})


def slow(record: Record, index: int) -> Record:
    """The guest takes long to shut down: say so."""
    return record.with_run(index, {"slow_stop": True})


def starting(record: Record, index: int, now: datetime) -> Record:
    """The start is about to be written."""
    return record.with_run(index, {"starting_since": now})


def gone(record: Record, index: int, now: datetime) -> Record:
    """The guest and its pod are gone: from here on the VM is down."""
    run = record.runs[index]
    return _advanced(record, index, {"down_since": run.down_since or now, "slow_stop": False})


def up(record: Record, index: int, now: datetime) -> Record:
    """The VM runs again."""
    return _advanced(record, index, {"up_since": now})


def ask(
    record: Record,
    index: int,
    doubt: Doubt,
    now: datetime,
    answer_by: datetime | None,
    cause: Cause | None = None,
) -> Record:
    """The move is stuck, as far as is known for this cause: let people choose."""
    run = record.runs[index]
    changed = {
        "state": migration.apply_move(run.state, MoveEvent.ASKED),
        "question": Question(doubt=doubt, asked_at=now, answer_by=answer_by, cause=cause),
        "askings": (*run.askings, Asking(doubt=doubt, towards=moving(record, index).target_name)),
    }
    return record.with_run(index, changed)


def answer(record: Record, index: int, doubt: Doubt, choice: Choice, actor: Actor | None, now: datetime) -> Record:
    """Go on as somebody chose, or (actor None) as the deadline says. A slow stop may be forced before it is stuck."""
    run = run_of(record, index)
    if choice is Choice.FORCE and run.slow_stop and run.state is MoveState.RUNNING:
        return record.with_run(index, {"stop_forced": True})
    question = _open_question(run, doubt)
    if choice not in OPTIONS[doubt] or choice is Choice.ELSEWHERE:
        raise BotError("bad-choice", "That is no way on from here.", "Use the buttons in the thread.")
    until = now + WAIT_MORE if choice is Choice.WAIT else None
    kept = question.model_copy(update={"waits_until": until}) if until else None
    record = _answered(record, index, {"choice": choice, "actor": actor, "until": until}, kept)
    if choice is Choice.FORCE:
        return record.with_run(index, {"stop_forced": True})
    if choice is Choice.HOME:
        return turn_home(record, index, _chosen_home(doubt, question.cause, actor))
    return record


def go_elsewhere(record: Record, index: int, elsewhere: Elsewhere, actor: Actor) -> Record:
    """Stop what did not come up, and go to another node; the patch that stops it hands the note over."""
    run = run_of(record, index)
    _open_question(run, Doubt.STARTING)
    if elsewhere.target == moving(record, index).target:
        raise BotError("same-node", f"It does not start on {elsewhere.target.name}.", "Choose another node.")
    chosen = {"choice": Choice.ELSEWHERE, "actor": actor, "target": elsewhere.target.name}
    record = _answered(record, index, chosen, None)
    return record.with_run(index, {**_ANEW, "elsewhere": elsewhere, "step": COLD_STEPS.index(StepKind.STOP)})


def _open_question(run: Run, doubt: Doubt) -> Question:
    if run.question is None or run.question.doubt is not doubt or run.state is not MoveState.ASKING:
        raise BotError(
            "already-answered", "That question is answered, or is no longer open.", "The thread shows how it goes on."
        )
    return run.question


def _answered(record: Record, index: int, chosen: dict[str, Any], question: Question | None) -> Record:
    run = record.runs[index]
    changed = {
        "state": migration.apply_move(run.state, MoveEvent.ANSWERED),
        "question": question,
        "askings": (*run.askings[:-1], run.askings[-1].model_copy(update=chosen)),
    }
    return record.with_run(index, changed)


def went_on(record: Record, index: int) -> Record:
    """The cluster went on by itself: nothing is left to ask."""
    run = record.runs[index]
    if run.state is not MoveState.ASKING:
        return record.with_run(index, {"question": None})
    return record.with_run(index, {"state": migration.apply_move(run.state, MoveEvent.ADVANCED), "question": None})


def turn_home(record: Record, index: int, cause: Cause) -> Record:
    """Stop going to the target: give the VM back what it had and start it where that allows."""
    run = record.runs[index]
    if run.homeward:
        return record
    state = MoveState.RUNNING if run.state is MoveState.ASKING else run.state
    return record.with_run(index, {**_ANEW, "state": state, "homeward": cause, "step": 0})


def decide_pin(
    record: Record,
    index: int,
    wanted: PinState,
    actor: Actor,
    now: datetime,
    *,
    effective: bool,
    remind_at: datetime | None,
) -> Record:
    """Note what becomes of the pin. Removed is final; Keep and Later can be followed by Remove."""
    run = run_of(record, index)
    if run.pin is None:
        raise BotError("no-pin", "This move has left no node affinity.", "There is nothing to remove.")
    if run.pin.state is PinState.REMOVED:
        raise BotError("already-removed", "The node affinity was removed already.", "The report says by whom.")
    reminders = run.pin.reminders
    pin = Pin(state=wanted, by=actor, at=now, remind_at=remind_at, reminders=reminders, effective=effective)
    return record.with_run(index, {"pin": pin})


def pin_gone(record: Record, vm_key: str, now: datetime, *, effective: bool) -> Record:
    """A later move of the VM has taken off the pin that this plan had left: there is nothing to decide or remind of."""
    for index, (move, run) in enumerate(zip(record.plan.moves, record.runs, strict=True)):
        if move.key == vm_key and run.pin and run.pin.state is not PinState.REMOVED:
            gone = Pin(state=PinState.REMOVED, at=now, reminders=run.pin.reminders, effective=effective)
            record = record.with_run(index, {"pin": gone})
    return record


def reminded(record: Record, index: int) -> Record:
    """The time that somebody has put it off for is over: ask again."""
    pin = record.runs[index].pin
    if pin is None or pin.remind_at is None:
        return record
    again = {"state": PinState.ASKED, "remind_at": None, "reminders": pin.reminders + 1}
    return record.with_run(index, {"pin": pin.model_copy(update=again)})


def _chosen_home(doubt: Doubt, why: Cause | None, actor: Actor | None) -> Cause:
    what = "The guest did not shut down" if doubt is Doubt.STOPPING else "The VM did not start on the target"
    who = "so somebody brought it home" if actor else "and nobody answered in time"
    return Cause(
        code=f"{doubt}-abandoned",
        what=f"{what}, {who}." + (f" {why.what}" if why else ""),
        remedy="Look at the cluster's words, then choose another node.",
        evidence=why.evidence if why else (),
        ways=why.ways if why else (WayOn.AGAIN,),
    )


def _advanced(record: Record, index: int, changed: dict[str, Any]) -> Record:
    record = went_on(record, index)
    return record.with_run(index, {**changed, "step": record.runs[index].step + 1})
