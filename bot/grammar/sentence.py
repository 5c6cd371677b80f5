"""The request for a move, read word by word.

What is said of a VM stands beside it, before or after it and in any order, so this is a table of what each kind of word
does rather than a grammar of phrases. Words collect in groups: “web-01 to worker-03, web-02 to worker-04” has two.
`bot.grammar.meaning` makes a request of what was collected.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.grammar.mistakes import Meaning, Unclear, at, in_quotes, near_word, swap, without
from bot.grammar.times import is_clock, is_span
from bot.grammar.words import Word, is_quoted
from bot.request import MoveType
from bot.vocabulary import TYPOS, Kind

_TYPES = {Kind.LIVE: MoveType.LIVE, Kind.COLD: MoveType.COLD}
_SKIPPED = (Kind.NOISE, Kind.NODE, Kind.VMS)


@dataclass
class Way:
    """How to move: what was said, and by which word."""

    type: MoveType | None = None
    replace_rules: bool = False
    said: Word | None = None


@dataclass
class Run:
    """Names that stand side by side, with nothing between them."""

    words: list[Word]


@dataclass
class Group:
    """Some VMs and what is said of them."""

    runs: list[Run] = field(default_factory=list)
    """Divided by commas and “and”."""
    source: Word | None = None
    target: Word | None = None
    anywhere: bool = False
    """Said to go to any node."""
    at: Word | None = None
    """“on” something, which may be where they are or where they go."""
    at_word: Word | None = None
    namespace: Word | None = None
    way: Way = field(default_factory=Way)

    @property
    def names(self) -> list[Word]:
        """All of them, in order."""
        return [word for run in self.runs for word in run.words]

    @property
    def placed(self) -> bool:
        """Whether it is said where they go."""
        return self.target is not None or self.anywhere

    @property
    def said(self) -> bool:
        """Whether anything is said of them."""
        return self.placed or any((self.source, self.at, self.namespace, self.way.said))


@dataclass
class Sentence:
    """Everything that was said, not yet put together."""

    text: str
    groups: list[Group] = field(default_factory=lambda: [Group()])
    way: Way = field(default_factory=Way)
    namespace: Word | None = None
    """Both said before any VM, so they hold for all."""
    everything: Word | None = None
    plural: bool = False
    evacuate: Word | None = None
    leaving: Word | None = None
    """--from."""
    selector: Word | None = None
    batch: dict[str, Word] = field(default_factory=dict)
    """Flags for several VMs, by name."""
    reason: str | None = None
    time: dict[str, Word] = field(default_factory=dict)
    """When it is to start, see `bot.grammar.times`."""
    incident: Word | None = None


class Reader:
    """Reads the words of one sentence from left to right."""

    def __init__(self, text: str, words: list[Word]) -> None:
        self._text = text
        self._rest = list(words)
        self._parted = False
        self._noun_before = False
        self.sentence = Sentence(text)

    def read(self) -> Sentence:
        """Collect it all. Raises Mistake and Unclear."""
        while self._rest:
            word = self._rest.pop(0)
            act = _ACTS.get(word.kind)
            if act:
                act(self, word)
            self._parted = word.kind is Kind.AND or (self._parted and word.kind in _SKIPPED)
        return self.sentence

    @property
    def _group(self) -> Group:
        return self.sentence.groups[-1]

    @property
    def _before_all(self) -> bool:
        """Whether no VM has been named yet: what is said now holds for all."""
        return not any(group.names for group in self.sentence.groups)

    def _next(self) -> Kind | None:
        return self._rest[0].kind if self._rest else None

    def name(self, word: Word) -> None:
        if word.text in TYPOS and not is_quoted(self._text, word):
            meant = TYPOS[word.text]
            raise Unclear(
                f"Is “{word.text}” a name, or is it “{meant}”?",
                Meaning(f"“{meant}”", swap(self._text, word, meant)),
                Meaning("a name", swap(self._text, word, f'"{word.text}"')),
            )
        if self._parted and self._group.names and self._group.said:
            self.sentence.groups.append(Group())
        elif self._group.names and (self._group.placed or self.sentence.everything):
            raise at("too-many-words", word, "is one word too many", self._text, near_word(self._text, word))
        if self._parted or not self._group.runs:
            self._group.runs.append(Run([]))
        self._group.runs[-1].words.append(word)

    def evacuate(self, word: Word) -> None:
        """“evacuate worker-02”; “evacuate everything on worker-02” says it itself."""
        while self._next() in _SKIPPED:
            self.skip(self._rest.pop(0))
        if self._next() is not Kind.NAME:
            return
        if any(each.kind is Kind.FROM for each in self._rest):
            why = "is for a whole node, and here a node is named that something leaves"
            raise at("named-and-found", word, why, self._text, [swap(self._text, word, "move")])
        self.sentence.evacuate = self._rest.pop(0)

    def skip(self, word: Word) -> None:
        if word.kind is Kind.VMS:
            self.sentence.plural = True

    def everything(self, word: Word) -> None:
        if self._next() is Kind.NAME:
            raise at("too-many-words", word, "and a name are two things", self._text, [without(self._text, word)])
        self.sentence.everything = word

    def to(self, word: Word) -> None:
        if self._next() in (Kind.MOVE, Kind.EVACUATE, Kind.LIVE, Kind.COLD) and not self._group.names:
            return  # "I want to move", "time to live migrate"
        if self._next() is Kind.MOVE:
            return  # "web-01 needs to move"
        group = self._group
        target = self._expect(word, "a node", anywhere=True)
        if self._next() is Kind.NAMESPACE:
            raise at(
                "namespace-target", target, "is a namespace, and a VM cannot change its namespace", self._text,
                remedy="Name a node after “to”.",
            )  # fmt: skip
        if group.placed and (group.target is None or target.text != group.target.text):
            raise at("two-targets", target, "is a second target", self._text, [without(self._text, word, target)])
        if target.kind is Kind.ANYWHERE:
            group.anywhere = True
        else:
            group.target = target
        if self._next() is Kind.OR:
            raise self._either(target)

    def _either(self, first: Word) -> Unclear:
        """“to worker-03 or worker-04”."""
        asked, between = [first], []
        while self._next() is Kind.OR:
            between.append(self._rest.pop(0))
            asked.append(self._expect(between[-1], "another node"))
        texts = [swap(without(self._text, *between, *asked[1:]), first, f'"{node.text}"') for node in asked]
        meanings = [Meaning(node.text, text) for node, text in zip(asked, texts, strict=True)]
        return Unclear("Which of these nodes?", *meanings)

    def from_(self, word: Word) -> None:
        found = self._expect(word, "a node or namespace", namespaces=True)
        if self._is_namespace():
            self.set_namespace(found)
        else:
            self._set_source(found)

    def _set_source(self, word: Word) -> None:
        if self._group.source and self._group.source.text != word.text:
            raise at("two-sources", word, "is a second node that it leaves", self._text, [without(self._text, word)])
        self._group.source = word

    def in_(self, word: Word) -> None:
        """In a namespace; or in some time, which is no name but in quotes."""
        if self._rest and is_span(self._after()) and not is_quoted(self._text, self._rest[0]):
            begin = self._rest.pop(0)
            if begin.text.isdigit():
                begin = begin._replace(text=f"{begin.text} {self._rest.pop(0).text}")
            self._say_when("--in", begin)
            return
        found = self._expect(word, "a namespace", namespaces=True)
        self._is_namespace()
        self.set_namespace(found)

    def namespace(self, word: Word) -> None:
        self.set_namespace(self._expect(word, "a namespace"))

    def _is_namespace(self) -> bool:
        """Whether the noun stands before the name or after it; the one after is taken away."""
        if self._next() is Kind.NAMESPACE:
            self._rest.pop(0)
            return True
        return self._noun_before

    def set_namespace(self, word: Word) -> None:
        for given in (self._group.namespace, self.sentence.namespace):
            if given and given.text.lower() != word.text.lower():
                raise at("two-namespaces", word, f"contradicts {given.text}", self._text)
        if self._before_all:
            self.sentence.namespace = word
        else:
            self._group.namespace = word

    def _after(self) -> str:
        """The next word; a number with its unit behind it."""
        number, *unit = self._rest[:2]
        return f"{number.text} {unit[0].text}" if number.text.isdigit() and unit else number.text

    def _say_when(self, key: str, word: Word) -> None:
        if key in self.sentence.time:
            raise at("two-times", word, "is a second time", self._text, [without(self._text, word)])
        self.sentence.time[key] = word

    def day(self, word: Word) -> None:
        self._say_when("day", word)

    def time(self, word: Word) -> None:
        self._say_when(word.flag, word)

    def incident(self, word: Word) -> None:
        self.sentence.incident = word

    def on(self, word: Word) -> None:
        time = self._rest[0] if self._rest and word.text == "at" else None
        if time and is_clock(time.text) and not is_quoted(self._text, time):
            self._say_when("--at", self._rest.pop(0))
            return
        self._group.at, self._group.at_word = self._expect(word, "a node"), word

    def type_(self, word: Word) -> None:
        if self._next() is Kind.OR and len(self._rest) > 1 and self._rest[1].kind in _TYPES:
            either, other = self._rest[0], self._rest[1]
            raise Unclear(
                "Live or cold?",
                Meaning("live", without(self._text, either, word if word.kind is Kind.COLD else other)),
                Meaning("cold", without(self._text, either, word if word.kind is Kind.LIVE else other)),
                Meaning("whatever the VM allows", without(self._text, either, word, other)),
            )
        self.choose(_TYPES[word.kind], word)

    def choose(self, type_: MoveType | None, word: Word, *, replace_rules: bool = False) -> None:
        way = self.sentence.way if self._before_all else self._group.way
        other = next((each.said for each in (self.sentence.way, way) if each.said and each.type is not type_), None)
        if other:
            why = "contradicts the other one: a move is live or cold"
            raise at("both-types", word, why, self._text, remedy="Say one of the two, or neither: then the VM decides.")
        way.type, way.said, way.replace_rules = type_, word, way.replace_rules or replace_rules

    def refused(self, word: Word) -> None:
        if word.text in ("cancel", "abort", "stop", "undo"):
            remedy = "The card of the move has the buttons for that."
            raise at("not-by-text", word, "is nothing that I do by text", self._text, remedy=remedy)
        raise at(
            "not-understood", word, "is a condition or a no, and I only read what is to be done", self._text,
            remedy="Name exactly the VMs that are to move, and where to.",
        )  # fmt: skip

    def stray(self, word: Word) -> None:
        why = "stands where I expect a VM"
        raise at("reserved-word", word, why, self._text, [in_quotes(self._text, word), without(self._text, word)])

    def flag(self, word: Word) -> None:
        act = _FLAGS.get(word.flag)
        if act is None:
            raise at("unknown-flag", word, "is not a flag that I know", self._text, near_word(self._text, word))
        if word.value is not None and not word.value.strip():
            needed = _NEEDED[word.flag]
            raise at("missing-value", word, f"needs {needed} after it", self._text, [without(self._text, word)])
        act(self, word)

    def leave(self, word: Word) -> None:
        self.sentence.leaving = _value(word)

    def go(self, word: Word) -> None:
        self._rest.insert(0, _value(word))
        self.to(word)

    def select(self, word: Word) -> None:
        self.sentence.selector = word

    def pace(self, word: Word) -> None:
        self.sentence.batch[word.flag] = word

    def explain(self, word: Word) -> None:
        self.sentence.reason = word.value

    def _expect(self, after: Word, what: str, *, namespaces: bool = False, anywhere: bool = False) -> Word:
        self._noun_before, like_a_noun = False, None
        while self._next() in _SKIPPED or (namespaces and self._next() is Kind.NAMESPACE):
            skipped = self._rest.pop(0)
            self._noun_before = self._noun_before or skipped.kind is Kind.NAMESPACE
            like_a_noun = skipped if namespaces and skipped.kind is Kind.VMS else like_a_noun
        if like_a_noun and self._next() is not Kind.NAME:
            return like_a_noun  # a namespace is often called vms
        if not self._rest:
            raise at("missing-value", after, f"needs {what} after it", self._text, [without(self._text, after)])
        found = self._rest.pop(0)
        if found.kind is Kind.NAME or (anywhere and found.kind is Kind.ANYWHERE):
            return found
        if found.kind is Kind.FLAG:
            raise at("missing-value", after, f"needs {what} after it", self._text, [without(self._text, after)])
        fixes = [in_quotes(self._text, found), without(self._text, after)]
        raise at(
            "reserved-word", found, f"stands where I expect {what}; a name like that needs quotes", self._text, fixes
        )


def _value(word: Word) -> Word:
    return Word(word.value or "", word.start, word.end, Kind.NAME)


_ACTS: Mapping[Kind, Callable[[Reader, Word], None]] = {
    Kind.NAME: Reader.name,
    Kind.FLAG: Reader.flag,
    Kind.TO: Reader.to,
    Kind.FROM: Reader.from_,
    Kind.IN: Reader.in_,
    Kind.ON: Reader.on,
    Kind.LIVE: Reader.type_,
    Kind.COLD: Reader.type_,
    Kind.EVACUATE: Reader.evacuate,
    Kind.EVERYTHING: Reader.everything,
    Kind.NAMESPACE: Reader.namespace,
    Kind.VMS: Reader.skip,
    Kind.OR: Reader.stray,
    Kind.ANYWHERE: Reader.stray,
    Kind.DAY: Reader.day,
    Kind.REFUSED: Reader.refused,
}
"""What is not here only makes a sentence of it."""

_FLAGS: Mapping[str, Callable[[Reader, Word], None]] = {
    "--live": lambda reader, word: reader.choose(MoveType.LIVE, word),
    "--cold": lambda reader, word: reader.choose(MoveType.COLD, word),
    "--auto": lambda reader, word: reader.choose(None, word),
    "--replace-rules": lambda reader, word: reader.choose(MoveType.COLD, word, replace_rules=True),
    "-n": lambda reader, word: reader.set_namespace(_value(word)),
    "--from": Reader.leave,
    "--to": Reader.go,
    "--selector": Reader.select,
    "--reason": Reader.explain,
    "--side-by-side": Reader.pace,
    "--stage": Reader.pace,
    "--pause": Reader.pace,
    "--without": Reader.pace,
    "--as-listed": Reader.pace,
    "--at": Reader.time,
    "--in": Reader.time,
    "--window": Reader.time,
    "--incident": Reader.incident,
}
_NEEDED = {
    "-n": "a namespace",
    "--from": "a node",
    "--to": "a node",
    "--selector": "a label selector",
    "--reason": "a few words",
    "--side-by-side": "a number",
    "--stage": "a number",
    "--pause": "a time, for example 10m,",
    "--without": "VMs, for example production/web-01,",
    "--at": "a time, for example 02:00,",
    "--in": "a length of time, for example 30m,",
    "--window": "two times, for example 22:00-02:00,",
    "--incident": "the name of the incident and a reason in quotes",
}
