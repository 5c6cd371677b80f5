"""The steps of a cold move.

stop → gone → start → arrive → verify, or, once something has turned it homeward, stop → gone → return → arrive →
verify. What the VM had is in the store before the first write and on the VM with it. A step may be taken up at any
point: each looks at the VM before it writes. What somebody else changed on the stopped VM is never overwritten: the
VM gets its old placement back, is started, and the report says what changed.
"""

from collections.abc import AsyncIterator

from bot import calling_off, cold, progress
from bot.diagnosis import Cause
from bot.executor import ending
from bot.executor.moving import Moving, NotYet, Outdated, vm_ref
from bot.executor.prove import still_holds
from bot.plan import Move, has_approved_rules
from bot.ports import Entry
from bot.record import Originals, Record, Run
from k8s import cold as writes
from k8s.cold import Note
from k8s.errors import Conflict, NotFound
from k8s.snapshots import Instance, Ref, VirtualMachine, VmView
from k8s.steps import LATE_SECONDS


async def stop(moving: Moving) -> None:
    """Note the originals on the VM and stop it; on the way home, or to another node, only stop it."""
    current, move, run = await moving.read()
    if run.homeward and await _is_untouched(moving, move, run):
        await ending.end(moving, await ending.not_done(moving, run.homeward), "nothing was written")
        return
    if _is_stopped_anew(run):
        now = moving.clock.now()
        await moving.change(lambda newest: cold.stopping(newest, moving.index, now), Entry("stopping again"))
        await moving.write(writes.stop_again(moving.cluster, vm_ref(move), _note(moving, current, move, run)))
    else:
        note = await _begin(moving, "stopping")
        await moving.write(writes.stop(moving.cluster, vm_ref(move), note))
    await moving.change(lambda newest: progress.advance(newest, moving.index), Entry("told to stop"))


async def gone(moving: Moving) -> None:
    """Wait until the VMI and its launcher pod are gone; both still hold the disks."""
    _, move, run = await moving.read()
    assert run.originals is not None
    ref = vm_ref(move)
    if run.stop_forced:
        await moving.write(writes.force_stop(moving.cluster, ref))
        await moving.change(lambda newest: newest, Entry("forced to stop"))
    async with moving.cluster.follow_vm(ref) as views:
        async for view in views:
            if view.vmi is None or (not _is_stopped_anew(run) and view.vmi.uid != run.originals.vmi_uid):
                break
    if await moving.cluster.launchers(ref):
        raise NotYet("the virt-launcher pod is still there")
    now = moving.clock.now()
    await moving.change(lambda newest: cold.gone(newest, moving.index, now), Entry("gone"))


async def start(moving: Moving) -> None:
    """Pin and start, in one patch. Somebody else's change turns the VM home."""
    current, move, run = await moving.read()
    now = moving.clock.now()
    await moving.change(lambda newest: cold.starting(newest, moving.index, now), Entry("starting"))
    try:
        await moving.write(writes.start(moving.cluster, vm_ref(move), _note(moving, current, move, run)))
    except Conflict as changed:
        if changed.temporary:
            raise
        cause = _changed_meanwhile(changed)
        await moving.change(lambda newest: cold.turn_home(newest, moving.index, cause), Entry("turned home"))
    else:
        await moving.change(lambda newest: progress.advance(newest, moving.index), Entry("told to start"))


async def go_home(moving: Moving) -> None:
    """Give the VM back what it had and start it."""
    current, move, run = await moving.read()
    now = moving.clock.now()
    await moving.change(lambda newest: cold.starting(newest, moving.index, now), Entry("going home"))
    await moving.write(writes.go_home(moving.cluster, vm_ref(move), _note(moving, current, move, run)))
    await moving.change(lambda newest: progress.advance(newest, moving.index), Entry("told to start at home"))


async def arrive(moving: Moving) -> None:
    """Watch the VM come up; where it does not, a sweep asks people."""
    _, move, run = await moving.read()
    assert run.originals is not None
    async with moving.cluster.follow_vm(vm_ref(move)) as views:
        await _until_up(views, run.originals.vmi_uid, vm_ref(move))
    now = moving.clock.now()
    await moving.change(lambda newest: cold.up(newest, moving.index, now), Entry("up"))


async def place(moving: Moving) -> None:
    """Pin a VM that does not run."""
    _, move, _ = await moving.read()
    note = await _begin(moving, "placing")
    await moving.write(writes.place(moving.cluster, vm_ref(move), note))
    await ending.end(moving, ending.result(None, cause=None))


async def verify(moving: Moving) -> None:
    """Read where the VM runs and end the move with the truth."""
    _, move, run = await moving.read()
    vmi = await moving.cluster.instance(vm_ref(move))
    cause = _at_home(run.homeward, vmi) if run.homeward else _cause(move, vmi)
    await ending.end(moving, ending.result(vmi, cause, run.stopping_since, run.up_since))


def _is_stopped_anew(run: Run) -> bool:
    """Whether what is stopped was started by this very move, and not what it found."""
    return bool(run.homeward or run.elsewhere)


async def _begin(moving: Moving, kind: str) -> Note:
    """Note what the VM has, right before the first write. One that an earlier try has noted and that has not come to
    the VM is judged anew. Raises Outdated where it may not be made any more."""
    current, move, run = await moving.read()
    if run.originals:
        vm = await moving.cluster.vm(vm_ref(move))
        if vm and _bears_our_note(moving, vm):
            return _note(moving, current, move, run)
        await _judge_anew(moving, run.originals)
    originals, now = await _originals(moving, move), moving.clock.now()
    details = {"originals": originals.model_dump(mode="json")}
    begun = await moving.change(
        lambda newest: cold.begin(newest, moving.index, originals, now), Entry(kind, None, details)
    )
    return _note(moving, begun, move, begun.runs[moving.index])


async def _judge_anew(moving: Moving, tried: Originals) -> None:
    try:
        await still_holds(moving)
    except Outdated:
        _wait_for_late_write(moving, tried)
        raise


async def _is_untouched(moving: Moving, move: Move, run: Run) -> bool:
    """Whether a move that turned home has never changed the VM: it runs on as it did, without our note.

    Raises NotYet while a first write that was never answered may still arrive.
    """
    if run.originals is None or run.down_since or run.elsewhere:
        return False
    vm, vmi = await moving.cluster.vm(vm_ref(move)), await moving.cluster.instance(vm_ref(move))
    if vm is None or vmi is None or _bears_our_note(moving, vm) or not _is_as_found(run.originals, vm, vmi):
        return False
    if run.called_off or run.stopped_at != run.started_at:  # else its only try was answered: refused
        _wait_for_late_write(moving, run.originals)
    return True


def _wait_for_late_write(moving: Moving, tried: Originals) -> None:
    """Raises NotYet while it may still arrive."""
    if tried.noted_at and (moving.clock.now() - tried.noted_at).total_seconds() < LATE_SECONDS:
        raise NotYet("the first write may still arrive")


def _bears_our_note(moving: Moving, vm: VirtualMachine) -> bool:
    """Whether the first write has come to the VM."""
    note = writes.read_note(vm)
    return note is not None and note.plan == moving.plan_id


def _is_as_found(had: Originals, vm: VirtualMachine, vmi: Instance) -> bool:
    same = (vm.run_strategy, vm.running, vmi.uid) == (had.run_strategy, had.running, had.vmi_uid)
    return same and not vmi.deleting


async def _originals(moving: Moving, move: Move) -> Originals:
    vm = await writes.existing(moving.cluster, vm_ref(move))
    vmi = await moving.cluster.instance(vm_ref(move))
    if move.replaces and not has_approved_rules(move, vm):
        raise Conflict("the VM's rules have changed since people chose to replace them")
    assert move.target is not None
    noted = writes.note_for(vm, plan=moving.plan_id, epoch=moving.epoch, hostname=move.target.hostname)
    return Originals(
        vm_uid=vm.uid,
        vmi_uid=vmi.uid if vmi else "",
        run_strategy=vm.run_strategy,
        running=vm.running,
        affinity=noted.affinity,
        node_selector=noted.node_selector,
        grace_seconds=vmi.grace_seconds if vmi else 0,
    )


def _note(moving: Moving, current: Record, move: Move, run: Run) -> Note:
    assert run.originals is not None
    assert move.target is not None
    had, keys = run.originals, move.replaces.selector_keys if move.replaces else ()
    return Note(
        current.id,
        moving.epoch,
        had.run_strategy,
        had.running,
        had.affinity,
        move.target.hostname,
        node_selector=had.node_selector,
        dropped={key: value for key, value in (had.node_selector or {}).items() if key in keys},
        terms_replaced=move.replaces is not None and move.replaces.node_terms,
    )


async def _until_up(views: AsyncIterator[VmView], old_uid: str, ref: Ref) -> None:
    """Running is up; Ready may take as long as the guest's own probes do, and is reported as it is.

    Raises NotFound when the VM has been deleted.
    """
    view = await anext(views)
    while not view.vmi or view.vmi.uid == old_uid or view.vmi.phase != "Running":
        if view.vm is None:
            raise NotFound("VirtualMachine", ref.name, ref.namespace)
        view = await anext(views)
    await ending.settle(view, views, lambda seen: ending.is_ready(seen.vmi))


def _at_home(why: Cause, vmi: Instance | None) -> Cause:
    stays_down = why.code == progress.CALLED_OFF and not ending.is_running(vmi)
    return calling_off.called_off_and_down() if stays_down else why


def _cause(move: Move, vmi: Instance | None) -> Cause | None:
    if vmi and move.target and vmi.node == move.target.name:
        return None
    where = f"on {vmi.node}" if vmi else "not running"
    return Cause(
        code="wrong-node",
        what=f"The VM is {where}, not on {move.target_name}.",
        remedy="Look at the VM before you move it again.",
    )


def _changed_meanwhile(conflict: Conflict) -> Cause:
    return Cause(
        code="changed-meanwhile",
        what="Somebody changed the VM's rules while it was stopped, so it was not pinned.",
        remedy="It has its own placement back. Look at what was changed, then plan again.",
        evidence=(conflict.message,),
    )
