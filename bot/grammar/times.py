"""When a move is to start: `--at 02:00`, `--in 30m`, `--window 22:00-02:00`, “at 22:00”, “tonight at 10pm”."""

import re
from collections.abc import Mapping
from datetime import date, time, timedelta

from pydantic import ValidationError

from bot.grammar.mistakes import Meaning, Unclear, at, swap, without
from bot.grammar.words import Word
from bot.when import When

_CLOCK = re.compile(r"(\d{1,2})(?::(\d\d))?(am|pm)?")
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:t|\s+)(.+)")
_SPAN = re.compile(r"(\d{1,5})\s*(m|h|d)?(?:in|ins|inutes?|rs?|ours?|ays?)?")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_USUAL: Mapping[str, tuple[str, ...]] = {
    "tonight": ("22:00", "00:00", "02:00"),
    "today": ("18:00", "20:00", "22:00"),
    "tomorrow": ("02:00", "08:00", "22:00"),
}
"""What somebody may mean who says a day and no time."""
EXAMPLE = "Write it like --at 02:00, --in 30m or --window 22:00-02:00."

Said = Mapping[str, Word]
"""The words about time, by what they say: `--at`, `--in`, `--window`, `day`."""


def is_clock(text: str) -> bool:
    """Whether a bare word is a time of day; “10” alone is none."""
    return clock(text) is not None and not text.isdigit()


def is_span(text: str) -> bool:
    """Whether a bare word is a length of time; “30” alone is none."""
    return span(text) is not None and not text.isdigit()


def clock(text: str) -> time | None:
    """02:00, 2am, 10:30pm."""
    found = _CLOCK.fullmatch(text.strip().lower())
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    return time(hour, minute) if hour < 24 and minute < 60 else None


def span(text: str) -> timedelta | None:
    """30m, 2h, 45 minutes; minutes where no unit is said."""
    found = _SPAN.fullmatch(text.strip().lower())
    return int(found[1]) * _UNITS[found[2] or "m"] if found else None


def when(said: Said, text: str) -> When | None:
    """What the words about time say together. Raises Mistake and Unclear."""
    flags = [said[key] for key in ("--at", "--in", "--window") if key in said]
    day = said.get("day")
    if not flags:
        if day:
            raise _at_what_time(day, text)
        return None
    if len(flags) > 1:
        raise at("two-times", flags[1], "is a second time", text, [without(text, flags[1])])
    (word,) = flags
    try:
        return _read(said, word, is_tomorrow=day is not None and day.text == "tomorrow")
    except (ValidationError, ValueError):
        raise at("bad-time", word, "needs a time that I can read", text, remedy=EXAMPLE) from None


def _read(said: Said, word: Word, *, is_tomorrow: bool) -> When:
    value = word.value if word.value is not None else word.text
    if "--in" in said:
        return When(after=span(value), tomorrow=is_tomorrow)
    if "--window" in said:
        begin, end = re.split(r"\s*-\s*", value, maxsplit=1)
        return When(clock=_clock(begin), until=_clock(end), tomorrow=is_tomorrow)
    if dated := _DAY.fullmatch(value.strip().lower()):
        return When(day=date.fromisoformat(dated[1]), clock=_clock(dated[2]), tomorrow=is_tomorrow)
    return When(clock=_clock(value), tomorrow=is_tomorrow)


def _clock(text: str) -> time:
    found = clock(text)
    if found is None:
        raise ValueError(text)
    return found


def _at_what_time(day: Word, text: str) -> Unclear:
    """“tonight”: nobody's night begins at the same time."""
    word = "tomorrow " if day.text == "tomorrow" else ""
    meanings = (Meaning(f"{day.text} at {usual}", swap(text, day, f"{word}--at {usual}")) for usual in _USUAL[day.text])
    return Unclear(f"At what time {day.text}?", *meanings)
