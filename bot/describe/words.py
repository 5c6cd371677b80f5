"""Small words that all the others are made of: spans of time, sizes, names, routes."""

from datetime import timedelta
from typing import NamedTuple

from bot.plan import Move, StepKind


class Row(NamedTuple):
    """One line of a table: `detail` says how we know the value, or since when it holds."""

    label: str
    value: str
    detail: str


def duration(span: timedelta) -> str:
    """ "45 s", "1 min 20 s", "1 h 5 min"; never negative."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return _two(seconds // 60, "min", seconds % 60, "s")
    return _two(seconds // 3600, "h", seconds % 3600 // 60, "min")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def memory(size: int) -> str:
    """Bytes as "8 GiB", "1.5 GiB" or "512 MiB"."""
    gib = size / 1024**3
    return f"{gib:.1f}".removesuffix(".0") + " GiB" if gib >= 1 else f"{round(size / 1024**2)} MiB"


def vm(move: Move) -> str:
    """The VM with its namespace."""
    return f"{move.vm} ({move.namespace})"


def route(move: Move) -> str:
    """From where to where, for a sentence."""
    start = f"from {move.source} " if move.source else ""
    return f"{start}to {move.target_name}"


def only_places(move: Move) -> bool:
    """Whether the VM does not run, so that the move only decides where it will start."""
    return StepKind.PLACE in move.steps
