"""Names, as Kubernetes spells them."""

import re

from bot.grammar.mistakes import at, near_name
from bot.grammar.words import Word

LONGEST_NAME = 253
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DASHES = str.maketrans(dict.fromkeys("—–‐‑‒―−", "-"))


def name(word: Word, text: str, *, within: Word | None = None) -> str:
    """The name that a word is, or a part `within` a word. Raises Mistake where it can be none."""
    read = word.text.translate(_DASHES).lower()
    if len(read) > LONGEST_NAME or not _NAME.fullmatch(read):
        fixes = near_name(text, within or word)
        raise at("bad-name", word, "cannot be the name of a VM, node or namespace", text, fixes)
    return read


def vm(word: Word, text: str) -> tuple[str | None, str]:
    """Namespace, where the word says one, and name of a VM."""
    before, slash, rest = word.text.partition("/")
    if not slash:
        return None, name(word, text)
    namespace = name(word._replace(text=before, end=word.start + len(before)), text, within=word)
    return namespace, name(word._replace(text=rest, start=word.end - len(rest)), text, within=word)


def selector(word: Word, text: str) -> str:
    """A label selector, as `kubectl -l` takes it."""
    key = r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?"
    value = r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
    one = rf"(!?{key}|{key}\s*(=|==|!=)\s*{value}|{key}\s+(in|notin)\s+\(\s*{value}(\s*,\s*{value})*\s*\))"
    given = (word.value or "").translate(_DASHES).strip()
    if not re.fullmatch(rf"{one}(\s*,\s*{one})*", given):
        raise at("bad-selector", word, "needs a label selector after it, for example app=web", text)
    return given
