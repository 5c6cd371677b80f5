"""Plans that wait for their time: proved again shortly before, begun at it, or told to have missed it.

The store is the truth: a sweep looks at what it says and at the clock, so a restart loses no plan and a late sweep does
no harm. What the cluster or the chat does not say now is asked again; at its time a plan begins also unproved, since
the executor proves everything once more right before the first write, and writes nothing while it cannot.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot import errors, schedule, waiting
from bot.authority import Authority
from bot.errors import BotError
from bot.judge import prove
from bot.migration import PlanState
from bot.plan import Drift, Plan
from bot.ports import DUTIES, Change, Entry, Leases, Notifier, Runner, Store, VmBusy
from bot.record import Record
from bot.schedule import Due
from k8s import errors as k8s
from k8s.cluster import Cluster

log = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(seconds=15)
"""Between two tries to prove a plan that could not be proved."""


class Timetable:
    """Looks after plans that wait for their time."""

    def __init__(
        self,
        *,
        store: Store,
        cluster: Cluster,
        notifier: Notifier,
        runner: Runner,
        authority: Authority,
        leases: Leases,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._notifier = notifier
        self._runner = runner
        self._authority = authority
        self._leases = leases
        self._again: dict[str, datetime] = {}
        self._held: set[str] = set()

    async def sweep(self, now: datetime) -> None:
        """Do what is due; one of several bots does it for all."""
        waits = [plan for plan in await self._store.open_plans() if plan.state is PlanState.SCHEDULED]
        self._forget_all_but({plan.id for plan in waits})
        if not waits or await self._leases.take(DUTIES) is None:
            return
        for current in waits:
            await self._look(current, schedule.due(waiting.schedule_of(current), now), now)

    def _forget_all_but(self, ids: set[str]) -> None:
        self._again = {plan_id: moment for plan_id, moment in self._again.items() if plan_id in ids}
        self._held &= ids

    async def _look(self, current: Record, due: Due | None, now: datetime) -> None:
        match due:
            case Due.LAPSE:
                await self._miss(current.id, waiting.HELD if current.id in self._held else waiting.LATE)
            case Due.START:
                await self._begin(current.id, now)
            case Due.CHECK if now >= self._again.get(current.id, now):
                await self._check(current, now)

    async def _begin(self, plan_id: str, now: datetime) -> None:
        try:
            await self._apply(plan_id, lambda current: waiting.begin(current, now), Entry("due"))
        except VmBusy:
            self._held.add(plan_id)  # until its latest moment that plan may have ended
        else:
            self._runner.start(plan_id)

    async def _check(self, current: Record, now: datetime) -> None:
        """Prove it all again while there is time to tell people."""
        self._again[current.id] = now + AGAIN_AFTER
        try:
            planned, changes = await prove(self._cluster, current)
        except BotError as nothing:
            await self._miss(current.id, nothing.what)
        except k8s.NotFound as gone:
            await self._miss(current.id, errors.from_cluster(gone).what)
        except k8s.ClusterError as unsure:
            log.info("plan %s cannot be proved before its time: %s", current.id, unsure)
        else:
            await self._proved(current, planned, changes, now)

    async def _proved(self, current: Record, planned: Plan, changes: tuple[Drift, ...], now: datetime) -> None:
        if changes:
            await self._miss(current.id, waiting.DRIFTED, changes)
            return
        try:
            holds = await self._authority.again(current, planned)
        except BotError as unsure:
            log.info("plan %s cannot be proved before its time: %s", current.id, unsure)
            return
        if holds.enough(current):
            await self._apply(current.id, lambda newest: waiting.checked(newest, now), Entry("checked"))
        else:
            await self._miss(current.id, holds.told)

    async def _miss(self, plan_id: str, note: str, changes: tuple[Drift, ...] = ()) -> None:
        details = {"why": note, "changes": [change.model_dump() for change in changes]}
        await self._apply(plan_id, lambda current: waiting.miss(current, note, changes), Entry("missed", None, details))

    async def _apply(self, plan_id: str, change: Callable[[Record], Record], entry: Entry) -> None:
        try:
            await self._store.update(plan_id, lambda current: Change(change(current), [entry]))
        except BotError:
            return  # somebody decided otherwise between the reading and now
        self._notifier.changed(plan_id)
