"""What may be said of a batch as a whole: how its moves follow each other, and which VMs it leaves out."""

import re
from typing import Any

from pydantic import ValidationError

from bot.grammar.incidents import incident
from bot.grammar.mistakes import at, without
from bot.grammar.names import vm
from bot.grammar.sentence import Sentence
from bot.grammar.times import when
from bot.grammar.words import Word
from bot.request import BatchRequest, Pace

_MINUTES = re.compile(r"(\d{1,4}(?:\.\d{1,12})?)\s*m?(in|inutes?)?")


def batch(sentence: Sentence, **found: Any) -> BatchRequest:
    """A batch of these VMs, as the flags of the sentence want it. Raises Mistake."""
    return BatchRequest(
        **found,
        **mode(sentence),
        without=_without(sentence),
        pace=_pace(sentence),
        as_listed="--as-listed" in sentence.batch,
    )


def mode(sentence: Sentence) -> dict[str, Any]:
    """What holds for the whole request, of one VM or several: why, when, and whether it is an incident's."""
    declared = incident(sentence.incident, sentence.reason, sentence.text)
    starts = when(sentence.time, sentence.text)
    if declared.id and sentence.incident and starts:
        raise at(
            "incident-later", sentence.incident, "does not go with a time: what can wait needs the usual approvals",
            sentence.text, [without(sentence.text, sentence.incident)],
        )  # fmt: skip
    return {"reason": declared.reason, "incident": declared.id, "when": starts}


def _without(sentence: Sentence) -> tuple[str, ...]:
    word = sentence.batch.get("--without")
    if word is None:
        return ()
    given = [each for each in (word.value or "").split(",") if each]
    read = [vm(word._replace(text=each), sentence.text) for each in given]
    for (namespace, name), text in zip(read, given, strict=True):
        if namespace is None:
            why = f"needs namespace and name of each VM, and {text} is only a name"
            raise at("missing-value", word, why, sentence.text, remedy=f"For example: --without production/{name}")
    return tuple(f"{namespace}/{name}" for namespace, name in read)


def _pace(sentence: Sentence) -> Pace | None:
    fields = {
        "side_by_side": _number(sentence, sentence.batch.get("--side-by-side")),
        "stage": _number(sentence, sentence.batch.get("--stage")),
        "pause_minutes": _minutes(sentence, sentence.batch.get("--pause")),
    }
    said = {name: value for name, value in fields.items() if value is not None}
    try:
        return Pace.model_validate(said) if said else None
    except ValidationError as error:
        flag = f"--{error.errors()[0]['loc'][0]}".replace("_minutes", "").replace("_", "-")
        raise at("bad-number", sentence.batch[flag], "is out of range", sentence.text) from None


def _number(sentence: Sentence, word: Word | None) -> int | None:
    if word is None:
        return None
    if not re.fullmatch(r"\d{1,4}", word.value or ""):
        raise at("bad-number", word, "needs a number after it", sentence.text)
    return int(word.value or "")


def _minutes(sentence: Sentence, word: Word | None) -> float | None:
    if word is None:
        return None
    found = _MINUTES.fullmatch((word.value or "").lower())
    if not found:
        raise at("bad-number", word, "needs minutes after it", sentence.text, remedy="Write it like 10m.")
    return float(found.group(1))
