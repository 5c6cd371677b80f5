"""From a text to words that know what they do and where they stand.

Phones and Slack change what people type: hyphens become dashes, quotes become typographic, `--` becomes one long dash,
host names become links. All of that is undone here, and what nobody can see (control and direction marks) is dropped,
so that a mistake can be marked in the text without repeating it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.request import plain
from bot.vocabulary import COMPOUNDS, KINDS, SELF, Kind

_LINK = re.compile(r"<https?://([^<>|\s]+?)/?\|\1>")
"""Slack's link for a host name that somebody typed bare (docs.slack.dev/messaging/formatting-message-text)."""
_DASHES = str.maketrans(dict.fromkeys("—–‐‑‒―−", "-"))
_ARROW = r"[-=—–―−]*>+|[→⇒⇨➔➜➝➞➡⟶⟹]\ufe0f?"
_OPENING, _CLOSING, _TICKS = '"“”„«»', '"“”«»', "'‘’`"
_TOKEN = re.compile(
    rf"""\s+
    | (?P<link> <[^<>\s]*> )
    | (?P<emoji> :[a-z0-9_+'-]*[a-z][a-z0-9_+'-]*: )
    | (?P<because> (?<!\S)(?:because:?|reason:|due\s+to)(?!\S) )
    | (?P<flag> (?<!\S)[-—–―−]{{1,2}}[a-zA-Z][a-zA-Z—–‐‑-]* )
    | (?P<to> {_ARROW} )
    | (?P<comma> [,;、،&+] )
    | [{_OPENING}](?P<quoted> [^{_OPENING}\s]+ )[{_CLOSING}]
    | (?<![^\s,;])['‘’`](?P<ticked> [^'‘’`\s]+ )['’`]
    | (?P<word> (?: (?!{_ARROW})[^\s,;{_OPENING}] )+ )
    | .
    """,
    re.VERBOSE,
)
_VALUED = {
    "--namespace": "-n",
    "-n": "-n",
    "--selector": "--selector",
    "-l": "--selector",
    "--reason": "--reason",
    "--from": "--from",
    "--to": "--to",
    "--last": "--last",
    "--node": "--node",
    "--side-by-side": "--side-by-side",
    "--stage": "--stage",
    "--pause": "--pause",
    "--without": "--without",
    "--at": "--at",
    "--in": "--in",
    "--window": "--window",
    "--incident": "--incident",
}
_BARE = {name: name for name in ("--live", "--cold", "--auto", "--replace-rules", "--as-listed")}
FLAGS = _VALUED | _BARE
"""Every flag, with the name that the readers know it by."""

_IN_QUOTES = re.compile(rf"[{_OPENING}]((?:\\.|[^\\{_OPENING}])*)[{_CLOSING}]", re.DOTALL)
_NAMED_IN_QUOTES = re.compile(
    rf"[{_OPENING}]?[^\s,;{_OPENING}]+[{_CLOSING}]?(?:\s*[{_OPENING}](?:\\.|[^\\{_OPENING}])*[{_CLOSING}])?", re.DOTALL
)
"""A name, and a text in quotes behind it."""
_UP_TO_FLAG = re.compile(r"(?:(?!\s[-—–―−]{1,2}[a-zA-Z]).)*", re.DOTALL)
_ONE_WORD = re.compile(r"[^\s,;]*")
_UNSPACED = re.compile(r"\S*")
_EDGES = "*_~()[]{}'‘’`"
_ENDS = ".:!?…"


class Word(NamedTuple):
    """A word, where it stands, and what it does. A flag that takes a value holds it."""

    text: str
    start: int
    end: int
    kind: Kind
    value: str | None = None

    @property
    def flag(self) -> str:
        """The flag's usual name; empty for one that I do not know, and for no flag."""
        return FLAGS.get(self.text, "") if self.kind is Kind.FLAG else ""


def clean(text: str) -> str:
    """The text as it is read, and as mistakes are marked in it."""
    return _LINK.sub(r"\1", plain(text)).replace("\ufe0f", "").strip()


def words(text: str) -> list[Word]:
    """The words of a clean text, without what only decorates it."""
    found = [word for word in _scan(text) if word.text]
    itself = found and found[0].text == SELF and not is_quoted(text, found[0])
    return found[1:] if itself else found


def is_quoted(text: str, word: Word) -> bool:
    """Whether somebody has put quotes around it, so that it is nothing but a name."""
    return text[word.start - 1 : word.start] in tuple(_OPENING + _TICKS) if word.start else False


def _scan(text: str) -> Iterator[Word]:
    position = 0
    while token := _TOKEN.match(text, position):
        position = token.end()
        kind, shown = token.lastgroup, token.group(token.lastgroup or 0)
        start, end = token.span(token.lastgroup or 0)
        match kind:
            case "flag":
                word = _flag(shown, start, end, text)
                position = max(position, word.end)
                yield word
            case "because":
                reason = _UP_TO_FLAG.match(text, end)
                position = reason.end() if reason else end
                yield Word("--reason", start, position, Kind.FLAG, text[end:position])
            case "to":
                yield Word("to", start, end, Kind.TO)
            case "comma":
                yield Word("and", start, end, Kind.AND)
            case "link":
                yield Word(shown, start, end, Kind.NAME)
            case "quoted" | "ticked":
                yield Word(shown.translate(_DASHES).lower(), start, end, Kind.NAME)
            case "word":
                yield _word(shown, start)


def _flag(shown: str, start: int, end: int, text: str) -> Word:
    """A flag with its value. One long dash stands for two short ones."""
    name = re.sub(r"^[—–―−]", "--", shown).translate(_DASHES).lower()
    name = re.sub(r"^-+(?=..)", "--", name)
    equals = text[end : end + 1] == "="
    if name not in _VALUED:
        until = _UNSPACED.match(text, end) if equals else None
        return Word(name + (until.group() if until else ""), start, until.end() if until else end, Kind.FLAG)
    begin = end + 1 if equals else end + len(text[end:]) - len(text[end:].lstrip())
    value, stop = _value(FLAGS[name], text, begin)
    return Word(name, start, stop if value else end, Kind.FLAG, value)


def _value(flag: str, text: str, begin: int) -> tuple[str, int]:
    if flag == "--incident":
        named = _NAMED_IN_QUOTES.match(text, begin)
        is_flag = re.match(r"[-—–―−]{1,2}[a-zA-Z]", text[begin:])
        return (named.group(), named.end()) if named and not is_flag else ("", begin)
    if within := _IN_QUOTES.match(text, begin):
        return re.sub(r"\\(.)", r"\1", within.group(1), flags=re.DOTALL), within.end()
    if re.match(r"[-—–―−]{1,2}[a-zA-Z]", text[begin:]):
        return "", begin
    pattern = {"--reason": _UP_TO_FLAG, "--selector": _UNSPACED, "--without": _UNSPACED}.get(flag, _ONE_WORD)
    found = pattern.match(text, begin)
    return (found.group().strip(), found.end()) if found else ("", begin)


def _word(shown: str, start: int) -> Word:
    """A word without decoration around it; an empty one where nothing else is left, an emoji for example."""
    bare = shown.rstrip(_ENDS + _EDGES)
    left = len(bare) - len(bare.lstrip(_EDGES))
    bare, start = bare[left:], start + left
    end = start + len(bare)
    text = bare.replace("’", "'").translate(_DASHES).lower()
    if not any(each.isalnum() for each in text) or text in (f"@{SELF}", f"/{SELF}"):
        return Word("", start, end, Kind.NOISE)
    kind = COMPOUNDS.get(text) or KINDS.get(text, Kind.NAME)
    return Word(bare if kind is Kind.NAME else text, start, end, kind)
