"""What hangs in the gallery: chapters of exhibits, each with the messages and forms that one state shows."""

from collections.abc import Callable, Iterable, Mapping
from inspect import cleandoc

from bot.record import Record
from bot.sandbox.gallery import batch, cold, extreme, facts, incident, later, live
from bot.sandbox.gallery.answers import answers, homes, strained
from bot.sandbox.gallery.forms import forms
from bot.sandbox.gallery.shown import Json, message
from handlers import cards
from handlers.ids import Slot

PEOPLE = {actor.user: name for actor, name in ((facts.DANA, "Dana"), (facts.RAVI, "Ravi"), (facts.MEI, "Mei"))}
"""Who the samples speak of, for the page to name."""


def chapters() -> Mapping[str, list[Json]]:
    """Everything, as the page draws it."""
    return {
        "Live moves": [*map(_of_record, live.GALLERY.values())],
        "Cold moves": [*map(_of_record, cold.GALLERY.values())],
        "In an incident": [*map(_of_record, incident.GALLERY.values())],
        "For later": [*map(_of_record, later.GALLERY.values())],
        "Batches": [*map(_of_record, batch.GALLERY.values())],
        "Taken back": [*_taken_back()],
        "Answers to one person": [*answers()],
        "Home": [*homes()],
        "Forms": [*forms()],
        "Under strain": [*map(_of_record, extreme.GALLERY.values()), *strained()],
    }


def _of_record(make: Callable[[], Record]) -> Json:
    """With what has become of its questions."""
    record = make()
    settled = {slot: card for slot, card in cards.settled(record).items() if not slot.startswith(_OF_EARLIER)}
    messages = [message(slot, card) for slot, card in {**cards.wanted(record), **settled}.items()]
    return {"name": make.__name__, "about": cleandoc(make.__doc__ or ""), "messages": messages}


_OF_EARLIER = (Slot.TABLE, Slot.VERDICT, Slot.INCIDENT, Slot.AUDIT)
"""Messages of an earlier revision, which are edited only where that one has posted them."""


def _taken_back() -> Iterable[Json]:
    """What becomes of those, once each."""
    lost, drifted = live.approval_lost(), batch.batch_drifted()
    for record, word in ((lost, Slot.VERDICT), (lost, Slot.INCIDENT), (drifted, Slot.TABLE)):
        settled = cards.settled(record)
        slot = next(slot for slot in settled if slot.startswith(word))
        about = "Of an earlier revision of the plan."
        yield {"name": f"taken_back_{slot}", "about": about, "messages": [message(slot, settled[slot])]}
