"""Reading and judging many VMs for one plan: find them, read them together, choose where each goes, ask admission.

Each VM is judged alone and against what the plan's earlier moves bring to its target. What cannot be found or moved is
left out by name, with the reason; only what makes the whole request meaningless (an unknown node) is refused.
"""

from collections.abc import Iterable, Sequence

from bot import batch, errors, plan
from bot.batch import Wanted
from bot.errors import BotError
from bot.muster.found import found
from bot.muster.seats import left_out, seated
from bot.plan import Drift, LeftOut, Move, Plan
from bot.request import BatchRequest
from k8s.cluster import Cluster
from k8s.fleet import Fleet
from k8s.snapshots import Ref


async def judge(cluster: Cluster, request: BatchRequest) -> Plan:
    """Find, read, judge. Raises the cluster's errors, and BotError where nothing is left to plan."""
    wanted, missing = await found(cluster, request)
    without = [left_out(one, "somebody took it out of the plan") for one in wanted if str(one.ref) in request.without]
    wanted = [one for one in wanted if str(one.ref) not in request.without]
    if not wanted:
        raise _nothing(request, missing)
    fleet = await cluster.fleet([one.ref for one in wanted])
    _check_nodes(request, wanted, fleet)
    gone = [left_out(one, "no VM of that name") for one in wanted if one.ref not in fleet.vms]
    there = _lined_up(request, [one for one in wanted if one.ref in fleet.vms], fleet)
    places = await seated(cluster, there, fleet, choosing=request.evacuate is not None)
    out = [*missing, *gone, *without, *places.left_out]
    if not places.moves:
        raise _nothing(request, out)
    return batch.laid_down(request, places.moves, out, fleet, places.after)


async def prove(cluster: Cluster, planned: Plan) -> tuple[Plan, tuple[Drift, ...]]:
    """Read everything again, each VM held to what was planned for it: the plan as it is now, and what is no longer so.
    Where something is, the plan is laid down anew from the request. Raises BotError where nothing is left of it."""
    assert isinstance(planned.request, BatchRequest)
    held = [Wanted(Ref(move.namespace, move.vm), planned.asked(index)) for index, move in enumerate(planned.moves)]
    fleet = await cluster.fleet([one.ref for one in held])
    there = [one for one in held if one.ref in fleet.vms]
    places = await seated(cluster, there, fleet, choosing=False, staying=True)
    again = {move.key: move for move in places.moves}
    changes = [change for move in planned.moves for change in _changes(move, again.get(move.key))]
    if changes:
        return await judge(cluster, planned.request), tuple(changes)
    moves = tuple(plan.read_again(move, again[move.key]) for move in planned.moves)
    nodes = batch.shifts(moves, fleet.survey, places.after)
    return planned.model_copy(update={"moves": moves, "nodes": nodes}), ()


def _changes(move: Move, now: Move | None) -> Iterable[Drift]:
    if now is None:
        return (Drift(what=move.vm, before="there", now="gone"),)
    return (change.model_copy(update={"what": f"{move.vm}: {change.what}"}) for change in plan.drift(move, now))


def _check_nodes(request: BatchRequest, wanted: Sequence[Wanted], fleet: Fleet) -> None:
    """A node that does not exist is a slip of the pen about the whole request."""
    named = [request.evacuate, request.target, *(one.request.target for one in wanted)]
    for name in filter(None, named):
        if fleet.node(name) is None:
            raise errors.unknown_name("node", name, [node.name for node in fleet.survey.nodes])


def _lined_up(request: BatchRequest, wanted: Sequence[Wanted], fleet: Fleet) -> list[Wanted]:
    """In the order in which they will run."""
    return list(wanted) if request.as_listed else sorted(wanted, key=lambda one: batch.turn_key(one, fleet))


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
