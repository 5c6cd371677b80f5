"""What to do about each cause that the bot can name, in a minute's reading.

One Markdown file per cause code, first line its title. They use only what Slack's mrkdwn shows the same way:
paragraphs, numbered lines, `code`. They are package data, so that the running bot and a reader of the repository have
the same text.
"""

from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Runbook(NamedTuple):
    """A title and a text in Slack's mrkdwn."""

    title: str
    text: str


@cache
def find(code: str, cli: str = "kubectl") -> Runbook | None:
    """The runbook of a cause, with the command that people have; None for a code that has none."""
    file = files(__package__).joinpath(f"{code}.md")
    if not code.replace("-", "").isalnum() or not file.is_file():
        return None
    title, _, text = file.read_text("utf-8").partition("\n")
    return Runbook(title.removeprefix("# ").strip(), text.strip().replace("kubectl ", f"{cli} "))
