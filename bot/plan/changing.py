"""What is no longer as it was approved, or asked for otherwise."""

from collections.abc import Iterable

from bot.checks import Finding, Severity
from bot.plan.making import FINDINGS
from bot.plan.shape import Drift, Move, Plan
from bot.request import BatchRequest

_WEIGHTS = (Severity.INFO, Severity.WARN, Severity.BLOCK)


def read_again(before: Move, now: Move) -> Move:
    """The move as it is now, with what only its planning could tell: why this type, and the downtimes to expect."""
    return now.model_copy(update={"why_type": before.why_type, "estimate": before.estimate})


def drift(before: Move, now: Move) -> tuple[Drift, ...]:
    """What has changed between two readings of the same move, in the order of the proof. A warning or block that has
    gone is for the better, and no change: in a batch an earlier move may have made it go."""
    names = [*before.proof, *(name for name in now.proof if name not in before.proof)]
    changed = tuple(
        Drift(what=name, before=before.proof.get(name, "none"), now=now.proof.get(name, "none"))
        for name in names
        if name != FINDINGS and before.proof.get(name) != now.proof.get(name)
    )
    worse = "; ".join(finding.text for finding in _worse(before.findings, now.findings))
    return (*changed, Drift(what=FINDINGS, before="none of these", now=worse)) if worse else changed


def _worse(before: Iterable[Finding], now: Iterable[Finding]) -> list[Finding]:
    """What weighs more than anything of its code did; an information never does."""
    told: dict[str, int] = {}
    for finding in before:
        told[finding.code] = max(told.get(finding.code, 0), _WEIGHTS.index(finding.severity))
    return [finding for finding in now if _WEIGHTS.index(finding.severity) > told.get(finding.code, 0)]


def changes(before: Plan, now: Plan) -> tuple[Drift, ...]:
    """What people have asked for otherwise, as it was understood."""
    was, wanted = _wishes(before), _wishes(now)
    return tuple(
        Drift(what=what, before=was.get(what, "none"), now=wanted.get(what, "none"))
        for what in dict.fromkeys((*was, *wanted))
        if was.get(what) != wanted.get(what)
    )


def _wishes(planned: Plan) -> dict[str, str]:
    request = planned.request
    why = request.reason or "none"
    if isinstance(request, BatchRequest):
        going = {move.key: f"to {move.target_name}, {move.type}" for move in planned.moves}
        order = ", ".join(move.vm for move in planned.moves) if request.as_listed else "smallest first"
        return {**going, "order": order, "pace": str(planned.pace), "reason": why}
    move = planned.moves[0]
    return {
        "VM": move.key,
        "target": move.target.name if move.target else "the scheduler decides",
        "type": move.type.value if request.type is None else f"{request.type.value}, as asked for",
        "rules of the VM": "replaced" if request.replace_rules else "kept",
        "reason": why,
    }
