"""Rounds of two measurements, single figures, and what may be said about them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any, Protocol

HEAD = ("", "bot", "against", "figure", "goal", "verdict")


class Row(Protocol):
    """One thing that was measured, against its goal."""

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        ...

    @property
    def report(self) -> dict[str, Any]:
        """For machines."""
        ...

    @property
    def cells(self) -> tuple[str, ...]:
        """For people: a cell for each of HEAD."""
        ...


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
    """All rounds of one thing against its bare counterpart; the goal is a ratio."""

    name: str
    rounds: tuple[Round, ...]
    goal: float

    @property
    def met(self) -> bool:
        return median(each.ratio for each in self.rounds) <= self.goal

    @property
    def report(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "rounds": len(self.rounds),
            "bot_ms": _spread((each.bot for each in self.rounds), 1000),
            "bare_ms": _spread((each.bare for each in self.rounds), 1000),
            "ratio": _spread(each.ratio for each in self.rounds),
            "goal": self.goal,
            "met": self.met,
        }

    @property
    def cells(self) -> tuple[str, ...]:
        told = self.report
        bot, bare = (f"{_cell(told[side], 1)} ms" for side in ("bot_ms", "bare_ms"))
        return (self.name, bot, bare, _cell(told["ratio"], 2), f"<= {self.goal:g}", _verdict(met=self.met))


@dataclass(frozen=True)
class Figure:
    """Something that is measured by itself; the goal is in its own unit."""

    name: str
    unit: str
    values: tuple[float, ...]
    goal: float
    against: str = ""
    """What people may compare it with."""

    @property
    def met(self) -> bool:
        return median(self.values) <= self.goal

    @property
    def report(self) -> dict[str, Any]:
        return {"name": self.name, "unit": self.unit, "value": _spread(self.values), "goal": self.goal, "met": self.met}

    @property
    def cells(self) -> tuple[str, ...]:
        figure = f"{_cell(self.report['value'], 1)} {self.unit}"
        return (self.name, "", self.against, figure, f"<= {self.goal:g}", _verdict(met=self.met))


@dataclass(frozen=True)
class Broken:
    """Something that could not be measured: no goal of it is met."""

    name: str
    met: bool = False

    @property
    def report(self) -> dict[str, Any]:
        return {"name": self.name, "met": False}

    @property
    def cells(self) -> tuple[str, ...]:
        return (self.name, "", "", "broke", "", _verdict(met=False))


def table(rows: Sequence[Row]) -> str:
    """For people: medians, with smallest and largest in brackets, and last the count of goals that are met."""
    cells = [HEAD, *(each.cells for each in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([*lines, f"{sum(each.met for each in rows)} of {len(rows)} goals met"])


def percentile(values: Iterable[float], share: float) -> float:
    """The value that so large a share of them does not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(ceil(share * len(ranked)), 1) - 1]


def _spread(values: Iterable[float], scale: float = 1) -> dict[str, float]:
    scaled = [value * scale for value in values]
    return {"median": round(median(scaled), 3), "min": round(min(scaled), 3), "max": round(max(scaled), 3)}


def _cell(spread: dict[str, float], digits: int) -> str:
    return f"{spread['median']:.{digits}f} [{spread['min']:.{digits}f} .. {spread['max']:.{digits}f}]"


def _verdict(*, met: bool) -> str:
    return "met" if met else "missed"
