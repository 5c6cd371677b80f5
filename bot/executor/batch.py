"""What a batch does between its moves: look at the VMs that have moved, and at how much the cluster will carry side by
side."""

from bot import turns
from bot.executor.moving import Moving, vm_ref
from bot.plan import Move
from bot.record import Record
from k8s.cluster import Cluster
from k8s.names import CONDITION_AGENT, CONDITION_READY
from k8s.snapshots import Instance, Migration


async def look(moving: Moving) -> None:
    """Whether a VM that has moved is well: Ready, with its guest agent where it had one."""
    _, move, _ = await moving.read()
    vmi = await moving.cluster.instance(vm_ref(move))
    now, healthy = moving.clock.now(), is_healthy(move, vmi)
    await moving.change(lambda newest: turns.looked_at(newest, moving.index, now, healthy=healthy))


def is_healthy(move: Move, vmi: Instance | None) -> bool:
    """As far as the VMI tells. A VM that was stopped before is as it should be."""
    if not move.source:
        return True
    wanted = (CONDITION_READY, CONDITION_AGENT) if move.agent else (CONDITION_READY,)
    return vmi is not None and all(vmi.holds(kind) for kind in wanted)


async def room(cluster: Cluster, current: Record, beginning: tuple[int, ...]) -> tuple[int, ...]:
    """Of the moves that may begin, those that the cluster carries at once: its own limits minus what runs already,
    whoever started it. One that begins alone needs no asking: the cluster lets it wait."""
    if not beginning or (len(beginning) == 1 and not turns.under_way(current)):
        return beginning
    running, can = await cluster.running_migrations(), await cluster.capabilities()
    free = can.migrations_at_once - len(running)
    fitting: list[int] = []
    for index in beginning:
        source = current.plan.moves[index].source
        leaving = sum(_leaves(current, one, source) for one in running)
        leaving += sum(current.plan.moves[other].source == source for other in fitting)
        if len(fitting) >= free or leaving >= can.migrations_from_node:
            break
        fitting.append(index)
    alone = () if turns.under_way(current) else beginning[:1]
    return tuple(fitting) or alone


def _leaves(current: Record, running: Migration, source: str) -> bool:
    """Whether a migration leaves that node. One that does not say yet leaves it if it is ours from there; of others
    the worst is assumed."""
    if running.state and running.state.source_node:
        return running.state.source_node == source
    ours = {(move.namespace, move.vm): move.source for move in current.plan.moves}
    return ours.get((running.ref.namespace, running.vmi_name), source) == source
