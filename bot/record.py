"""One plan with all that has happened to it: the unit that is stored, approved, run and shown.

A Record is frozen data; `bot.approval` (until it runs) and `bot.progress` (while it runs) have the functions from one
Record to the next.

`revision` is what buttons carry: it changes when the plan changes (Modify, drift), never when its state does.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot import migration
from bot.diagnosis import Cause
from bot.migration import MoveState, PlanState
from bot.plan import Consent, Drift, Plan, Replaced, Target
from bot.policy import Actor, Quorum
from bot.schedule import Schedule


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Place(_Frozen):
    """Where a plan is talked about: a channel of a chat."""

    channel: str
    once: str = ""
    """Where something is asked for: names what the chat has delivered, as hexadecimal digits. The same delivery makes
    one plan, however often it comes; kept in the Record as `delivery`."""


class Approval(_Frozen):
    """One person's Confirm of one revision."""

    actor: Actor
    at: datetime
    revision: int
    rule: str


class Accepted(_Frozen):
    """Somebody takes on what a batch costs; it is not their Confirm."""

    consent: Consent
    actor: Actor
    at: datetime


class HoldReason(StrEnum):
    """Why a batch pauses."""

    ASKED = "asked"
    """Somebody wanted it."""
    STAGE = "stage"
    """A group is through."""
    FAILED = "failed"
    CALLED_OFF = "called off"
    """Somebody has called off a move of it."""
    UNKNOWN = "unknown"
    CHANGED = "changed"
    """The next VM is no longer as approved."""
    UNHEALTHY = "unhealthy"
    """A VM that has moved is not what it was."""
    OUTAGE = "outage"
    """The bot or the cluster was away for long."""


class HoldAnswer(StrEnum):
    """What ended a pause."""

    GO_ON = "go on"
    SKIP = "skip"
    """Go on without the VM that it is about."""
    STOP = "stop"


class Hold(_Frozen):
    """One pause of a batch: no further move begins. Each is a message of its own."""

    reason: HoldReason
    at: datetime
    index: int | None = None
    """The move that it is about."""
    until: datetime | None = None
    """It goes on by itself then; None: not without a click."""
    cause: Cause | None = None
    by: Actor | None = None
    """Who wanted it."""
    answer: HoldAnswer | None = None
    answered_by: Actor | None = None
    """None where the time had come."""


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
    noted_at: datetime | None = None
    """Right before the first write was tried, the last time that it was. Older records do not say."""


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


class CalledOff(_Frozen):
    """Somebody's wish to end a move that runs. What became of it, the result says."""

    actor: Actor
    at: datetime


class Overdue(_Frozen):
    """One time that people were told that a move had not ended in time; each is a message of its own."""

    at: datetime
    phase: str
    """The last one that was seen."""
    watched_by: Actor | None = None
    until: datetime | None = None
    """Somebody chose to keep watching: told again then."""


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
    overdue: tuple[Overdue, ...] = ()
    called_off: CalledOff | None = None
    not_called_off: Cause | None = None
    """Live: why the cluster did not take the last such wish."""
    post_copy: bool = False
    """Live: the guest runs on the target already while its memory follows; there is no safe way back."""
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
    skipped: Cause | None = None
    """In a batch: why it was left out at its turn."""
    healthy: bool | None = None
    """In a batch, after a success: whether the VM is Ready, with its guest agent where it had one. None: not known."""
    health_since: datetime | None = None
    """Since when it is looked at and not yet healthy."""
    pin: Pin | None = None

    @property
    def stopped_at(self) -> datetime | None:
        """Cold: when the VM was first told to stop. The way home stops anew, so it is not `stopping_since`."""
        return (self.originals and self.originals.noted_at) or self.started_at

    @property
    def downtime(self) -> timedelta | None:
        """Cold: what people felt of it, from the first stop to the VM running again; None where it has no end or no
        beginning."""
        if self.stopped_at is None or self.down_since is None or self.up_since is None:
            return None
        return self.up_since - self.stopped_at


class Edit(_Frozen):
    """One Modify: who changed what, as the thread tells it."""

    actor: Actor
    revision: int
    """The one that it made."""
    changes: tuple[Drift, ...]


class Moment(_Frozen):
    """One line of a timeline."""

    at: datetime
    actor: str
    """Id of whoever did it; empty: the bot or the cluster."""
    text: str


class Incident(_Frozen):
    """Why a plan does not wait for the usual approvals."""

    id: str
    """As it is called elsewhere, for example INC-42."""
    reason: str
    by: Actor
    rule: str
    at: datetime
    until: datetime
    """Without a Confirm by then it is over."""
    skipped: Quorum
    """What it would have needed, and of whom."""
    audit_channel: str = ""
    """Where it is told besides; empty: nowhere."""
    timeline: tuple[Moment, ...] | None = None
    """All that happened; None as long as it is not over."""


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
    edits: tuple[Edit, ...] = ()
    """Oldest first."""
    ended_by: Actor | None = None
    """Who canceled it."""
    approved_at: datetime | None = None
    """Since when it may begin: enough people have confirmed it, and its time has come."""
    note: str = ""
    """Why it ended without a run, or lost its approval, in words."""
    delivery: str = ""
    """What of the chat's it was made from, see `Place.once`."""
    quorum: Quorum = Quorum()
    """What it needs before it runs, as the rules said last."""
    accepted: tuple[Accepted, ...] = ()
    """What people have taken on of this revision's costs."""
    holds: tuple[Hold, ...] = ()
    """Its pauses, oldest first."""
    schedule: Schedule | None = None
    """When it is to start; None: as soon as enough people have confirmed it."""
    incident: Incident | None = None
    """None: it waits for its approvals like every plan."""

    @property
    def unaccepted(self) -> tuple[Consent, ...]:
        """Costs of the plan that nobody has taken on yet; an incident is not held up by them."""
        if self.incident:
            return ()
        given = {accepted.consent for accepted in self.accepted}
        return tuple(consent for consent in self.plan.consents if consent not in given)

    @property
    def approvers(self) -> tuple[Approval, ...]:
        """Approvals of the current revision."""
        return tuple(approval for approval in self.approvals if approval.revision == self.revision)

    @property
    def askers(self) -> frozenset[str]:
        """Ids of the people whose wish this revision is: their own press may not count."""
        return frozenset(actor.id for actor in (self.requester, self.changed_by) if actor)

    def with_run(self, index: int, changed: Mapping[str, Any]) -> "Record":
        """The same with these fields of one of its runs changed."""
        run = self.runs[index].model_copy(update=dict(changed))
        return self.model_copy(update={"runs": (*self.runs[:index], run, *self.runs[index + 1 :])})

    @property
    def open(self) -> bool:
        """Whether anything can still happen without a person: to the plan, to a move, a reminder, or a timeline."""
        untold = self.incident is not None and self.incident.timeline is None
        return untold or not migration.is_final(self.state) or any(run.pin and run.pin.remind_at for run in self.runs)
