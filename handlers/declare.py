"""The form behind “Incident…”: which one, and why it cannot wait. Pure, like `handlers.modals`.

Both are foreign text: checked and cut here, and escaped by whoever shows them.
"""

from collections.abc import Callable
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from bot.request import LONGEST_REASON
from bot.when import IncidentId
from handlers import blocks
from handlers.blocks import Block
from handlers.ids import ActionId, BlockId, CallbackId
from handlers.refusal import FieldErrors
from handlers.values import ModalState

LONGEST_ID = 40
_ID: TypeAdapter[str] = TypeAdapter(IncidentId)
TITLE = "Declare an incident"


class Declared(NamedTuple):
    """What was entered."""

    id: str
    reason: str


def loading(state: ModalState) -> Block:
    """What stands there until it is known whether this person may declare one."""
    return _view(state, [blocks.section("⏳ One moment…")])


def form(state: ModalState) -> Block:
    """Two fields, and what follows from them."""
    told = "Everybody in the channel reads this, whoever is passed over is told, and a timeline is posted at the end."
    name = {"type": "plain_text_input", "action_id": ActionId.INCIDENT_ID.value, "max_length": LONGEST_ID}
    why = {
        "type": "plain_text_input",
        "action_id": ActionId.REASON.value,
        "multiline": True,
        "max_length": LONGEST_REASON,
    }
    return _view(
        state,
        [
            blocks.section("🚨 This starts nothing: the card then asks one of you to confirm it."),
            blocks.input_block(BlockId.INCIDENT_ID.value, "Incident", name, hint="For example INC-42."),
            blocks.input_block(BlockId.REASON.value, "Why can it not wait?", why, hint=told),
        ],
    ) | {"submit": blocks.plain_text("Declare", 24)}


def read(entered: Callable[[str], str]) -> Declared:
    """What was entered. Raises FieldErrors."""
    errors = {}
    name = entered(BlockId.INCIDENT_ID.value).strip()
    reason = " ".join(entered(BlockId.REASON.value).split())[:LONGEST_REASON]
    try:
        _ID.validate_python(name)
    except ValidationError:
        errors[BlockId.INCIDENT_ID.value] = "Letters, digits, dots and hyphens, for example INC-42."
    if not reason:
        errors[BlockId.REASON.value] = "Say in a few words what is wrong."
    if errors:
        raise FieldErrors(errors)
    return Declared(name, reason)


def _view(state: ModalState, body: list[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": CallbackId.INCIDENT.value,
        "title": blocks.plain_text(TITLE, 24),
        "close": blocks.plain_text("Close", 24),
        "private_metadata": state.dump(),
        "blocks": body,
    }
