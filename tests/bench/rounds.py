"""Rounds of two measurements, and what may be said about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Round:
    """One round, in seconds."""

    bot: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.bot / self.bare


@dataclass(frozen=True)
class Comparison:
    """All rounds of one thing."""

    name: str
    rounds: tuple[Round, ...]

    @property
    def report(self) -> dict[str, Any]:
        """For machines; times in milliseconds."""
        return {
            "name": self.name,
            "rounds": len(self.rounds),
            "bot_ms": _spread((each.bot for each in self.rounds), 1000),
            "bare_ms": _spread((each.bare for each in self.rounds), 1000),
            "ratio": _spread(each.ratio for each in self.rounds),
        }


def table(comparisons: Iterable[Comparison]) -> str:
    """For people: medians, with smallest and largest in brackets."""
    rows = [("", "bot, ms", "bare, ms", "ratio")]
    for each in comparisons:
        told = each.report
        rows.append((each.name, _cell(told["bot_ms"], 1), _cell(told["bare_ms"], 1), _cell(told["ratio"], 2)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)


def _spread(values: Iterable[float], scale: float = 1) -> dict[str, float]:
    scaled = [value * scale for value in values]
    return {"median": round(median(scaled), 3), "min": round(min(scaled), 3), "max": round(max(scaled), 3)}


def _cell(spread: dict[str, float], digits: int) -> str:
    return f"{spread['median']:.{digits}f} [{spread['min']:.{digits}f} .. {spread['max']:.{digits}f}]"
