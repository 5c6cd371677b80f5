"""Clicks on our messages. Each one: acknowledge, read the button, prove the person, one call of the service.

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
from bot.record import Choice, PinState, Place
from bot.request import MoveType
from handlers import cards, modals
from handlers.answers import by_response_url
from handlers.cards import Card
from handlers.desk import Desk
from handlers.payloads import Click
from handlers.tasks import Answer
from handlers.values import DoubtRef, ModalState, MoveRef, PlanRef, VmRef

log = logging.getLogger(__name__)

Act = Callable[[Click], Awaitable[Card | None]]
"""What a click does. A card that comes back is for the clicker alone; what changed for all, their messages show."""

Listener = Callable[[AsyncAck, dict[str, Any]], Awaitable[None]]


class Actions:
    """What the buttons do. `listener` makes a Bolt listener of any of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def listener(self, act: Act) -> Listener:
        """Acknowledge first and alone; the act follows in a task of its own."""

        async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            answer = by_response_url(body)
            self._desk.tasks.spawn(_run(act, body, answer), answer)

        return listen

    async def confirm(self, click: Click) -> None:
        """Confirm a plan."""
        ref = PlanRef.load(click.value)
        await self._desk.service.confirm(ref.plan, ref.revision, await self._prove(click, ref))

    async def cancel(self, click: Click) -> None:
        """Cancel a plan."""
        ref = PlanRef.load(click.value)
        await self._desk.service.cancel(ref.plan, ref.revision, await self._prove(click, ref))

    async def modify(self, click: Click) -> None:
        """Open the form for another plan. First the form, since Slack's trigger lives three seconds; who may submit it
        is judged then."""
        ref = PlanRef.load(click.value)
        state = ModalState(plan=ref.plan, revision=ref.revision, channel=click.channel)
        opened = await self._desk.client.views_open(trigger_id=click.trigger_id, view=modals.loading(state))
        view = await self._form(ref, state)
        await self._desk.client.views_update(view_id=opened["view"]["id"], hash=opened["view"]["hash"], view=view)

    async def plan_again(self, click: Click) -> None:
        """A fresh plan from an old request."""
        ref = PlanRef.load(click.value)
        actor = await self._prove(click, ref)
        await self._desk.show_first(await self._desk.service.plan_again(ref.plan, actor, _place(click)))

    async def use_cold(self, click: Click) -> None:
        """The same move as a cold one, as a plan of its own."""
        ref = PlanRef.load(click.value)
        actor = await self._prove(click, ref)
        await self._desk.show_first(await self._desk.service.replan(ref.plan, MoveType.COLD, actor, _place(click)))

    async def replace_rules(self, click: Click) -> None:
        """The same cold move, replacing the VM's rules that forbid it."""
        ref = PlanRef.load(click.value)
        await self._desk.service.replace_rules(ref.plan, ref.revision, await self._prove(click, ref))

    async def move_back(self, click: Click) -> None:
        """A plan that takes a VM back to where it was."""
        ref = MoveRef.load(click.value)
        actor = await self._prove(click, ref)
        await self._desk.show_first(await self._desk.service.move_back(ref.plan, ref.move, actor, _place(click)))

    async def clean_up(self, click: Click) -> None:
        """Delete a finished migration object."""
        ref = MoveRef.load(click.value)
        await self._desk.service.clean_up(ref.plan, ref.move, await self._prove(click, ref))

    def answer(self, choice: Choice) -> Act:
        """Let a cold move that is stuck go on in this way."""

        async def act(click: Click) -> None:
            ref = DoubtRef.load(click.value)
            actor = await self._prove(click, ref)
            await self._desk.service.answer(ref.plan, ref.move, ref.doubt, choice, actor)

        return act

    def decide_pin(self, wanted: PinState) -> Act:
        """Say what becomes of the node affinity that a cold move has left."""

        async def act(click: Click) -> None:
            ref = MoveRef.load(click.value)
            await self._desk.service.decide_pin(ref.plan, ref.move, wanted, await self._prove(click, ref))

        return act

    async def unpin(self, click: Click) -> Card:
        """Remove a pin from the list, whose message belongs to no plan."""
        ref = VmRef.load(click.value)
        actor = await self._actor(click)
        return cards.unpinned_card(await self._desk.service.unpin(ref.namespace, ref.vm, actor))

    async def unknown(self, click: Click) -> None:
        """A button that this version does not have, for example on an old card."""
        log.warning("unknown action %r", click.actions[0].action_id)
        raise BotError("old-button", "This button no longer does anything.", "Ask for the move again.")

    async def _form(self, ref: PlanRef, state: ModalState) -> dict[str, Any]:
        try:
            record = await self._desk.service.get(ref.plan)
            return modals.modify(record, await self._desk.service.nodes(), state)
        except BotError as refused:
            return modals.refused(refused)

    async def _prove(self, click: Click, ref: PlanRef) -> Actor:
        actor = await self._actor(click)
        if not click.in_thread:
            await self._desk.notifier.adopt(ref.plan, click.channel, click.container.message_ts)
        return actor

    async def _actor(self, click: Click) -> Actor:
        return await self._desk.identity.actor(click.user.id, click.user.team_id, click.channel)


async def _run(act: Act, body: dict[str, Any], answer: Answer) -> None:
    card = await act(Click.read(body))
    if card is not None:
        await answer(card)


def _place(click: Click) -> Place:
    return Place(channel=click.channel)
