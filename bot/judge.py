"""Reading the cluster and judging a move: once for the card, again at Confirm, again before the first write.

`judge` and `prove` raise the cluster's own errors (`k8s.errors`), which `spoken` turns into refusals with the nearest
names for whoever answers a person; and BotError where nothing of a batch is left to plan.
"""

from bot import errors, muster, plan
from bot.errors import BotError, NothingToDo
from bot.instead import type_elsewhere, with_ranking
from bot.plan import Drift, Move, Plan
from bot.ports import Entry
from bot.ranking import rank
from bot.record import Record
from bot.request import BatchRequest, MoveRequest, MoveType, Planned
from k8s import errors as k8s
from k8s.cluster import Cluster, Question
from k8s.snapshots import Facts


async def judge(cluster: Cluster, request: MoveRequest) -> tuple[Plan, Facts]:
    """Read the facts and build the plan. Where it is blocked and another node may do, all nodes are looked at too."""
    question = Question(
        vm=request.vm,
        namespace=request.namespace,
        target=request.target,
        dry_run=request.type is not MoveType.COLD,
    )
    facts = await cluster.facts(question)
    planned = plan.build(request, facts)
    move = planned.moves[0]
    type_ = type_elsewhere(facts, move.type, move.findings)
    if type_ is None:
        return planned, facts
    ranking = rank(facts, await cluster.survey(), type_, replace_rules=request.replace_rules)
    ranked = move.model_copy(update={"instead": with_ranking(move.instead, ranking, type_)})
    return planned.model_copy(update={"moves": (ranked,)}), facts


async def judge_any(cluster: Cluster, request: Planned) -> Plan:
    """The plan of one VM or of several. Raises BotError too where the VM is not where it should leave from, or there
    already: whoever asks has another VM or moment in mind."""
    if isinstance(request, BatchRequest):
        return await muster.judge(cluster, request)
    planned, facts = await judge(cluster, request)
    _check_source(request, facts)
    _check_elsewhere(facts)
    return planned


def _check_source(request: MoveRequest, facts: Facts) -> None:
    """Refuse a move that is said to leave a node on which the VM is not."""
    source, name = request.source, facts.vm.ref.name
    node = facts.vmi.node if facts.vmi else ""
    if source is None or source == node:
        return
    without = request.model_copy(update={"source": None, "reason": None})
    if source == facts.vm.ref.namespace:
        remedy = f"If {source} is meant as the namespace: {without.model_copy(update={'namespace': source})}"
    else:
        remedy = f"To move it from where it is: {without}"
    where = f"runs on {node}" if node else "does not run"
    raise BotError("not-there", f"{name} {where}, so it cannot leave {source}.", remedy)


def _check_elsewhere(facts: Facts) -> None:
    if facts.vmi and facts.target and facts.vmi.node == facts.target.name:
        raise NothingToDo(
            "already-there",
            f"{facts.vm.ref.name} is already on {facts.target.name}.",
            "No move is needed; nothing was changed.",
        )


async def prove(cluster: Cluster, current: Record) -> tuple[Plan, tuple[Drift, ...]]:
    """Read everything again: the plan as it is now, and what is no longer as it was judged.

    Namespace and type (once decided) are held to what was planned, so that a new VM of the same name elsewhere is no
    ambiguity. A VM that somebody has moved meanwhile shows as drift of its node.
    """
    if current.plan.batch:
        return await muster.prove(cluster, current.plan)
    return await prove_turn(cluster, current, 0)


async def prove_turn(cluster: Cluster, current: Record, index: int) -> tuple[Plan, tuple[Drift, ...]]:
    """Read one move of a plan again, right before its turn."""
    before, again = current.plan.moves[index], await _again(cluster, current.plan, index)
    moves = (*current.plan.moves[:index], plan.read_again(before, again), *current.plan.moves[index + 1 :])
    return current.plan.model_copy(update={"moves": moves}), plan.drift(before, again)


async def _again(cluster: Cluster, planned: Plan, index: int) -> Move:
    move = planned.moves[index]
    held = {"namespace": move.namespace} | ({} if move.undecided else {"type": move.type})
    again, _ = await judge(cluster, planned.asked(index).model_copy(update=held))
    return again.moves[0]


def drift_entry(changed: Record) -> Entry:
    """The log's line about a plan that the cluster overtook."""
    details = {"revision": changed.revision, "changes": [change.model_dump() for change in changed.drift]}
    return Entry("drifted", None, details)


async def spoken(cluster: Cluster, error: k8s.ClusterError) -> BotError:
    """The refusal that a person reads; an unknown name comes with the nearest ones that the bot may list."""
    if not isinstance(error, k8s.NotFound):
        return errors.from_cluster(error)
    kind = {"Node": "node", "Namespace": "namespace"}.get(error.kind, "VM")
    where = f" in namespace {error.namespace}" if error.namespace else ""
    try:
        known = await _known(cluster, error)
    except k8s.ClusterError:
        known = []
    return errors.unknown_name(kind, error.name, known, where=where)


async def _known(cluster: Cluster, missing: k8s.NotFound) -> list[str]:
    if missing.kind == "Node":
        return [node.name for node in await cluster.nodes()]
    if missing.kind == "Namespace":
        return list(await cluster.namespaces())
    return [ref.name for ref in await cluster.vm_names(missing.namespace or None)]
