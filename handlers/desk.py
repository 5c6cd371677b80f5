"""What every listener works with, and what several of them do."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotError, VmMoving
from bot.record import Record
from bot.service import Service
from handlers import cards
from handlers.cards import Card
from handlers.identity import Identity
from handlers.notifier import SlackNotifier
from handlers.tasks import Answer, Tasks, tell

MOST_LINKS = 20
"""Addresses that are asked for at once (chat.getPermalink takes several hundred a minute)."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """The use cases, the messages, the people and the running work."""

    service: Service
    notifier: SlackNotifier
    identity: Identity
    tasks: Tasks
    client: AsyncWebClient

    def spawn(self, work: Coroutine[object, object, None], answer: Answer) -> None:
        """Run a listener's work; whoever asks for a VM that is being moved is shown that move."""
        self.tasks.spawn(self._or_show_running(work, answer), answer)

    async def _or_show_running(self, work: Coroutine[object, object, None], answer: Answer) -> None:
        try:
            await work
        except VmMoving as moving:
            log.info("refused: %s", moving.code)
            await tell(answer, await self._running(moving))

    async def _running(self, moving: VmMoving) -> Card:
        record = await self.service.get(moving.plan_id)
        return cards.running_card(record, moving.key, await self.notifier.link(record.id))

    async def links(self, records: Sequence[Record]) -> Mapping[str, str]:
        """The addresses of these plans' cards, as far as Slack tells them."""
        found = await asyncio.gather(*(self.notifier.link(record.id) for record in records[:MOST_LINKS]))
        return {record.id: link for record, link in zip(records, found, strict=False) if link}

    async def show_first(self, record: Record) -> None:
        """Post the card of a new plan. A plan that nobody can be shown is withdrawn, and the refusal raised."""
        try:
            await self.notifier.publish(record.id)
        except BotError as refused:
            await self.service.withdraw(record.id, refused.what)
            raise
