"""Slash commands: text in, a plan card in the channel or an answer to the one who typed."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.grammar import inventory, parse
from bot.policy import Actor
from bot.record import Place
from handlers import cards
from handlers.answers import by_response_url
from handlers.asking import carry_out, check_seen_by_others
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

    async def inventory(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """`/vm-inventory`: the VMs there are."""
        await ack()
        answer = by_response_url(body)
        self._desk.spawn(self._inventory(body, answer), answer)

    async def _inventory(self, body: dict[str, Any], answer: Answer) -> None:
        command = SlashCommand.read(body)
        request = inventory(command.text)
        check_seen_by_others(command.channel_id)
        actor = await self._desk.identity.actor(command.user_id, None, command.channel_id)
        await answer(cards.inventory_card(request, await self._desk.service.inventory(request, actor)))

    async def _migrate(self, body: dict[str, Any], answer: Answer) -> None:
        command = SlashCommand.read(body)

        async def who() -> Actor:
            return await self._desk.identity.actor(command.user_id, None, command.channel_id)

        place = Place(channel=command.channel_id, once=command.once)
        await carry_out(self._desk, parse(command.text), who, place, answer)
