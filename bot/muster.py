"""Reading and judging many VMs for one plan: find them, read them together, choose where each goes, ask admission.

Each VM is judged alone and against what the plan's earlier moves bring to its target. What cannot be found or moved is
left out by name, with the reason; only what makes the whole request meaningless (an unknown node) is refused.
"""

from collections.abc import Iterable, Sequence

from bot import batch, checks, errors, plan
from bot.batch import Room, Wanted
from bot.errors import BotError
from bot.plan import Drift, LeftOut, Move, Plan
from bot.request import BatchRequest, MoveRequest, MoveType
from k8s.cluster import Cluster
from k8s.fleet import Fleet, Trial
from k8s.snapshots import Node, Ref


async def judge(cluster: Cluster, request: BatchRequest) -> Plan:
    """Find, read, judge. Raises the cluster's errors, and BotError where nothing is left to plan."""
    wanted, missing = await _found(cluster, request)
    without = [_taken_out(one) for one in wanted if str(one.ref) in request.without]
    wanted = [one for one in wanted if str(one.ref) not in request.without]
    if not wanted:
        raise _nothing(request, missing)
    fleet = await _read(cluster, request, wanted)
    _check_nodes(request, wanted, fleet)
    gone = [_gone(one) for one in wanted if one.ref not in fleet.vms]
    there = [one for one in wanted if one.ref in fleet.vms]
    targets, nowhere = _targets(request, there, fleet)
    placed = [one for one in there if one.ref not in {ref for ref, _ in nowhere}]
    moves = await _judged(cluster, placed, targets, fleet)
    left_out = [*missing, *gone, *without, *(out for _, out in nowhere)]
    staying = [_already_there(move) for move in moves if _is_there(move)]
    moves = [move for move in moves if not _is_there(move)]
    if not moves:
        raise _nothing(request, [*left_out, *staying])
    return batch.laid_down(request, moves, [*left_out, *staying], fleet)


async def prove(cluster: Cluster, planned: Plan) -> tuple[Plan, tuple[Drift, ...]]:
    """Read everything again, each VM held to what was planned for it; name what is no longer so. Where something is,
    the plan that comes back is laid down anew from the request."""
    assert isinstance(planned.request, BatchRequest)
    held = [Wanted(Ref(move.namespace, move.vm), planned.asked(index)) for index, move in enumerate(planned.moves)]
    fleet = await _read(cluster, planned.request, held)
    there = [one for one in held if one.ref in fleet.vms]
    targets = {one.ref: fleet.nodes.get(one.request.target or "") for one in there}
    again = {move.key: move for move in await _judged(cluster, there, targets, fleet)}
    changes = [change for move in planned.moves for change in _changes(move, again.get(move.key))]
    if changes:
        return await judge(cluster, planned.request), tuple(changes)
    nodes = batch.carried(planned.moves, fleet.instances.values(), fleet.nodes)
    return planned.model_copy(update={"nodes": nodes}), ()


def _changes(move: Move, now: Move | None) -> Iterable[Drift]:
    if now is None:
        return (Drift(what=move.vm, before="there", now="gone"),)
    return (change.model_copy(update={"what": f"{move.vm}: {change.what}"}) for change in plan.drift(move, now))


async def _found(cluster: Cluster, request: BatchRequest) -> tuple[list[Wanted], list[LeftOut]]:
    """The VMs that are meant, in the order in which they were named; those that cannot be told apart are left out."""
    if request.evacuate:
        on_node = [vmi for vmi in await cluster.instances() if vmi.node == request.evacuate and not vmi.final]
        refs = [vmi.ref for vmi in on_node if request.namespace in (None, vmi.ref.namespace)]
        return _all_alike(request, refs), []
    if request.selector:
        return _all_alike(request, await cluster.vms_labeled(request.selector, request.namespace)), []
    return await _named(cluster, request)


def _all_alike(request: BatchRequest, refs: Iterable[Ref]) -> list[Wanted]:
    by_key = {f"{move.namespace}/{move.vm}": move for move in request.moves}
    return [Wanted(ref, by_key.get(str(ref)) or _usual(request, ref)) for ref in sorted(refs, key=str)]


def _usual(request: BatchRequest, ref: Ref) -> MoveRequest:
    return MoveRequest(
        vm=ref.name, namespace=ref.namespace, target=request.target, type=request.type, reason=request.reason
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


async def _read(cluster: Cluster, request: BatchRequest, wanted: Sequence[Wanted]) -> Fleet:
    cold = request.type is MoveType.COLD or any(one.request.type is MoveType.COLD for one in wanted)
    return await cluster.fleet([one.ref for one in wanted], cold=cold)


def _check_nodes(request: BatchRequest, wanted: Sequence[Wanted], fleet: Fleet) -> None:
    """A node that does not exist is a slip of the pen about the whole request."""
    named = [request.evacuate, request.target, *(one.request.target for one in wanted)]
    for name in filter(None, named):
        if name not in fleet.nodes:
            raise errors.unknown_name("node", name, list(fleet.nodes), where="")


def _targets(
    request: BatchRequest, wanted: Sequence[Wanted], fleet: Fleet
) -> tuple[dict[Ref, Node | None], list[tuple[Ref, LeftOut]]]:
    """Where each goes: as named, or (leaving a node, or cold) as chosen; VMs that nobody has a place for."""
    room = Room.of(fleet.nodes, fleet.instances.values())
    targets: dict[Ref, Node | None] = {}
    nowhere: list[tuple[Ref, LeftOut]] = []
    for one in sorted(wanted, key=lambda one: one.request.target is None):
        facts = fleet.facts(one.ref, fleet.nodes.get(one.request.target or ""))
        type_, _ = checks.choose_type(facts, one.request.type)
        node = facts.target
        if node is None and (request.evacuate or type_ is MoveType.COLD):
            node = room.choose(facts, type_)
            if node is None:
                out = LeftOut(namespace=one.ref.namespace, vm=one.ref.name, why=room.why_not(facts, type_))
                nowhere.append((one.ref, out))
                continue
        targets[one.ref] = node
        if node is not None:
            room.seat(facts, node)
    return targets, nowhere


async def _judged(
    cluster: Cluster, wanted: Sequence[Wanted], targets: dict[Ref, Node | None], fleet: Fleet
) -> list[Move]:
    """Each move with its findings; admission is asked about those that could run without it."""
    bare = {one.ref: plan.judged(one.request, fleet.facts(one.ref, targets[one.ref])) for one in wanted}
    trials = [
        Trial(ref, fleet.instances[ref].uid, _hostname(targets[ref], fleet))
        for ref, move in bare.items()
        if move.type is MoveType.LIVE and not move.blocked
    ]
    answers = dict(zip([trial.vm for trial in trials], await cluster.admissions(trials), strict=True))
    return [plan.judged(one.request, fleet.facts(one.ref, targets[one.ref], answers.get(one.ref))) for one in wanted]


def _hostname(target: Node | None, fleet: Fleet) -> str | None:
    return target.hostname if target and fleet.capabilities.added_node_selector else None


def _is_there(move: Move) -> bool:
    return move.target is not None and move.source == move.target.name


def _already_there(move: Move) -> LeftOut:
    return LeftOut(namespace=move.namespace, vm=move.vm, why=f"it is on {move.target_name} already")


def _taken_out(one: Wanted) -> LeftOut:
    return LeftOut(namespace=one.ref.namespace, vm=one.ref.name, why="somebody took it out of the plan")


def _gone(one: Wanted) -> LeftOut:
    return LeftOut(namespace=one.ref.namespace, vm=one.ref.name, why="no VM of that name")


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
