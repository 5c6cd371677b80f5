"""From many judged moves to one plan.

What cannot run is not in the plan, and the plan says why. Only where nothing can run the blocked moves stay, so that
the card can say what would work instead.
"""

from collections.abc import Iterable, Sequence

from bot.batch.lineup import OFFER_STAGES, STAGE, STAGES_FROM, pace_of
from bot.batch.room import shifts, together
from bot.checks import Finding, Severity
from bot.plan import LeftOut, Move, Plan, StepKind
from bot.request import BatchRequest
from k8s.fleet import Fleet
from k8s.snapshots import Survey


def laid_down(
    request: BatchRequest, moves: Sequence[Move], left_out: Iterable[LeftOut], fleet: Fleet, after: Survey
) -> Plan:
    """The plan. `moves` are in their order; `after` is what the nodes carry then."""
    running = [move for move in moves if not move.blocked]
    blocked = [_because(move) for move in moves if move.blocked]
    lined_up = tuple(running or moves)
    pace = pace_of(request, len(lined_up))
    return Plan(
        request=request,
        found_namespace=False,
        moves=lined_up,
        left_out=(*left_out, *(blocked if running else ())),
        notes=tuple(_notes(request, lined_up, pace.stage or 0, fleet)),
        pace=pace,
        nodes=shifts(lined_up, fleet.survey, after),
    )


def _because(move: Move) -> LeftOut:
    finding = next(finding for finding in move.findings if finding.severity is Severity.BLOCK)
    return LeftOut(namespace=move.namespace, vm=move.vm, why=finding.text, remedy=finding.remedy)


def _notes(request: BatchRequest, moves: Sequence[Move], stage: int, fleet: Fleet) -> Iterable[Finding]:
    yield from _of_source(request, fleet)
    yield from _of_size(len(moves), stage)
    yield from _of_downtime(moves)
    yield from _of_replicas(moves, fleet)


def _of_source(request: BatchRequest, fleet: Fleet) -> Iterable[Finding]:
    node = fleet.node(request.evacuate)
    if node and not node.cordoned:
        yield _warning(
            "source-not-cordoned",
            f"{node.name} is not cordoned: what leaves it, or anything new, may be put there again.",
            f"Cordon it first: {fleet.capabilities.cli} cordon {node.name}",
        )


def _of_size(count: int, stage: int) -> Iterable[Finding]:
    if count > STAGES_FROM and not stage:
        yield _warning(
            "many-unstaged",
            f"{count} VMs without a pause: nobody looks in between, and the network may be busy for long.",
            f"Groups of {STAGE} are the usual way for more than {STAGES_FROM}.",
        )
    elif count > OFFER_STAGES:
        yield _warning(
            "network",
            f"{count} VMs: copying their memory may fill the network between the nodes.",
            "" if stage else f"Stage it in groups of {STAGE}, and look at your network in between.",
        )


def _of_downtime(moves: Sequence[Move]) -> Iterable[Finding]:
    down = [move for move in moves if StepKind.STOP in move.steps]
    if len(down) > 1:
        yield _warning(
            "cumulative-downtime",
            f"{len(down)} VMs are stopped, one after the other: their downtimes add up for whoever needs them all.",
            "Somebody has to accept that separately.",
        )


def _of_replicas(moves: Sequence[Move], fleet: Fleet) -> Iterable[Finding]:
    """Named by people, two replicas may end on one node; where the bot chooses they do not."""
    for node, app, vms in together(moves, fleet):
        yield _warning(
            "replicas-together",
            f"{', '.join(vms[:4])} are replicas of {app}, and all go to {node}: they would fail together.",
            "Send one of them elsewhere.",
        )


def _warning(code: str, text: str, remedy: str) -> Finding:
    return Finding(code=code, severity=Severity.WARN, text=text, remedy=remedy)
