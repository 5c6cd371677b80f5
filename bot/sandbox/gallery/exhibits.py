"""What hangs in the gallery: chapters of exhibits, each with the messages and forms that one state shows."""

from collections.abc import Callable, Iterable, Mapping
from inspect import cleandoc
from typing import Any

from bot.errors import BotError, NothingToDo, unknown_name
from bot.grammar import ParseError, parse
from bot.ports import AtHome, NodeChoice, PinnedVm
from bot.record import Doubt, Record
from bot.sandbox.gallery import cold, extreme, facts, later, live
from handlers import cards, deny, modals
from handlers.blocks import Block
from handlers.cards import Card
from handlers.values import ElsewhereState, ModalState

Json = dict[str, Any]

NODES = (
    NodeChoice("worker-01", usable=True, why=""),
    NodeChoice("worker-05", usable=True, why=""),
    NodeChoice("worker-06", usable=False, why="cordoned"),
    NodeChoice(extreme.LONG_NODE, usable=False, why="not ready"),
)
FORM = ModalState(plan="p1", revision=1, channel="C0OPS")
FRESH = FORM.model_copy(update={"fresh": True})
ELSEWHERE = ElsewhereState(plan="p1", revision=1, move=0, doubt=Doubt.STARTING, channel="C0OPS")
BEYOND_GRAMMAR = "web-01 worker-05 --fast"

PEOPLE = {actor.user: name for actor, name in ((facts.DANA, "Dana"), (facts.RAVI, "Ravi"), (facts.MEI, "Mei"))}
"""Who the samples speak of, for the page to name."""


def chapters() -> Mapping[str, list[Json]]:
    """Everything, as the page draws it."""
    return {
        "Live moves": [_of_record(make) for make in live.GALLERY.values()],
        "Cold moves": [_of_record(make) for make in cold.GALLERY.values()],
        "For later": [_of_record(make) for make in later.GALLERY.values()],
        "Answers to one person": [*_answers()],
        "Home": [*_homes()],
        "Forms": [*_forms()],
        "Under strain": [
            *(_of_record(make) for make in extreme.GALLERY.values()),
            _pins(extreme.sixty_pins(), "60 pins"),
        ],
    }


def _strained() -> Iterable[Json]:
    yield from map(_of_record, extreme.GALLERY.values())
    yield _pins(extreme.sixty_pins(), "sixty_pins")


def _of_record(make: Callable[[], Record]) -> Json:
    record = make()
    shown = {**cards.wanted(record), **cards.settled(record)}
    messages = [_message(slot, card) for slot, card in shown.items()]
    return {"name": make.__name__, "about": cleandoc(make.__doc__ or ""), "messages": messages}


def _message(slot: str, card: Card, *, private: bool = False) -> Json:
    return {"slot": str(slot), "text": card.text, "blocks": card.stamped(), "private": private}


def _answers() -> Iterable[Json]:
    """What a person reads alone."""
    yield _private("help", cards.help_card())
    yield _private("unreadable", cards.refusal_card(_unreadable()))
    known = ("worker-01", "worker-05")
    yield _private("unknown_node", cards.refusal_card(unknown_name("node", "worker-55", known)))
    there = NothingToDo("already-there", "web-01 is already on worker-05.", "Name another node to move it.")
    yield _private("nothing_to_do", cards.refusal_card(there))
    yield _private("fault", cards.fault_card("a1b2c3"))
    pin = PinnedVm("production", "web-01", "worker-05", "p1")
    yield _pins([], "no_pins")
    yield _pins([pin, PinnedVm(extreme.LONG_NAMESPACE, extreme.LONG_VM, extreme.LONG_NODE, "p1")], "pins")
    yield _private("unpinned", cards.unpinned_card(pin))


def _unreadable() -> BotError:
    try:
        parse(BEYOND_GRAMMAR)
    except ParseError as error:
        return error
    raise AssertionError(f"{BEYOND_GRAMMAR!r} can be read now; choose another sample")


def _private(name: str, card: Card) -> Json:
    return {"name": name, "about": "", "messages": [_message("only you", card, private=True)]}


def _pins(pins: list[PinnedVm], name: str) -> Json:
    return _private(name, cards.pins_card(pins))


def _homes() -> Iterable[Json]:
    """The app's Home tab."""
    nothing = AtHome((), (), (), 0, facts.NOW)
    links = {"p1": "https://sandbox.slack.com/archives/C0OPS/p1"}
    waiting, recent = (facts.proposed(), live.half_confirmed()), (live.succeeded(), live.failed())
    full = AtHome((live.copying(),), waiting, recent, 3, facts.NOW)
    yield _private("home_empty", cards.home_card(nothing, {}))
    yield _private("home", cards.home_card(full, links))


def _forms() -> Iterable[Json]:
    refusal = BotError("old-card", "The plan was changed meanwhile.", "Look at the newest card.")
    yield _form("modify", modals.modify(facts.proposed(), NODES, FORM))
    yield _form("modify_fresh", modals.modify(facts.proposed(), NODES, FRESH))
    yield _form("modify_loading", modals.loading(FORM))
    yield _form("modify_refused", modals.refused(refusal))
    yield _form("modify_long_names", modals.modify(extreme.long_names(), NODES, FORM))
    yield _form("another_node", modals.choosing(cold.cold_asking_start(), NODES, ELSEWHERE))
    yield _form("another_node_loading", modals.choosing_later(ELSEWHERE))
    yield _form("another_node_none", modals.choosing(cold.cold_asking_start(), (), ELSEWHERE))
    yield _form("deny", deny.form(FORM))
    yield _form("deny_loading", deny.loading(FORM))
    yield _form("deny_refused", deny.refused(refusal))


def _form(name: str, view: Block) -> Json:
    blocks = [{"block_id": f"b{number}"} | block for number, block in enumerate(view["blocks"])]
    return {"name": name, "about": "", "view": view | {"blocks": blocks}}
