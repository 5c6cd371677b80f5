"""What can be typed that is no move: help, pins, status, history; and the whole of `/vm-inventory`."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from bot.grammar.mistakes import Mistake, at, near_word, without
from bot.grammar.names import name, vm
from bot.grammar.words import Word, is_quoted
from bot.request import BringBack, Help, History, Inventory, Pins, Status
from bot.vocabulary import Kind

_UNITS: Mapping[str, timedelta] = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PERIOD = re.compile(r"(\d{1,6})\s*(m|h|d|w)(in|ins|inute|inutes|our|ours|r|rs|ay|ays|eek|eeks)?")
LONGEST_PERIOD = timedelta(days=3650)


class _Words:
    """The words after a command: at most one VM, and flags."""

    def __init__(self, text: str, words: list[Word]) -> None:
        self.text = text
        self.rest = list(words)
        self.vm: Word | None = None
        self.namespace: Word | None = None
        self.node: Word | None = None
        self.last: timedelta | None = None

    def read(self, flags: tuple[str, ...]) -> None:
        """Collect them. Raises Mistake."""
        while self.rest:
            word = self.rest.pop(0)
            if word.kind is Kind.FLAG:
                self._flag(word, flags)
            elif word.text in ("last", "past") and not is_quoted(self.text, word) and self.rest and "--last" in flags:
                self._period()
            elif word.kind is Kind.IN and self.rest and "-n" in flags:
                self._skip_to_name()
                self.namespace = self.rest.pop(0) if self.rest else None
            elif word.kind is Kind.NAME or is_quoted(self.text, word):
                if self.vm:
                    raise at("too-many-words", word, "is one word too many", self.text, [without(self.text, word)])
                self.vm = word

    def _skip_to_name(self) -> None:
        while self.rest and self.rest[0].kind is not Kind.NAME:
            self.rest.pop(0)

    def _flag(self, word: Word, flags: tuple[str, ...]) -> None:
        if word.flag not in flags:
            raise at("unknown-flag", word, "is not a flag that I know here", self.text, near_word(self.text, word))
        given = Word(word.value or "", word.start, word.end, Kind.NAME)
        if not given.text:
            raise at("missing-value", word, "needs a value after it", self.text, [without(self.text, word)])
        match word.flag:
            case "--last":
                self.last = _period(given, self.text)
            case "-n":
                self.namespace = given
            case "--node":
                self.node = given

    def _period(self) -> None:
        """“last 7 days”, “last week”."""
        first = self.rest.pop(0)
        said = first.text
        if said.isdigit() and self.rest:
            said += self.rest.pop(0).text
        self.last = _period(first._replace(text=said if said[:1].isdigit() else f"1{said}"), self.text)

    def of(self) -> tuple[str | None, str | None]:
        """VM and namespace."""
        own, found = vm(self.vm, self.text) if self.vm else (None, None)
        return found, own or (name(self.namespace, self.text) if self.namespace else None)


def _period(word: Word, text: str) -> timedelta:
    found = _PERIOD.fullmatch(word.text.lower())
    period = int(found.group(1)) * _UNITS[found.group(2)] if found else timedelta()
    if not timedelta() < period <= LONGEST_PERIOD:
        raise at("bad-period", word, "is no time that I understand", text, remedy="Write it like 30m, 24h, 7d or 2w.")
    return period


def _help(text: str, words: list[Word]) -> Help:
    return Help()


def _pins(text: str, words: list[Word]) -> Pins:
    for word in words:
        if word.kind in (Kind.NAME, Kind.FLAG):
            why = "stands after “pins”, which takes nothing"
            raise at("too-many-words", word, why, text, [without(text, word)])
    return Pins()


def _status(text: str, words: list[Word]) -> Status:
    read = _Words(text, words)
    read.read(("-n",))
    found, namespace = read.of()
    return Status(vm=found, namespace=namespace)


def _history(text: str, words: list[Word]) -> History:
    read = _Words(text, words)
    read.read(("-n", "--last"))
    found, namespace = read.of()
    return History(vm=found, namespace=namespace, last=read.last)


def _bring_back(text: str, words: list[Word]) -> BringBack:
    read = _Words(text, words)
    read.read(())
    if read.vm is None:
        raise Mistake("missing-value", "Bring back the VMs of which node?", remedy="For example: bring-back worker-02")
    return BringBack(node=name(read.vm, text))


Command = Help | Pins | Status | History | BringBack

_COMMANDS: Mapping[str, Callable[[str, list[Word]], Command]] = {
    "help": _help,
    "pins": _pins,
    "status": _status,
    "history": _history,
    "bring-back": _bring_back,
}


def command(text: str, words: list[Word]) -> Command | None:
    """The command that the words are; None for a move. Raises Mistake."""
    if [word.text for word in words] in (["--help"], ["--h"], ["-h"]) or text.strip("?! ") == "":
        return Help()
    first = next((number for number, word in enumerate(words) if not _is_filler(word)), 0)
    if not words or is_quoted(text, words[first]):
        return None
    read = _COMMANDS.get(words[first].text.lower())
    return read(text, words[first + 1 :]) if read else None


def _is_filler(word: Word) -> bool:
    return word.kind is Kind.NOISE or word.text.lower() in ("show", "list")


def inventory(text: str, words: list[Word]) -> Inventory:
    """What `/vm-inventory` is asked for. Raises Mistake."""
    read = _Words(text, words)
    read.read(("-n", "--node"))
    if read.namespace is None:
        read.namespace, read.vm = read.vm, None
    if read.vm:
        raise at("too-many-words", read.vm, "is one word too many", text, [without(text, read.vm)])
    namespace = name(read.namespace, text) if read.namespace else None
    return Inventory(namespace=namespace, node=name(read.node, text) if read.node else None)
