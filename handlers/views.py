"""Submitted modals. The one listener whose acknowledgement carries an answer: errors belong at their fields.

So here the work begins before the acknowledgement, and gets `PATIENCE` of Slack's three seconds. What is ready by then
is answered in the form; what comes later goes to the person alone, in the channel. Nothing is raised after the
acknowledgement.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.errors import BotError, NoBatch
from bot.policy import Actor
from bot.record import Record
from bot.request import MoveRequest, Planned
from handlers import batchform, declare, deny, modals, refusal
from handlers.answers import by_message
from handlers.declare import Declared
from handlers.desk import Desk
from handlers.ids import BlockId
from handlers.payloads import Submission
from handlers.refusal import FieldErrors
from handlers.values import ElsewhereState, ModalState

S = TypeVar("S", ModalState, ElsewhereState)
T = TypeVar("T")

Entered = Callable[[str], str]
"""What stands in a block, by its id."""

Do = Callable[[Submission, S, T], Coroutine[Any, Any, None]]
"""What becomes of a form: who sent it, what it carried, and what was entered."""

PATIENCE = 2.0
"""Seconds that the cluster has to judge the new request before the form closes without its answer."""


class Views:
    """The listeners of modals."""

    def __init__(self, desk: Desk, *, patience: float = PATIENCE) -> None:
        self._desk = desk
        self._patience = patience

    async def modify(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The Modify form was submitted."""
        await self._take(ack, body, ModalState, modals.read, self._modify)

    async def batch(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The form of a batch was submitted."""
        await self._take(ack, body, ModalState, batchform.read, self._modify_batch)

    async def elsewhere(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Another node was chosen for a VM that does not start on its target."""
        await self._take(ack, body, ElsewhereState, lambda entered: entered(BlockId.TARGET), self._go_elsewhere)

    async def deny(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The form behind Deny was submitted."""
        await self._take(ack, body, ModalState, deny.read, self._deny)

    async def incident(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The form behind “Incident…” was submitted."""
        await self._take(ack, body, ModalState, declare.read, self._incident)

    async def _take(
        self, ack: AsyncAck, body: dict[str, Any], kind: type[S], read: Callable[[Entered], T], do: Do[S, T]
    ) -> None:
        try:
            by = Submission.read(body)
            state, entered = kind.load(by.view.private_metadata), read(by.entered)
        except FieldErrors as wrong:
            await ack(response_action="errors", errors=wrong.errors)
        except BotError as refused:
            await ack(response_action="update", view=refusal.form(refused))
        else:
            await self._work(ack, do(by, state, entered), state.channel, by)

    async def _work(self, ack: AsyncAck, doing: Coroutine[Any, Any, None], channel: str, by: Submission) -> None:
        """Close the form; whatever goes wrong after that is told in the channel, to this person alone."""
        work = asyncio.create_task(doing)
        done, _ = await asyncio.wait({work}, timeout=self._patience)
        error = work.exception() if done else None
        if isinstance(error, BotError):
            await ack(**_in_the_form(error, by))
            return
        await ack()
        self._desk.spawn(_finish(work), by_message(self._desk.client, channel, by.user.id))

    async def _plan_and_actor(self, submission: Submission, plan_id: str) -> tuple[Record, Actor]:
        """The channel that counts is the plan's own, whatever the form remembers."""
        record = await self._desk.service.get(plan_id)
        user = submission.user
        return record, await self._desk.identity.actor(user.id, user.team_id, record.place.channel)

    async def _modify(self, submission: Submission, state: ModalState, request: Planned) -> None:
        record, actor = await self._plan_and_actor(submission, state.plan)
        if state.fresh:
            place = record.place.model_copy(update={"once": submission.once})
            await self._desk.show_first(await self._desk.service.propose(request, actor, place))
        else:
            request = modals.carried(record, request) if isinstance(request, MoveRequest) else request
            await self._desk.service.modify(state.plan, state.revision, request, actor)

    async def _modify_batch(self, submission: Submission, state: ModalState, entered: batchform.Entered) -> None:
        record = await self._desk.service.get(state.plan)
        if not record.plan.batch:
            raise NoBatch
        await self._modify(submission, state, batchform.changed(record.plan, entered))

    async def _go_elsewhere(self, submission: Submission, state: ElsewhereState, node: str) -> None:
        _, actor = await self._plan_and_actor(submission, state.plan)
        await self._desk.service.answer_elsewhere(state.plan, state.move, node, actor)

    async def _deny(self, submission: Submission, state: ModalState, reason: str) -> None:
        _, actor = await self._plan_and_actor(submission, state.plan)
        await self._desk.service.deny(state.plan, state.revision, reason, actor)

    async def _incident(self, submission: Submission, state: ModalState, declared: Declared) -> None:
        _, actor = await self._plan_and_actor(submission, state.plan)
        await self._desk.service.declare(state.plan, state.revision, declared.id, declared.reason, actor)


async def _finish(work: asyncio.Task[None]) -> None:
    await work


def _in_the_form(refused: BotError, by: Submission) -> dict[str, Any]:
    if errors := modals.field_errors(refused, by.view.state.values):
        return {"response_action": "errors", "errors": errors}
    return {"response_action": "update", "view": refusal.form(refused)}
