"""What people type after `/vm-migrate` or to `@vm-migrate`, read as one typed request.

    [cold migrate] VM[, VM and VM] [from NODE] [to NODE] [in NAMESPACE] [flags] [, VM to NODE ...]
    VM NODE [, VM NODE ...]
    everything on NODE [to NODE], --selector app=web [to NODE]
    help, pins, status [VM], history [VM] [--last 7d]

In any case and order, with commas, arrows, typographic quotes and the polite words that people use. Words of the
command are names where they stand in quotes. Nothing is guessed: what may mean several things becomes an Ambiguous with
all of them, everything else that is no request a ParseError that points at the word and shows the nearest form that is
one. Names are checked against Kubernetes' own rule (RFC 1123 subdomain) before anything is looked up or rendered, so no
name that leaves this package can carry markup.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from bot.grammar import commands, names
from bot.grammar.meaning import request_of
from bot.grammar.mistakes import Meaning, Mistake, ParseError, Unclear
from bot.grammar.sentence import Reader
from bot.grammar.words import Word, clean, words
from bot.request import FORM, Ambiguous, BatchRequest, Inventory, MoveRequest, Reading, Request
from bot.vocabulary import SELF, Kind

LONGEST_TEXT = 3000
"""Characters of a command that are read; Slack lets people send far more."""

_MOST_DEEP = 3
"""How often a reading of an unclear text may be unclear itself."""
_MOST_READINGS = 6

_Read = TypeVar("_Read")

__all__ = ["LONGEST_TEXT", "ParseError", "inventory", "name", "parse", "vm"]


def parse(text: str) -> Request | Ambiguous:
    """Read the text after the command. Raises ParseError, nothing else."""
    return _told(text, _parse)


def inventory(text: str) -> Inventory:
    """Read the text after `/vm-inventory`. Raises ParseError."""
    return _told(text, lambda plain: commands.inventory(plain, words(plain)))


def name(text: str) -> str:
    """One name and nothing else, as a form's field has it. Raises ParseError."""
    return _told(text, lambda plain: names.name(_whole(plain), plain))


def vm(text: str) -> tuple[str | None, str]:
    """The name of a VM, with the namespace before it where there is one. Raises ParseError."""
    return _told(text, lambda plain: names.vm(_whole(plain), plain))


def _whole(plain: str) -> Word:
    return Word(plain, 0, len(plain), Kind.NAME)


def _told(text: str, read: Callable[[str], _Read]) -> _Read:
    """Read, and tell a mistake with its remedy."""
    if len(text) > LONGEST_TEXT:
        raise ParseError("too-long", f"That is longer than {LONGEST_TEXT} characters.", f"Ask for one VM: {FORM}")
    plain = clean(text)
    try:
        return read(plain)
    except Mistake as mistake:
        raise ParseError(mistake.code, mistake.what, mistake.remedy or _remedy(mistake.fixes)) from None


def _remedy(fixes: Sequence[str]) -> str:
    for fix in fixes:
        try:
            return f"Did you mean: /{SELF} {_read(fix)}"
        except (Mistake, Unclear):
            continue
    return f"Write it like this: {FORM}"


def _parse(plain: str) -> Request | Ambiguous:
    try:
        return _read(plain)
    except Unclear as unclear:
        return _weighed(unclear)


def _read(plain: str) -> Request:
    """Raises Mistake and Unclear."""
    found = words(plain)
    asked = commands.command(plain, found)
    return asked if asked is not None else request_of(Reader(plain, found).read())


def _weighed(unclear: Unclear) -> Request | Ambiguous:
    """All readings that are requests. What only one way can be read is no question."""
    readings: dict[MoveRequest | BatchRequest, Reading] = {}
    mistakes: list[Mistake] = []
    for label, request in _readings(unclear, _MOST_DEEP, mistakes):
        readings.setdefault(request, Reading(label=label, request=request))
    if not readings:
        raise mistakes[0] if mistakes else Mistake("unclear", unclear.question)
    if len(readings) == 1:
        return next(iter(readings))
    return Ambiguous(question=unclear.question, readings=tuple(readings.values())[:_MOST_READINGS])


def _readings(
    unclear: Unclear, deeper: int, mistakes: list[Mistake]
) -> Iterator[tuple[str, MoveRequest | BatchRequest]]:
    for meaning in unclear.meanings:
        try:
            read = _read(meaning.text)
        except Mistake as mistake:
            mistakes.append(mistake)
        except Unclear as further:
            if deeper:
                inner = [Meaning(f"{meaning.label}; {each.label}", each.text) for each in further.meanings]
                yield from _readings(Unclear(further.question, *inner), deeper - 1, mistakes)
        else:
            if isinstance(read, MoveRequest | BatchRequest):
                yield meaning.label, read
