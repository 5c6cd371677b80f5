"""The form behind Deny: an approver says why not. Pure, like `handlers.modals`.

The reason is foreign text: cut here, and escaped by whoever shows it.
"""

from collections.abc import Callable

from handlers import blocks
from handlers.blocks import Block
from handlers.ids import ActionId, BlockId, CallbackId
from handlers.values import ModalState

LONGEST_REASON = 300
"""Characters; more than that belongs into the thread."""

TITLE = "Deny the plan"


def loading(state: ModalState) -> Block:
    """What stands there until it is known whether this person may deny."""
    return _view(state, [blocks.section("⏳ One moment…")])


def form(state: ModalState) -> Block:
    """One field for the reason."""
    element = {
        "type": "plain_text_input",
        "action_id": ActionId.REASON.value,
        "multiline": True,
        "max_length": LONGEST_REASON,
    }
    hint = "Everybody in the channel reads it, and whoever asked for the move is told."
    field = blocks.input_block(BlockId.REASON.value, "Why not?", element, hint=hint)
    return _view(state, [field]) | {"submit": blocks.plain_text("Deny", 24)}


def read(entered: Callable[[str], str]) -> str:
    """The reason as it was entered."""
    return blocks.clip(" ".join(entered(BlockId.REASON.value).split()), LONGEST_REASON)


def _view(state: ModalState, body: list[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": CallbackId.DENY.value,
        "title": blocks.plain_text(TITLE, 24),
        "close": blocks.plain_text("Close", 24),
        "private_metadata": state.dump(),
        "blocks": body,
    }
