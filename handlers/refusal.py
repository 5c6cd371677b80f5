"""A refusal where a form was expected: what is not possible, and what to do instead."""

from bot.errors import BotError
from handlers import blocks
from handlers.blocks import Block, escape, named


def form(error: BotError, title: str = "Not possible") -> Block:
    """A word instead of the form."""
    text = named(f"⚠️ {escape(error.what)}\n→ {escape(error.remedy)}")
    return {
        "type": "modal",
        "title": blocks.plain_text(title, 24),
        "close": blocks.plain_text("Close", 24),
        "blocks": [blocks.section(text)],
    }
