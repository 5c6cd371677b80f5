"""A plan until it runs: proposed, changed, approved by enough people, or ended without a run.

Each function takes a Record and returns the next, or raises a BotError and changes nothing. No clock, no store, no
cluster: the moment, the person and the readings are arguments, and so is `valid_for`: how long a plan waits for its
Confirm where neither an incident, nor its time, nor its rules say otherwise. Two people who confirm at once meet in the
store, which applies these functions one after the other to the newest Record; that is why both presses count and only
one run starts.
"""

from datetime import datetime, timedelta

from bot import migration, policy
from bot.errors import BotError
from bot.migration import IllegalEvent, MoveState, PlanEvent, PlanState
from bot.plan import Consent, Drift, Plan, changes
from bot.policy import Actor, Quorum
from bot.record import Accepted, Approval, Edit, Incident, Place, Record, Run
from bot.schedule import Schedule


class OwnPress(BotError):
    """By a rule the Confirm of whoever asked for a move, or changed its plan, does not count."""

    def __init__(self, rule: str) -> None:
        super().__init__(
            "own-press",
            f"You asked for this move, so your own Confirm does not count (rule “{rule}”).",
            "Somebody else must confirm it.",
        )
        self.rule = rule


def propose(
    plan_id: str,
    plan: Plan,
    requester: Actor,
    place: Place,
    now: datetime,
    valid_for: timedelta,
    quorum: Quorum = Quorum(),  # noqa: B008  # frozen
    schedule: Schedule | None = None,
    incident: Incident | None = None,
) -> Record:
    """A new plan that waits for its Confirm."""
    return Record(
        quorum=quorum,
        schedule=schedule,
        incident=incident,
        id=plan_id,
        plan=plan,
        requester=requester,
        place=place.model_copy(update={"once": ""}),
        delivery=place.once,
        created_at=now,
        expires_at=_waits_until(now, valid_for, quorum, schedule, incident),
        runs=tuple(Run() for _ in plan.moves),
    )


def _waits_until(
    now: datetime, valid_for: timedelta, quorum: Quorum, schedule: Schedule | None, incident: Incident | None
) -> datetime:
    """When a plan without its Confirm is over: an incident's after the time for which it was declared, however often
    the plan changes; one that is for later at its time, since all is proved again before."""
    if incident:
        return incident.until
    if schedule:
        return min(schedule.confirm_by, now + quorum.valid_for) if quorum.valid_for else schedule.confirm_by
    return now + (quorum.valid_for or valid_for)


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
    quorum = quorum or record.quorum
    return record.model_copy(
        update={
            "state": next_state(record, PlanEvent.CHANGED),
            "plan": plan,
            "revision": record.revision + 1,
            "changed_by": actor,
            "edits": (*record.edits, _edit(record, plan, actor)),
            "accepted": (),
            "incident": None,
            "drift": (),
            "note": "",
            "quorum": quorum,
            "runs": tuple(Run() for _ in plan.moves),
            "expires_at": _waits_until(now, valid_for, quorum, record.schedule, None),
        }
    )


def _edit(record: Record, now: Plan, actor: Actor) -> Edit:
    return Edit(actor=actor, revision=record.revision + 1, changes=changes(record.plan, now))


def confirm(
    record: Record, actor: Actor, decision: policy.Decision, now: datetime, quorum: Quorum | None = None
) -> Record:
    """Count one Confirm; with enough of them the plan is approved. `quorum` None: as before."""
    quorum = quorum or record.quorum
    if record.state is PlanState.PROPOSED and now >= record.expires_at:
        raise BotError("expired", "This plan has expired.", "Ask for the move again; the card says since when.")
    if record.plan.blocked:
        raise BotError("blocked", "This plan must not run; the card says why.", "Change it with Modify.")
    waits = record.schedule is not None and now < record.schedule.start
    state = next_state(record, PlanEvent.SCHEDULED if waits else PlanEvent.CONFIRMED)
    if record.unaccepted:
        costs = " and ".join(record.unaccepted)
        raise BotError("not-accepted", f"Nobody has accepted the {costs} yet.", "That is a button of its own.")
    if not quorum.own_counts and actor.id in record.askers:
        raise OwnPress(quorum.rule)
    has_pressed = actor.id in {given.actor.id for given in record.approvers}
    if has_pressed and len(record.approvers) < quorum.needed:
        raise BotError(
            "already-confirmed", "You have confirmed this plan already.", "Somebody else must confirm it too."
        )
    given = () if has_pressed else (Approval(actor=actor, at=now, revision=record.revision, rule=decision.rule),)
    approvals = (*record.approvals, *given)
    record = record.model_copy(update={"approvals": approvals, "quorum": quorum, "note": ""})
    if len(record.approvers) < quorum.needed:
        return record
    return record.model_copy(update={"state": state, "approved_at": None if waits else now})


def accept(record: Record, consent: Consent, actor: Actor, now: datetime) -> Record:
    """Take on one cost of a batch. It counts for this revision, whoever confirms it then."""
    if record.state is not PlanState.PROPOSED:
        next_state(record, PlanEvent.CONFIRMED)
    if consent not in record.unaccepted:
        raise BotError("already-accepted", f"The {consent} is accepted already.", "The card says by whom.")
    given = Accepted(consent=consent, actor=actor, at=now)
    return record.model_copy(update={"accepted": (*record.accepted, given)})


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
            "expires_at": _waits_until(now, valid_for, quorum, record.schedule, record.incident),
            "runs": tuple(Run() for _ in record.runs),
        }
    )


def withdraw(record: Record, note: str) -> Record:
    """End a plan that nobody could be shown, or that can no longer be run."""
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
    quorum = quorum or record.quorum
    return record.model_copy(
        update={
            "state": next_state(record, event),
            "plan": plan,
            "revision": record.revision + 1,
            "drift": changes,
            "accepted": (),
            "quorum": quorum,
            "note": "",
            "approved_at": None,
            "runs": tuple(Run() for _ in plan.moves),
            "expires_at": _waits_until(now, valid_for, quorum, record.schedule, record.incident),
        }
    )


def start_by(record: Record, approved_valid: timedelta) -> datetime:
    """Its first write comes until then, or not at all: one that is for later has the time that people reckoned with."""
    if record.schedule:
        return record.schedule.latest
    return (record.approved_at or record.created_at) + approved_valid


def write_by(record: Record, index: int, approved_valid: timedelta) -> datetime:
    """Until then the first write of a move that has begun is tried again where it never arrived. With the plan's first
    move the plan begins: that comes in its time, or not at all."""
    began = [run.started_at for run in record.runs if run.started_at]
    own = record.runs[index].started_at or record.created_at
    by = own + approved_valid
    return min(by, record.schedule.latest) if record.schedule and own == min(began, default=own) else by


def rewind(record: Record) -> Record:
    """Take up what has not begun from its first step: what was proved for an earlier try may be old."""
    anew = tuple(Run() if run.state is MoveState.WAITING else run for run in record.runs)
    return record.model_copy(update={"runs": anew})


_ALREADY = {
    PlanState.APPROVED: "This plan is already confirmed",
    PlanState.SCHEDULED: "This plan is already confirmed and waits for its time",
    PlanState.RUNNING: "This move is already running",
    PlanState.PAUSED: "This plan is paused",
    PlanState.PARTLY_FAILED: "This plan has already ended",
    PlanState.STOPPED: "This plan was stopped",
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
