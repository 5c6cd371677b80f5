"""Work after the acknowledgement, and the one place where its errors become words.

Slack wants an answer within three seconds, and Bolt drops an acknowledgement when its listener raises right after it.
So a listener acknowledges, hands its work over here and returns; nothing that the work raises reaches Bolt. A BotError
is shown to the person alone; of anything else they get an id that is also in the log, never a stack trace.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine

from bot.errors import BotError
from bot.ports import StoreAway
from handlers.cards import Card, fault_card, refusal_card

log = logging.getLogger(__name__)

Answer = Callable[[Card], Awaitable[None]]
"""Shows a card to the one person who asked."""


DATABASE_AWAY = BotError(
    "database-away",
    "The bot's database does not answer right now, so it cannot tell or change anything.",
    "Try again in a minute; if it stays, check the database. Moves under way go on in the cluster.",
)


class Tasks:
    """Runs listeners' work and waits for it at the end."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None], answer: Answer) -> None:
        """Run `work`; errors go to the person through `answer`."""
        task = asyncio.create_task(guard(work, answer))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait until all work is done, also work that work has spawned."""
        while self._running:
            await asyncio.wait(self._running)


async def guard(work: Coroutine[object, object, None], answer: Answer) -> None:
    """Await `work` and answer whatever it raises. Raises nothing but cancellation."""
    try:
        await work
    except BotError as refused:
        log.info("refused: %s", refused.code)
        await tell(answer, refusal_card(refused))
    except StoreAway as away:
        log.warning("the database does not answer: %s", away)
        await tell(answer, refusal_card(DATABASE_AWAY))
    except Exception:
        incident = secrets.token_hex(4)
        log.exception("incident %s", incident)
        await tell(answer, fault_card(incident))


async def tell(answer: Answer, card: Card) -> None:
    """Show it, or say in the log that it could not be shown. Raises nothing but cancellation."""
    try:
        await answer(card)
    except Exception as error:  # noqa: BLE001  # the last resort; the message of this error may hold a response_url
        log.warning("could not tell the person: %s", type(error).__name__)
