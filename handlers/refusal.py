"""A refusal where a form was expected: what is not possible, or which field is wrong."""

from bot.errors import BotError
from handlers import blocks
from handlers.blocks import Block, escape, named

TITLE = "Not possible"


class FieldErrors(Exception):
    """What was entered cannot be read; `errors` by block_id."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def form(error: BotError, title: str = TITLE) -> Block:
    """A word instead of the form."""
    text = named(f"⚠️ {escape(error.what)}\n→ {escape(error.remedy)}")
    return {
        "type": "modal",
        "title": blocks.plain_text(title, 24),
        "close": blocks.plain_text("Close", 24),
        "blocks": [blocks.section(text)],
    }
