"""The one loop that carries plans out.

A run is a task that asks the store which step is next, does it, and asks again; it can be killed between any two
lines and started again, since each step looks before it writes. What the cluster cannot answer now is tried again by
a later sweep, with growing pauses; what it refuses for good ends the move with a report. Deadlines are data in the
store and are looked at by `sweep(now)`, so no timer has to survive.

Owning a run: with SQLite the lock on the database file makes all runs ours, so `resume` takes them all up.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot import errors, migration, record
from bot.diagnosis import Cause
from bot.executor import live
from bot.executor.moving import Halt, Limits, Moving
from bot.migration import MoveState, PlanState
from bot.plan import StepKind
from bot.ports import Change, Clock, Entry, Notifier, Store
from bot.record import Record
from k8s import errors as k8s
from k8s.cluster import Cluster

log = logging.getLogger(__name__)

STEPS: dict[StepKind, Callable[[Moving], Any]] = {
    StepKind.PROVE: live.prove_again,
    StepKind.MIGRATE: live.migrate,
    StepKind.FOLLOW: live.follow,
    StepKind.VERIFY: live.verify,
}

_UNDER_WAY = (MoveState.RUNNING, MoveState.UNKNOWN)

AWAY_AFTER = 5.0
"""Seconds without a word from the cluster before people are told; a watch that is renewed takes less."""

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
"""Pauses between tries while the cluster does not answer: doubled from the first to the longest."""


class Executor:
    """Runs approved plans, each in a task of its own."""

    def __init__(self, *, store: Store, cluster: Cluster, notifier: Notifier, clock: Clock, limits: Limits) -> None:
        self._store = store
        self._cluster = cluster
        self._notifier = notifier
        self._clock = clock
        self._limits = limits
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._writes: set[asyncio.Task[Any]] = set()
        self._again: dict[str, tuple[datetime, timedelta]] = {}
        self._closing = False

    def start(self, plan_id: str) -> None:
        """Take up a plan, unless it is being run already."""
        if not self._closing and plan_id not in self._runs:
            task = asyncio.create_task(self._run(plan_id), name=f"run {plan_id}")
            self._runs[plan_id] = task
            task.add_done_callback(lambda _: self._runs.pop(plan_id, None))

    async def resume(self) -> None:
        """Take up everything that an earlier process left."""
        for current in await self._store.open_plans():
            if _to_run(current):
                self.start(current.id)

    async def sweep(self, now: datetime) -> None:
        """Expire, lapse, time out, say that the cluster is away, and try again, whatever is due."""
        for current in await self._store.open_plans():
            if due := self._due(current, now):
                change, kind = due
                await self._settle(current.id, change, kind)
            elif _to_run(current) and self._may_try(current.id, now):
                self.start(current.id)

    async def close(self, patience: float = 8.0) -> None:
        """Stop taking up work, finish writes that have begun, and leave the rest for the next start."""
        self._closing = True
        runs = list(self._runs.values())
        for task in runs:
            task.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
        if self._writes:
            await asyncio.wait(self._writes, timeout=patience)

    def _due(self, current: Record, now: datetime) -> tuple[Callable[[Record], Record], str] | None:
        approved_until = (current.approved_at or now) + self._limits.approved_valid
        if current.state is PlanState.PROPOSED and now >= current.expires_at:
            return record.expire, "expired"
        if current.state is PlanState.APPROVED and now >= approved_until:
            return record.lapse, "lapsed"
        for index, run in enumerate(current.runs):
            if run.state is MoveState.RUNNING and run.deadline and now >= run.deadline:
                return partial(record.time_out, index=index), "timed out"
            if run.state in _UNDER_WAY and (run.cluster_away_since is None) is not (
                self._away(current.id, now) is None
            ):
                since = self._away(current.id, now)
                kind = "cluster away" if since else "cluster back"
                return partial(record.cluster_away, index=index, since=since), kind
        return None

    def _away(self, plan_id: str, now: datetime) -> datetime | None:
        """Since when the cluster has not answered this plan's run; None while it does."""
        if plan_id in self._again:
            return now
        outage = self._cluster.outage()
        return now - timedelta(seconds=outage) if outage and outage >= AWAY_AFTER else None

    async def _settle(self, plan_id: str, change: Callable[[Record], Record], kind: str) -> None:
        try:
            await self._store.update(plan_id, lambda current: Change(change(current), [Entry(kind)]))
        except (errors.BotError, migration.IllegalEvent):
            return  # it changed between the reading and now; the next sweep sees it
        self._notifier.changed(plan_id)

    def _may_try(self, plan_id: str, now: datetime) -> bool:
        return plan_id not in self._again or now >= self._again[plan_id][0]

    async def _run(self, plan_id: str) -> None:
        try:
            await self._store.update(plan_id, lambda current: Change(record.rewind(current)))
            await self._moves(plan_id)
        except Halt:
            self._again.pop(plan_id, None)
        except k8s.ClusterError as away:
            log.warning("plan %s waits for the cluster: %s", plan_id, away.message)
            self._try_later(plan_id)
        except Exception:
            log.exception("plan %s met an unexpected error and is tried again", plan_id)
            self._try_later(plan_id)

    async def _moves(self, plan_id: str) -> None:
        while (current := await self._store.get(plan_id)) and _to_run(current):
            index = next(n for n, run in enumerate(current.runs) if not migration.is_final(run.state))
            await self._step(self._moving(plan_id, index), current)
            self._again.pop(plan_id, None)

    async def _step(self, moving: Moving, current: Record) -> None:
        kind = record.at_step(current, moving.index)
        if kind is None:
            raise Halt
        try:
            await STEPS[kind](moving)
        except k8s.ClusterError as error:
            if error.temporary:
                raise
            cause = _cause(error)
            newest, _, _ = await moving.read()
            result = live.not_done(newest, moving.index, cause)
            entry = Entry("failed", None, {"code": cause.code})
            await moving.change(lambda now: record.finish(now, moving.index, result), entry)

    def _moving(self, plan_id: str, index: int) -> Moving:
        return Moving(
            plan_id,
            index,
            store=self._store,
            cluster=self._cluster,
            notifier=self._notifier,
            clock=self._clock,
            limits=self._limits,
            writes=self._writes,
        )

    def _try_later(self, plan_id: str) -> None:
        _, last = self._again.get(plan_id, (None, FIRST_PAUSE / 2))
        pause = min(last * 2, LONGEST_PAUSE)
        self._again[plan_id] = (self._clock.now() + pause, pause)


def _to_run(current: Record) -> bool:
    return current.state in (PlanState.APPROVED, PlanState.RUNNING)


def _cause(error: k8s.ClusterError) -> Cause:
    said = errors.from_cluster(error)
    return Cause(code=said.code, what=said.what, remedy=said.remedy)
