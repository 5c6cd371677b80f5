"""One message of a plan, to Slack and back: post, edit, find again.

chat.postMessage cannot be repeated safely, so the intent is in the store before the call and the `ts` after it. An
intent without a `ts` means that the answer was lost or the process died: the message is looked for by its metadata
before another one is posted. Errors of Slack are sorted here into what the sender can do about them.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeGuard

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.ports import Clock, Entry, Message, Store
from handlers.blocks import Block
from handlers.cards import Card
from handlers.identity import NO_SUCH_PLACE
from handlers.ids import PLAN_EVENT
from handlers.webclient import TROUBLE, error_word

log = logging.getLogger(__name__)

SEARCH_BACK = timedelta(minutes=2)
"""Before the intent, in case Slack's clock and ours differ."""
SEARCH_PAGE = 200

_GONE = ("message_not_found", "cant_update_message", "edit_window_closed")

_SILENCED = ("is_archived", "is_inactive", "restricted_action")
"""Places that Slack lets nobody write to, or not us: beginnings of its words (docs.slack.dev, chat.postMessage and
chat.update)."""

_UNREADABLE = (
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "invalid_arguments",
    "invalid_metadata_format",
    "metadata_too_large",
)
"""Refusals of what we say, which the same words would meet again (docs.slack.dev, chat.postMessage)."""

HOPELESS_PAUSE = timedelta(hours=1)
"""Before a message is tried again that Slack does not take even as plain text."""


class MessageGone(Exception):
    """The message, or the thread's root, cannot be edited or replied to any more."""


class NoPlace(Exception):
    """The bot may not write in that channel, in Slack's word for it."""

    @property
    def joinable(self) -> bool:
        """Whether the bot is only not in it."""
        return str(self) in NO_SUCH_PLACE


class Later(Exception):
    """Not now, and why. `after` is how long to wait, None where nobody said."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Outbox:
    """Sends single messages and remembers them in the store."""

    def __init__(self, client: AsyncWebClient, store: Store, clock: Clock, bot_id: str) -> None:
        self._client = client
        self._store = store
        self._clock = clock
        self._bot_id = bot_id

    async def edit(self, message: Message, card: Card) -> None:
        """Make a message look like `card`. Raises MessageGone, NoPlace, Later."""
        await _readable(lambda blocks: self._update(message, card, blocks), card)
        await self._store.put_message(message._replace(digest=card.digest))

    async def post(self, plan_id: str, slot: str, channel: str, root: str | None, card: Card) -> None:
        """Post a new message, into the thread of `root` if given. Raises MessageGone, NoPlace, Later."""
        intent = Message(plan_id, str(slot), channel, "", "", self._clock.now())
        await self._store.put_message(intent)
        answer = await _readable(lambda blocks: self._send(intent, root, card, blocks), card)
        posted = intent._replace(ts=str(answer["ts"]), digest=card.digest)
        await self._store.put_message(posted, [Entry("posted", None, {"slot": slot, "ts": posted.ts})])

    async def _update(self, message: Message, card: Card, blocks: list[Block]) -> AsyncSlackResponse:
        return await self._client.chat_update(
            channel=message.channel, ts=message.ts, text=card.text, blocks=blocks, parse="none"
        )

    async def _send(self, intent: Message, root: str | None, card: Card, blocks: list[Block]) -> AsyncSlackResponse:
        return await self._client.chat_postMessage(
            channel=intent.channel,
            thread_ts=root,
            text=card.text,
            blocks=blocks,
            metadata={"event_type": PLAN_EVENT, "event_payload": {"plan": intent.plan_id, "slot": intent.slot}},
            unfurl_links=False,
            unfurl_media=False,
        )

    async def find(self, intent: Message, root: str | None) -> bool:
        """Look for a message whose `ts` we never learned; remember it if it is there. Raises NoPlace, Later."""
        since = f"{(intent.intended_at - SEARCH_BACK).timestamp():.6f}"
        read = self._client.conversations_replies if root else self._client.conversations_history
        where: dict[str, Any] = {"ts": root} if root else {}
        cursor = ""
        try:
            while True:
                page = await read(
                    channel=intent.channel,
                    oldest=since,
                    limit=SEARCH_PAGE,
                    include_all_metadata=True,
                    cursor=cursor,
                    **where,
                )
                if ts := next((str(body["ts"]) for body in page["messages"] if self._is_ours(body, intent)), None):
                    await self._store.put_message(intent._replace(ts=ts))
                    return True
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
                if not cursor:
                    return False
        except SlackApiError as error:
            if error_word(error) == "missing_scope":
                log.warning("cannot look for a lost message: the app lacks channels:history or groups:history")
                return False
            raise _sorted(error) from error
        except TROUBLE as error:
            raise _sorted(error) from error

    async def link(self, message: Message) -> str:
        """Address of a message; empty where Slack does not say."""
        try:
            told = await self._client.chat_getPermalink(channel=message.channel, message_ts=message.ts)
        except TROUBLE as error:
            log.info("no address of a card: %s", error_word(error))
            return ""
        return str(told.get("permalink", ""))

    def _is_ours(self, body: dict[str, Any], intent: Message) -> bool:
        metadata = body.get("metadata") or {}
        payload = metadata.get("event_payload") or {}
        return (
            body.get("bot_id") == self._bot_id
            and metadata.get("event_type") == PLAN_EVENT
            and payload.get("plan") == intent.plan_id
            and payload.get("slot") == intent.slot
        )


async def _readable(send: Callable[[list[Block]], Awaitable[AsyncSlackResponse]], card: Card) -> AsyncSlackResponse:
    """Send a card; where Slack refuses its blocks for good, its text alone, which tells the story too.

    Raises MessageGone, NoPlace, Later.
    """
    try:
        return await send(card.stamped())
    except TROUBLE as error:
        if not _is_unreadable(error):
            raise _sorted(error) from error
        log.error("Slack refuses the blocks of a card (%s); sending its text alone", error_word(error))
    try:
        return await send([])
    except TROUBLE as error:
        if not _is_unreadable(error):
            raise _sorted(error) from error
        log.error("Slack refuses a card even as text (%s)", error_word(error))
        raise Later("refused by Slack", HOPELESS_PAUSE) from error


def _is_unreadable(error: Exception) -> TypeGuard[SlackApiError]:
    return isinstance(error, SlackApiError) and error_word(error) in _UNREADABLE


def _sorted(error: Exception) -> Exception:
    if not isinstance(error, SlackApiError):
        return Later(type(error).__name__)
    word = error_word(error)
    if word in (*_GONE, "thread_not_found"):
        return MessageGone()
    if word in NO_SUCH_PLACE or word.startswith(_SILENCED):
        return NoPlace(word)
    after = error.response.headers.get("Retry-After")
    return Later(word, timedelta(seconds=float(after)) if after else None)
