"""A live move to a chosen node where KubeVirt cannot be told the node (before 1.6).

Also the other way round: a pin that an earlier move has left is taken off before the migration, which it would hold.

A pin on the VM reaches its VMI at once under LiveUpdate and moves nothing by itself; the migration that follows obeys
it (recorded: affinity-liveupdate). The pin carries the same note as that of a cold move, so that what the VM had is on
the object, and it goes again before the move is reported, however it ended. Each function may be taken twice.
"""

import contextlib

from bot import cold
from bot.executor.moving import Moving, vm_ref
from bot.plan import Move
from bot.ports import Entry
from k8s import cold as writes
from k8s.errors import Conflict, NotFound
from k8s.note import note_for


async def lead(moving: Moving, move: Move) -> None:
    """Pin the VM to the target and wait until its guest's rules say so too. Raises a ClusterError where they do not."""
    assert move.target is not None
    vm = await writes.existing(moving.cluster, vm_ref(move))
    note = note_for(vm, plan=moving.plan_id, epoch=moving.epoch, hostname=move.target.hostname)
    await moving.write(writes.lead(moving.cluster, vm_ref(move), note))


async def free(moving: Moving, move: Move, plan: str) -> None:
    """Take off the pin that this earlier plan has left, which would hold the VM, and note it there.

    Raises a ClusterError where the guest that runs keeps it: then nothing may be migrated.
    """
    freed = await moving.write(writes.unpin(moving.cluster, vm_ref(move), plan=plan))
    now = moving.clock.now()
    by = Entry("pin", None, {"removed by": moving.plan_id})
    await moving.tell(plan, lambda other: cold.pin_gone(other, move.key, now, effective=freed.effective), by)
    if not freed.effective:
        raise Conflict("the VM that runs keeps an older pin of ours until its next restart")


async def release(moving: Moving, move: Move) -> None:
    """Give the VM its own rules back; nothing to do where this move has not pinned it, or it is gone."""
    if move.led:
        with contextlib.suppress(NotFound):
            await moving.write(writes.unpin(moving.cluster, vm_ref(move), plan=moving.plan_id))
