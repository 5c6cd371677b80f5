"""Clicks on our cards. Each one: acknowledge, read the button, prove the person, one call of the service.

Nothing is looked up and decided here: whether the click is too late, from an old card or not allowed is the service's
to say. A click from a card that the store does not know (it was posted, and the bot died before remembering it) makes
that card the plan's card.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.errors import BotError
from bot.policy import Actor
from bot.record import Place
from handlers import modals
from handlers.answers import by_response_url
from handlers.desk import Desk
from handlers.payloads import Click
from handlers.values import ModalState, MoveRef, PlanRef

log = logging.getLogger(__name__)


class Actions:
    """The listeners of buttons."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def confirm(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Confirm a plan."""
        await self._acknowledge(ack, body, self._confirm)

    async def cancel(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Cancel a plan."""
        await self._acknowledge(ack, body, self._cancel)

    async def modify(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the form for another plan."""
        await self._acknowledge(ack, body, self._modify)

    async def plan_again(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Make a fresh plan from an old request."""
        await self._acknowledge(ack, body, self._plan_again)

    async def clean_up(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Delete a finished migration object."""
        await self._acknowledge(ack, body, self._clean_up)

    async def unknown(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button that this version does not have, for example on an old card."""
        await self._acknowledge(ack, body, self._unknown)

    async def _acknowledge(self, ack: AsyncAck, body: dict[str, Any], act: Callable[[Click], Awaitable[None]]) -> None:
        await ack()
        self._desk.tasks.spawn(self._act(body, act), by_response_url(body))

    async def _act(self, body: dict[str, Any], act: Callable[[Click], Awaitable[None]]) -> None:
        await act(Click.read(body))

    async def _confirm(self, click: Click) -> None:
        ref = PlanRef.load(click.value)
        actor = await self._prove(click, ref)
        await self._desk.service.confirm(ref.plan, ref.revision, actor)

    async def _cancel(self, click: Click) -> None:
        ref = PlanRef.load(click.value)
        actor = await self._prove(click, ref)
        await self._desk.service.cancel(ref.plan, ref.revision, actor)

    async def _modify(self, click: Click) -> None:
        """The form opens first, since Slack's trigger lives three seconds; who may submit it is judged then."""
        ref = PlanRef.load(click.value)
        state = ModalState(plan=ref.plan, revision=ref.revision, channel=click.channel)
        opened = await self._desk.client.views_open(trigger_id=click.trigger_id, view=modals.loading(state))
        view = await self._form(ref, state)
        await self._desk.client.views_update(view_id=opened["view"]["id"], hash=opened["view"]["hash"], view=view)

    async def _form(self, ref: PlanRef, state: ModalState) -> dict[str, Any]:
        try:
            record = await self._desk.service.get(ref.plan)
            return modals.modify(record, await self._desk.service.nodes(), state)
        except BotError as refused:
            return modals.refused(refused)

    async def _plan_again(self, click: Click) -> None:
        ref = PlanRef.load(click.value)
        actor = await self._prove(click, ref)
        record = await self._desk.service.plan_again(ref.plan, actor, Place(channel=click.channel))
        await self._desk.show_first(record)

    async def _clean_up(self, click: Click) -> None:
        ref = MoveRef.load(click.value)
        actor = await self._prove(click, ref)
        await self._desk.service.clean_up(ref.plan, ref.move, actor)

    async def _unknown(self, click: Click) -> None:
        log.warning("unknown action %r", click.actions[0].action_id)
        raise BotError("old-button", "This button no longer does anything.", "Ask for the move again.")

    async def _prove(self, click: Click, ref: PlanRef) -> Actor:
        actor = await self._desk.identity.actor(click.user.id, click.user.team_id, click.channel)
        if not click.in_thread:
            await self._desk.notifier.adopt(ref.plan, click.channel, click.container.message_ts)
        return actor
