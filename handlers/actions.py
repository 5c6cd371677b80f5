"""Clicks on our messages. Each one: acknowledge, read the button, prove the person, one call of the service.

Nothing is looked up and decided here: whether the click is too late, from an old card or not allowed is the service's
to say. A click from a card that the store does not know (it was posted, and the bot died before remembering it) makes
that card the plan's card.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError

from bot import grammar
from bot.errors import BotError
from bot.policy import Action, Actor
from bot.record import Choice, PinState, Place
from bot.request import MoveType
from handlers import batchform, cards, declare, deny, modals, refusal
from handlers.answers import by_response_url
from handlers.asking import carry_out
from handlers.blocks import Block
from handlers.cards import Card
from handlers.desk import Desk
from handlers.payloads import Click
from handlers.tasks import Answer
from handlers.values import DoubtRef, ElsewhereState, ModalState, MoveRef, NodeRef, PlanRef, VmRef
from handlers.webclient import error_word

log = logging.getLogger(__name__)

_CLOSED_MEANWHILE = ("not_found", "hash_conflict")
"""Answers to an update of a form that the person has closed, or that has gone on, while it was loading."""

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
            self._desk.spawn(_run(act, body, answer), answer)

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
        """Open the form that changes a plan."""
        await self._show_form(click, fresh=False)

    async def other_node(self, click: Click) -> None:
        """Open the same form for a plan of its own, since this one has ended."""
        await self._show_form(click, fresh=True)

    async def _show_form(self, click: Click, *, fresh: bool) -> None:
        ref = PlanRef.load(click.value)
        state = ModalState(plan=ref.plan, revision=ref.revision, channel=click.channel, fresh=fresh)
        await self._show(click, modals.title(fresh=fresh), lambda: self._form(click, ref, state))

    async def elsewhere(self, click: Click) -> None:
        """Open the form that asks for another node, for a VM that does not start on its target."""
        ref = DoubtRef.load(click.value)
        state = ElsewhereState(**ref.model_dump(), channel=click.channel)
        await self._show(click, modals.ANOTHER_NODE, lambda: self._choosing(click, state))

    async def deny(self, click: Click) -> None:
        """Ask an approver why not."""
        ref = PlanRef.load(click.value)
        state = ModalState(plan=ref.plan, revision=ref.revision, channel=click.channel)
        await self._show(click, deny.TITLE, lambda: self._reason_form(click, ref, state))

    async def incident(self, click: Click) -> None:
        """Ask which incident it is, and why it cannot wait."""
        ref = PlanRef.load(click.value)
        state = ModalState(plan=ref.plan, revision=ref.revision, channel=click.channel)
        await self._show(click, declare.TITLE, lambda: self._incident_form(click, ref, state))

    async def _show(self, click: Click, title: str, form: Callable[[], Awaitable[Block]]) -> None:
        """Open an empty form first, since Slack's trigger lives three seconds. What is in it is for those who may send
        it, and who sends it is judged again then."""
        opened = await self._open(click, refusal.loading(title))
        view = await form()
        try:
            await self._desk.client.views_update(view_id=opened["id"], hash=opened["hash"], view=view)
        except SlackApiError as error:
            if error_word(error) not in _CLOSED_MEANWHILE:
                raise

    async def plan_again(self, click: Click) -> None:
        """A fresh plan from an old request."""
        ref = PlanRef.load(click.value)
        actor = await self._prove(click, ref)
        await self._desk.show_first(await self._desk.service.plan_again(ref.plan, actor, place_of(click)))

    def replan(self, type_: MoveType) -> Act:
        """The same move in another way, as a plan of its own."""

        async def act(click: Click) -> None:
            ref = PlanRef.load(click.value)
            actor = await self._prove(click, ref)
            await self._desk.show_first(await self._desk.service.replan(ref.plan, type_, actor, place_of(click)))

        return act

    async def replace_rules(self, click: Click) -> None:
        """The same cold move, replacing the VM's rules that forbid it."""
        ref = PlanRef.load(click.value)
        await self._desk.service.replace_rules(ref.plan, ref.revision, await self._prove(click, ref))

    async def suggest(self, click: Click) -> None:
        """Let the bot choose the node."""
        ref = PlanRef.load(click.value)
        await self._desk.service.suggest(ref.plan, ref.revision, await self._prove(click, ref))

    async def use_node(self, click: Click) -> None:
        """A node that a card offers: from its menu, or instead of the one that is blocked."""
        ref = NodeRef.load(click.value)
        actor = await self._prove(click, ref)
        type_ = MoveType.COLD if ref.cold else None
        await self._desk.service.take_node(ref.plan, ref.revision, ref.node, actor, type_)

    async def check_again(self, click: Click) -> None:
        """Judge a blocked plan anew."""
        ref = PlanRef.load(click.value)
        await self._desk.service.check_again(ref.plan, ref.revision, await self._prove(click, ref))

    async def checks(self, click: Click) -> Card:
        """Show what was checked, to whoever of the channel asks."""
        ref = PlanRef.load(click.value)
        return cards.checks_card(await self._desk.service.look(ref.plan, await self._prove(click, ref)))

    async def move_back(self, click: Click) -> None:
        """A plan that takes a VM back to where it was."""
        ref = MoveRef.load(click.value)
        actor = await self._prove(click, ref)
        await self._desk.show_first(await self._desk.service.move_back(ref.plan, ref.move, actor, place_of(click)))

    async def call_off(self, click: Click) -> None:
        """Cancel a move that runs."""
        ref = MoveRef.load(click.value)
        await self._desk.service.call_off(ref.plan, ref.revision, ref.move, await self._prove(click, ref))

    async def watch_on(self, click: Click) -> None:
        """Wait as long again for a move that has not ended in time."""
        ref = MoveRef.load(click.value)
        await self._desk.service.watch_on(ref.plan, ref.move, await self._prove(click, ref))

    async def clean_up(self, click: Click) -> None:
        """Delete a finished migration object."""
        ref = MoveRef.load(click.value)
        await self._desk.service.clean_up(ref.plan, ref.move, await self._prove(click, ref))

    async def runbook(self, click: Click) -> None:
        """Open the runbook of a failure, for all in the thread."""
        ref = MoveRef.load(click.value)
        await self._desk.service.show_runbook(ref.plan, ref.move, await self._prove(click, ref))

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

    async def _form(self, click: Click, ref: PlanRef, state: ModalState) -> dict[str, Any]:
        try:
            actor = await self._prove(click, ref)
            record = await self._desk.service.get(ref.plan)
            if record.plan.batch:
                await self._desk.service.check_may(ref.plan, Action.MODIFY, actor)
                return batchform.form(record, state)
            return modals.modify(record, await self._desk.service.nodes(ref.plan, 0, actor), state)
        except BotError as refused:
            return refusal.form(refused)

    async def _choosing(self, click: Click, state: ElsewhereState) -> Block:
        try:
            actor = await self._prove(click, state)
            record = await self._desk.service.get(state.plan)
            return modals.choosing(record, await self._desk.service.nodes(state.plan, state.move, actor), state)
        except BotError as refused:
            return refusal.form(refused)

    async def _reason_form(self, click: Click, ref: PlanRef, state: ModalState) -> dict[str, Any]:
        try:
            await self._desk.service.check_may(ref.plan, Action.DENY, await self._prove(click, ref))
            return deny.form(state)
        except BotError as refused:
            return refusal.form(refused, deny.TITLE)

    async def _incident_form(self, click: Click, ref: PlanRef, state: ModalState) -> dict[str, Any]:
        try:
            await self._desk.service.check_may(ref.plan, Action.INCIDENT, await self._prove(click, ref))
            return declare.form(state)
        except BotError as refused:
            return refusal.form(refused, declare.TITLE)

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
