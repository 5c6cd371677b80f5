"""Choosing a node for each of many VMs: the best of the ranking, and never two replicas of one application together."""

from collections.abc import Iterable, Mapping

from bot.load import Seat, Shift, shift, with_moves
from bot.plan import Move
from bot.ranking import rank
from bot.request import MoveType
from k8s.fleet import Fleet
from k8s.snapshots import Facts, Instance, Node, Survey

_APP_LABELS = ("app.kubernetes.io/instance", "app.kubernetes.io/name", "app")
"""Labels by which replicas know each other, the most telling first (kubernetes.io/docs common-labels)."""

App = tuple[str, str]


def app_of(namespace: str, labels: Mapping[str, str]) -> App | None:
    """The application that a VM is a replica of, None where its labels do not say."""
    found = next((labels[key] for key in _APP_LABELS if labels.get(key)), None)
    return (namespace, found) if found else None


def choose(facts: Facts, survey: Survey, type_: MoveType) -> Node | None:
    """The best node that has no replica of this VM's application; None: there is none."""
    app = _app(facts.vmi)
    fitting = (one.node for one in rank(facts, survey, type_).candidates)
    return next((node for node in fitting if not _has(survey, node, app)), None)


def why_none(facts: Facts, survey: Survey, type_: MoveType) -> str:
    """Why no node could be chosen."""
    ranking = rank(facts, survey, type_)
    if ranking.candidates:
        return "every node that takes it has a replica of the same application already"
    reasons: dict[str, list[str]] = {}
    for node in ranking.excluded:
        reasons.setdefault(node.why, []).append(node.name)
    told = "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())
    return f"no node can take it ({told})"


def seat(survey: Survey, facts: Facts, target: Node | None) -> Survey:
    """What the nodes carry once this VM is there. Where the scheduler decides nobody knows."""
    if facts.vmi is None or target is None:
        return survey
    return with_moves(survey, [Seat(target=target.name, instance=facts.vmi, launcher=facts.launcher)])


def shifts(moves: Iterable[Move], before: Survey, after: Survey) -> tuple[Shift, ...]:
    """The nodes that these moves leave or reach, before the first and after the last."""
    touched = {name for move in moves if move.target for name in (move.source, move.target.name)}
    made = ((shift(before, node), shift(after, node)) for node in before.nodes if node.name in touched)
    return tuple(one.model_copy(update={"after": other.after}) for one, other in made if one and other)


def together(moves: Iterable[Move], fleet: Fleet) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    """Replicas that this plan puts onto one node: node, application, VMs."""
    seats: dict[tuple[str, App], list[str]] = {}
    by_key = {str(ref): vmi for ref, vmi in fleet.instances.items()}
    for move in moves:
        if move.target and (app := _app(by_key.get(move.key))):
            seats.setdefault((move.target.name, app), []).append(move.vm)
    return ((node, app[1], tuple(vms)) for (node, app), vms in seats.items() if len(vms) > 1)


def _app(vmi: Instance | None) -> App | None:
    """A running VM's labels are its template's."""
    return app_of(vmi.ref.namespace, vmi.labels) if vmi else None


def _has(survey: Survey, node: Node, app: App | None) -> bool:
    return app is not None and any(_app(vmi) == app for vmi in survey.instances.get(node.name, ()))
