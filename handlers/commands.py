"""Slash commands: text in, a plan card in the channel or an answer to the one who typed."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.errors import BotError
from bot.grammar import parse
from bot.record import Place
from bot.request import Help, Pins
from handlers import cards
from handlers.answers import by_response_url
from handlers.desk import Desk
from handlers.payloads import SlashCommand
from handlers.tasks import Answer


class Commands:
    """The listeners of slash commands."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def migrate(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """`/vm-migrate`: help, the pinned VMs, or a request for a plan."""
        await ack()
        answer = by_response_url(body)
        self._desk.tasks.spawn(self._migrate(body, answer), answer)

    async def _migrate(self, body: dict[str, Any], answer: Answer) -> None:
        command = SlashCommand.read(body)
        request = parse(command.text)
        if isinstance(request, Help):
            await answer(cards.help_card())
            return
        if not command.in_channel:
            raise BotError(
                "not-a-channel",
                "Here nobody else would see it.",
                "Ask in a channel where your team can see and confirm it.",
            )
        actor = await self._desk.identity.actor(command.user_id, None, command.channel_id)
        if isinstance(request, Pins):
            await answer(cards.pins_card(await self._desk.service.pins(actor)))
            return
        record = await self._desk.service.propose(request, actor, Place(channel=command.channel_id))
        await self._desk.show_first(record)
