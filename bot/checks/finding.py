"""What a check says, and what a check is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from bot.request import MoveType
from k8s.snapshots import Facts


class Severity(StrEnum):
    """How much a finding weighs."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


class Finding(BaseModel):
    """One check's result. `code` is stable and part of what people approve."""

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Severity
    text: str
    remedy: str = ""
    source: str = ""
    """Where the fact in it stands, for whoever wants to look."""
    of_target: bool = False
    """It is about the chosen node: another one may pass."""


NOT_CHECKED = "not-checked"
"""Code of the finding of a check whose facts could not be read. It never blocks."""

Find = Callable[[Facts, MoveType], Iterator[Finding]]
"""A check proper: pure, and silent where all is well."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check with what it says of a move that passes it."""

    passed: str
    """What then holds, in few words."""
    find: Find
    types: frozenset[MoveType] = frozenset(MoveType)
    """The moves that it is about."""
    of_target: bool = False
    """It judges the chosen node: another one may pass."""
    untargeted: bool = False
    """It looks at all nodes, where none is chosen."""

    def applies(self, facts: Facts, type_: MoveType) -> bool:
        """Whether the move has what it is about."""
        named = facts.target is not None
        return type_ in self.types and not (self.untargeted if named else self.of_target)

    def findings(self, facts: Facts, type_: MoveType) -> tuple[Finding, ...]:
        """What it says of a move; nothing where it does not apply."""
        if not self.applies(facts, type_):
            return ()
        return tuple(each.model_copy(update={"of_target": self.of_target}) for each in self.find(facts, type_))


LIVE = frozenset({MoveType.LIVE})
COLD = frozenset({MoveType.COLD})


def block(code: str, text: str, remedy: str, source: str = "") -> Finding:
    """The move must not run."""
    return Finding(code=code, severity=Severity.BLOCK, text=text, remedy=remedy, source=source)


def warn(code: str, text: str, remedy: str = "", source: str = "") -> Finding:
    """It may run, and people should know this."""
    return Finding(code=code, severity=Severity.WARN, text=text, remedy=remedy, source=source)


def info(code: str, text: str, remedy: str = "", source: str = "") -> Finding:
    """Good to know; no part of what is approved."""
    return Finding(code=code, severity=Severity.INFO, text=text, remedy=remedy, source=source)


def not_checked(what: str, why: str) -> Finding:
    """The facts for a check are missing."""
    return info(NOT_CHECKED, f"Not checked: {what} ({why}).")
