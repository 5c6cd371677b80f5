"""Slash commands: text in, a plan card in the channel or an answer to the one who typed."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.grammar import parse
from bot.policy import Actor
from bot.record import Place
from handlers.answers import by_response_url
from handlers.asking import carry_out
from handlers.desk import Desk
from handlers.payloads import SlashCommand
from handlers.tasks import Answer


class Commands:
    """The listeners of slash commands."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def migrate(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """`/vm-migrate`: whatever the grammar knows."""
        await ack()
        answer = by_response_url(body)
        self._desk.spawn(self._migrate(body, answer), answer)

    async def _migrate(self, body: dict[str, Any], answer: Answer) -> None:
        command = SlashCommand.read(body)

        async def who() -> Actor:
            return await self._desk.identity.actor(command.user_id, None, command.channel_id)

        place = Place(channel=command.channel_id, once=command.once)
        await carry_out(self._desk, parse(command.text), who, place, answer)
