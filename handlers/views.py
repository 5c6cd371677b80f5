"""Submitted modals. The one listener whose acknowledgement carries an answer: errors belong at their fields.

So here the work begins before the acknowledgement, and gets `PATIENCE` of Slack's three seconds. What is ready by then
is answered in the form; what comes later goes to the person alone, in the channel. Nothing is raised after the
acknowledgement.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.errors import BotError
from bot.request import MoveRequest, Planned
from handlers import batchform, declare, deny, modals, refusal
from handlers.answers import by_message
from handlers.declare import Declared
from handlers.desk import Desk
from handlers.ids import BlockId
from handlers.payloads import Submission
from handlers.values import ElsewhereState, ModalState

PATIENCE = 2.0
"""Seconds that the cluster has to judge the new request before the form closes without its answer."""


class Views:
    """The listeners of modals."""

    def __init__(self, desk: Desk, *, patience: float = PATIENCE) -> None:
        self._desk = desk
        self._patience = patience

    async def modify(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The Modify form was submitted."""
        try:
            submission = Submission.read(body)
            state = ModalState.load(submission.view.private_metadata)
            request = modals.read(submission.entered)
        except modals.FieldErrors as wrong:
            await ack(response_action="errors", errors=wrong.errors)
            return
        except BotError as refused:
            await ack(response_action="update", view=refusal.form(refused))
            return
        await self._work(ack, self._modify(submission, state, request), state.channel, submission)

    async def batch(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The form of a batch was submitted."""
        try:
            submission = Submission.read(body)
            state = ModalState.load(submission.view.private_metadata)
            entered = batchform.read(submission.entered)
        except modals.FieldErrors as wrong:
            await ack(response_action="errors", errors=wrong.errors)
            return
        except BotError as refused:
            await ack(response_action="update", view=refusal.form(refused))
            return
        await self._work(ack, self._modify_batch(submission, state, entered), state.channel, submission)

    async def _modify_batch(self, submission: Submission, state: ModalState, entered: batchform.Entered) -> None:
        record = await self._desk.service.get(state.plan)
        if not record.plan.batch:
            raise BotError("no-batch", "This plan has one VM only.", "Use the buttons on its card.")
        await self._modify(submission, state, batchform.changed(record.plan, entered))

    async def elsewhere(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Another node was chosen for a VM that does not start on its target."""
        try:
            submission = Submission.read(body)
            state = ElsewhereState.load(submission.view.private_metadata)
        except BotError as refused:
            await ack(response_action="update", view=refusal.form(refused))
            return
        await self._work(ack, self._go_elsewhere(submission, state), state.channel, submission)

    async def _work(self, ack: AsyncAck, doing: Coroutine[Any, Any, None], channel: str, by: Submission) -> None:
        work = asyncio.create_task(doing)
        done, _ = await asyncio.wait({work}, timeout=self._patience)
        error = work.exception() if done else None
        if isinstance(error, BotError):
            await ack(**_in_the_form(error))
            return
        await ack()
        answer = by_message(self._desk.client, channel, by.user.id)
        self._desk.tasks.spawn(_finish(work), answer)

    async def _go_elsewhere(self, submission: Submission, state: ElsewhereState) -> None:
        record = await self._desk.service.get(state.plan)
        user = submission.user
        actor = await self._desk.identity.actor(user.id, user.team_id, record.place.channel)
        node = submission.entered(BlockId.TARGET)
        await self._desk.service.answer_elsewhere(state.plan, state.move, node, actor)

    async def deny(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The form behind Deny was submitted."""
        try:
            submission = Submission.read(body)
            state = ModalState.load(submission.view.private_metadata)
        except BotError as refused:
            await ack(response_action="update", view=refusal.form(refused, deny.TITLE))
            return
        await ack()
        answer = by_message(self._desk.client, state.channel, submission.user.id)
        self._desk.tasks.spawn(self._deny(submission, state), answer)

    async def _deny(self, submission: Submission, state: ModalState) -> None:
        record = await self._desk.service.get(state.plan)
        user = submission.user
        actor = await self._desk.identity.actor(user.id, user.team_id, record.place.channel)
        await self._desk.service.deny(state.plan, state.revision, deny.read(submission.entered), actor)

    async def incident(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The form behind “Incident…” was submitted."""
        try:
            submission = Submission.read(body)
            state = ModalState.load(submission.view.private_metadata)
            declared = declare.read(submission.entered)
        except declare.BadEntry as wrong:
            await ack(response_action="errors", errors=wrong.errors)
            return
        except BotError as refused:
            await ack(response_action="update", view=refusal.form(refused, declare.TITLE))
            return
        await ack()
        answer = by_message(self._desk.client, state.channel, submission.user.id)
        self._desk.tasks.spawn(self._incident(submission, state, declared), answer)

    async def _incident(self, submission: Submission, state: ModalState, declared: Declared) -> None:
        record = await self._desk.service.get(state.plan)
        user = submission.user
        actor = await self._desk.identity.actor(user.id, user.team_id, record.place.channel)
        await self._desk.service.declare(state.plan, state.revision, declared.id, declared.reason, actor)

    async def _modify(self, submission: Submission, state: ModalState, request: Planned) -> None:
        """The channel that counts is the plan's own, whatever the form remembers."""
        record = await self._desk.service.get(state.plan)
        user = submission.user
        actor = await self._desk.identity.actor(user.id, user.team_id, record.place.channel)
        if state.fresh:
            place = record.place.model_copy(update={"once": submission.once})
            await self._desk.show_first(await self._desk.service.propose(request, actor, place))
        else:
            request = modals.carried(record, request) if isinstance(request, MoveRequest) else request
            await self._desk.service.modify(state.plan, state.revision, request, actor)


async def _finish(work: asyncio.Task[None]) -> None:
    await work


def _in_the_form(refused: BotError) -> dict[str, Any]:
    if errors := modals.field_errors(refused):
        return {"response_action": "errors", "errors": errors}
    return {"response_action": "update", "view": refusal.form(refused)}
