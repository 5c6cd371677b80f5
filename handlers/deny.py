"""The form behind Deny: an approver says why not. Pure, like `handlers.modals`.

The reason is foreign text: cut here, and escaped by whoever shows it.
"""

from collections.abc import Callable

from bot import request
from handlers import blocks
from handlers.blocks import Block
from handlers.ids import ActionId, BlockId, CallbackId
from handlers.refusal import FieldErrors
from handlers.values import ModalState

TITLE = "Deny the plan"


def form(state: ModalState) -> Block:
    """One field for the reason."""
    why = blocks.text_input(ActionId.REASON, request.LONGEST_REASON, multiline=True)
    hint = "Everybody in the channel reads it, and whoever asked for the move is told."
    field = blocks.input_block(BlockId.REASON, "Why not?", why, hint=hint)
    return blocks.modal(TITLE, [field], callback_id=CallbackId.DENY, metadata=state.dump(), submit="Deny")


def read(entered: Callable[[str], str]) -> str:
    """The reason as it was entered. Raises FieldErrors."""
    reason = request.reason(entered(BlockId.REASON))
    if reason is None:
        raise FieldErrors({BlockId.REASON.value: "Say in a few words why not."})
    return reason
