"""What every use case needs: the ports, the newest Record, and judging a request against the cluster."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from bot import approval, plan, progress
from bot.authority import Authority
from bot.errors import BotError, VmMoving, WhichNamespace
from bot.judge import judge_any, prove, spoken
from bot.migration import PlanState
from bot.plan import Drift, Estimate, Move, Plan, StepKind
from bot.policy import Action, Actor, Decision
from bot.ports import Change, Clock, Entry, Notifier, Runner, Store, VmBusy
from bot.record import Record, Run
from bot.request import MoveRequest, Planned
from bot.throttle import Throttle
from k8s import errors as k8s
from k8s.cluster import Cluster

MOST_MEASURED = 50
"""Newest downtimes that an estimate is made of: the cluster of last year is another one."""


class Allowed(NamedTuple):
    """What somebody may do to a plan, by which rule."""

    before: Record
    """As it was when the rules were asked."""
    actor: Actor
    action: Action
    decision: Decision


class Base:
    """The ports of the use cases, and what they share."""

    def __init__(
        self,
        *,
        store: Store,
        cluster: Cluster,
        notifier: Notifier,
        clock: Clock,
        valid_for: timedelta,
        remind_after: timedelta,
        live_limit: timedelta,
        late_start: timedelta,
        audit_channel: str,
        new_id: Callable[[str], str],
        runner: Runner,
        authority: Authority,
        throttle: Throttle,
        namespaces: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`new_id` makes the id of a plan: the same for the same delivery of the chat, another each time for none.
        `namespaces`: the one that is meant in a channel."""
        self._store = store
        self._cluster = cluster
        self._notifier = notifier
        self._clock = clock
        self._valid_for = valid_for
        self._remind_after = remind_after
        self._live_limit = live_limit
        self._late_start = late_start
        self._audit_channel = audit_channel
        self._new_id = new_id
        self._runner = runner
        self._authority = authority
        self._throttle = throttle
        self._namespaces = namespaces

    async def get(self, plan_id: str) -> Record:
        """The newest Record. Raises BotError for an unknown id."""
        found = await self._store.get(plan_id)
        if found is None:
            raise BotError("unknown-plan", "I do not know this plan any more.", "Ask for the move again.")
        return found

    async def check_may(self, plan_id: str, action: Action, actor: Actor) -> None:
        """Whether the form for it is for this person. Raises BotError."""
        await self._allowed(plan_id, action, actor)

    async def _allowed(self, plan_id: str, action: Action, actor: Actor) -> Allowed:
        """The rules' yes to what this person wants to do to a plan. Raises BotError."""
        return self._allow(await self.get(plan_id), action, actor)

    def _allow(self, before: Record, action: Action, actor: Actor, planned: Plan | None = None) -> Allowed:
        """The same for a Record; `planned` is what its plan would be."""
        decision = self._authority.authorize(actor, action, planned or before.plan, before.place, before.id)
        return Allowed(before, actor, action, decision)

    async def _judge(self, request: Planned, channel: str = "") -> Plan:
        """`channel` may have a namespace of its own, for a VM that several have."""
        try:
            return await self._judged(request)
        except WhichNamespace as which:
            own = self._namespaces.get(channel)
            if own not in which.namespaces or not isinstance(request, MoveRequest):
                raise
            planned = await self._judged(request.model_copy(update={"namespace": own}))
            return planned.model_copy(update={"channel_namespace": True})

    async def _judged(self, request: Planned) -> Plan:
        try:
            planned = await judge_any(self._cluster, request)
        except k8s.ClusterError as error:
            raise await spoken(self._cluster, error) from error
        moves = [move.model_copy(update={"estimate": await self._estimate(move)}) for move in planned.moves]
        return planned.model_copy(update={"moves": tuple(moves)})

    async def _estimate(self, move: Move) -> Estimate | None:
        if StepKind.STOP not in move.steps:
            return None
        own = await self._store.downtimes(move.key, MOST_MEASURED)
        return plan.estimate(own, await self._store.downtimes(None, MOST_MEASURED))

    async def _prove(self, current: Record) -> tuple[Plan, tuple[Drift, ...]]:
        if current.state is not PlanState.PROPOSED:
            return current.plan, ()
        try:
            return await prove(self._cluster, current)
        except k8s.ClusterError as error:
            raise await spoken(self._cluster, error) from error

    async def _check_free(self, planned: Plan) -> None:
        for move in planned.moves:
            if holder := await self._store.holder(move.key):
                raise VmMoving(move.key, holder)

    async def _decide(
        self,
        allowed: Allowed,
        change: Callable[[Record], Record],
        entry: Entry,
        *,
        revision: int | None = None,
        restart: bool = False,
    ) -> Record:
        """What somebody was allowed, applied to the newest Record and put on record.

        With a revision only where the card that was pressed still shows the plan. With `restart` its run looks at the
        plan anew.
        """

        def apply(current: Record) -> Change:
            if revision is not None:
                approval.check_revision(current, revision)
            return Change(change(current), [entry])

        after = await self._update(allowed.before.id, apply)
        self._authority.done(allowed.actor, allowed.action, allowed.decision, entry.kind, after)
        if restart:
            self._runner.restart(after.id)
        return after

    async def _update(self, plan_id: str, change: Callable[[Record], Change]) -> Record:
        try:
            after = await self._store.update(plan_id, change)
        except KeyError:
            raise BotError("unknown-plan", "I do not know this plan any more.", "Ask for the move again.") from None
        except VmBusy as held:
            raise VmMoving(held.key, held.plan_id) from held
        finally:
            self._notifier.changed(plan_id)
        return after


def way_back(move: Move) -> MoveRequest:
    """To where it was, in the way in which it came."""
    return MoveRequest(vm=move.vm, namespace=move.namespace, target=move.source, type=move.type)


def ended(current: Record, index: int) -> tuple[Run, Move]:
    """A move that has ended. Raises BotError for one that has not, or that is none."""
    if not 0 <= index < len(current.runs) or current.runs[index].result is None:
        raise BotError("not-finished", "That move has not ended yet.", "Wait for its report.")
    return current.runs[index], progress.moving(current, index)
