"""`@vm-migrate ...` in a message, also in a thread, where slash commands cannot run.

Slack sends an event and waits for no answer; it may send it again (docs.slack.dev/apis/events-api, error handling), so
each message is taken once. The text comes as messages do, with escapes, and with the mention itself in it. Plans are
shown in the channel as ever; a thread gets the link.
"""

import logging
import re
from collections import deque
from typing import Any

from bot.grammar import parse
from bot.policy import Actor
from bot.record import Place, Record
from handlers import cards
from handlers.answers import by_message
from handlers.asking import carry_out
from handlers.desk import Desk
from handlers.payloads import Mention
from handlers.tasks import Answer
from handlers.webclient import TROUBLE, error_word

log = logging.getLogger(__name__)

REMEMBERED = 500
"""Messages that are known to have been taken: far more than come within Slack's last retry, five minutes later."""

_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


class Mentions:
    """The listener of app_mention events."""

    def __init__(self, desk: Desk, bot_user: str) -> None:
        self._desk = desk
        self._self = re.compile(rf"<@{re.escape(bot_user)}(\|[^>]*)?>")
        self._taken: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)

    async def mentioned(self, body: dict[str, Any]) -> None:
        """A message mentions the bot. Bolt has acknowledged it already."""
        event = body.get("event") or {}
        if event.get("bot_id") or not event.get("user"):
            return  # of a bot, perhaps our own: two bots must not talk for ever
        mention = Mention.read(event)
        place = (mention.channel, mention.ts)
        if place in self._taken:
            return
        self._taken.append(place)
        answer = by_message(self._desk.client, mention.channel, mention.user, mention.thread_ts)
        self._desk.spawn(self._mentioned(mention, answer), answer)

    async def _mentioned(self, mention: Mention, answer: Answer) -> None:
        async def who() -> Actor:
            return await self._desk.identity.actor(mention.user, mention.user_team, mention.channel)

        place = Place(channel=mention.channel, once=mention.once)
        record = await carry_out(self._desk, parse(self.said(mention.text)), who, place, answer)
        if record and mention.thread_ts:
            await self._point_to(record, mention)

    def said(self, text: str) -> str:
        """What was said to the bot, as it was typed."""
        plain = self._self.sub(" ", text)
        for escaped, typed in _ESCAPES:
            plain = plain.replace(escaped, typed)
        return plain

    async def _point_to(self, record: Record, mention: Mention) -> None:
        """Tell the thread where its plan is. The plan is there whether or not this arrives."""
        card = cards.pointer_card(record, await self._desk.notifier.link(record.id))
        try:
            await self._desk.client.chat_postMessage(
                channel=mention.channel, thread_ts=mention.thread_ts, text=card.text, blocks=card.stamped()
            )
        except TROUBLE as error:
            log.warning("the thread was not told of plan %s: %s", record.id, error_word(error))
