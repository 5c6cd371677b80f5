"""Which node? Ranking all nodes for a plan's VM: for a list, as a suggestion, and by taking one of them."""

import asyncio

from bot import errors, progress
from bot.errors import BotError
from bot.policy import Action, Actor
from bot.ports import NodeChoice
from bot.ranking import Candidate, Excluded, Ranking, rank
from bot.record import Record
from bot.request import MoveRequest, MoveType
from bot.service.planning import Planning
from k8s.cluster import Question


class Choosing(Planning):
    """Choices among nodes."""

    async def nodes(self, plan_id: str, index: int, actor: Actor) -> tuple[NodeChoice, ...]:
        """All nodes for a move of a plan: those that can take the VM first, the best of them at the top; then the
        others, each with its reason. For those who may choose."""
        current = (await self._allowed(plan_id, Action.MODIFY, actor)).before
        progress.run_of(current, index)
        ranking = await self._ranking(current, index)
        return (*map(_usable, ranking.candidates), *map(_not_usable, ranking.excluded))

    async def suggest(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """Take the best node, as a new revision."""
        current = (await self._allowed(plan_id, Action.MODIFY, actor)).before
        best = (await self._ranking(current, 0)).best
        if best is None:
            raise BotError("no-node", "No node can take it now.", "Open Modify: the list says why not, node by node.")
        return await self.take_node(plan_id, revision, best.name, actor)

    async def take_node(
        self, plan_id: str, revision: int, node: str, actor: Actor, type_: MoveType | None = None
    ) -> Record:
        """The same move to this node, perhaps in another way, as a new revision."""
        request = (await self.get(plan_id)).plan.request
        if not isinstance(request, MoveRequest):
            raise BotError("batch", "This plan moves several VMs.", "Change its moves one by one.")
        taken = {"target": node} | ({"type": type_} if type_ else {})
        return await self.modify(plan_id, revision, request.model_copy(update=taken), actor)

    async def check_again(self, plan_id: str, revision: int, actor: Actor) -> Record:
        """The same request, judged anew: what blocked it may be over."""
        return await self.modify(plan_id, revision, (await self.get(plan_id)).plan.request, actor)

    async def _ranking(self, current: Record, index: int) -> Ranking:
        move = current.plan.moves[index]
        question = Question(vm=move.vm, namespace=move.namespace, target=None, dry_run=False)
        with errors.for_people():
            facts, survey = await asyncio.gather(self._cluster.facts(question), self._cluster.survey())
        return rank(facts, survey, move.type, replace_rules=current.plan.asked(index).replace_rules)


def _usable(node: Candidate) -> NodeChoice:
    return NodeChoice(
        node.name, usable=True, why="; ".join(node.reasons[1:]), free_cpu=node.free_cpu, free_memory=node.free_memory
    )


def _not_usable(node: Excluded) -> NodeChoice:
    return NodeChoice(node.name, usable=False, why=node.why, free_cpu=node.free_cpu, free_memory=node.free_memory)
