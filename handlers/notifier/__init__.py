"""Plans into messages: a level-triggered projection of the store.

`changed` and `sweep` only say "look again". Looking means: read the newest Record, work out the messages that should
stand, compare their digests with what was last sent, send what differs. So a restart, a Slack outage or ten changes in
a second need no memory of their own: what arrives is the newest state, and the last one always arrives. Nothing waits
for Slack but `publish`, and nothing here sleeps: whatever must wait is due later and is taken up then, at the latest by
a sweep.

Per plan one sender at a time, across all bots on one store: a new plan's first card is shown by the one who was asked
for it, and everything after that by the one that has the duties. Not promised: that every state in between is seen, and
no second card after a crash between posting and remembering when the app may not read the channel's history.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import NamedTuple
from weakref import WeakValueDictionary

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotError
from bot.logs import about
from bot.migration import PlanState
from bot.ports import DUTIES, Clock, Leases, Message, Store, StoreAway, first_card
from bot.record import Record
from handlers import cards
from handlers.cards import Card
from handlers.identity import Installation, not_in_channel
from handlers.ids import Slot
from handlers.notifier.outbox import Later, MessageGone, NoPlace, Outbox
from handlers.notifier.pace import Bucket, Pace

__all__ = ["SlackNotifier"]

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=2)
"""Between two tries after trouble that named no time of its own; doubled each time."""


class SlackNotifier:
    """Implements `bot.ports.Notifier`."""

    def __init__(
        self, client: AsyncWebClient, store: Store, clock: Clock, installation: Installation, leases: Leases
    ) -> None:
        self._store = store
        self._leases = leases
        self._clock = clock
        self._outbox = Outbox(client, store, clock, installation.bot_id)
        self._pace = Pace()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._marked: set[str] = set()
        self._due: dict[str, datetime] = {}
        self._pauses: dict[str, timedelta] = {}
        self._senders: set[asyncio.Task[None]] = set()

    def changed(self, plan_id: str) -> None:
        """Look at a plan again, now unless it has to wait."""
        if plan_id in self._marked or self._due.get(plan_id, self._clock.now()) > self._clock.now():
            return
        self._marked.add(plan_id)
        task = asyncio.create_task(self._send(plan_id))
        self._senders.add(task)
        task.add_done_callback(self._senders.discard)

    async def sweep(self, now: datetime) -> None:
        """Take up every plan that is not fully shown, is due, and is ours to show."""
        elsewhere = await self._leases.elsewhere()
        if DUTIES not in elsewhere:
            await self._leases.take(DUTIES)
        unshown = await self._store.unshown()
        for plan_id in self._due.keys() - set(unshown):
            self._forget(plan_id)
        for plan_id in unshown:
            if self._sends(plan_id) and first_card(plan_id) not in elsewhere and self._due.get(plan_id, now) <= now:
                self.changed(plan_id)

    async def publish(self, plan_id: str) -> None:
        """Show a new plan at once. Raises BotError `not-in-channel` or `silenced` when nobody can be shown it.

        Returns also when Slack is slow or down: the card then comes with a later sweep.
        """
        lease = first_card(plan_id)
        async with self._turn(plan_id):
            if await self._leases.take(lease) is None:
                return  # another bot was asked for the same and is showing it
            try:
                await self._show(plan_id, paced=False)
            except NoPlace as error:
                raise (not_in_channel() if error.joinable else _silenced()) from error
            except Later as later:
                self._postpone(plan_id, later)
            finally:
                await self._leases.release(lease)

    async def adopt(self, plan_id: str, channel: str, ts: str) -> None:
        """Take a card that somebody has clicked, but the store does not know, as the plan's card."""
        async with self._turn(plan_id):
            record = await self._store.get(plan_id)
            if record is None or record.place.channel != channel or await self._store.plan_of_message(channel, ts):
                return
            await self._store.put_message(Message(plan_id, Slot.CARD.value, channel, ts, "", self._clock.now()))
        self.changed(plan_id)

    async def link(self, plan_id: str) -> str:
        """Address of a plan's card; empty where there is none, or Slack does not say."""
        card = (await self._store.messages(plan_id)).get(Slot.CARD)
        return await self._outbox.link(card) if card and card.ts else ""

    async def drain(self) -> None:
        """Wait until nothing is being sent."""
        while self._senders:
            await asyncio.wait(self._senders)

    def _turn(self, plan_id: str) -> asyncio.Lock:
        return self._turns.setdefault(plan_id, asyncio.Lock())

    async def _send(self, plan_id: str) -> None:
        with about(plan=plan_id):
            await self._send_in_turn(plan_id)

    async def _send_in_turn(self, plan_id: str) -> None:
        async with self._turn(plan_id):
            self._marked.discard(plan_id)
            try:
                if self._sends(plan_id) and first_card(plan_id) not in await self._leases.elsewhere():
                    await self._show(plan_id)
            except Later as later:
                self._postpone(plan_id, later)
            except NoPlace as error:
                self._postpone(plan_id, Later(f"it may not write in the channel: {error}"))
            except StoreAway:
                self._postpone(plan_id, Later("the database does not answer"))
            except Exception:
                log.exception("plan %s could not be shown", plan_id)
                self._postpone(plan_id, Later("an error"))

    def _sends(self, plan_id: str) -> bool:
        """Whether it is for this bot to show the plan; if not, whoever does finds it in the store."""
        return self._leases.mine(DUTIES) is not None or self._leases.mine(first_card(plan_id)) is not None

    def _postpone(self, plan_id: str, later: Later) -> None:
        after = later.after
        if after is None:
            after = min(self._pauses.get(plan_id, FIRST_PAUSE / 2) * 2, LONGEST_PAUSE)
            self._pauses[plan_id] = after
            log.warning("plan %s is shown later (%s)", plan_id, later.reason)
        self._due[plan_id] = self._clock.now() + after
        asyncio.get_running_loop().call_later(after.total_seconds(), self.changed, plan_id)

    def _forget(self, plan_id: str) -> None:
        """All of it is shown, by this bot or another."""
        self._due.pop(plan_id, None)
        self._pauses.pop(plan_id, None)

    async def _show(self, plan_id: str, *, paced: bool = True) -> None:
        """Send until everything stands; each round begins with the newest Record."""
        while True:
            record, version, known = await self._store.latest(plan_id)
            if (pending := _pending(record, known)) is None:
                await self._store.shown(plan_id, version)
                self._forget(plan_id)
                return
            if not self._sends(plan_id):
                raise Later("another bot sends by now")
            await self._put(record, pending, known, paced=paced)

    async def _put(self, record: Record, pending: "_Pending", known: dict[str, Message], *, paced: bool) -> None:
        """Send one message, or learn what has become of it."""
        slot, card, posts = pending
        message = known.get(slot)
        root = None if slot == Slot.CARD or _is_audit(slot) else known[Slot.CARD].ts
        try:
            if message and message.ts:
                await self._edit(message, card, paced=paced)
            elif message and await self._outbox.find(message, root):
                pass  # the next round edits it
            elif message and not posts:
                await self._pass_over(message, card)
            else:
                await self._post(record, slot, root, card, paced=paced)
        except NoPlace as error:
            if not _is_audit(slot):
                raise
            log.error("plan %s cannot be told in the audit channel: %s", record.id, error)
            intent = Message(record.id, slot, _channel(record, slot), "", "", self._clock.now())
            await self._pass_over(message or intent, card)
        except MessageGone:
            if message and not posts:
                await self._pass_over(message, card)
            elif message and message.ts:
                await self._post(record, slot, root, card, paced=paced)
            else:  # the thread is gone: it needs a new card first
                await self._post(record, Slot.CARD, None, cards.wanted(record)[Slot.CARD], paced=paced)

    async def _pass_over(self, message: Message, card: Card) -> None:
        """The others do not wait for a message that cannot be put right: one in an audit channel that does not let the
        bot write, or an old one that somebody has deleted."""
        await self._store.put_message(message._replace(digest=card.digest))

    async def _edit(self, message: Message, card: Card, *, paced: bool) -> None:
        self._take_turn(self._pace.edits, paced=paced)
        await self._outbox.edit(message, card)

    async def _post(self, record: Record, slot: str, root: str | None, card: Card, *, paced: bool) -> None:
        channel = _channel(record, slot)
        self._take_turn(self._pace.posts(channel), paced=paced)
        await self._outbox.post(record.id, slot, channel, root, card)

    def _take_turn(self, bucket: Bucket, *, paced: bool) -> None:
        now = self._clock.now()
        if paced and bucket.ready_at(now) > now:
            raise Later("our own pace", bucket.line_up(now) - now)
        bucket.take(now)


class _Pending(NamedTuple):
    """A message that does not show what it should."""

    slot: str
    card: Card
    posts: bool
    """Whether it is posted where it is not there; what is over is only edited."""


def _pending(record: Record, known: dict[str, Message]) -> _Pending | None:
    """The next one: what is new first, since an edit notifies nobody. Only the note of a Modify waits for the card that
    it speaks of."""
    card = known.get(Slot.CARD)
    if _withdrawn(record) and not (card and card.ts):
        return None
    wanted = dict(cards.wanted(record))
    if record.incident and any(_is_audit(slot) and told.digest and not told.ts for slot, told in known.items()):
        wanted[Slot.UNTOLD] = cards.untold_card(record.incident)
    for slot in sorted(wanted, key=lambda slot: slot.startswith(Slot.EDIT) or bool(slot in known and known[slot].ts)):
        message = known.get(slot)
        if message is None or message.digest != wanted[slot].digest:
            return _Pending(slot, wanted[slot], posts=True)
    for slot, settled in cards.settled(record).items():
        message = known.get(slot)
        if message is not None and message.digest != settled.digest:
            return _Pending(slot, settled, posts=False)
    return None


def _is_audit(slot: str) -> bool:
    return slot.startswith(Slot.AUDIT)


def _channel(record: Record, slot: str) -> str:
    """Where a message belongs: all but those for the audit channel to the plan's own."""
    return record.incident.audit_channel if _is_audit(slot) and record.incident else record.place.channel


def _silenced() -> BotError:
    return BotError(
        "silenced",
        "I may not write in this channel, so I cannot show a plan here.",
        "Ask in another channel, or have an admin of the workspace let the app post in this one.",
    )


def _withdrawn(record: Record) -> bool:
    """Nobody could be shown it, so nobody waits for its card."""
    return record.state is PlanState.CANCELED and record.ended_by is None
