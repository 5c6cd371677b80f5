"""While a move runs: what people may decide about it."""

from bot import cold, plan, progress
from bot.judge import spoken
from bot.policy import Action, Actor
from bot.ports import Change, Entry
from bot.record import Choice, Doubt, Elsewhere, Record
from bot.service.base import Base, ended
from k8s import errors as k8s
from k8s.cluster import Question


class Steering(Base):
    """Moves that run, or have just ended."""

    async def answer(self, plan_id: str, index: int, doubt: Doubt, choice: Choice, actor: Actor) -> Record:
        """Let a stuck cold move go on as somebody chose."""
        now = self._clock.now()
        return await self._decide(
            await self._allowed(plan_id, Action.ANSWER, actor),
            lambda current: cold.answer(current, index, doubt, choice, actor, now),
            Entry("answered", actor, {"move": index, "doubt": doubt, "choice": choice}),
            restart=True,
        )

    async def answer_elsewhere(self, plan_id: str, index: int, node: str, actor: Actor) -> Record:
        """Let a VM that does not start on its target be started on that node instead. Refuses a node that cannot take
        it, with the reason; the rules are asked about the new target."""
        before = (await self._allowed(plan_id, Action.ANSWER, actor)).before
        elsewhere = await self._elsewhere(before, index, node)
        diverted = before.plan.with_target(index, elsewhere.target)
        details = {"move": index, "doubt": Doubt.STARTING, "choice": Choice.ELSEWHERE, "node": node}
        return await self._decide(
            self._allow(before, Action.ANSWER, actor, diverted),
            lambda current: cold.go_elsewhere(current, index, elsewhere, actor),
            Entry("answered", actor, details),
            restart=True,
        )

    async def _elsewhere(self, current: Record, index: int, node: str) -> Elsewhere:
        progress.run_of(current, index)
        move = current.plan.moves[index]
        question = Question(vm=move.vm, namespace=move.namespace, target=node, dry_run=False)
        try:
            facts = await self._cluster.facts(question)
        except k8s.ClusterError as error:
            raise await spoken(self._cluster, error) from error
        target, replaced = plan.elsewhere(move, facts)
        return Elsewhere(target=target, replaces=replaced)

    async def show_runbook(self, plan_id: str, index: int, actor: Actor) -> Record:
        """Have the runbook of a failed move's cause shown to all, in the card's thread."""
        ended((await self._allowed(plan_id, Action.REQUEST, actor)).before, index)
        return await self._update(
            plan_id,
            lambda now: Change(progress.show_runbook(now, index), [Entry("runbook opened", actor, {"move": index})]),
        )
