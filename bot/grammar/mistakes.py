"""What a text can be instead of a request: a mistake at a word, or unclear.

Both carry other texts: a mistake the ones that were perhaps meant, of which the first that can be read is shown; an
unclear one a text for each thing that it may mean.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from bot.errors import BotError
from bot.grammar.words import FLAGS, Word
from bot.vocabulary import KINDS, quoted

_AROUND = 50
"""Characters that are shown on either side of a marked word."""
_LONGEST_WORD = 80
"""Characters of a marked word that are shown."""


class ParseError(BotError):
    """The text is not a request. `what` shows it with the word marked."""


class Mistake(Exception):
    """Something is wrong at a word, or with the whole text. `fixes` are texts that may have been meant."""

    def __init__(self, code: str, what: str, fixes: Sequence[str] = (), *, remedy: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.what = what
        self.fixes = fixes
        self.remedy = remedy


class Meaning(NamedTuple):
    """One thing that a text may mean: what to call it, and a text that means only that."""

    label: str
    text: str


class Unclear(Exception):
    """A text that may mean several things."""

    def __init__(self, question: str, *meanings: Meaning) -> None:
        super().__init__(question)
        self.question = question
        self.meanings = meanings


def at(code: str, word: Word, why: str, text: str, fixes: Sequence[str] = (), *, remedy: str = "") -> Mistake:
    """A mistake at a word, which is marked in the text."""
    marked = f"{_before(text, word)}▸{_clip(text[word.start : word.end])}◂{_after(text, word)}"
    return Mistake(code, f"“{_clip(word.text)}” {why}: {marked.strip()}", fixes, remedy=remedy)


def swap(text: str, word: Word, other: str) -> str:
    """The text with another word in that place."""
    return f"{text[: word.start]}{other}{text[word.end :]}"


def without(text: str, *unwanted: Word) -> str:
    """The text without these words."""
    for word in sorted(unwanted, key=lambda each: each.start, reverse=True):
        text = swap(text, word, "")
    return text


def insert(text: str, position: int, words: str) -> str:
    """The text with words added there."""
    return f"{text[:position]} {words} {text[position:]}"


def in_quotes(text: str, word: Word) -> str:
    """The text in which that word is a name."""
    return swap(text, word, quoted(word.text))


def near_name(text: str, word: Word) -> list[str]:
    """The text with a name that Kubernetes would take."""
    name = re.sub(r"[^a-z0-9./-]+", "-", word.text.lower()).strip("-./")
    return [swap(text, word, name)] if name and not word.text.startswith("<") else []


def near_word(text: str, word: Word) -> list[str]:
    """The text with the words of the command that look most like this one, or without it."""
    known = FLAGS if word.text.startswith("-") else KINDS
    close = get_close_matches(word.text.lower(), known, n=2, cutoff=0.6)
    return [*(swap(text, word, other) for other in close), without(text, word)]


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST_WORD else f"{text[: _LONGEST_WORD - 1]}…"


def _before(text: str, word: Word) -> str:
    shown = text[max(0, word.start - _AROUND) : word.start]
    return f"…{shown}" if word.start > _AROUND else shown


def _after(text: str, word: Word) -> str:
    shown = text[word.end : word.end + _AROUND]
    return f"{shown}…" if len(text) > word.end + _AROUND else shown
