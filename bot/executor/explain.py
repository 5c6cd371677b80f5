"""Reading why something does not come on, while it still can be read.

What the scheduler says lives on a pod that is deleted after five minutes; so this is read as soon as something takes
long, and kept in the Record.
"""

from dataclasses import replace

from bot.diagnosis import NOT_STARTED, Cause, changed, diagnose_refusal, diagnose_start, stuck
from bot.executor.moving import Moving, vm_ref
from bot.plan import Move
from bot.progress import phase_name
from bot.record import Run
from k8s.cluster import Cluster
from k8s.errors import ClusterError, NotFound
from k8s.snapshots import Evidence, Ref


async def start(cluster: Cluster, move: Move) -> Cause | None:
    """Why a VM does not come up; None when it is up after all. Raises ClusterError."""
    evidence = await cluster.start_evidence(vm_ref(move))
    if evidence.vmi and evidence.vmi.phase == "Running":
        return None
    name = move.target.name if move.target else ""
    target = next((node for node in await cluster.nodes() if node.name == name), None)
    return diagnose_start(evidence, target) if target or not name else changed.node_gone(name)


async def wait(cluster: Cluster, move: Move, run: Run) -> Cause | None:
    """What a migration in its present phase waits for; None when it has gone on. Raises ClusterError."""
    assert run.intent is not None
    evidence = await cluster.evidence(vm_ref(move), Ref(move.namespace, run.intent.name), run.intent.uid)
    if phase_name(run) in NOT_STARTED:
        evidence = replace(evidence, queue=await cluster.queue(vm_ref(move)))
    found = stuck(await with_nodes(cluster, move, evidence), phase_name(run))
    return found and found.spoken_for(move.cli)


async def refusal(moving: Moving, error: ClusterError) -> Cause:
    """Why a step could not be taken. Raises ClusterError."""
    _, move, _ = await moving.read()
    if isinstance(error, NotFound) and await moving.cluster.vm(vm_ref(move)) is None:
        return changed.vm_deleted(move.vm)
    return diagnose_refusal(error).spoken_for(move.cli)


async def with_nodes(cluster: Cluster, move: Move, evidence: Evidence) -> Evidence:
    """The evidence with both nodes: what the scheduler says is not said of one node alone."""
    nodes = {node.name: node for node in await cluster.nodes()}
    target = nodes.get(move.target.name) if move.target else None
    return replace(evidence, target=target, source=nodes.get(move.source))
