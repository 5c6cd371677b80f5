"""The form behind “Incident…”: which one, and why it cannot wait. Pure, like `handlers.modals`.

Both are foreign text: checked and cut here, and escaped by whoever shows them.
"""

from collections.abc import Callable
from typing import NamedTuple

from bot import request
from bot.when import INCIDENT, LONGEST_INCIDENT
from handlers import blocks
from handlers.blocks import Block
from handlers.ids import ActionId, BlockId, CallbackId
from handlers.refusal import FieldErrors
from handlers.values import ModalState

TITLE = "Declare an incident"


class Declared(NamedTuple):
    """What was entered."""

    id: str
    reason: str


def form(state: ModalState) -> Block:
    """Two fields, and what follows from them."""
    told = "Everybody in the channel reads this, whoever is passed over is told, and a timeline is posted at the end."
    name = blocks.text_input(ActionId.INCIDENT_ID, LONGEST_INCIDENT)
    why = blocks.text_input(ActionId.REASON, request.LONGEST_REASON, multiline=True)
    body = [
        blocks.section("🚨 This starts nothing: the card then asks one of you to confirm it."),
        blocks.input_block(BlockId.INCIDENT_ID, "Incident", name, hint="For example INC-42."),
        blocks.input_block(BlockId.REASON, "Why can it not wait?", why, hint=told),
    ]
    return blocks.modal(TITLE, body, callback_id=CallbackId.INCIDENT, metadata=state.dump(), submit="Declare")


def read(entered: Callable[[str], str]) -> Declared:
    """What was entered. Raises FieldErrors."""
    errors = {}
    name, reason = entered(BlockId.INCIDENT_ID).strip(), request.reason(entered(BlockId.REASON)) or ""
    if not INCIDENT.fullmatch(name):
        errors[BlockId.INCIDENT_ID.value] = "Letters, digits, dots and hyphens, for example INC-42."
    if not reason:
        errors[BlockId.REASON.value] = "Say in a few words what is wrong."
    if errors:
        raise FieldErrors(errors)
    return Declared(name, reason)
