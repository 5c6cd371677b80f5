"""The two ways to tell something to one person alone.

A `response_url` works in any channel, for 30 minutes and five times
(docs.slack.dev/interactivity/handling-user-interaction); payloads of modals have none, so there chat.postEphemeral is
used, which needs the bot in the channel.
"""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from handlers.cards import Card
from handlers.tasks import Answer
from handlers.webclient import TIMEOUT, is_loopback, is_slack


class NotSlack(Exception):
    """The address of an answer is not Slack's; nothing was sent to it."""


class Unanswered(Exception):
    """Slack did not take the answer. `status` is HTTP's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"response_url answered {status}")


def by_response_url(body: dict[str, Any]) -> Answer:
    """Answer a command or a click; the card that was clicked stays."""
    url = str(body.get("response_url", ""))

    async def answer(card: Card) -> None:
        if not is_slack(url):
            raise NotSlack
        webhook = AsyncWebhookClient(url, timeout=TIMEOUT, retry_handlers=[])
        if is_loopback(url):
            webhook.proxy = None
        sent = await webhook.send(
            text=card.text, blocks=card.stamped(), response_type="ephemeral", replace_original=False
        )
        if sent.status_code != 200:
            raise Unanswered(sent.status_code)

    return answer


def by_message(client: AsyncWebClient, channel: str, user: str, thread: str | None = None) -> Answer:
    """Answer in a channel or a thread of it, visible to one person."""

    async def answer(card: Card) -> None:
        await client.chat_postEphemeral(
            channel=channel, user=user, thread_ts=thread, text=card.text, blocks=card.stamped()
        )

    return answer
