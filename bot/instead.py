"""What would work instead of a move that is blocked: another node, a cold move, or waiting.

Only what passes every check is offered; each is one click away from a new revision or a plan of its own.
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from bot import checks
from bot.checks import Finding, Severity
from bot.load import Shift
from bot.ranking import Ranking
from bot.request import MoveType
from k8s.snapshots import Facts

MOST_OPTIONS = 100
"""Nodes that are kept of a ranking: more fit into no list."""

PASSING = frozenset(
    {
        "backup-running",
        "in-flight",
        "quota",
        "restore-running",
        "snapshot-running",
        "virt-handler-not-ready",
        "vm-not-ready",
    }
)
"""Codes of blocks that go away by themselves, or as soon as somebody has made room."""


class Option(BaseModel):
    """A node of a ranking: why it is good, or why it cannot take the VM."""

    model_config = ConfigDict(frozen=True)

    node: str
    why: str
    shift: Shift | None = None
    """What it would carry; None for one that cannot take it, and where that is not known."""


class Instead(BaseModel):
    """The ways round what blocks a move."""

    model_config = ConfigDict(frozen=True)

    cold: bool = False
    """A cold move to the same node passes everything."""
    wait: bool = False
    """All that blocks it passes."""
    type: MoveType | None = None
    """How it would move to one of `nodes`."""
    nodes: tuple[Option, ...] = ()
    """Nodes that pass everything, the best first."""
    excluded: tuple[Option, ...] = ()


def ways(facts: Facts, type_: MoveType, findings: Sequence[Finding]) -> Instead:
    """What these facts alone tell; other nodes need a ranking."""
    blocks = _blocks(findings)
    if not blocks:
        return Instead()
    cold = type_ is MoveType.LIVE and not _blocks(checks.run(facts, MoveType.COLD), besides=checks.NO_TARGET)
    return Instead(cold=cold, wait=all(each.code in PASSING for each in blocks))


def type_elsewhere(facts: Facts, type_: MoveType, findings: Sequence[Finding]) -> MoveType | None:
    """How the VM could move to another node, where that may help: what blocks it is about the chosen node, or only
    about a live move. None where no node would help, or nothing blocks."""
    if not _blocks(findings):
        return None
    if not _about_the_vm(findings):
        return type_
    cold = checks.run(facts, MoveType.COLD) if type_ is MoveType.LIVE else ()
    return MoveType.COLD if _blocks(cold, besides=checks.NO_TARGET) and not _about_the_vm(cold) else None


def with_ranking(instead: Instead, ranking: Ranking, type_: MoveType) -> Instead:
    """The same, with the nodes that would do."""
    nodes = [Option(node=c.name, why=", ".join(c.reasons), shift=c.shift) for c in ranking.candidates]
    excluded = [Option(node=each.name, why=each.why) for each in ranking.excluded]
    kept = {"type": type_, "nodes": tuple(nodes[:MOST_OPTIONS]), "excluded": tuple(excluded[:MOST_OPTIONS])}
    return instead.model_copy(update=kept)


def _blocks(findings: Sequence[Finding], *, besides: str = "") -> list[Finding]:
    return [each for each in findings if each.severity is Severity.BLOCK and each.code != besides]


def _about_the_vm(findings: Sequence[Finding]) -> bool:
    return any(not each.of_target for each in _blocks(findings, besides=checks.NO_TARGET))
