"""The use cases: what people can ask of the bot, each as one call.

A call judges the actor by the policy, reads the cluster where it must, and changes the Record in one transaction. The
caller never reads a state, decides and writes: that would be a race between two approvers. Every refusal is a BotError.
Starting a move is the executor's business; the service only tells it that there is one.
"""

from collections.abc import Callable
from datetime import timedelta

from bot import cold, errors, plan, record
from bot.authority import Authority
from bot.errors import BotError, NothingToDo
from bot.judge import drift_entry, judge, prove, spoken
from bot.migration import PlanState
from bot.plan import Drift, Estimate, Move, Plan, StepKind
from bot.policy import Action, Actor, Quorum, Subject
from bot.ports import Change, Clock, Entry, NodeChoice, Notifier, PinnedVm, Runner, Store, VmBusy
from bot.record import Choice, Doubt, Elsewhere, PinState, Place, Record, Run
from bot.request import MoveRequest, MoveType
from bot.throttle import Throttle
from k8s import errors as k8s
from k8s.cluster import Cluster, Question
from k8s.cold import read_note, unpin
from k8s.snapshots import Facts, Node, Ref

MOST_MEASURED = 50
"""Newest downtimes that an estimate is made of: the cluster of last year is another one."""


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
        remind_after: timedelta,
        new_id: Callable[[], str],
        runner: Runner,
        authority: Authority,
        throttle: Throttle,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._notifier = notifier
        self._clock = clock
        self._valid_for = valid_for
        self._remind_after = remind_after
        self._new_id = new_id
        self._runner = runner
        self._authority = authority
        self._throttle = throttle

    async def propose(self, request: MoveRequest, actor: Actor, place: Place) -> Record:
        """Judge a request and store the plan; showing it is the caller's next call."""
        self._authority.authorize(actor, Action.REQUEST)
        self._throttle.take(actor, place, self._clock.now())
        planned = await self._judge(request)
        decision = self._authority.authorize(actor, Action.REQUEST, planned, place)
        await self._check_free(planned)
        self._throttle.check_open(actor, await self._store.open_plans())
        quorum = await self._authority.quorum(planned, place)
        now, valid_for = self._clock.now(), self._wait(quorum)
        proposed = record.propose(self._new_id(), planned, actor, place, now, valid_for, quorum)
        details = {"request": str(request), "fingerprint": planned.fingerprint, "blocked": planned.blocked}
        await self._store.add(proposed, [Entry("proposed", actor, details)])
        self._authority.done(actor, Action.REQUEST, decision, proposed)
        return proposed

    async def modify(self, plan_id: str, revision: int, request: MoveRequest, actor: Actor) -> Record:
        """Plan again with other parameters, as a new revision of the same plan."""
        before = await self.get(plan_id)
        self._authority.authorize(actor, Action.MODIFY, before.plan, before.place, plan_id)
        self._throttle.take(actor, before.place, self._clock.now())
        record.check_revision(before, revision)
        planned = await self._judge(request)
        decision = self._authority.authorize(actor, Action.MODIFY, planned, before.place, plan_id)
        quorum = await self._authority.quorum(planned, before.place)
        now = self._clock.now()

        def change(current: Record) -> Change:
            record.check_revision(current, revision)
            changed = record.modify(current, planned, actor, now, self._wait(quorum), quorum)
            details = {"request": str(request), "revision": changed.revision, "fingerprint": planned.fingerprint}
            return Change(changed, [Entry("modified", actor, details)])

        after = await self._update(plan_id, change)
        self._authority.done(actor, Action.MODIFY, decision, after)
        return after

    async def replace_rules(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """The same cold move as a new revision, in which the pin takes the place of rules that forbid the target."""
        request = (await self.get(plan_id)).plan.request
        replacing = request.model_copy(update={"type": MoveType.COLD, "replace_rules": True})
        return await self.modify(plan_id, revision, replacing, actor)

    async def confirm(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """Count this person's Confirm; read the cluster again first. Drift makes a new revision instead."""
        before = await self.get(plan_id)
        self._authority.authorize(actor, Action.CONFIRM, before.plan, before.place, plan_id)
        record.check_revision(before, revision)
        planned, changes = await self._prove(before)
        decision = self._authority.authorize(actor, Action.CONFIRM, planned, before.place, plan_id)
        quorum = await self._authority.quorum(planned, before.place)
        now = self._clock.now()

        def change(current: Record) -> Change:
            record.check_revision(current, revision)
            if changes and current.state is PlanState.PROPOSED:
                changed = record.drifted(current, planned, changes, now, self._wait(quorum), quorum)
                return Change(changed, [drift_entry(changed)])
            confirmed = record.confirm(current, actor, decision, now, quorum)
            details = {"revision": revision, "rule": decision.rule, "fingerprint": current.plan.fingerprint}
            return Change(confirmed, [Entry("confirmed", actor, details)])

        after = await self._update(plan_id, change)
        self._authority.done(actor, Action.CONFIRM, decision, after)
        if after.state is PlanState.APPROVED:
            self._runner.start(plan_id)
        if after.revision != revision:
            raise BotError(
                "drifted",
                "The cluster has changed since this plan was made, so nothing was started.",
                "Read what changed on the card and confirm again.",
            )
        return after

    async def cancel(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """End a plan that has not started."""
        before = await self.get(plan_id)
        decision = self._authority.authorize(actor, Action.CANCEL, before.plan, before.place, plan_id)

        def change(current: Record) -> Change:
            record.check_revision(current, revision)
            return Change(record.cancel(current, actor), [Entry("canceled", actor)])

        after = await self._update(plan_id, change)
        self._authority.done(actor, Action.CANCEL, decision, after)
        return after

    async def deny(self, plan_id: str, revision: int, reason: str, actor: Actor) -> Record:
        """An approver's no to a plan that has not started."""
        before = await self.get(plan_id)
        decision = self._authority.authorize(actor, Action.DENY, before.plan, before.place, plan_id)

        def change(current: Record) -> Change:
            record.check_revision(current, revision)
            return Change(record.deny(current, actor, reason), [Entry("denied", actor, {"reason": reason})])

        after = await self._update(plan_id, change)
        self._authority.done(actor, Action.DENY, decision, after)
        return after

    async def may_deny(self, plan_id: str, actor: Actor) -> None:
        """Whether the form for it is for this person. Raises BotError."""
        current = await self.get(plan_id)
        self._authority.authorize(actor, Action.DENY, current.plan, current.place, plan_id)

    async def withdraw(self, plan_id: str, note: str) -> None:
        """End a plan whose card nobody can see."""
        await self._update(plan_id, lambda current: Change(record.withdraw(current, note), [Entry("withdrawn")]))

    async def plan_again(self, plan_id: str, actor: Actor, place: Place) -> Record:
        """A fresh plan from the request of an old one."""
        return await self.propose((await self.get(plan_id)).plan.request, actor, place)

    async def replan(self, plan_id: str, type_: MoveType, actor: Actor, place: Place) -> Record:
        """A fresh plan of the same move in another way."""
        request = (await self.get(plan_id)).plan.request
        return await self.propose(request.model_copy(update={"type": type_}), actor, place)

    async def move_back(self, plan_id: str, index: int, actor: Actor, place: Place) -> Record:
        """A fresh plan that takes a VM back to where it was, in the same way."""
        current = await self.get(plan_id)
        _, move = _ended(current, index)
        if not move.source:
            raise BotError(
                "no-way-back", f"{move.vm} did not run before, so there is no node to go back to.", "Name one."
            )
        request = MoveRequest(vm=move.vm, namespace=move.namespace, target=move.source, type=move.type)
        return await self.propose(request, actor, place)

    async def answer(self, plan_id: str, index: int, doubt: Doubt, choice: Choice, actor: Actor) -> Record:
        """Let a stuck cold move go on as somebody chose."""
        before = await self.get(plan_id)
        decision = self._authority.authorize(actor, Action.ANSWER, before.plan, before.place, plan_id)
        now = self._clock.now()

        def change(current: Record) -> Change:
            details = {"move": index, "doubt": doubt, "choice": choice}
            return Change(cold.answer(current, index, doubt, choice, actor, now), [Entry("answered", actor, details)])

        after = await self._update(plan_id, change)
        self._authority.done(actor, Action.ANSWER, decision, after)
        self._runner.restart(plan_id)
        return after

    async def answer_elsewhere(self, plan_id: str, index: int, node: str, actor: Actor) -> Record:
        """Let a VM that does not start on its target be started on that node instead. Refuses a node that cannot take
        it, with the reason; the rules are asked about the new target."""
        before = await self.get(plan_id)
        self._authority.authorize(actor, Action.ANSWER, before.plan, before.place, plan_id)
        elsewhere = await self._elsewhere(before, index, node)
        diverted = before.plan.with_target(index, elsewhere.target)
        decision = self._authority.authorize(actor, Action.ANSWER, diverted, before.place, plan_id)

        def change(current: Record) -> Change:
            details = {"move": index, "doubt": Doubt.STARTING, "choice": Choice.ELSEWHERE, "node": node}
            return Change(cold.go_elsewhere(current, index, elsewhere, actor), [Entry("answered", actor, details)])

        after = await self._update(plan_id, change)
        self._authority.done(actor, Action.ANSWER, decision, after)
        self._runner.restart(plan_id)
        return after

    async def _elsewhere(self, current: Record, index: int, node: str) -> Elsewhere:
        if not 0 <= index < len(current.runs):
            raise BotError("unknown-move", "This plan has no such move.", "Use the buttons on the card.")
        move = current.plan.moves[index]
        question = Question(vm=move.vm, namespace=move.namespace, target=node, dry_run=False, cold=True)
        try:
            facts = await self._cluster.facts(question)
        except k8s.ClusterError as error:
            raise await spoken(self._cluster, error) from error
        target, replaced = plan.elsewhere(move, facts)
        return Elsewhere(target=target, replaces=replaced)

    async def decide_pin(self, plan_id: str, index: int, wanted: PinState, actor: Actor) -> Record:
        """Remove, keep, or be reminded of the node affinity that a cold move has left: for the people of the plan."""
        before = await self.get(plan_id)
        decision = self._authority.authorize(actor, Action.UNPIN, before.plan, before.place, plan_id)
        record.check_concerned(before, actor)
        after = await self._decide_pin(plan_id, index, wanted, actor)
        self._authority.done(actor, Action.UNPIN, decision, after)
        return after

    async def _decide_pin(self, plan_id: str, index: int, wanted: PinState, actor: Actor) -> Record:
        _, move = _ended(await self.get(plan_id), index)
        effective = await self._unpin(Ref(move.namespace, move.vm)) if wanted is PinState.REMOVED else True
        now = self._clock.now()
        remind_at = now + self._remind_after if wanted is PinState.LATER else None

        def change(current: Record) -> Change:
            decided = cold.decide_pin(current, index, wanted, actor, now, effective=effective, remind_at=remind_at)
            return Change(decided, [Entry("pin", actor, {"move": index, "wanted": wanted, "effective": effective})])

        return await self._update(plan_id, change)

    async def pins(self, actor: Actor) -> tuple[PinnedVm, ...]:
        """VMs that the bot has left pinned, whether or not it still knows their plans."""
        self._authority.authorize(actor, Action.REQUEST)
        return await self._pins()

    async def _pins(self) -> tuple[PinnedVm, ...]:
        try:
            vms = await self._cluster.pinned_vms()
        except k8s.ClusterError as error:
            raise errors.from_cluster(error) from error
        noted = [(vm, read_note(vm)) for vm in vms]
        return tuple(
            PinnedVm(vm.ref.namespace, vm.ref.name, note.hostname, note.plan, vm.labels)
            for vm, note in noted
            if note is not None
        )

    async def unpin(self, namespace: str, name: str, actor: Actor, place: Place) -> PinnedVm:
        """Remove the pin of a VM, for any member of the channel; tell the plan that left it, where there is one."""
        self._authority.authorize(actor, Action.UNPIN)
        pinned = next((pin for pin in await self._pins() if (pin.namespace, pin.name) == (namespace, name)), None)
        if pinned is None:
            raise BotError(
                "no-pin", f"{namespace}/{name} carries no node affinity of mine.", "There is nothing to remove."
            )
        subject = Subject(namespace=namespace, labels=pinned.labels, type=MoveType.COLD, target=pinned.hostname)
        self._authority.authorize_unpin(actor, subject, place)
        if held := await self._store.holder(f"{namespace}/{name}"):
            raise _busy(f"{namespace}/{name}", held)
        current = await self._store.get(pinned.plan_id)
        indexes = [n for n, run in enumerate(current.runs) if run.pin] if current else []
        if current is not None and indexes:
            await self._decide_pin(current.id, indexes[0], PinState.REMOVED, actor)
        else:
            await self._unpin(Ref(namespace, name))
        return pinned

    async def clean_up(self, plan_id: str, index: int, actor: Actor) -> Record:
        """Delete the finished VMIM of a move."""
        current = await self.get(plan_id)
        decision = self._authority.authorize(actor, Action.CLEAN_UP, current.plan, current.place, plan_id)
        run, move = _ended(current, index)
        intent = run.intent
        if intent and not run.cleaned:
            try:
                await self._cluster.delete_migration(Ref(move.namespace, intent.name), intent.uid)
            except k8s.ClusterError as error:
                raise errors.from_cluster(error) from error
        after = await self._update(
            plan_id, lambda now: Change(record.cleaned(now, index), [Entry("cleaned up", actor, {"move": index})])
        )
        self._authority.done(actor, Action.CLEAN_UP, decision, after)
        return after

    async def show_runbook(self, plan_id: str, index: int, actor: Actor) -> Record:
        """Have the runbook of a failed move's cause shown to all, in the card's thread."""
        current = await self.get(plan_id)
        self._authority.authorize(actor, Action.REQUEST, current.plan, current.place, plan_id)
        _ended(current, index)
        return await self._update(
            plan_id,
            lambda now: Change(record.show_runbook(now, index), [Entry("runbook opened", actor, {"move": index})]),
        )

    async def nodes(self, actor: Actor) -> tuple[NodeChoice, ...]:
        """Nodes for a choice, usable ones first; for those who may choose."""
        self._authority.authorize(actor, Action.MODIFY)
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

    def _wait(self, quorum: Quorum) -> timedelta:
        return quorum.valid_for or self._valid_for

    async def _judge(self, request: MoveRequest) -> Plan:
        try:
            planned, facts = await judge(self._cluster, request)
        except k8s.ClusterError as error:
            raise await spoken(self._cluster, error) from error
        _check_elsewhere(facts)
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

    async def _unpin(self, ref: Ref) -> bool:
        try:
            return (await unpin(self._cluster, ref)).effective
        except k8s.ClusterError as error:
            raise errors.from_cluster(error) from error

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


def _ended(current: Record, index: int) -> tuple[Run, Move]:
    """A move that has ended. Raises BotError for one that has not, or that is none."""
    if not 0 <= index < len(current.runs) or current.runs[index].result is None:
        raise BotError("not-finished", "That move has not ended yet.", "Wait for its report.")
    return current.runs[index], record.moving(current, index)


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
