"""Which VMs are meant: by name, by label, or by the node that they run on."""

from collections.abc import Iterable, Sequence

from bot import errors
from bot.batch import Wanted
from bot.plan import LeftOut
from bot.request import BatchRequest, MoveRequest
from k8s.cluster import Cluster
from k8s.snapshots import Ref


async def found(cluster: Cluster, request: BatchRequest) -> tuple[list[Wanted], list[LeftOut]]:
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
    known_as: dict[Ref, Wanted] = {}
    missing: list[LeftOut] = []
    for move in request.moves:
        namespace = move.namespace or request.namespace
        refs = [Ref(namespace, move.vm)] if namespace else [ref for ref in known if ref.name == move.vm]
        if len(refs) == 1:
            kept = {"namespace": refs[0].namespace, "target": move.target or request.target}
            kept["type"] = move.type or request.type
            known_as.setdefault(refs[0], Wanted(refs[0], move.model_copy(update=kept)))
        else:
            missing.append(_unclear(move, refs, known))
    return list(known_as.values()), missing


def _unclear(move: MoveRequest, refs: Sequence[Ref], known: Iterable[Ref]) -> LeftOut:
    if refs:
        names = ", ".join(str(ref) for ref in refs[:4])
        return LeftOut(namespace="", vm=move.vm, why=f"several VMs are called that: {names}", remedy="Say which one.")
    unknown = errors.unknown_name("VM", move.vm, [ref.name for ref in known], where="")
    return LeftOut(namespace="", vm=move.vm, why="no VM of that name", remedy=unknown.remedy)
