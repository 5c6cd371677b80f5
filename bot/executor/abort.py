"""Calling off a live move in the cluster: the VMIM is deleted, and KubeVirt aborts what it still can.

Before the hand-over it ends at once; from then on KubeVirt stops the copy when it comes to it, and the move may succeed
all the same. Once the guest runs on the target (post-copy) nothing is deleted: half of its memory is there already
(kubevirt pkg/virt-controller/watch/migration, pkg/virt-launcher/virtwrap/live-migration-source.go; recorded:
live-cancelled-scheduling, live-cancelled-running).
"""

from bot import calling_off, progress
from bot.diagnosis import diagnose_refusal
from bot.executor.moving import Moving, vm_ref
from bot.plan import Move
from bot.ports import Entry
from bot.record import CalledOff, Run
from k8s.errors import ClusterError
from k8s.snapshots import Instance, Ref

POST_COPY = "PostCopy"
"""`migrationState.mode` (kubevirt.io/api core/v1 types.go)."""


async def ask(moving: Moving, move: Move, run: Run) -> None:
    """Delete the VMIM of a move that somebody called off; once, and never after the hand-over of the guest.

    Raises ClusterError while the cluster is away.
    """
    assert run.intent is not None
    name, wish = Ref(move.namespace, run.intent.name), run.called_off
    found = await moving.cluster.migration(name)
    if wish is None or found is None or found.final or found.deleting:
        return
    if is_post_copy(await moving.cluster.instance(vm_ref(move)), found.uid):
        await moving.change(lambda now: progress.no_way_back(now, moving.index), Entry("too late to cancel"))
        return
    await _delete(moving, name, run.intent.uid or found.uid, wish)


async def _delete(moving: Moving, name: Ref, uid: str, wish: CalledOff) -> None:
    try:
        await moving.write(moving.cluster.delete_migration(name, uid))
    except ClusterError as error:
        if error.temporary:
            raise
        cause = diagnose_refusal(error)
        entry = Entry("cancel refused", None, {"code": cause.code})
        await moving.change(lambda now: calling_off.refused(now, moving.index, cause), entry)
    else:
        await moving.change(lambda now: now, Entry("abort asked for", wish.actor, {"migration": name.name}))


def is_post_copy(vmi: Instance | None, migration_uid: str) -> bool:
    """Whether that migration has started the guest on the target."""
    state = vmi.migration if vmi else None
    return state is not None and state.uid == migration_uid and state.mode == POST_COPY
