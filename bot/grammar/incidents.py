"""`--incident INC-42 "fan failure on worker-02"`: which one, and why it cannot wait for the usual approvals."""

import re
from typing import NamedTuple

from bot.grammar.mistakes import at
from bot.grammar.words import Word
from bot.when import INCIDENT

_VALUE = re.compile(r'[“”„«»"]?([^\s“”„«»"]+)[“”„«»"]?(?:\s*[“”„«»"](.*)[“”„«»"])?', re.DOTALL)
EXAMPLE = 'For example: --incident INC-42 "fan failure on worker-02"'


class Declared(NamedTuple):
    """What was said of an incident."""

    id: str | None = None
    reason: str | None = None


def incident(word: Word | None, reason: str | None, text: str) -> Declared:
    """The incident and its reason, which stands behind its name or in --reason. Raises Mistake."""
    if word is None:
        return Declared(None, reason)
    found = _VALUE.fullmatch((word.value or "").strip())
    if not found or not INCIDENT.fullmatch(found[1]):
        raise at("bad-incident", word, "needs the name of the incident", text, remedy=EXAMPLE)
    why = re.sub(r"\\(.)", r"\1", found[2] or "", flags=re.DOTALL) or reason or ""
    if not why.strip():
        raise at("no-reason", word, "needs the reason, too", text, remedy=EXAMPLE)
    return Declared(found[1], why)
