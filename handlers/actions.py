"""Clicks on our messages. Each one: acknowledge, read the button, prove the person, one call of the service.

Nothing is looked up and decided here: whether the click is too late, from an old card or not allowed is the service's
to say. A click from a card that the store does not know (it was posted, and the bot died before remembering it) makes
that card the plan's card.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError

from bot import grammar
from bot.errors import BotError
from bot.policy import Action, Actor
from bot.record import Place, Record
from bot.service import Service
from handlers import batchform, cards, modals, refusal
from handlers.answers import by_response_url
from handlers.asking import carry_out
from handlers.blocks import Block
from handlers.cards import Card
from handlers.desk import Desk
from handlers.payloads import Click
from handlers.tasks import Answer
from handlers.values import DoubtRef, ElsewhereState, HomeRef, ModalState, PlanRef, VmRef
from handlers.webclient import error_word

log = logging.getLogger(__name__)

_CLOSED_MEANWHILE = ("not_found", "hash_conflict")
"""Answers to an update of a form that the person has closed, or that has gone on, while it was loading."""

_BROKEN = BotError("broken", "Something went wrong in the bot.", "Close this; the channel tells you more.")

Act = Callable[[Click], Awaitable[Card | None]]
"""What a click does. A card that comes back is for the clicker alone; what changed for all, their messages show."""

Ref = TypeVar("Ref", bound=PlanRef)

Listener = Callable[[AsyncAck, dict[str, Any]], Awaitable[None]]


class Actions:
    """What buttons do, whichever they are (`handlers.buttons` says which). `listener` makes a Bolt listener of it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def listener(self, act: Act) -> Listener:
        """Acknowledge first and alone; the act follows in a task of its own."""

        async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            answer = by_response_url(body)
            self._desk.spawn(_run(act, body, answer), answer)

        return listen

    def on(self, kind: type[Ref], use: Callable[[Service, Ref, Actor], Awaitable[object]]) -> Act:
        """One use case of what the button names."""

        async def act(click: Click) -> None:
            ref = kind.load(click.value)
            await use(self._desk.service, ref, await self._prove(click, ref))

        return act

    def fresh(self, kind: type[Ref], use: Callable[[Service, Ref, Actor, Place], Awaitable[Record]]) -> Act:
        """A use case that makes a plan of its own."""

        async def act(click: Click) -> None:
            ref = kind.load(click.value)
            actor = await self._prove(click, ref)
            await self._desk.show_first(await use(self._desk.service, ref, actor, place_of(click)))

        return act

    def asking(self, action: Action, title: str, form: Callable[[ModalState], Block]) -> Act:
        """Open a form for those who may do that with the plan."""

        async def act(click: Click) -> None:
            ref = PlanRef.load(click.value)
            state = ModalState(plan=ref.plan, revision=ref.revision, channel=click.channel)

            async def view() -> Block:
                await self._desk.service.check_may(ref.plan, action, await self._prove(click, ref))
                return form(state)

            await self._show(click, title, view)

        return act

    def modifying(self, *, fresh: bool) -> Act:
        """Open the form that changes a plan; `fresh`: the same form for a plan of its own, since this one has ended."""

        async def act(click: Click) -> None:
            ref = PlanRef.load(click.value)
            state = ModalState(plan=ref.plan, revision=ref.revision, channel=click.channel, fresh=fresh)
            await self._show(click, modals.title(fresh=fresh), lambda: self._form(click, ref, state))

        return act

    async def elsewhere(self, click: Click) -> None:
        """Open the form that asks for another node, for a VM that does not start on its target."""
        ref = DoubtRef.load(click.value)
        state = ElsewhereState(**ref.model_dump(), channel=click.channel)
        await self._show(click, modals.ANOTHER_NODE, lambda: self._choosing(click, state))

    async def _show(self, click: Click, title: str, form: Callable[[], Awaitable[Block]]) -> None:
        """Open an empty form first, since Slack's trigger lives three seconds. What is in it is for those who may send
        it, and who sends it is judged again then."""
        opened = await self._open(click, refusal.loading(title))
        view = refusal.form(_BROKEN)
        try:
            view = await form()
        except BotError as refused:
            view = refusal.form(refused)
        finally:
            await self._update(opened, view)

    async def _update(self, opened: dict[str, Any], view: Block) -> None:
        try:
            await self._desk.client.views_update(view_id=opened["id"], hash=opened["hash"], view=view)
        except SlackApiError as error:
            if error_word(error) not in _CLOSED_MEANWHILE:
                raise

    async def checks(self, click: Click) -> Card:
        """Show what was checked, to whoever of the channel asks."""
        ref = PlanRef.load(click.value)
        return cards.checks_card(await self._desk.service.look(ref.plan, await self._prove(click, ref)))

    async def bring_back(self, click: Click) -> None:
        """A plan that fills an evacuated node again, whatever plan has emptied it."""
        node = HomeRef.load(click.value).node
        actor = await self._actor(click)
        await self._desk.show_first(await self._desk.service.bring_back(node, actor, place_of(click)))

    async def unpin(self, click: Click) -> Card:
        """Remove a pin from the list, whose message belongs to no plan."""
        ref = VmRef.load(click.value)
        actor = await self._actor(click)
        return cards.unpinned_card(await self._desk.service.unpin(ref.namespace, ref.vm, actor, place_of(click)))

    async def reading(self, click: Click) -> Card | None:
        """One of the things that a request may have meant: as if it had been typed like that."""
        answers: list[Card] = []

        async def keep(card: Card) -> None:
            answers.append(card)

        await carry_out(self._desk, grammar.parse(click.value), lambda: self._actor(click), place_of(click), keep)
        return answers[0] if answers else None

    async def unknown(self, click: Click) -> None:
        """A button that this version does not have, for example on an old card."""
        log.warning("unknown action %r", click.actions[0].action_id)
        raise BotError("old-button", "This button no longer does anything.", "Ask for the move again.")

    async def _open(self, click: Click, view: dict[str, Any]) -> dict[str, Any]:
        try:
            opened = await self._desk.client.views_open(trigger_id=click.trigger_id, view=view)
        except SlackApiError as error:
            if error_word(error) != "expired_trigger_id":
                raise
            raise BotError(
                "too-slow", "Slack took too long to hand me your click.", "Press the button again."
            ) from error
        shown: dict[str, Any] = opened["view"]
        return shown

    async def _form(self, click: Click, ref: PlanRef, state: ModalState) -> Block:
        actor = await self._prove(click, ref)
        record = await self._desk.service.get(ref.plan)
        if record.plan.batch:
            await self._desk.service.check_may(ref.plan, Action.MODIFY, actor)
            return batchform.form(record, state)
        return modals.modify(record, await self._desk.service.nodes(ref.plan, 0, actor), state)

    async def _choosing(self, click: Click, state: ElsewhereState) -> Block:
        actor = await self._prove(click, state)
        record = await self._desk.service.get(state.plan)
        return modals.choosing(record, await self._desk.service.nodes(state.plan, state.move, actor), state)

    async def _prove(self, click: Click, ref: PlanRef) -> Actor:
        """The person, as a member of the plan's own channel: a card of it elsewhere gives nobody a right."""
        if (await self._desk.service.get(ref.plan)).place.channel != click.channel:
            raise BotError("wrong-channel", "This plan belongs to another channel.", "Press its card there.")
        actor = await self._actor(click)
        if click.on_a_card and actor.own_workspace and actor.channel_member:
            await self._desk.notifier.adopt(ref.plan, click.channel, click.container.message_ts)
        return actor

    async def _actor(self, click: Click) -> Actor:
        return await self._desk.identity.actor(click.user.id, click.user.team_id, click.channel)


async def _run(act: Act, body: dict[str, Any], answer: Answer) -> None:
    card = await act(Click.read(body))
    if card is not None:
        await answer(card)


def place_of(click: Click) -> Place:
    """Where it was pressed."""
    return Place(channel=click.channel, once=click.once)
