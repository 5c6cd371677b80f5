"""What becomes of a request, however it was asked: by slash command, by mention, or by the button of a question.

Answers go to the one who asked; plans are shown in the channel, where the team can see and confirm them.
"""

from collections.abc import Awaitable, Callable

from bot.errors import BotError, WhichNamespace
from bot.policy import Actor
from bot.record import Place, Record
from bot.request import Ambiguous, BatchRequest, BringBack, Help, History, MoveRequest, Pins, Planned, Request, Status
from handlers import cards
from handlers.desk import Desk
from handlers.identity import not_a_channel
from handlers.tasks import Answer

Who = Callable[[], Awaitable[Actor]]
"""Proves the person; only asked for where it matters."""


async def carry_out(desk: Desk, request: Request | Ambiguous, who: Who, place: Place, answer: Answer) -> Record | None:
    """Answer a request; a plan that it has led to is returned. Raises BotError."""
    if isinstance(request, Help):
        await _help(desk, who, place, answer)
        return None
    check_seen_by_others(place.channel)
    actor = await who()
    match request:
        case Ambiguous():
            await answer(cards.ambiguous_card(request))
        case Pins():
            await answer(cards.pins_card(await desk.service.pins(actor)))
        case Status():
            found = await desk.service.status(request, actor, place)
            await answer(cards.status_card(request, found, await desk.links(found.plans)))
        case History():
            found = await desk.service.history(request, actor, place)
            await answer(cards.history_card(request, found, await desk.links(found.plans)))
        case MoveRequest() | BatchRequest():
            return await _plan(desk, request, actor, place, answer)
        case BringBack():
            record = await desk.service.bring_back(request.node, actor, place)
            await desk.show_first(record)
            return record
    return None


async def _help(desk: Desk, who: Who, place: Place, answer: Answer) -> None:
    """What this person may do; in a direct message, or where they are not known, what there is."""
    if _is_direct(place.channel):
        await answer(cards.help_card())
        return
    try:
        await answer(cards.help_card(desk.service.may(await who())))
    except BotError as refused:
        await answer(cards.help_card(frozenset(), refused.what))


async def _plan(desk: Desk, request: Planned, actor: Actor, place: Place, answer: Answer) -> Record | None:
    try:
        record = await desk.service.propose(request, actor, place)
    except WhichNamespace as which:
        if not isinstance(request, MoveRequest):
            raise
        await answer(cards.namespaces_card(request, which))
        return None
    await desk.show_first(record)
    return record


def check_seen_by_others(channel: str) -> None:
    """Refuse a direct message: there is nobody in it who could confirm."""
    if _is_direct(channel):
        raise not_a_channel()


def _is_direct(channel: str) -> bool:
    return channel.startswith("D")
