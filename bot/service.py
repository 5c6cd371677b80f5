"""The use cases: what people can ask of the bot, each as one call.

A call judges the actor by the policy, reads the cluster where it must, and changes the Record in one transaction. The
caller never reads a state, decides and writes: that would be a race between two approvers. Every refusal is a BotError.
Starting a move is the executor's business; the service only tells it that there is one.
"""

from collections.abc import Callable
from datetime import timedelta

from bot import errors, record
from bot.errors import BotError, NothingToDo
from bot.judge import drift_entry, judge, prove, spoken
from bot.migration import PlanState
from bot.plan import Drift, Plan
from bot.policy import Action, Actor
from bot.ports import Change, Clock, Entry, NodeChoice, Notifier, Store, VmBusy
from bot.record import Place, Record
from bot.request import MoveRequest
from k8s import errors as k8s
from k8s.cluster import Cluster
from k8s.snapshots import Facts, Node, Ref


class Service:
    """Everything that a person can do."""

    def __init__(
        self,
        *,
        store: Store,
        cluster: Cluster,
        notifier: Notifier,
        clock: Clock,
        valid_for: timedelta,
        new_id: Callable[[], str],
        approved: Callable[[str], None],
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._notifier = notifier
        self._clock = clock
        self._valid_for = valid_for
        self._new_id = new_id
        self._approved = approved

    async def propose(self, request: MoveRequest, actor: Actor, place: Place) -> Record:
        """Judge a request and store the plan; showing it is the caller's next call."""
        record.authorize(actor, Action.REQUEST)
        planned = await self._judge(request)
        await self._check_free(planned)
        proposed = record.propose(self._new_id(), planned, actor, place, self._clock.now(), self._valid_for)
        details = {"request": str(request), "fingerprint": planned.fingerprint, "blocked": planned.blocked}
        await self._store.add(proposed, [Entry("proposed", actor, details)])
        return proposed

    async def modify(self, plan_id: str, revision: int, request: MoveRequest, actor: Actor) -> Record:
        """Plan again with other parameters, as a new revision of the same plan."""
        record.authorize(actor, Action.MODIFY)
        before = await self.get(plan_id)
        record.check_revision(before, revision)
        planned = await self._judge(request)
        now = self._clock.now()

        def change(current: Record) -> Change:
            record.check_revision(current, revision)
            changed = record.modify(current, planned, actor, now, self._valid_for)
            details = {"request": str(request), "revision": changed.revision, "fingerprint": planned.fingerprint}
            return Change(changed, [Entry("modified", actor, details)])

        return await self._update(plan_id, change)

    async def confirm(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """Count this person's Confirm; read the cluster again first. Drift makes a new revision instead."""
        decision = record.authorize(actor, Action.CONFIRM)
        before = await self.get(plan_id)
        record.check_revision(before, revision)
        planned, changes = await self._prove(before)
        now = self._clock.now()

        def change(current: Record) -> Change:
            record.check_revision(current, revision)
            if changes and current.state is PlanState.PROPOSED:
                changed = record.drifted(current, planned, changes, now, self._valid_for)
                return Change(changed, [drift_entry(changed)])
            confirmed = record.confirm(current, actor, decision, now)
            details = {"revision": revision, "rule": decision.rule, "fingerprint": current.plan.fingerprint}
            return Change(confirmed, [Entry("confirmed", actor, details)])

        after = await self._update(plan_id, change)
        if after.state is PlanState.APPROVED:
            self._approved(plan_id)
        if after.revision != revision:
            raise BotError(
                "drifted",
                "The cluster has changed since this plan was made, so nothing was started.",
                "Read what changed on the card and confirm again.",
            )
        return after

    async def cancel(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """End a plan that has not started."""
        record.authorize(actor, Action.CANCEL)

        def change(current: Record) -> Change:
            record.check_revision(current, revision)
            return Change(record.cancel(current, actor), [Entry("canceled", actor)])

        return await self._update(plan_id, change)

    async def withdraw(self, plan_id: str, note: str) -> None:
        """End a plan whose card nobody can see."""
        await self._update(plan_id, lambda current: Change(record.withdraw(current, note), [Entry("withdrawn")]))

    async def plan_again(self, plan_id: str, actor: Actor, place: Place) -> Record:
        """A fresh plan from the request of an old one."""
        return await self.propose((await self.get(plan_id)).plan.request, actor, place)

    async def clean_up(self, plan_id: str, index: int, actor: Actor) -> Record:
        """Delete the finished VMIM of a move."""
        record.authorize(actor, Action.CLEAN_UP)
        current = await self.get(plan_id)
        if not 0 <= index < len(current.runs) or not (result := current.runs[index].result) or result.cause:
            raise BotError(
                "not-finished", "That move has not succeeded, so there is nothing to clean up.", "Wait for it."
            )
        move, intent = current.plan.moves[index], current.runs[index].intent
        if intent and not current.runs[index].cleaned:
            try:
                await self._cluster.delete_migration(Ref(move.namespace, intent.name), intent.uid)
            except k8s.ClusterError as error:
                raise errors.from_cluster(error) from error
        return await self._update(
            plan_id, lambda now: Change(record.cleaned(now, index), [Entry("cleaned up", actor, {"move": index})])
        )

    async def nodes(self) -> tuple[NodeChoice, ...]:
        """Nodes for a choice, usable ones first."""
        try:
            nodes = await self._cluster.nodes()
        except k8s.ClusterError as error:
            raise errors.from_cluster(error) from error
        choices = [NodeChoice(node.name, not (why := _why_not(node)), why) for node in nodes]
        return tuple(sorted(choices, key=lambda choice: (not choice.usable, choice.name)))

    async def get(self, plan_id: str) -> Record:
        """The newest Record. Raises BotError for an unknown id."""
        found = await self._store.get(plan_id)
        if found is None:
            raise BotError("unknown-plan", "I do not know this plan any more.", "Ask for the move again.")
        return found

    async def _judge(self, request: MoveRequest) -> Plan:
        try:
            planned, facts = await judge(self._cluster, request)
        except k8s.ClusterError as error:
            raise await spoken(self._cluster, error) from error
        _check_elsewhere(facts)
        return planned

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
                raise _busy(move.key, holder)

    async def _update(self, plan_id: str, change: Callable[[Record], Change]) -> Record:
        try:
            after = await self._store.update(plan_id, change)
        except KeyError:
            raise BotError("unknown-plan", "I do not know this plan any more.", "Ask for the move again.") from None
        except VmBusy as busy:
            raise _busy(busy.key, busy.plan_id) from busy
        finally:
            self._notifier.changed(plan_id)
        return after


def _check_elsewhere(facts: Facts) -> None:
    if facts.vmi and facts.target and facts.vmi.node == facts.target.name:
        raise NothingToDo(
            "already-there",
            f"{facts.vm.ref.name} is already on {facts.target.name}.",
            "No move is needed; nothing was changed.",
        )


def _busy(key: str, plan_id: str) -> BotError:
    return BotError(
        "vm-busy",
        f"{key} is being moved already, by plan {plan_id}.",
        "Wait until that move has ended; its card shows where it stands.",
    )


def _why_not(node: Node) -> str:
    reasons = [("not Ready", not node.ready), ("cordoned", node.cordoned)]
    return ", ".join(reason for reason, holds in reasons if holds)
