"""What a batch does between its moves: look again at the VM whose turn it is, at those that have moved, and at how much
the cluster will carry side by side."""

from bot import progress, turns
from bot.diagnosis import Cause
from bot.executor import announce, warrant
from bot.executor.moving import Halt, Moving, vm_ref
from bot.plan import Move
from bot.ports import Entry
from bot.record import HoldReason, Record
from k8s.cluster import Cluster
from k8s.names import CONDITION_AGENT, CONDITION_READY
from k8s.snapshots import Instance, Migration

GONE = "vm-gone"
ALREADY_THERE = "already-there"


async def check_turn(moving: Moving) -> None:
    """Read the VM again whose turn it is, and whether people may still have it moved. One that is gone or there already
    is left out; one that is no longer as approved, or by whom it may be, pauses the batch. Raises Halt then."""
    current, move, _ = await moving.read()
    if why := await _nothing_left(moving.cluster, move):
        await moving.change(
            lambda newest: turns.leave_out(newest, moving.index, why), Entry("skipped", None, {"code": why.code})
        )
        return
    if objection := await warrant.objection(moving, current):
        cause, now = _not_as_approved(objection), moving.clock.now()
        await moving.change(
            lambda newest: turns.hold(newest, HoldReason.CHANGED, now, index=moving.index, cause=cause),
            Entry("paused", None, {"reason": HoldReason.CHANGED, "move": moving.index}),
        )
        raise Halt
    await announce.approved(moving, current)
    await moving.change(lambda newest: progress.advance(newest, moving.index))


async def _nothing_left(cluster: Cluster, move: Move) -> Cause | None:
    vm = await cluster.vm(vm_ref(move))
    if vm is None or vm.deleting:
        return Cause(code=GONE, what="The VM was deleted meanwhile.", remedy="There is nothing left to move.")
    vmi = await cluster.instance(vm_ref(move))
    if move.target and move.source and vmi and vmi.node == move.target.name:
        what = f"It is on {move.target.name} already; somebody else has moved it."
        return Cause(code=ALREADY_THERE, what=what, remedy="There is nothing left to do.")
    return None


def _not_as_approved(objection: str) -> Cause:
    return Cause(
        code="changed-before-its-turn",
        what=objection,
        remedy="Nothing of it was touched. Skip it, or look at what changed and have it checked again.",
    )


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
