"""One plan with all that has happened to it: the unit that is stored, approved, run and shown.

A Record is frozen; each function here takes one and returns the next, or raises a BotError and changes nothing. No
clock, no store, no cluster: the moment, the person and the readings are arguments. Two people who confirm at once
meet in the store, which applies these functions one after the other to the newest Record; that is why both presses
count and only one run starts.

`revision` is what buttons carry: it changes when the plan changes (Modify, drift), never when its state does.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot import migration, policy
from bot.diagnosis import Cause
from bot.errors import BotError
from bot.migration import IllegalEvent, MoveEvent, MoveState, PlanEvent, PlanState
from bot.plan import HOME_STEPS, Drift, Move, Plan, Replaced, StepKind, Target
from bot.policy import Actor, Quorum


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Place(_Frozen):
    """Where a plan is talked about: a channel of a chat."""

    channel: str


class Approval(_Frozen):
    """One person's Confirm of one revision."""

    actor: Actor
    at: datetime
    revision: int
    rule: str


class Phase(_Frozen):
    """A VMIM phase that was reached. `at` is the cluster's clock."""

    name: str
    at: datetime


class Intent(_Frozen):
    """What was noted before the VMIM was created, so that a restart can tell what became of it."""

    name: str
    attempt: int
    vmi_uid: str
    seen_migration_uid: str
    """The VMI's last migration before ours, to tell ours from it."""
    noted_at: datetime
    uid: str = ""
    """The VMIM's uid, once the create was answered."""


class Originals(_Frozen):
    """What a cold move found on the VM, noted here and on the VM before the first write."""

    vm_uid: str
    vmi_uid: str
    """Empty when it did not run."""
    run_strategy: str | None
    running: bool | None
    """The API knows one of the two; the other is None."""
    affinity: dict[str, Any] | None
    node_selector: dict[str, Any] | None = None
    grace_seconds: int = 30
    """`terminationGracePeriodSeconds`: what the guest is given to shut down."""


class Doubt(StrEnum):
    """What a cold move can be stuck at."""

    STOPPING = "stopping"
    """The guest does not shut down."""
    STARTING = "starting"
    """The VM does not come up on the target."""


class Choice(StrEnum):
    """How people can let a stuck cold move go on."""

    WAIT = "wait"
    FORCE = "force"
    HOME = "home"
    ELSEWHERE = "elsewhere"
    """Another target, which is named with it."""


class Asking(_Frozen):
    """One time that people were asked, and what came of it; each is a message of its own."""

    doubt: Doubt
    towards: str
    """The node that it was to go to then."""
    choice: Choice | None = None
    """None as long as it is open, and where the cluster went on by itself."""
    actor: Actor | None = None
    """None where nobody answered and the default was taken."""
    target: str = ""
    """The other node that was chosen."""
    until: datetime | None = None
    """Until when it is waited for."""


class Elsewhere(_Frozen):
    """Another target than the approved one, chosen while the move was stuck."""

    target: Target
    replaces: Replaced | None
    """Of the rules that people had approved to be replaced, those that forbid this one."""


class Question(_Frozen):
    """Something that the bot will not decide alone."""

    doubt: Doubt
    asked_at: datetime
    answer_by: datetime | None
    """When the default is taken; None never."""
    waits_until: datetime | None = None
    """Somebody chose to wait: not asked again before."""
    cause: Cause | None = None
    """What the words mean, where that is known."""


class PinState(StrEnum):
    """What became of the node affinity that a cold move has left."""

    ASKED = "asked"
    REMOVED = "removed"
    KEPT = "kept"
    LATER = "later"


class Pin(_Frozen):
    """The pin of a VM that was moved cold."""

    state: PinState = PinState.ASKED
    by: Actor | None = None
    at: datetime | None = None
    remind_at: datetime | None = None
    reminders: int = 0
    """Given so far; each is a message of its own, since an edit notifies nobody."""
    effective: bool = True
    """Removed: whether the running VMI is free already, or only after its next restart (rollout strategy Stage)."""


class Result(_Frozen):
    """How a move ended, as read from the cluster."""

    node: str
    """Where the VM is now; empty when it could not be read."""
    running: bool
    """Whether the VMI's phase is Running."""
    ready: bool
    started_at: datetime | None = None
    ended_at: datetime | None = None
    """Both by the cluster's clock: the migration's own start and end."""
    cause: Cause | None = None
    """None when it succeeded."""


class Run(_Frozen):
    """What one move of the plan has done so far."""

    state: MoveState = MoveState.WAITING
    step: int = 0
    """Index into the move's steps of the one under way."""
    intent: Intent | None = None
    phases: tuple[Phase, ...] = ()
    phase_seen_at: datetime | None = None
    """When the newest phase was seen, by the bot's clock."""
    held_up: Cause | None = None
    """Live: why that phase lasts so long, as far as the cluster tells."""
    runbook: bool = False
    """Somebody asked for the runbook of its cause."""
    started_at: datetime | None = None
    deadline: datetime | None = None
    cluster_away_since: datetime | None = None
    result: Result | None = None
    cleaned: bool = False
    """The finished VMIM was deleted on request."""
    originals: Originals | None = None
    """Cold: set from the first write on."""
    homeward: Cause | None = None
    """Cold: why the VM is on its way back to where it was."""
    slow_stop: bool = False
    """Cold: the guest takes long to shut down; not stuck yet."""
    stop_forced: bool = False
    """Cold: somebody chose to cut the guest's shutdown short."""
    stopping_since: datetime | None = None
    starting_since: datetime | None = None
    down_since: datetime | None = None
    up_since: datetime | None = None
    """Cold, by the bot's clock: stop asked for, start asked for, VM gone, VM running again."""
    question: Question | None = None
    askings: tuple[Asking, ...] = ()
    elsewhere: Elsewhere | None = None
    """Cold: it goes there now, and not where the plan says."""
    older_pin: str = ""
    """Live: the plan whose pin is removed first."""
    pin: Pin | None = None

    @property
    def downtime(self) -> timedelta | None:
        """Cold: what people felt of it, from the first stop to the VM running again; None where it has no end or no
        beginning. The way home stops anew, so `stopping_since` is not where it begins."""
        if self.started_at is None or self.down_since is None or self.up_since is None:
            return None
        return self.up_since - self.started_at


class Record(_Frozen):
    """A plan, its approvals and its runs."""

    id: str
    revision: int = 1
    state: PlanState = PlanState.PROPOSED
    plan: Plan
    requester: Actor
    place: Place
    created_at: datetime
    expires_at: datetime
    approvals: tuple[Approval, ...] = ()
    runs: tuple[Run, ...]
    drift: tuple[Drift, ...] = ()
    """Why this revision replaced the one before, when the cluster changed."""
    changed_by: Actor | None = None
    """Who made this revision with Modify."""
    ended_by: Actor | None = None
    """Who canceled it."""
    approved_at: datetime | None = None
    note: str = ""
    """Why it ended without a run, or lost its approval, in words."""
    quorum: Quorum = Quorum()
    """What it needs before it runs, as the rules said last."""

    @property
    def approvers(self) -> tuple[Approval, ...]:
        """Approvals of the current revision."""
        return tuple(approval for approval in self.approvals if approval.revision == self.revision)

    @property
    def askers(self) -> frozenset[str]:
        """Ids of the people whose wish this revision is: their own press may not count."""
        return frozenset(actor.id for actor in (self.requester, self.changed_by) if actor)

    @property
    def open(self) -> bool:
        """Whether anything can still happen without a person: to the plan, to a move, or a reminder."""
        return not migration.is_final(self.state) or any(run.pin and run.pin.remind_at for run in self.runs)


def propose(
    plan_id: str,
    plan: Plan,
    requester: Actor,
    place: Place,
    now: datetime,
    valid_for: timedelta,
    quorum: Quorum = Quorum(),  # noqa: B008  # frozen
) -> Record:
    """A new plan that waits for its Confirm."""
    return Record(
        quorum=quorum,
        id=plan_id,
        plan=plan,
        requester=requester,
        place=place,
        created_at=now,
        expires_at=now + valid_for,
        runs=tuple(Run() for _ in plan.moves),
    )


def check_revision(record: Record, revision: int) -> None:
    """Refuse a click on a card that shows an older plan than the one in the store."""
    if revision != record.revision:
        raise BotError(
            "old-card",
            "This card shows an older version of the plan; it was changed meanwhile.",
            "Read the card again, it has been put right. Nothing was done.",
        )


def check_concerned(record: Record, actor: Actor) -> None:
    """Refuse whoever has neither asked for this move nor approved it."""
    concerned = {record.requester.id, *(approval.actor.id for approval in record.approvers)}
    if actor.id not in concerned:
        raise BotError(
            "not-yours",
            "Here whoever asked for this move or confirmed it decides about its node affinity.",
            "To remove it, use /vm-migrate pins: any member of the channel may.",
        )


def modify(
    record: Record, plan: Plan, actor: Actor, now: datetime, valid_for: timedelta, quorum: Quorum | None = None
) -> Record:
    """Replace the plan by a new revision; approvals of the old one no longer count. `quorum` None: as before."""
    return record.model_copy(
        update={
            "state": next_state(record, PlanEvent.CHANGED),
            "plan": plan,
            "revision": record.revision + 1,
            "changed_by": actor,
            "drift": (),
            "note": "",
            "quorum": quorum or record.quorum,
            "runs": tuple(Run() for _ in plan.moves),
            "expires_at": now + valid_for,
        }
    )


def confirm(
    record: Record, actor: Actor, decision: policy.Decision, now: datetime, quorum: Quorum | None = None
) -> Record:
    """Count one Confirm; with enough of them the plan is approved. `quorum` None: as before."""
    quorum = quorum or record.quorum
    if record.state is PlanState.PROPOSED and now >= record.expires_at:
        raise BotError("expired", "This plan has expired.", "Ask for the move again; the card says since when.")
    if record.plan.blocked:
        raise BotError("blocked", "This plan must not run; the card says why.", "Change it with Modify.")
    state = next_state(record, PlanEvent.CONFIRMED)
    if not quorum.own_counts and actor.id in record.askers:
        raise BotError(
            "own-press",
            f"You asked for this move, so your own Confirm does not count (rule “{quorum.rule}”).",
            "Somebody else must confirm it.",
        )
    if actor.id in {approval.actor.id for approval in record.approvers} and len(record.approvers) < quorum.needed:
        raise BotError(
            "already-confirmed", "You have confirmed this plan already.", "Somebody else must confirm it too."
        )
    approvals = record.approvals
    if actor.id not in {approval.actor.id for approval in record.approvers}:
        approval = Approval(actor=actor, at=now, revision=record.revision, rule=decision.rule)
        approvals = (*approvals, approval)
    record = record.model_copy(update={"approvals": approvals, "quorum": quorum, "note": ""})
    if len(record.approvers) < quorum.needed:
        return record
    return record.model_copy(update={"state": state, "approved_at": now})


def cancel(record: Record, actor: Actor) -> Record:
    """End a plan that has not started."""
    return record.model_copy(update={"state": next_state(record, PlanEvent.CANCELED), "ended_by": actor})


def deny(record: Record, actor: Actor, reason: str) -> Record:
    """An approver's no, with their words for it."""
    return record.model_copy(update={"state": next_state(record, PlanEvent.DENIED), "ended_by": actor, "note": reason})


def revoke(
    record: Record, lost: frozenset[str], note: str, quorum: Quorum, now: datetime, valid_for: timedelta
) -> Record:
    """Approvals of these people (ids) no longer count: the same revision waits for others."""
    kept = tuple(given for given in record.approvals if given.revision != record.revision or given.actor.id not in lost)
    return record.model_copy(
        update={
            "state": next_state(record, PlanEvent.REVOKED),
            "approvals": kept,
            "approved_at": None,
            "note": note,
            "quorum": quorum,
            "expires_at": now + (quorum.valid_for or valid_for),
            "runs": tuple(Run() for _ in record.runs),
        }
    )


def withdraw(record: Record, note: str) -> Record:
    """End a plan that nobody could be shown."""
    return record.model_copy(update={"state": next_state(record, PlanEvent.CANCELED), "note": note})


def expire(record: Record) -> Record:
    """Nobody confirmed it in time."""
    return record.model_copy(update={"state": next_state(record, PlanEvent.EXPIRED)})


def lapse(record: Record) -> Record:
    """It was approved, but nothing was written in time."""
    return record.model_copy(update={"state": next_state(record, PlanEvent.LAPSED)})


def drifted(
    record: Record,
    plan: Plan,
    changes: tuple[Drift, ...],
    now: datetime,
    valid_for: timedelta,
    quorum: Quorum | None = None,
) -> Record:
    """The cluster is no longer what the plan was judged on: a new revision that must be confirmed again."""
    event = PlanEvent.CHANGED if record.state is PlanState.PROPOSED else PlanEvent.DRIFTED
    return record.model_copy(
        update={
            "state": next_state(record, event),
            "plan": plan,
            "revision": record.revision + 1,
            "drift": changes,
            "quorum": quorum or record.quorum,
            "note": "",
            "approved_at": None,
            "runs": tuple(Run() for _ in plan.moves),
            "expires_at": now + valid_for,
        }
    )


def rewind(record: Record) -> Record:
    """Take up an approved plan from its first step: what was proved for an earlier try may be old."""
    if record.state is not PlanState.APPROVED:
        return record
    return record.model_copy(update={"runs": tuple(Run() for _ in record.runs)})


def start(record: Record, index: int, intent: Intent, now: datetime, limit: timedelta) -> Record:
    """Note what is about to be written; from here on the plan runs."""
    state = started(record)
    run = record.runs[index]
    event = MoveEvent.STARTED if run.state is MoveState.WAITING else MoveEvent.ADVANCED
    run = run.model_copy(
        update={
            "state": migration.apply_move(run.state, event),
            "intent": intent,
            "started_at": run.started_at or now,
            "deadline": run.deadline or now + limit,
        }
    )
    return with_run(record.model_copy(update={"state": state}), index, run)


def started(record: Record) -> PlanState:
    """The state in which a write may be noted. Whatever was canceled or has lapsed meanwhile refuses it."""
    return record.state if record.state is PlanState.RUNNING else next_state(record, PlanEvent.STARTED)


def created(record: Record, index: int, uid: str) -> Record:
    """The create was answered: the VMIM has this uid."""
    run = record.runs[index]
    intent = run.intent.model_copy(update={"uid": uid}) if run.intent else None
    return with_run(record, index, run.model_copy(update={"intent": intent}))


def advance(record: Record, index: int) -> Record:
    """The step under way is done; go to the next."""
    run = record.runs[index]
    return with_run(record, index, run.model_copy(update={"step": run.step + 1}))


def at_step(record: Record, index: int) -> StepKind | None:
    """The step that a move is at, None after its last."""
    run = record.runs[index]
    steps = HOME_STEPS if run.homeward else record.plan.moves[index].steps
    return steps[run.step] if run.step < len(steps) else None


def moving(record: Record, index: int) -> Move:
    """A move as it is being carried out: with the target that was chosen on the way, where one was."""
    move, run = record.plan.moves[index], record.runs[index]
    if run.elsewhere is None:
        return move
    return move.model_copy(update={"target": run.elsewhere.target, "replaces": run.elsewhere.replaces})


def observe(record: Record, index: int, phases: tuple[Phase, ...], now: datetime) -> Record:
    """The VMIM has reached further phases."""
    seen = {"phases": phases, "phase_seen_at": now, "held_up": None}
    return with_run(record, index, record.runs[index].model_copy(update=seen))


def phase_name(run: Run) -> str:
    """The phase that a live move was last seen in; "" where KubeVirt has not taken it up."""
    return run.phases[-1].name if run.phases else ""


def held_up(record: Record, index: int, phase: str, cause: Cause) -> Record:
    """A phase lasts long for this reason; said only as long as it lasts."""
    run = record.runs[index]
    if phase_name(run) != phase or run.result:
        return record
    return with_run(record, index, run.model_copy(update={"held_up": cause}))


def show_runbook(record: Record, index: int) -> Record:
    """Somebody wants to read what to do about the cause."""
    return with_run(record, index, record.runs[index].model_copy(update={"runbook": True}))


def cluster_away(record: Record, index: int, since: datetime | None) -> Record:
    """The cluster stopped answering, or (None) answers again."""
    return with_run(record, index, record.runs[index].model_copy(update={"cluster_away_since": since}))


def time_out(record: Record, index: int) -> Record:
    """The limit passed while the cluster is still at it."""
    run = record.runs[index]
    state = migration.apply_move(run.state, MoveEvent.TIMED_OUT)
    return with_run(record, index, run.model_copy(update={"state": state, "deadline": None}))


def finish(record: Record, index: int, result: Result) -> Record:
    """A move has ended; the last one ends the plan."""
    run = record.runs[index]
    event = MoveEvent.FAILED if result.cause else MoveEvent.SUCCEEDED
    ended = {"state": migration.apply_move(run.state, event), "result": result, "cluster_away_since": None}
    record = with_run(record, index, run.model_copy(update=ended))
    if not all(migration.is_final(run.state) for run in record.runs):
        return record
    failed = any(run.state is MoveState.FAILED for run in record.runs)
    return record.model_copy(update={"state": next_state(record, PlanEvent.BROKE if failed else PlanEvent.FINISHED)})


def cleaned(record: Record, index: int) -> Record:
    """The finished VMIM is gone from the cluster, as somebody asked."""
    return with_run(record, index, record.runs[index].model_copy(update={"cleaned": True}))


def with_run(record: Record, index: int, run: Run) -> Record:
    """The Record with one of its runs replaced."""
    return record.model_copy(update={"runs": (*record.runs[:index], run, *record.runs[index + 1 :])})


_ALREADY = {
    PlanState.APPROVED: "This plan is already confirmed",
    PlanState.RUNNING: "This move is already running",
    PlanState.SUCCEEDED: "This move has already succeeded",
    PlanState.FAILED: "This move has already ended",
    PlanState.CANCELED: "This plan was canceled",
    PlanState.DENIED: "This plan was denied",
    PlanState.EXPIRED: "This plan has expired",
    PlanState.LAPSED: "This plan has lapsed",
    PlanState.PROPOSED: "This plan is not confirmed yet",
}


def next_state(record: Record, event: PlanEvent) -> PlanState:
    """The plan's state after the event; what the table does not know is told as decided already."""
    try:
        return migration.apply(record.state, event)
    except IllegalEvent as illegal:
        raise BotError(
            "already-decided", f"{_ALREADY[record.state]}.", "The card shows where it stands; nothing was done twice."
        ) from illegal
