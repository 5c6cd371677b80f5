"""What people type after `/vm-migrate`, read as one typed request.

The grammar: `[NAMESPACE/]VM [to] [TARGET] [-n NAMESPACE] [--live | --cold [--replace-rules]]`, `help` or `pins`.
`--replace-rules` means a cold move. Anything else is a ParseError that points at the word. Names are checked against
Kubernetes' own rule (RFC 1123 subdomain) before anything is looked up or rendered, so no name that leaves this module
can carry markup. Phones turn hyphens into dashes; that is undone here.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.errors import BotError
from bot.request import FORM, Help, MoveRequest, MoveType, Pins, Request

LONGEST_TEXT = 500
"""Characters of a command that are read; Slack lets people send far more."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONG_DASH = re.compile(r"(?<!\S)[—–]")
_DASHES = str.maketrans(dict.fromkeys("—–‐‑−", "-"))
_LONGEST_NAME = 253
_REPLACE_RULES = "--replace-rules"


class ParseError(BotError):
    """The text is not a request. `what` shows it with the word marked."""


class _Word(NamedTuple):
    text: str
    start: int
    end: int


def parse(text: str) -> Request:
    """Read the text after the command. Raises ParseError, nothing else."""
    if len(text) > LONGEST_TEXT:
        raise ParseError("too-long", f"That is longer than {LONGEST_TEXT} characters.", f"Ask for one VM: {FORM}")
    plain = _LONG_DASH.sub("--", text).translate(_DASHES)
    words = [_Word(found.group(), *found.span()) for found in re.finditer(r"\S+", plain)]
    if not words or [word.text.lower() for word in words] in (["help"], ["--help"], ["-h"]):
        return Help()
    if [word.text.lower() for word in words] == ["pins"]:
        return Pins()
    return _Reader(plain).read(words)


class _Reader:
    """Collects flags and names from the words of one command."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._names: list[_Word] = []
        self._namespace: _Word | None = None
        self._type: MoveType | None = None
        self._replace_rules = False

    def read(self, words: list[_Word]) -> MoveRequest:
        rest = iter(words)
        for word in rest:
            if word.text.startswith("-"):
                self._flag(word, rest)
            elif word.text.lower() != "to" or not self._names:
                self._names.append(word)
        return self._request()

    def _flag(self, word: _Word, rest: Iterator[_Word]) -> None:
        flag, has_value, value = word.text.partition("=")
        match flag.lower():
            case "--live" | "--cold" if not has_value:
                self._choose(MoveType(flag.lower().removeprefix("--")), word)
            case "--replace-rules" if not has_value:
                self._choose(MoveType.COLD, word)
                self._replace_rules = True
            case "-n" | "--namespace":
                given = _Word(value, word.start, word.end) if has_value else next(rest, None)
                if given is None or not given.text:
                    raise self._error("missing-value", "needs a namespace after it", word)
                self._namespace = given
            case _:
                raise self._error("unknown-flag", "is not a flag that I know", word)

    def _choose(self, type_: MoveType, word: _Word) -> None:
        if self._type not in (None, type_):
            raise self._error("both-types", "contradicts the other one: a move is live or cold", word)
        self._type = type_

    def _request(self) -> MoveRequest:
        if not self._names:
            raise ParseError("no-vm", f"No VM is named in “{self._text.strip()}”.", f"Write it like this: {FORM}")
        if len(self._names) > 2:
            raise self._error("too-many-words", "is one word too many; I expect one VM and one node", self._names[2])
        vm, namespace = self._vm(self._names[0])
        target = self._name(self._names[1]) if len(self._names) == 2 else None
        return MoveRequest(
            vm=vm, namespace=namespace, target=target, type=self._type, replace_rules=self._replace_rules
        )

    def _vm(self, word: _Word) -> tuple[str, str | None]:
        given = self._name(self._namespace) if self._namespace else None
        before, slash, name = word.text.partition("/")
        if not slash:
            return self._name(word), given
        namespace = self._name(_Word(before, word.start, word.start + len(before)))
        if given not in (None, namespace):
            raise self._error("two-namespaces", f"contradicts -n {given}", word)
        return self._name(_Word(name, word.end - len(name), word.end)), namespace

    def _name(self, word: _Word) -> str:
        name = word.text.lower()
        if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
            raise self._error("bad-name", "cannot be the name of a VM, node or namespace", word)
        return name

    def _error(self, code: str, why: str, word: _Word) -> ParseError:
        shown = f"{self._text[: word.start]}▸{word.text}◂{self._text[word.end :]}"
        return ParseError(code, f"“{word.text}” {why}: {shown.strip()}", f"Write it like this: {FORM}")
