"""What stands where a form is expected: a moment's patience, what is not possible, or which field is wrong."""

from bot.errors import BotError
from handlers import blocks
from handlers.blocks import Block, escape, named


def loading(title: str) -> Block:
    """What stands there until it is known whether there is a form: Slack's trigger lives three seconds."""
    return blocks.modal(title, [blocks.section("⏳ One moment…")])


class FieldErrors(Exception):
    """What was entered cannot be read; `errors` by block_id."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def form(error: BotError) -> Block:
    """A word instead of the form."""
    text = named(f"⚠️ {escape(error.what)}\n→ {escape(error.remedy)}")
    return blocks.modal("Not possible", [blocks.section(text)])
