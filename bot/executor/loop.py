"""The one loop that carries plans out.

A run is a task that asks the store which step is next, does it, and asks again; it can be killed between any two
lines and started again, since each step looks before it writes. What the cluster cannot answer now is tried again by
a later sweep, with growing pauses; what it refuses for good ends the move with a report, and a VM that we have
stopped goes home first. Deadlines are data in the store and are looked at by `sweep(now)`, so no timer has to survive.

Owning a run is a lease: with SQLite all are ours, on PostgreSQL several bots share them. `keep` is the heartbeat; a run
that somebody else owns by now is let go of, one that nobody owns is taken up by the next sweep.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from bot import approval, migration, progress, turns
from bot.authority import Authority
from bot.executor import batch, due, ending, explain, live
from bot.executor import cold as cold_steps
from bot.executor.moving import Halt, Limits, Moving, NotYet, Outdated
from bot.executor.patience import Patience
from bot.executor.prove import prove
from bot.logs import about
from bot.migration import PlanState
from bot.plan import StepKind
from bot.ports import DUTIES, Change, Clock, Entry, LeaseLost, Leases, Notifier, Store, StoreAway
from bot.record import Record
from bot.request import MoveType
from k8s import errors as k8s
from k8s.cluster import Cluster

log = logging.getLogger(__name__)

Step = Callable[[Moving], Awaitable[None]]

STEPS: Mapping[MoveType, Mapping[StepKind, Step]] = {
    MoveType.LIVE: {
        StepKind.PROVE: prove,
        StepKind.MIGRATE: live.migrate,
        StepKind.FOLLOW: live.follow,
        StepKind.VERIFY: live.verify,
    },
    MoveType.COLD: {
        StepKind.PROVE: prove,
        StepKind.STOP: cold_steps.stop,
        StepKind.GONE: cold_steps.gone,
        StepKind.START: cold_steps.start,
        StepKind.RETURN: cold_steps.go_home,
        StepKind.ARRIVE: cold_steps.arrive,
        StepKind.PLACE: cold_steps.place,
        StepKind.VERIFY: cold_steps.verify,
    },
}

_WATCHING = (StepKind.FOLLOW, StepKind.GONE, StepKind.ARRIVE, StepKind.VERIFY)
"""Steps that only read: a refusal there ends nothing."""

AWAY_AFTER = 5.0
"""Seconds without a word from the cluster before people are told; a watch that is renewed takes less."""


class Executor:
    """Runs approved plans, each in a task of its own. Implements `bot.ports.Runner`."""

    def __init__(
        self,
        *,
        store: Store,
        cluster: Cluster,
        notifier: Notifier,
        clock: Clock,
        limits: Limits,
        authority: Authority,
        leases: Leases,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._notifier = notifier
        self._clock = clock
        self._limits = limits
        self._authority = authority
        self._leases = leases
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._writes: dict[str, set[asyncio.Task[Any]]] = {}
        self._patience = Patience()
        self._closing = False
        self._sweeps = 0

    def start(self, plan_id: str) -> None:
        """Take up a plan, unless it is being run already, here or elsewhere."""
        self._begin(plan_id, nudge=False)

    def _begin(self, plan_id: str, *, nudge: bool) -> None:
        if not self._closing and plan_id not in self._runs:
            task = asyncio.create_task(self._run(plan_id, nudge=nudge), name=f"run {plan_id}")
            self._runs[plan_id] = task
            task.add_done_callback(lambda done: self._forget(plan_id, done))

    def restart(self, plan_id: str) -> None:
        """Let go of what a run is waiting for, and take it up as the store has it now; its owner does, whoever that is.

        Writes that the old run has begun are finished before the new one looks.
        """
        self._let_go(plan_id)
        self._begin(plan_id, nudge=True)

    def _let_go(self, plan_id: str) -> None:
        if running := self._runs.pop(plan_id, None):
            running.cancel()
        self._patience.at_once(plan_id)

    async def resume(self) -> None:
        """Take up everything that an earlier process left, but what is to lapse: the first sweep sees to that."""
        now = self._clock.now()
        for current in await self._store.open_plans():
            if self._leases.absence >= turns.LONG_OUTAGE:
                await self._ask_after_absence(current, now)
            if _to_run(current) and not due.too_late(current, now, self._limits):
                self.start(current.id)

    async def _ask_after_absence(self, current: Record, now: datetime) -> None:
        """A batch does not go on unasked when nobody was there for long; what is under way does."""
        if current.state is PlanState.RUNNING and turns.waiting(current):
            epoch = await self._leases.take(current.id)
            if epoch is not None:
                await self._apply(current, due.ask_after_outage(self._leases.absence, now), epoch)

    async def keep(self, _now: datetime) -> None:
        """The heartbeat: stay the owner of our runs, and hear what has become of them elsewhere."""
        held = await self._leases.renew()
        for plan_id in held.lost & self._runs.keys():
            log.warning("plan %s is carried out by another bot by now", plan_id)
            self._let_go(plan_id)
        for plan_id in held.nudged:
            self.restart(plan_id)

    async def sweep(self, now: datetime) -> None:
        """Expire, lapse, ask, remind, say that the cluster is away, and try again, whatever is due and ours. What is
        wrong with one plan keeps no other waiting."""
        elsewhere, waiting = await self._leases.elsewhere(), []
        for current in await self._store.open_plans():
            with _alone(current.id):
                epoch = await self._see_to(current, elsewhere, now)
                if epoch is not None and due.wants_explaining(current, now):
                    waiting.append((current, epoch))
        self._sweeps += 1
        for current, epoch in explain.share(waiting, self._sweeps):
            with _alone(current.id):
                if found := await explain.first_found(self._cluster, current, now, self._limits):
                    await self._apply(current, found, epoch)

    async def _see_to(self, current: Record, elsewhere: frozenset[str], now: datetime) -> int | None:
        """Our epoch of a run of which nothing is due; None of all else."""
        runs = _to_run(current)
        if not runs:
            self._patience.over(current.id)
        lease = current.id if runs else DUTIES
        if lease in elsewhere or (epoch := await self._leases.take(lease)) is None:
            return None
        if found := due.first_due(current, now, self._limits, self._away(current.id, now)):
            await self._apply(current, found, epoch if runs else None)
        elif runs and self._patience.may_try(current.id, now):
            self.start(current.id)
            return epoch
        return None

    async def close(self, patience: float = 8.0) -> None:
        """Stop taking up work, finish writes that have begun, and leave the rest for the next start."""
        self._closing = True
        runs = list(self._runs.values())
        for task in runs:
            task.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
        if writes := [task for tasks in self._writes.values() for task in tasks]:
            await asyncio.wait(writes, timeout=patience)

    def _forget(self, plan_id: str, done: asyncio.Task[None]) -> None:
        if self._runs.get(plan_id) is done:
            del self._runs[plan_id]
            if not self._writes.get(plan_id):
                self._writes.pop(plan_id, None)

    def _away(self, plan_id: str, now: datetime) -> datetime | None:
        """Since when the cluster has not answered this plan's run; None while it does."""
        if since := self._patience.unanswered_since(plan_id):
            return since
        outage = self._cluster.outage()
        return now - timedelta(seconds=outage) if outage and outage >= AWAY_AFTER else None

    async def _apply(self, judged: Record, found: due.Due, epoch: int | None) -> None:
        """Change the plan that was judged. One that has changed meanwhile is left for the next sweep to judge."""

        def as_judged(newest: Record) -> Change:
            if newest != judged:
                raise Halt
            return Change(found.change(newest), [Entry(found.kind)])

        try:
            await self._store.update(judged.id, as_judged, epoch=epoch)
        except (Halt, LeaseLost):
            return
        self._notifier.changed(judged.id)
        if found.restart:
            self.restart(judged.id)

    async def _run(self, plan_id: str, *, nudge: bool) -> None:
        with about(plan=plan_id):
            await self._carry_out(plan_id, nudge=nudge)

    async def _carry_out(self, plan_id: str, *, nudge: bool) -> None:
        try:
            with suppress(Halt, LeaseLost):
                await self._take_up(plan_id, nudge=nudge)
            self._patience.over(plan_id)
        except (NotYet, k8s.Busy):
            self._patience.not_yet(plan_id, self._clock.now())
        except k8s.ClusterError as away:
            log.warning("plan %s waits for the cluster: %s", plan_id, away.message)
            self._patience.unanswered(plan_id, self._clock.now())
        except StoreAway:
            log.warning("plan %s waits for the database", plan_id)
            self._patience.later(plan_id, self._clock.now())
        except Exception:
            log.exception("plan %s met an unexpected error and is tried again", plan_id)
            self._patience.later(plan_id, self._clock.now())

    async def _take_up(self, plan_id: str, *, nudge: bool) -> None:
        epoch = await self._leases.take(plan_id)
        if epoch is not None:
            await self._run_ours(plan_id, epoch)
        elif nudge:
            await self._leases.nudge(plan_id)

    async def _run_ours(self, plan_id: str, epoch: int) -> None:
        if begun := self._writes.get(plan_id):
            await asyncio.wait(begun)
        await self._store.update(plan_id, lambda current: Change(approval.rewind(current)), epoch=epoch)
        try:
            await self._moves(plan_id, epoch)
        except Halt:
            current = await self._store.get(plan_id)
            if current and _to_run(current):
                raise
        await self._leases.release(plan_id)

    async def _moves(self, plan_id: str, epoch: int) -> None:
        """Work on every move whose turn it is, each in a task of its own, until none is left to work on."""
        lanes: dict[int, asyncio.Task[None]] = {}
        stepped = asyncio.Event()
        try:
            while (current := await self._store.get(plan_id)) and _to_run(current):
                for index in await self._turns(current, epoch):
                    if index not in lanes:
                        moving = self._moving(plan_id, index, epoch)
                        lanes[index] = asyncio.create_task(self._lane(moving, stepped))
                if not lanes:
                    raise Halt
                done = await _first(lanes.values(), stepped)
                lanes = {index: task for index, task in lanes.items() if task not in done}
                for lane in done:
                    lane.result()
        finally:
            for lane in lanes.values():
                lane.cancel()
            await asyncio.gather(*lanes.values(), return_exceptions=True)

    async def _turns(self, current: Record, epoch: int) -> tuple[int, ...]:
        """Whose turn it is. Raises NotYet while a VM that has moved is looked at."""
        for index in turns.unlooked(current):
            await batch.look(self._moving(current.id, index, epoch))
        current = await self._store.get(current.id) or current
        if turns.unlooked(current) and not turns.under_way(current):
            raise NotYet("a VM that has moved is not well yet")
        going = turns.under_way(current)
        beginning = tuple(index for index in turns.ready(current) if index not in going)
        return (*going, *await batch.room(self._cluster, current, beginning))

    async def _lane(self, moving: Moving, stepped: asyncio.Event) -> None:
        """One move, step by step, to its end."""
        plan_id, index = moving.plan_id, moving.index
        while (current := await self._store.get(plan_id)) and not migration.is_final(current.runs[index].state):
            if not _to_run(current):
                raise Halt
            with about(move=current.plan.moves[index].key):
                await self._step(moving, current)
            stepped.set()
            self._patience.over(plan_id)

    async def _step(self, moving: Moving, current: Record) -> None:
        moving.keep_to(current)
        kind = progress.at_step(current, moving.index)
        if kind is None:
            raise Halt
        try:
            await STEPS[current.plan.moves[moving.index].type][kind](moving)
        except k8s.ClusterError as error:
            if error.temporary or (kind in _WATCHING and not isinstance(error, k8s.NotFound)):
                raise  # what is under way in the cluster goes on, whether or not we may look at it
            await ending.give_up(moving, await explain.refusal(moving, error), "refused")
        except Outdated as why:
            await ending.give_up(moving, why.cause, "not started")

    def _moving(self, plan_id: str, index: int, epoch: int) -> Moving:
        return Moving(
            plan_id,
            index,
            store=self._store,
            cluster=self._cluster,
            notifier=self._notifier,
            clock=self._clock,
            limits=self._limits,
            authority=self._authority,
            writes=self._writes.setdefault(plan_id, set()),
            leases=self._leases,
            epoch=epoch,
        )


@contextmanager
def _alone(plan_id: str) -> Iterator[None]:
    """What is wrong with this plan is its own trouble; a database that is away is everybody's."""
    with about(plan=plan_id):
        try:
            yield
        except StoreAway:
            raise
        except Exception:
            log.exception("plan %s met an unexpected error and is looked at again", plan_id)


async def _first(lanes: Collection[asyncio.Task[None]], stepped: asyncio.Event) -> set[asyncio.Task[None]]:
    """Wait until a lane has ended, or only come further: then another move may begin beside it."""
    further = asyncio.create_task(stepped.wait())
    try:
        await asyncio.wait({*lanes, further}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        further.cancel()
    stepped.clear()
    return {lane for lane in lanes if lane.done()}


def _to_run(current: Record) -> bool:
    """Whether there is anything to work on; a paused plan finishes what is under way."""
    if current.state is PlanState.PAUSED:
        return bool(turns.under_way(current))
    return current.state in (PlanState.APPROVED, PlanState.RUNNING)
