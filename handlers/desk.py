"""What every listener works with, and the two things that several of them do."""

from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotError
from bot.record import Record
from bot.service import Service
from handlers.identity import Identity
from handlers.notifier import SlackNotifier
from handlers.tasks import Tasks


@dataclass(frozen=True)
class Desk:
    """The use cases, the messages, the people and the running work."""

    service: Service
    notifier: SlackNotifier
    identity: Identity
    tasks: Tasks
    client: AsyncWebClient

    async def show_first(self, record: Record) -> None:
        """Post the card of a new plan. A plan that nobody can be shown is withdrawn, and the refusal raised."""
        try:
            await self.notifier.publish(record.id)
        except BotError as refused:
            await self.service.withdraw(record.id, refused.what)
            raise
