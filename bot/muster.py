"""Reading and judging many VMs for one plan: find them, read them together, choose where each goes, ask admission.

Each VM is judged alone and against what the plan's earlier moves bring to its target. What cannot be found or moved is
left out by name, with the reason; only what makes the whole request meaningless (an unknown node) is refused.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bot import batch, checks, errors, plan
from bot.batch import Wanted
from bot.errors import BotError
from bot.plan import Drift, LeftOut, Move, Plan
from bot.request import BatchRequest, MoveRequest, MoveType
from k8s.cluster import Cluster
from k8s.fleet import Fleet, Trial
from k8s.snapshots import Admission, Node, Ref, Survey


async def judge(cluster: Cluster, request: BatchRequest) -> Plan:
    """Find, read, judge. Raises the cluster's errors, and BotError where nothing is left to plan."""
    wanted, missing = await _found(cluster, request)
    without = [_out(one, "somebody took it out of the plan") for one in wanted if str(one.ref) in request.without]
    wanted = [one for one in wanted if str(one.ref) not in request.without]
    if not wanted:
        raise _nothing(request, missing)
    fleet = await cluster.fleet([one.ref for one in wanted])
    _check_nodes(request, wanted, fleet)
    gone = [_out(one, "no VM of that name") for one in wanted if one.ref not in fleet.vms]
    there = _lined_up(request, [one for one in wanted if one.ref in fleet.vms], fleet)
    seated = await _seated(there, fleet, choosing=request.evacuate is not None)
    moves = await _judged(cluster, seated.places, fleet)
    left_out = [*missing, *gone, *without, *seated.left_out]
    if not moves:
        raise _nothing(request, left_out)
    return batch.laid_down(request, moves, left_out, fleet, seated.after)


async def prove(cluster: Cluster, planned: Plan) -> tuple[Plan, tuple[Drift, ...]]:
    """Read everything again, each VM held to what was planned for it: the plan as it is now, and what is no longer so.
    Where something is, the plan is laid down anew from the request. Raises BotError where nothing is left of it."""
    assert isinstance(planned.request, BatchRequest)
    held = [Wanted(Ref(move.namespace, move.vm), planned.asked(index)) for index, move in enumerate(planned.moves)]
    fleet = await cluster.fleet([one.ref for one in held])
    seated = await _seated([one for one in held if one.ref in fleet.vms], fleet, choosing=False, staying=True)
    again = {move.key: move for move in await _judged(cluster, seated.places, fleet)}
    changes = [change for move in planned.moves for change in _changes(move, again.get(move.key))]
    if changes:
        return await judge(cluster, planned.request), tuple(changes)
    moves = tuple(plan.read_again(move, again[move.key]) for move in planned.moves)
    nodes = batch.shifts(moves, fleet.survey, seated.after)
    return planned.model_copy(update={"moves": moves, "nodes": nodes}), ()


def _changes(move: Move, now: Move | None) -> Iterable[Drift]:
    if now is None:
        return (Drift(what=move.vm, before="there", now="gone"),)
    return (change.model_copy(update={"what": f"{move.vm}: {change.what}"}) for change in plan.drift(move, now))


async def _found(cluster: Cluster, request: BatchRequest) -> tuple[list[Wanted], list[LeftOut]]:
    """The VMs that are meant, in the order in which they were named; those that cannot be told apart are left out."""
    if request.evacuate:
        on_node = [vmi.ref for vmi in await cluster.instances_on(request.evacuate) if not vmi.final]
        refs = [ref for ref in on_node if request.namespace in (None, ref.namespace)]
        return _all_alike(request, refs), _strangers(request, refs, f"it does not run on {request.evacuate}")
    if request.selector:
        refs = list(await cluster.vms_labeled(request.selector, request.namespace))
        return _all_alike(request, refs), _strangers(request, refs, f"it has not the labels {request.selector}")
    return await _named(cluster, request)


def _strangers(request: BatchRequest, refs: Sequence[Ref], why: str) -> list[LeftOut]:
    """VMs that somebody has added by name to what was found, and that do not belong there."""
    named = [(move.namespace or "", move.vm) for move in request.moves]
    found = {(ref.namespace, ref.name) for ref in refs}
    return [LeftOut(namespace=namespace, vm=vm, why=why) for namespace, vm in named if (namespace, vm) not in found]


def _all_alike(request: BatchRequest, refs: Iterable[Ref]) -> list[Wanted]:
    by_key = {f"{move.namespace}/{move.vm}": move for move in request.moves}
    place = {key: number for number, key in enumerate(by_key)}
    listed = sorted(refs, key=lambda ref: (place.get(str(ref), len(place)), str(ref)))
    return [Wanted(ref, by_key.get(str(ref)) or _usual(request, ref)) for ref in listed]


def _usual(request: BatchRequest, ref: Ref) -> MoveRequest:
    return MoveRequest(
        vm=ref.name,
        namespace=ref.namespace,
        target=request.target,
        type=request.type,
        replace_rules=request.replace_rules,
        reason=request.reason,
    )


async def _named(cluster: Cluster, request: BatchRequest) -> tuple[list[Wanted], list[LeftOut]]:
    known: tuple[Ref, ...] = ()
    if not all(move.namespace or request.namespace for move in request.moves):
        known = await cluster.vm_names(None)
    found: dict[Ref, Wanted] = {}
    missing: list[LeftOut] = []
    for move in request.moves:
        namespace = move.namespace or request.namespace
        refs = [Ref(namespace, move.vm)] if namespace else [ref for ref in known if ref.name == move.vm]
        if len(refs) == 1:
            kept = {"namespace": refs[0].namespace, "target": move.target or request.target}
            kept["type"] = move.type or request.type
            found.setdefault(refs[0], Wanted(refs[0], move.model_copy(update=kept)))
        else:
            missing.append(_unclear(move, refs, known))
    return list(found.values()), missing


def _unclear(move: MoveRequest, refs: Sequence[Ref], known: Iterable[Ref]) -> LeftOut:
    if refs:
        names = ", ".join(str(ref) for ref in refs[:4])
        return LeftOut(namespace="", vm=move.vm, why=f"several VMs are called that: {names}", remedy="Say which one.")
    unknown = errors.unknown_name("VM", move.vm, [ref.name for ref in known], where="")
    return LeftOut(namespace="", vm=move.vm, why="no VM of that name", remedy=unknown.remedy)


def _check_nodes(request: BatchRequest, wanted: Sequence[Wanted], fleet: Fleet) -> None:
    """A node that does not exist is a slip of the pen about the whole request."""
    named = [request.evacuate, request.target, *(one.request.target for one in wanted)]
    for name in filter(None, named):
        if fleet.node(name) is None:
            raise errors.unknown_name("node", name, [node.name for node in fleet.survey.nodes])


def _lined_up(request: BatchRequest, wanted: Sequence[Wanted], fleet: Fleet) -> list[Wanted]:
    """In the order in which they will run."""
    return list(wanted) if request.as_listed else sorted(wanted, key=lambda one: batch.turn_key(one, fleet))


class _Place(NamedTuple):
    """A VM with its target, what the nodes carry when its turn comes, and how it is judged without admission."""

    wanted: Wanted
    target: Node | None
    survey: Survey
    move: Move


class _Seated(NamedTuple):
    """All of them, those that found no place, and what the nodes carry in the end."""

    places: list[_Place]
    left_out: list[LeftOut]
    after: Survey


async def _seated(wanted: Sequence[Wanted], fleet: Fleet, *, choosing: bool, staying: bool = False) -> _Seated:
    """Where each goes, in their order: as named or, leaving a node or cold, as the ranking says. `staying`: also those
    that are where they should go. What must not run brings nothing to its target. Ranking all nodes for many VMs takes
    a while: between two of them the loop is let go."""
    survey, places, left_out = fleet.survey, list[_Place](), list[LeftOut]()
    for one in wanted:
        await asyncio.sleep(0)
        facts = fleet.facts(one.ref, fleet.node(one.request.target), survey=survey)
        type_, _ = checks.choose_type(facts, one.request.type)
        target = facts.target
        if (said := one.request.source) and facts.vmi and facts.vmi.node != said:
            left_out.append(_out(one, f"it runs on {facts.vmi.node}, not on {said}"))
            continue
        if facts.vmi and target and facts.vmi.node == target.name and not staying:
            left_out.append(_out(one, f"it is on {target.name} already"))
            continue
        if target is None and (choosing or type_ is MoveType.COLD):
            target = batch.choose(facts, survey, type_)
            if target is None:
                left_out.append(_out(one, batch.why_none(facts, survey, type_)))
                continue
        move = plan.judged(one.request, fleet.facts(one.ref, target, survey=survey))
        places.append(_Place(one, target, survey, move))
        survey = survey if move.blocked else batch.seat(survey, facts, target)
    return _Seated(places, left_out, survey)


async def _judged(cluster: Cluster, places: Sequence[_Place], fleet: Fleet) -> list[Move]:
    """Each move with its findings; admission is asked about those that could run without it."""
    trials = {
        place.wanted.ref: Trial(place.wanted.ref, fleet.instances[place.wanted.ref].uid, _hostname(place.target, fleet))
        for place in places
        if place.move.type is MoveType.LIVE and not place.move.blocked
    }
    answers = dict(zip(trials, await cluster.admissions(list(trials.values())), strict=True))
    moves: list[Move] = []
    for place in places:
        await asyncio.sleep(0)
        answer = answers.get(place.wanted.ref)
        moves.append(_admitted(place, fleet, answer) if answer else place.move)
    return moves


def _admitted(place: _Place, fleet: Fleet, admission: Admission) -> Move:
    ref, request = place.wanted
    return plan.judged(request, fleet.facts(ref, place.target, survey=place.survey, admission=admission))


def _hostname(target: Node | None, fleet: Fleet) -> str | None:
    return target.hostname if target and fleet.capabilities.added_node_selector else None


def _out(one: Wanted, why: str) -> LeftOut:
    return LeftOut(namespace=one.ref.namespace, vm=one.ref.name, why=why)


def _nothing(request: BatchRequest, left_out: Sequence[LeftOut]) -> BotError:
    if request.evacuate and not left_out:
        return errors.NothingToDo(
            "nothing-there", f"No VM runs on {request.evacuate}.", "There is nothing to move away."
        )
    if request.selector and not left_out:
        return BotError("nothing-found", f"No VM has the labels {request.selector}.", "Check the labels.")
    reasons = "; ".join(f"{out.vm}: {out.why}" for out in left_out[:5])
    more = f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
    return BotError("nothing-to-move", f"None of them is to be moved: {reasons}{more}.", "Name others.")
