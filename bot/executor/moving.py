"""What a step works with: one move of one plan, and the only ways to change anything.

A step notes in the store before it writes to the cluster, and every write to the cluster goes through `write`, which is
finished even when the bot is told to stop in the middle of it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from bot.authority import Authority
from bot.diagnosis import Cause
from bot.errors import BotError
from bot.migration import IllegalEvent, MoveState, PlanState
from bot.plan import Move
from bot.ports import Change, Clock, Entry, LeaseLost, Leases, Notifier, Store
from bot.progress import moving
from bot.record import Elsewhere, Record, Run
from k8s.cluster import Cluster
from k8s.snapshots import Ref

T = TypeVar("T")


class Limits(NamedTuple):
    """How long things may take."""

    plan_valid: timedelta
    approved_valid: timedelta
    live: timedelta
    start_answer: timedelta
    """For people to say what to do with a VM that does not start on its target."""


class Course(NamedTuple):
    """The way that a move is on, and how far it has come."""

    revision: int
    begun: bool
    step: int
    homeward: bool
    elsewhere: Elsewhere | None


class Halt(Exception):
    """The plan is not to go on: somebody decided otherwise, or it has ended."""


class NotYet(Exception):
    """The cluster answers, but has not come so far: look again soon."""


class Outdated(Exception):
    """A first write was noted, never arrived, and may not be made any more."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.what)
        self.cause = cause


class Moving:
    """One move under way."""

    def __init__(
        self,
        plan_id: str,
        index: int,
        *,
        store: Store,
        cluster: Cluster,
        notifier: Notifier,
        clock: Clock,
        limits: Limits,
        authority: Authority,
        writes: set[asyncio.Task[Any]],
        leases: Leases,
        epoch: int,
    ) -> None:
        self.plan_id = plan_id
        self.index = index
        self.cluster = cluster
        self.clock = clock
        self.limits = limits
        self.authority = authority
        self.epoch = epoch
        """Of the lease on the run; it fences what this bot writes from what a later owner does."""
        self._leases = leases
        self._store = store
        self._notifier = notifier
        self._writes = writes
        self._course: Course | None = None

    def keep_to(self, record: Record) -> None:
        """What is changed from here on is changed on the way that this Record shows, or not at all."""
        self._course = _course(record, self.index)

    async def read(self) -> tuple[Record, Move, Run]:
        """The plan, this move and its run as they stand in the store."""
        record = await self._store.get(self.plan_id)
        if record is None:
            raise Halt
        return record, moving(record, self.index), record.runs[self.index]

    async def change(self, change: Callable[[Record], Record], *entries: Entry) -> Record:
        """Store the next Record and have it shown. Raises Halt when its state no longer allows it (a pause keeps what
        has not begun as it is), somebody has turned it to another way meanwhile (a step that ends late does not count
        there), or the run is somebody else's."""

        def on_course(current: Record) -> Change:
            if self._course is not None and _course(current, self.index) != self._course:
                raise Halt
            if current.state is PlanState.PAUSED and current.runs[self.index].state is MoveState.WAITING:
                raise Halt
            return Change(change(current), entries)

        try:
            record = await self._store.update(self.plan_id, on_course, epoch=self.epoch)
        except (BotError, IllegalEvent, LeaseLost) as decided:
            raise Halt from decided
        self._course = self._course and _course(record, self.index)
        self._notifier.changed(self.plan_id)
        return record

    async def tell(self, plan_id: str, change: Callable[[Record], Record], entry: Entry) -> None:
        """Note on another plan what this move has done to it; a plan that is not known any more is left alone."""
        with suppress(KeyError):
            await self._store.update(plan_id, lambda current: Change(change(current), [entry]))
            self._notifier.changed(plan_id)

    async def write(self, writing: Coroutine[Any, Any, T]) -> T:
        """Run a write to the cluster to its end, even if this task is canceled meanwhile. Raises Halt where it is not
        certain that the run is ours."""
        if self._leases.mine(self.plan_id) != self.epoch:
            writing.close()
            raise Halt
        task = asyncio.ensure_future(writing)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)


def _course(record: Record, index: int) -> Course:
    if index >= len(record.runs):
        raise Halt
    run = record.runs[index]
    return Course(
        record.revision, run.state is not MoveState.WAITING, run.step, run.homeward is not None, run.elsewhere
    )


def vm_ref(move: Move) -> Ref:
    """Name of the VM, and of its VMI."""
    return Ref(move.namespace, move.vm)
