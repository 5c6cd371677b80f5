"""What the application needs from outside, as small Protocols that it owns.

Each has a real implementation (`bot.store`, `handlers.notifier`, the system clock) and is served by the same one or
by an equally real little one in tests. Nothing here knows Slack or SQL.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from bot.policy import Action, Actor, Decision
from bot.record import Record


class Clock(Protocol):
    """The bot's own clock, UTC and timezone-aware. Never mixed with the cluster's timestamps."""

    def now(self) -> datetime:
        """This moment."""
        ...


class Entry(NamedTuple):
    """A line of a plan's log: what happened, by whom (None: the bot itself), with JSON details."""

    kind: str
    actor: Actor | None = None
    details: dict[str, Any] | None = None


class Logged(NamedTuple):
    """An Entry as it was stored."""

    plan_id: str
    at: datetime
    kind: str
    actor: str | None
    details: dict[str, Any]


class Change(NamedTuple):
    """The next Record and what to write into the log about it."""

    record: Record
    entries: Sequence[Entry] = ()


class Message(NamedTuple):
    """A message in the chat that shows a part of a plan."""

    plan_id: str
    slot: str
    """Which part: the card, the progress, a report."""
    channel: str
    ts: str
    """Empty between the intent to post and the answer."""
    digest: str
    """Of the content last sent; empty when nothing was."""
    intended_at: datetime


class NodeChoice(NamedTuple):
    """A node that somebody may choose, or why not."""

    name: str
    usable: bool
    why: str
    """Why not; or, where it is usable, what speaks for it in few words. May be empty."""
    free_cpu: int | None = None
    """Thousandths of a CPU that no pod has requested; None where the bot may not read that."""
    free_memory: int | None = None
    """Bytes of memory, likewise."""


class AtHome(NamedTuple):
    """What concerns one person."""

    running: tuple[Record, ...]
    waiting: tuple[Record, ...]
    """For their Confirm."""
    scheduled: tuple[Record, ...]
    """Confirmed, for later."""
    recent: tuple[Record, ...]
    """What they asked for and has ended."""
    pins: int
    """VMs that carry our node affinity."""
    at: datetime
    """When it was looked up."""


class Overview(NamedTuple):
    """Plans of one channel."""

    plans: tuple[Record, ...]
    """Newest first."""
    more: bool = False
    """There are others that fit, and are not listed."""
    elsewhere: int = 0
    """How many that fit are of other channels."""


class PinnedVm(NamedTuple):
    """A VM that carries our node affinity."""

    namespace: str
    name: str
    hostname: str
    """The label value that it is held to."""
    plan_id: str
    labels: Mapping[str, str] = {}
    """The VM's."""
    lost: bool = False
    """No plan of ours is about it any more."""
    down: bool = False
    """And a move has stopped it and never started it again."""


class Verdict(NamedTuple):
    """What somebody was allowed or refused, for the audit."""

    actor: Actor
    action: Action
    decision: Decision
    plan_id: str = ""
    revision: int = 0
    fingerprint: str = ""
    state: str = ""
    """Of the plan, after it was done."""
    incident: str = ""
    """For whose sake the usual approvals were waived."""
    done: str = ""
    """What came of it, in the word of the plan's log; empty where it was refused."""


class VmBusy(Exception):
    """Another plan holds the VM's lock."""

    def __init__(self, key: str, plan_id: str) -> None:
        super().__init__(f"{key} is held by {plan_id}")
        self.key = key
        self.plan_id = plan_id


class PlanExists(Exception):
    """There is a plan of that id already."""


class StoreAway(Exception):
    """The database does not answer. Whether the last change was kept is not known; the next reading tells."""


class LeaseLost(Exception):
    """Another bot carries this plan out by now; nothing was stored."""


class Store(Protocol):
    """Plans, their logs and their messages; the source of truth."""

    async def add(self, record: Record, entries: Sequence[Entry]) -> None:
        """Store a new plan. Raises PlanExists."""
        ...

    async def get(self, plan_id: str) -> Record | None:
        """The newest Record, None for an id that was never given."""
        ...

    async def update(self, plan_id: str, change: Callable[[Record], Change], *, epoch: int | None = None) -> Record:
        """Apply `change`, which may be asked twice, to the newest Record in one transaction and return the next.

        Raises what `change` raises (then nothing is stored), KeyError for an unknown id, VmBusy when the Record now
        runs a VM that another plan is moving, and, given the `epoch` of the owner of its run, LeaseLost when there is
        a newer one.
        """
        ...

    async def open_plans(self) -> tuple[Record, ...]:
        """Plans to which something can still happen, oldest first."""
        ...

    async def ended(self, wanted: Callable[[Record], bool], since: datetime | None, most: int) -> tuple[Record, ...]:
        """Plans that have ended and are wanted, newest first, at most so many; `since`: asked for after that."""
        ...

    async def holder(self, key: str) -> str | None:
        """Id of the plan that is moving the VM `namespace/name`."""
        ...

    async def downtimes(self, vm_key: str | None, most: int) -> tuple[timedelta, ...]:
        """Measured downtimes of cold moves that succeeded, of the VM `namespace/name` or (None) of all; newest first,
        at most so many."""
        ...

    async def away_from(self, node: str) -> tuple[str, ...]:
        """VMs (`namespace/name`) that an evacuation took away from a node and nothing has brought back since."""
        ...

    async def log(self, plan_id: str) -> tuple[Logged, ...]:
        """Everything that happened to a plan, in order."""
        ...

    async def messages(self, plan_id: str) -> dict[str, Message]:
        """The plan's messages by slot."""
        ...

    async def put_message(self, message: Message, entries: Sequence[Entry] = ()) -> None:
        """Remember a message, or what was last sent of it, with what to write into the plan's log about it."""
        ...

    async def plan_of_message(self, channel: str, ts: str) -> str | None:
        """Which plan a message belongs to."""
        ...

    async def unshown(self) -> tuple[str, ...]:
        """Ids of plans whose newest version was not yet fully shown."""
        ...

    async def latest(self, plan_id: str) -> tuple[Record, int, dict[str, Message]]:
        """The newest Record, its version for `shown` (it counts changes and is never on a button), and its messages."""
        ...

    async def shown(self, plan_id: str, version: int) -> None:
        """This version of the plan stands in the chat."""
        ...


class Watching(Protocol):
    """Is told of every change after it is stored, to count or to log. Must be quick and raise nothing."""

    def changed(self, before: Record | None, after: Record) -> None:
        """A plan was stored; `before` is None for a new one."""
        ...

    def shown(self, plan_id: str) -> None:
        """The newest version of the plan stands in the chat."""
        ...


class Held(NamedTuple):
    """What a heartbeat has found out."""

    lost: frozenset[str]
    """Leases that were ours, and are no more."""
    nudged: frozenset[str]
    """Ours, which somebody else wants to be looked at anew."""


DUTIES = "@duties"
"""Lease of the one replica that does what is done once for all: sending messages, seeing to plans that do not run."""


def first_card(plan_id: str) -> str:
    """Lease of the replica that shows a new plan: whoever was asked for it, whoever sends the rest."""
    return f"@card/{plan_id}"


class Leases(Protocol):
    """Which replica does what. With a single one all is its own."""

    @property
    def absence(self) -> timedelta:
        """For how long there was no replica at all before this one came, to about a minute."""
        ...

    async def renew(self) -> Held:
        """Stay alive; every few seconds."""
        ...

    async def take(self, name: str) -> int | None:
        """Become the owner, or stay it: the epoch. None while somebody else is."""
        ...

    def mine(self, name: str) -> int | None:
        """The epoch under which this replica owns it for certain at this moment; None where it does not."""
        ...

    async def release(self, name: str) -> None:
        """There is nothing left to own."""
        ...

    async def nudge(self, name: str) -> None:
        """Ask the owner to look at it anew."""
        ...

    async def elsewhere(self) -> frozenset[str]:
        """What living other replicas own."""
        ...


class Notifier(Protocol):
    """Shows plans to people. It may be slow or down: nothing waits for it but the first card."""

    def changed(self, plan_id: str) -> None:
        """The plan is not what was last shown. Returns at once."""
        ...


class Runner(Protocol):
    """Carries plans out."""

    def start(self, plan_id: str) -> None:
        """Take up a plan, unless it is being run already."""
        ...

    def restart(self, plan_id: str) -> None:
        """Let go of what a run is waiting for, and take it up as the store has it now."""
        ...


class People(Protocol):
    """Who somebody is, as the chat knows it at this moment."""

    async def again(self, actor: Actor, channel: str) -> Actor:
        """The same person, read anew. Raises BotError for whoever is an actor no longer, and `slack-unsure` when the
        chat does not say."""
        ...

    async def group_id(self, who: str) -> str | None:
        """Id of a user group by id or @handle; None where there is none, or the chat does not say."""
        ...

    async def group_members(self, who: str) -> frozenset[str] | None:
        """User ids of everybody in a user group; None where the chat does not say."""
        ...


class Audit(Protocol):
    """Keeps every decision about people. Never in the way: what cannot be kept is said in the log."""

    def write(self, verdict: Verdict) -> None:
        """Keep one."""
        ...
