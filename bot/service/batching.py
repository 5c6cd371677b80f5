"""What people decide about a batch: before it runs what it may cost and how it is staged, while it runs whether it
pauses, goes on or stops, and afterwards the way back and the pins."""

from bot import approval, batch, turns
from bot.errors import BotError, NoBatch, NothingToDo
from bot.migration import MoveState
from bot.plan import Consent, Plan
from bot.policy import Action, Actor
from bot.ports import Entry
from bot.record import HoldReason, PinState, Place, Record
from bot.request import BatchRequest, MoveRequest, MoveType
from bot.service.aftercare import Aftercare
from bot.service.base import ended, way_back
from bot.service.planning import Planning


class Batching(Planning, Aftercare):
    """Plans of several moves."""

    async def accept(self, plan_id: str, revision: int, consent: Consent, actor: Actor) -> Record:
        """Take on what a batch costs; for those who may confirm it."""
        now = self._clock.now()
        return await self._decide(
            await self._allowed(plan_id, Action.CONFIRM, actor),
            lambda current: approval.accept(current, consent, actor, now),
            Entry("accepted", actor, {"consent": consent, "revision": revision}),
            revision=revision,
        )

    async def stage(self, plan_id: str, revision: int, actor: Actor, *, staged: bool) -> Record:
        """The same batch with groups, or on purpose without, as a new revision."""
        planned = (await self.get(plan_id)).plan
        request = _batch(planned)
        pace = planned.pace.model_copy(update={"stage": batch.STAGE if staged else 0})
        return await self.modify(plan_id, revision, request.model_copy(update={"pace": pace}), actor)

    async def pause(self, plan_id: str, actor: Actor) -> Record:
        """Let no further move begin."""
        now = self._clock.now()
        return await self._decide(
            await self._allowed(plan_id, Action.CANCEL, actor),
            lambda current: turns.hold(current, HoldReason.ASKED, now, by=actor),
            Entry("paused", actor),
            restart=True,
        )

    async def go_on(self, plan_id: str, number: int, actor: Actor) -> Record:
        """End that pause."""
        details = {"hold": number}
        return await self._decide(
            await self._allowed(plan_id, Action.ANSWER, actor),
            lambda current: turns.go_on(current, number, actor),
            Entry("went on", actor, details),
            restart=True,
        )

    async def skip(self, plan_id: str, number: int, actor: Actor) -> Record:
        """Go on without the VM that the pause is about."""
        details = {"hold": number}
        return await self._decide(
            await self._allowed(plan_id, Action.ANSWER, actor),
            lambda current: turns.skip(current, number, actor),
            Entry("skipped", actor, details),
            restart=True,
        )

    async def stop(self, plan_id: str, actor: Actor) -> Record:
        """Let no further move begin, for good."""
        return await self._decide(
            await self._allowed(plan_id, Action.CANCEL, actor),
            lambda current: turns.stop(current, actor),
            Entry("stopped", actor),
            restart=True,
        )

    async def retry(self, plan_id: str, index: int, type_: MoveType | None, actor: Actor, place: Place) -> Record:
        """A plan of its own for one VM of a batch that did not succeed, in the same way or as a cold move."""
        current = await self.get(plan_id)
        _, move = ended(current, index)
        kept = {"type": type_ or move.type, "target": move.target.name if move.target else None}
        return await self.propose(current.plan.asked(index).model_copy(update=kept), actor, place)

    async def move_all_back(self, plan_id: str, actor: Actor, place: Place) -> Record:
        """A plan that takes every VM that has moved back to where it was."""
        current = await self.get(plan_id)
        return await self.propose(_way_back(current), actor, place)

    async def bring_back(self, node: str, actor: Actor, place: Place) -> Record:
        """A plan that takes home what evacuations have taken away from a node, judged as the cluster is now."""
        self._authority.authorize(actor, Action.REQUEST)
        away = await self._store.away_from(node)
        if not away:
            raise NothingToDo(
                "nothing-away", f"I know of no VM that an evacuation took away from {node}.", "Nothing was changed."
            )
        split = [key.partition("/") for key in away]
        moves = tuple(MoveRequest(vm=vm, namespace=namespace) for namespace, _, vm in split)
        return await self.propose(BatchRequest(moves=moves, target=node), actor, place)

    async def remove_all_pins(self, plan_id: str, actor: Actor) -> Record:
        """Remove every pin that a batch has left."""
        current = await self.get(plan_id)
        pinned = [
            index
            for index, run in enumerate(current.runs)
            if run.result and run.pin and run.pin.state is not PinState.REMOVED
        ]
        if not pinned:
            raise BotError("no-pin", "This batch has left no node affinity.", "There is nothing to remove.")
        for index in pinned:
            current = await self.decide_pin(plan_id, index, PinState.REMOVED, actor)
        return current


def _batch(planned: Plan) -> BatchRequest:
    if not isinstance(planned.request, BatchRequest):
        raise NoBatch
    return planned.request


def _way_back(current: Record) -> BatchRequest:
    both = zip(current.plan.moves, current.runs, strict=True)
    back = tuple(way_back(move) for move, run in both if run.state is MoveState.SUCCEEDED and move.source)
    if not back:
        raise BotError("no-way-back", "None of these VMs has moved.", "There is nothing to bring back.")
    return BatchRequest(moves=back)
