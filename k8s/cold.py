"""The writes of a cold move, each safe to take twice and safe to be killed in.

The first write is one JSON patch that puts a Note (what the VM had) into an annotation and, where the run strategy
would start the VM again by itself, halts it: from the first moment the originals are on the object. Pin and strategy
come back in one patch too; the change of strategy itself starts the VM (recorded: strategy-always, strategy-once,
strategy-running-true). `Once` survives this way, through the stop and start endpoints it would become `Always`.
Manual and RerunOnFailure are stopped and started by their endpoints, which leave the strategy alone; after such a stop
nothing but the start endpoint starts them again (recorded: cold-manual, cold-rerunonfailure).

Every function reads, decides, and writes only if what it read still stands. A race with somebody's harmless change is
decided anew, at once or later (Busy); a change that contradicts the move is a Conflict and is never overwritten. An
owner with a newer epoch takes the note over with its first write; from then on an older one is refused.

None of them waits: a stop is over when the VMI and its launchers are gone, a start when the VMI runs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from k8s.cluster import Cluster
from k8s.errors import Busy, Conflict, InFlight, NotFound
from k8s.managed import Managed, managed, patch
from k8s.names import BY_CALL, CONDITION_RESTART_REQUIRED, SELF_STARTING
from k8s.note import Note, note_for, parse_note, read_note
from k8s.snapshots import Instance, Ref, VirtualMachine

__all__ = [
    "Note",
    "Unpinned",
    "force_stop",
    "go_home",
    "lead",
    "note_for",
    "place",
    "read_note",
    "start",
    "stop",
    "stop_again",
    "unpin",
]

LOOKS: Final = (0.0, 0.1, 0.4, 1.0, 2.0)
"""Seconds to wait before each look whether a VMI has followed its VM (recorded: affinity-liveupdate, 0.03 s)."""

_START: Final = "Start"
"""In a VM's state changes: it was asked to start, and has no VMI yet (recorded: cold-manual)."""

_TRIES: Final = 3
"""Attempts to write what others change at the same moment."""

Sleep = Callable[[float], Awaitable[None]]
_Decide = Callable[[Managed], Managed]


@dataclass(frozen=True, slots=True)
class Unpinned:
    """What became of a pin."""

    found: bool
    """Whether there was a note of ours."""
    effective: bool
    """Whether the guest that runs is free of the pin already. If not, it will be after its next restart."""


async def stop(cluster: Cluster, ref: Ref, note: Note, *, sleep: Sleep = asyncio.sleep) -> None:
    """Put the note on the VM and stop it; a pin of an older plan goes with the same patch.

    Raises Conflict when the VM is not what the note says, or was started again by somebody; InFlight when it is being
    migrated (stopping it would kill that, recorded: errors); NotFound.
    """

    def decide(now: Managed) -> Managed:
        begun = _is_begun(now, note)
        if begun and _halts(note) and not now.is_halted:
            raise Conflict("somebody has started the VM while it was being stopped")
        kept = now if begun else _without_older_pin(now)
        return _noted(kept.halted() if _halts(note) else kept, _so_far(now, note))

    vm = await existing(cluster, ref)
    if not _is_begun(managed(vm), note):
        await _refuse_while_migrating(cluster, ref)
    await _write(cluster, vm, decide)
    await _stop_by_call(cluster, ref, note, sleep)


async def stop_again(cluster: Cluster, ref: Ref, note: Note, *, sleep: Sleep = asyncio.sleep) -> None:
    """Stop a VM that was started for the target and has to go home, or to another one.

    A note that names another target takes the place of the one on the VM, and the old pin goes with the same patch:
    the rules of the VM are always the originals, or those with the pin that its note names. Raises Conflict when it is
    not ours to stop.
    """

    def decide(now: Managed) -> Managed:
        found = _ours_or_none(now, note)
        if found and found.hostname != note.hostname:
            now = replace(_unpinned(now, found), note=replace(found, dropped={}).text())
        if _halts(note) and not now.is_halted:
            if not _has_strategy(now, note):
                raise Conflict("somebody has changed the run strategy of the VM")
            now = now.halted()
        return _noted(now, _so_far(now, note)) if found else now

    await _write(cluster, await existing(cluster, ref), decide)
    await _stop_by_call(cluster, ref, note, sleep)


async def force_stop(cluster: Cluster, ref: Ref) -> None:
    """Cut the guest's shutdown short, as pulling the plug (recorded: stuck-stop). Only after somebody chose it.

    Raises Conflict when the VM is not being stopped: then this is not the guest about which somebody was asked.
    """
    vmi = await cluster.instance(ref)
    if vmi is None or vmi.final or (vmi.deleting and vmi.grace_seconds == 0):
        return
    if not vmi.deleting:
        raise Conflict("the VM is not being stopped")
    try:
        await cluster.call_vm(ref, "stop", {"gracePeriod": 0})
    except Conflict:
        still = await cluster.instance(ref)
        if still is not None and still.uid == vmi.uid and not still.final:
            raise


async def start(cluster: Cluster, ref: Ref, note: Note) -> None:
    """Pin the stopped VM and give it its strategy back, in one patch; start it where that does not.

    Raises Conflict when the note is gone, or somebody has changed the affinity or the run strategy meanwhile.
    """

    def decide(now: Managed) -> Managed:
        if _ours_or_none(now, note) is None:
            raise Conflict("somebody has removed our note from the VM")
        if _has_other_rules(now, note):
            raise Conflict("somebody has changed the affinity or the node selector of the VM while it was stopped")
        if not now.is_halted and not _has_strategy(now, note):
            raise Conflict("somebody has changed the run strategy of the VM while it was stopped")
        return _noted(_pinned(_with_strategy(now, note), note), note)

    await _write(cluster, await existing(cluster, ref), decide)
    await _start_by_call(cluster, ref, note)


async def place(cluster: Cluster, ref: Ref, note: Note) -> None:
    """Pin a VM that does not run; it stays as it is. Raises Conflict when it runs, or is not what the note says."""

    vm = await existing(cluster, ref)
    if _is_up(await cluster.instance(ref)):
        raise Conflict("somebody has started the VM")
    await _write(cluster, vm, _pinning(note))


async def lead(cluster: Cluster, ref: Ref, note: Note, *, sleep: Sleep = asyncio.sleep) -> None:
    """Pin a VM that runs, so that a migration without a target goes to that node; `unpin` takes it off again.

    Raises Conflict when the VM is not what the note says, or the pin does not reach the guest that runs (under Stage,
    or where a restart is due; then nothing may be migrated); InFlight while it migrates: the pin would not reach it.
    """

    vm = await existing(cluster, ref)
    if not _is_begun(managed(vm), note):
        await _refuse_while_migrating(cluster, ref)
    await _write(cluster, vm, _pinning(note))
    if not await _is_effective(cluster, ref, sleep):
        raise Conflict("the pin does not reach the VM that runs, so it would be moved anywhere")


async def go_home(cluster: Cluster, ref: Ref, note: Note) -> None:
    """Give a stopped VM back what it had, without a trace of us, and start it. Any node that it allows may get it.

    What others have changed meanwhile stays. Works from `note` where the one on the VM was removed: a VM that we
    halted must not stay so. Raises Conflict when it is another plan's or a newer owner's by now.
    """

    def decide(now: Managed) -> Managed:
        found = _ours_or_none(now, note)
        back = _with_strategy(now, note) if now.is_halted else now
        return _without_note(_unpinned(back, found or note))

    await _write(cluster, await existing(cluster, ref), decide)
    await _start_by_call(cluster, ref, note)


async def unpin(cluster: Cluster, ref: Ref, *, plan: str | None = None, sleep: Sleep = asyncio.sleep) -> Unpinned:
    """Take our pin and note off a VM, and look for a moment whether the guest that runs is free of it.

    With `plan`, only the pin of that plan. Raises NotFound.
    """
    found = False

    def decide(now: Managed) -> Managed:
        nonlocal found
        note = parse_note(now.note)
        if note is None or plan not in (None, note.plan):
            return now
        found = True
        return _without_note(_unpinned(now, note))

    await _write(cluster, await existing(cluster, ref), decide)
    return Unpinned(found, await _is_effective(cluster, ref, sleep))


async def _is_effective(cluster: Cluster, ref: Ref, sleep: Sleep) -> bool:
    """Whether what runs has the VM's affinity. `observedGeneration` would not tell (recorded: affinity-liveupdate).

    The pin is in the affinity alone; a node selector that comes back with it follows in the same way.
    """
    for pause in LOOKS:
        await sleep(pause)
        vm, vmi = await existing(cluster, ref), await cluster.instance(ref)
        if vmi is None or not _is_up(vmi) or (vmi.placement.affinity or None) == (vm.placement.affinity or None):
            return True
        if vm.holds(CONDITION_RESTART_REQUIRED):
            return False
    return False


async def existing(cluster: Cluster, ref: Ref) -> VirtualMachine:
    """The VM. Raises NotFound."""
    vm = await cluster.vm(ref)
    if vm is None:
        raise NotFound("VirtualMachine", ref.name, ref.namespace)
    return vm


async def _write(cluster: Cluster, vm: VirtualMachine, decide: _Decide) -> None:
    """Write what `decide` makes of the VM. It may raise; after a race it is asked again with what is there then.

    Raises Busy where each try met another race.
    """
    tries = 0
    while operations := patch(vm, decide(managed(vm))):
        tries += 1
        try:
            await cluster.patch_vm(vm.ref, operations)
        except Conflict as race:
            if tries == _TRIES:
                raise Busy(race.message) from race
        else:
            return
        vm = await existing(cluster, vm.ref)


async def _refuse_while_migrating(cluster: Cluster, ref: Ref) -> None:
    for migration in await cluster.migrations(ref):
        if not migration.final:
            raise InFlight(f"migration {migration.ref.name} of this VM has not ended", uid=migration.uid)


async def _stop_by_call(cluster: Cluster, ref: Ref, note: Note, sleep: Sleep) -> None:
    if note.run_strategy not in BY_CALL or not _is_up(await _started(cluster, ref, sleep)):
        return
    try:
        await cluster.call_vm(ref, "stop")
    except Conflict:
        if _is_up(await cluster.instance(ref)):
            raise


async def _started(cluster: Cluster, ref: Ref, sleep: Sleep) -> Instance | None:
    """The VMI, the one also for which a start was asked a moment ago: only that can be stopped, not the request."""
    for pause in LOOKS:
        await sleep(pause)
        vm, vmi = await existing(cluster, ref), await cluster.instance(ref)
        if vmi is not None or _START not in vm.state_changes:
            return vmi
    raise Busy("the VM is being started and cannot be stopped yet")


async def _start_by_call(cluster: Cluster, ref: Ref, note: Note) -> None:
    """Start it where it neither runs nor is about to. Raises Busy: "VM is already running" is also said of one that
    still stops."""
    if note.run_strategy not in BY_CALL:
        return
    vm, vmi = await existing(cluster, ref), await cluster.instance(ref)
    if _START in vm.state_changes or _is_up(vmi):
        return
    try:
        await cluster.call_vm(ref, "start")
    except Conflict as unready:
        if not _is_up(await cluster.instance(ref)):
            raise Busy(unready.message) from unready


def _is_up(vmi: Instance | None) -> bool:
    return vmi is not None and not vmi.deleting and not vmi.final


def _is_begun(now: Managed, note: Note) -> bool:
    """Whether this plan has written its note. Raises Conflict when a newer owner has, or the VM is not as it was."""
    found = parse_note(now.note)
    if found is not None and found.plan == note.plan:
        return _ours_or_none(now, note) is not None
    if not _has_strategy(now, note) or not _is_original(_without_older_pin(now), note):
        raise Conflict("the run strategy or the placement of the VM has changed since the move was planned")
    return False


def _pinning(note: Note) -> _Decide:
    """Put the note and its pin on a VM as it is."""

    def decide(now: Managed) -> Managed:
        begun = _is_begun(now, note)
        if begun and _has_other_rules(now, note):
            raise Conflict("somebody has changed the affinity or the node selector of the VM")
        return _noted(_pinned(now if begun else _without_older_pin(now), note), note)

    return decide


def _is_original(now: Managed, note: Note) -> bool:
    """Whether it has the rules of the note. The node selector counts where the move replaces rules: a pin that only
    narrows stands beside any."""
    return now.affinity == note.affinity and (not note.replaces or now.node_selector == note.node_selector)


def _has_other_rules(now: Managed, note: Note) -> bool:
    """Whether its rules are neither those of the note, nor those with our pin."""
    selectors = (note.node_selector, note.pinned_selector(note.node_selector))
    return now.affinity not in (note.affinity, note.pinned()) or (note.replaces and now.node_selector not in selectors)


def _pinned(now: Managed, note: Note) -> Managed:
    return replace(now, affinity=note.pinned(), node_selector=note.pinned_selector(now.node_selector))


def _unpinned(now: Managed, note: Note) -> Managed:
    return replace(now, affinity=note.unpinned(now.affinity), node_selector=note.unpinned_selector(now.node_selector))


def _without_older_pin(now: Managed) -> Managed:
    found = parse_note(now.note)
    return _unpinned(now, found) if found else now


def _ours_or_none(now: Managed, note: Note) -> Note | None:
    """The note on the VM, if it is this plan's. Raises Conflict when it is another plan's, or a newer owner's."""
    found = parse_note(now.note)
    if found is not None and found.plan != note.plan:
        raise Conflict(f"plan {found.plan} has taken the VM over")
    if found is not None and found.epoch > note.epoch:
        raise Conflict("a newer owner of this plan has taken the VM over")
    return found


def _halts(note: Note) -> bool:
    """Whether the VM is stopped by its strategy, and started again by it."""
    return note.run_strategy in SELF_STARTING or note.running is True


def _has_strategy(now: Managed, note: Note) -> bool:
    return (now.run_strategy, now.running) == (note.run_strategy, note.running)


def _with_strategy(now: Managed, note: Note) -> Managed:
    return replace(now, run_strategy=note.run_strategy, running=note.running)


def _so_far(now: Managed, note: Note) -> Note:
    """The note before the pin is written: nothing more is dropped than the one on the VM says already. So a key that
    somebody takes away meanwhile is not taken for one of ours."""
    found = parse_note(now.note)
    return replace(note, dropped=found.dropped if found and found.plan == note.plan else {})


def _noted(now: Managed, note: Note) -> Managed:
    return replace(now, note=note.text(), label=note.plan)


def _without_note(now: Managed) -> Managed:
    return replace(now, note=None, label=None)
