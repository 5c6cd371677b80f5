"""The steps of a live move.

prove → migrate → follow → verify. Only `migrate` writes to the cluster, and it notes the VMIM's name, the VMI's uid
and the VMI's last migration in the store first. Taken up again with such a note, the bot never creates that name
again: `k8s.steps.settle` tells from the VMI, its pods and events what became of it. Success is what the VMI says at
the end (it runs, and on the wanted node), never only the word of the VMIM.
"""

from bot import calling_off, progress
from bot.diagnosis import Cause, changed, diagnose
from bot.executor import abort, announce, ending, explain, leading
from bot.executor.ending import is_ready, is_running
from bot.executor.moving import Moving, NotYet, vm_ref
from bot.executor.prove import still_holds
from bot.plan import Move
from bot.ports import Entry
from bot.record import Intent, Phase, Record, Run
from k8s import steps
from k8s.names import LABEL_MANAGED_BY, LABEL_PLAN, OUR_PREFIX
from k8s.note import read_note
from k8s.snapshots import Evidence, Instance, Migration, NewMigration, Ref, View
from k8s.steps import Trace

LONGEST_NAME = 63
"""A VMIM's name; it is put into a label value (KubeVirt's and ours)."""


async def migrate(moving: Moving) -> None:
    """Create the VMIM, exactly once per intent. Raises Outdated where that may not be repeated."""
    _, move, run = await moving.read()
    if run.intent is None:
        run = await _note_intent(moving, move, attempt=1)
    elif await _look_again(moving, move, run.intent):
        _, move, run = await moving.read()
    else:
        return
    if run.older_pin:
        await leading.free(moving, move, run.older_pin)
    if move.led:
        await leading.lead(moving, move)
    await moving.write(_create(moving))


async def follow(moving: Moving) -> None:
    """Watch the VMIM to its end and note each phase when it is reached; abort it where somebody called the move off."""
    _, move, run = await moving.read()
    assert run.intent is not None
    if run.called_off:
        await abort.ask(moving, move, run)
    name = Ref(move.namespace, run.intent.name)
    async with moving.cluster.follow(vm_ref(move), name) as views:
        async for view in views:
            await _note_phases(moving, view)
            await _note_post_copy(moving, view)
            if view.migration is None and await moving.cluster.migration(name):
                continue  # a watch that was there before us has not heard of it yet
            seen = view.migration or view.last_seen
            if seen and seen.phase == "Succeeded":
                await ending.settle(view, views, _is_settled)
            if seen is None or view.migration is None or seen.final:
                break
    await moving.change(lambda newest: progress.advance(newest, moving.index))


async def verify(moving: Moving) -> None:
    """Read where the VM really is and end the move with the truth."""
    _, move, run = await moving.read()
    assert run.intent is not None
    await leading.release(moving, move)
    name = Ref(move.namespace, run.intent.name)
    evidence = await _with_nodes(moving, move, await moving.cluster.evidence(vm_ref(move), name, run.intent.uid))
    arrived = _arrived(move, run.intent, evidence)
    exists = await _exists(moving, move, evidence.vmi)
    cause = None if arrived else _cause(move, run, run.intent, evidence, exists=exists)
    began, ended = (run.phases[0].at, run.phases[-1].at) if run.phases else (None, None)
    await ending.end(moving, ending.result(evidence.vmi, cause, began, ended))


async def _exists(moving: Moving, move: Move, vmi: Instance | None) -> bool:
    """Whether there is a VM at all; only asked where its guest is going or gone."""
    if vmi and not vmi.deleting:
        return True
    vm = await moving.cluster.vm(vm_ref(move))
    return vm is not None and not vm.deleting


async def _with_nodes(moving: Moving, move: Move, evidence: Evidence) -> Evidence:
    """The nodes are read where something failed only."""
    if evidence.migration and evidence.migration.phase == "Succeeded":
        return evidence
    return await explain.with_nodes(moving.cluster, move, evidence)


def migration_name(move: Move, plan_id: str, index: int, attempt: int) -> str:
    """Unique per plan, move and attempt, and readable: the VM's name is cut, never the rest."""
    tail = f"-{plan_id}-{index}-{attempt}"
    head = f"{OUR_PREFIX.removesuffix('-bot')}-{move.vm}"[: LONGEST_NAME - len(tail)]
    return head.rstrip("-.") + tail


async def _note_intent(moving: Moving, move: Move, *, attempt: int) -> Run:
    vmi = await moving.cluster.instance(vm_ref(move))
    now = moving.clock.now()
    intent = Intent(
        name=migration_name(move, moving.plan_id, moving.index, attempt),
        attempt=attempt,
        vmi_uid=vmi.uid if vmi else "",
        seen_migration_uid=vmi.migration.uid if vmi and vmi.migration else "",
        noted_at=now,
    )
    limit, pin = moving.limits.live, await _older_pin(moving, move)
    begun = await moving.change(
        lambda newest: progress.start(newest, moving.index, intent, now, limit, older_pin=pin),
        Entry("creating", None, {"migration": intent.name, "vmi": intent.vmi_uid, "removes pin of": pin}),
    )
    return begun.runs[moving.index]


async def _older_pin(moving: Moving, move: Move) -> str:
    """The plan whose pin has to go first; "" where there is none, or the pin that leads takes its place."""
    if move.led or not move.frees_pin:
        return ""
    vm = await moving.cluster.vm(vm_ref(move))
    note = read_note(vm) if vm else None
    return note.plan if note else ""


async def _create(moving: Moving) -> None:
    current, move, run = await moving.read()
    assert run.intent is not None
    migration = await steps.start_migration(moving.cluster, _new(current, move, run.intent.name))
    await _note_created(moving, migration)


async def _note_created(moving: Moving, migration: Migration) -> None:
    def noted(newest: Record) -> Record:
        return progress.advance(progress.created(newest, moving.index, migration.uid), moving.index)

    await moving.change(noted, Entry("created", None, {"migration": migration.ref.name, "uid": migration.uid}))


async def _look_again(moving: Moving, move: Move, intent: Intent) -> bool:
    """Taken up with an intent whose create was never answered: whether to create one now, under a new name."""
    age = (moving.clock.now() - intent.noted_at).total_seconds()
    match await steps.settle(moving.cluster, _noted(move, intent), age=age):
        case Trace.PRESENT:
            if found := await moving.cluster.migration(Ref(move.namespace, intent.name)):
                await _note_created(moving, found)
            return False
        case Trace.ABSENT:
            await still_holds(moving)
            await _note_intent(moving, move, attempt=intent.attempt + 1)
            return True
        case Trace.UNKNOWN if age < steps.LATE_SECONDS:
            raise NotYet("the create was never answered and may still arrive")
        case _:
            await moving.change(lambda newest: progress.advance(newest, moving.index))
            return False


def _noted(move: Move, intent: Intent) -> steps.Intent:
    return steps.Intent(
        vm=vm_ref(move),
        migration=Ref(move.namespace, intent.name),
        vmi_uid=intent.vmi_uid,
        source=move.source,
        previous_uid=intent.seen_migration_uid,
        migration_uid=intent.uid,
    )


def _new(current: Record, move: Move, name: str) -> NewMigration:
    return NewMigration(
        ref=Ref(move.namespace, name),
        vmi_name=move.vm,
        hostname=move.target.hostname if move.target and not move.led else None,
        labels={LABEL_MANAGED_BY: OUR_PREFIX, LABEL_PLAN: current.id},
        annotations=announce.who(current),
    )


async def _note_phases(moving: Moving, view: View) -> None:
    seen = view.migration or view.last_seen
    if seen is None:
        return
    phases = tuple(Phase(name=name, at=at) for name, at in seen.phase_times)
    _, _, run = await moving.read()
    if phases and phases != run.phases:
        details = {"phase": phases[-1].name, "at": phases[-1].at.isoformat()}
        await moving.change(
            lambda newest: progress.observe(newest, moving.index, phases, moving.clock.now()),
            Entry("phase", None, details),
        )


async def _note_post_copy(moving: Moving, view: View) -> None:
    """From then on the move cannot be called off any more."""
    if view.migration is None or not abort.is_post_copy(view.vmi, view.migration.uid):
        return
    _, _, run = await moving.read()
    if not run.post_copy:
        await moving.change(lambda newest: progress.no_way_back(newest, moving.index), Entry("post-copy"))


def _is_settled(view: View) -> bool:
    return is_ready(view.vmi) and bool(view.vmi and view.vmi.migration and view.vmi.migration.completed)


def _arrived(move: Move, intent: Intent, evidence: Evidence) -> bool:
    """The VMI runs where it was wanted, and this migration brought it there."""
    vmi, migration = evidence.vmi, evidence.migration
    if vmi is None or not is_running(vmi) or vmi.uid != intent.vmi_uid:
        return False
    if migration is not None and migration.phase != "Succeeded":
        return False
    there = vmi.node == move.target.name if move.target else vmi.node != move.source
    by_us = vmi.migration is not None and vmi.migration.uid not in ("", intent.seen_migration_uid)
    return there and (migration is not None or by_us)


def _cause(move: Move, run: Run, intent: Intent, evidence: Evidence, *, exists: bool) -> Cause:
    vmi, migration = evidence.vmi, evidence.migration
    if not exists:
        return changed.vm_deleted(move.vm)
    if vmi is None or vmi.deleting:
        return changed.vm_stopped(move.vm)
    if vmi.uid != intent.vmi_uid:
        return changed.vm_restarted(move.vm, vmi.node)
    if migration and migration.phase == "Succeeded":
        return Cause(
            code="wrong-node",
            what=f"KubeVirt reports success, but the VM is on {vmi.node}, not on {move.target_name}.",
            remedy="Look at the VM before you move it again.",
        )
    if run.called_off and is_running(vmi) and vmi.node == move.source:
        return calling_off.called_off()
    if vmi.node != move.source and is_running(vmi):
        return changed.moved_by_others(move.vm, vmi.node)
    if move.target and evidence.target is None:  # both nodes were looked up: what is missing does not exist
        return changed.node_gone(move.target.name)
    return diagnose(evidence)
