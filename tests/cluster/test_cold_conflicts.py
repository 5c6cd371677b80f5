"""A cold move that somebody gets in the way of: their change is never overwritten, and no VM is left halted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox.cluster import ClusterSandbox
from k8s import cold
from k8s.cold import Note, note_for, read_note
from k8s.errors import Conflict, InFlight, NotFound
from k8s.names import ANNOTATION_NOTE, LABEL_PINNED
from k8s.placement import is_pinned
from k8s.snapshots import Json, NewMigration, Ref, VirtualMachine
from tests.cluster.simulated import Shaky, edit, edit_instance, raw, until_gone, until_running

WEB = Ref("production", "web-01")
MANUAL = Ref("vms", "manual-01")
RUNNING = Ref("dev", "dev-01")
STOPPED = Ref("vms", "stopped-01")
ZONE: Json = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["rack-a"]}]}
            ]
        }
    }
}
Change = Callable[[Json], object]


async def the_vm(cluster: Shaky, ref: Ref = WEB) -> VirtualMachine:
    vm = await cluster.vm(ref)
    assert vm is not None
    return vm


async def a_note(cluster: Shaky, ref: Ref = WEB, **given: Any) -> Note:
    return note_for(await the_vm(cluster, ref), **{"plan": "p1", "epoch": 1, "hostname": "worker-05", **given})


async def stopped(sandbox: ClusterSandbox, cluster: Shaky, ref: Ref = WEB) -> Note:
    """A VM that the move has stopped."""
    note = await a_note(cluster, ref)
    await cold.stop(cluster, ref, note)
    await until_gone(sandbox, cluster, ref)
    return note


def set_affinity(affinity: Json) -> Change:
    return lambda vm: vm["spec"]["template"]["spec"].update(affinity=affinity)


def set_spec(**fields: Any) -> Change:
    return lambda vm: vm["spec"].update(fields)


def remove_note(vm: Json) -> None:
    del vm["metadata"]["annotations"][ANNOTATION_NOTE]
    del vm["metadata"]["labels"][LABEL_PINNED]


def spoil_note(vm: Json) -> None:
    vm["metadata"]["annotations"][ANNOTATION_NOTE] = '{"plan": "p1", "affinity": "worker-05"}'


@pytest.mark.parametrize("change", [set_affinity(ZONE), set_spec(runStrategy="Manual"), set_spec(runStrategy="Halted")])
async def test_what_has_changed_since_it_was_planned_is_not_stopped(
    sandbox: ClusterSandbox, kube: Shaky, change: Change
) -> None:
    note = await a_note(kube)
    edit(sandbox, WEB, change)
    before = raw(sandbox, WEB)
    with pytest.raises(Conflict, match="since the move was planned"):
        await cold.stop(kube, WEB, note)
    assert raw(sandbox, WEB) == before


@pytest.mark.parametrize("change", [set_affinity(ZONE), set_spec(runStrategy="Manual")])
async def test_a_change_between_our_read_and_our_write_is_seen_too(
    sandbox: ClusterSandbox, kube: Shaky, change: Change
) -> None:
    async def meddle() -> None:
        edit(sandbox, WEB, change)

    note, kube.meddle = await a_note(kube), meddle
    with pytest.raises(Conflict, match="since the move was planned"):
        await cold.stop(kube, WEB, note)
    assert ANNOTATION_NOTE not in raw(sandbox, WEB)["metadata"].get("annotations", {})


async def test_a_harmless_change_in_between_does_not_matter(sandbox: ClusterSandbox, kube: Shaky) -> None:
    async def meddle() -> None:
        edit(sandbox, WEB, lambda vm: vm["metadata"].update(annotations={"team": "web"}, labels={"tier": "front"}))

    edit(sandbox, WEB, lambda vm: [vm["metadata"].pop(field, None) for field in ("annotations", "labels")])
    note, kube.meddle = await a_note(kube), meddle
    await cold.stop(kube, WEB, note)
    metadata = raw(sandbox, WEB)["metadata"]
    assert (metadata["annotations"]["team"], metadata["labels"]["tier"]) == ("web", "front")
    assert read_note(await the_vm(kube)) == note


async def test_a_vm_without_annotations_and_labels_gets_its_note(sandbox: ClusterSandbox, kube: Shaky) -> None:
    edit(sandbox, STOPPED, lambda vm: [vm["metadata"].pop(field, None) for field in ("annotations", "labels")])
    note = await a_note(kube, STOPPED)
    await cold.place(kube, STOPPED, note)
    assert read_note(await the_vm(kube, STOPPED)) == note


async def test_a_vm_that_is_being_migrated_is_not_stopped(sandbox: ClusterSandbox, kube: Shaky) -> None:
    note = await a_note(kube)
    theirs = await kube.create_migration(NewMigration(Ref("production", "theirs"), "web-01", None))
    with pytest.raises(InFlight) as caught:
        await cold.stop(kube, WEB, note)
    assert caught.value.uid == theirs.uid
    await sandbox.advance(60)
    await cold.stop(kube, WEB, note)
    assert (await the_vm(kube)).run_strategy == "Halted"


async def test_a_vm_that_somebody_starts_meanwhile_is_not_stopped_again(sandbox: ClusterSandbox, kube: Shaky) -> None:
    note = await stopped(sandbox, kube)
    edit(sandbox, WEB, set_spec(runStrategy="Always"))
    with pytest.raises(Conflict, match="started"):
        await cold.stop(kube, WEB, note)


@pytest.mark.parametrize("ref", [WEB, MANUAL], ids=lambda ref: ref.name)
async def test_an_affinity_that_somebody_has_changed_is_kept(sandbox: ClusterSandbox, kube: Shaky, ref: Ref) -> None:
    note = await stopped(sandbox, kube, ref)
    edit(sandbox, ref, set_affinity(ZONE))
    with pytest.raises(Conflict, match="affinity"):
        await cold.start(kube, ref, note)
    await cold.go_home(kube, ref, note)
    vmi = await until_running(sandbox, kube, ref)
    vm = await the_vm(kube, ref)
    assert (vm.placement.affinity, vmi.placement.affinity) == (ZONE, ZONE)
    assert (vm.run_strategy, read_note(vm)) == (note.run_strategy, None)


async def test_only_our_expression_goes_from_rules_that_somebody_has_changed(
    sandbox: ClusterSandbox, kube: Shaky
) -> None:
    note = await stopped(sandbox, kube)
    await cold.start(kube, WEB, note)
    await until_running(sandbox, kube, WEB)
    edit(sandbox, WEB, set_affinity({**note.pinned(), "podAntiAffinity": {}}))
    await cold.unpin(kube, WEB, sleep=sandbox.advance)
    assert (await the_vm(kube)).placement.affinity == {"podAntiAffinity": {}}


@pytest.mark.parametrize("spoil", [remove_note, spoil_note])
@pytest.mark.parametrize("ref", [WEB, MANUAL, RUNNING], ids=lambda ref: ref.name)
async def test_without_its_note_a_vm_is_not_started_on_the_target_but_goes_home(
    sandbox: ClusterSandbox, kube: Shaky, ref: Ref, spoil: Change
) -> None:
    before = raw(sandbox, ref)
    note = await stopped(sandbox, kube, ref)
    edit(sandbox, ref, spoil)
    with pytest.raises(Conflict, match="note"):
        await cold.start(kube, ref, note)
    for _ in range(2):
        await cold.go_home(kube, ref, note)
    await until_running(sandbox, kube, ref)
    assert raw(sandbox, ref)["spec"] == before["spec"]
    assert ANNOTATION_NOTE not in raw(sandbox, ref)["metadata"]["annotations"]


@pytest.mark.parametrize("ref", [WEB, MANUAL], ids=lambda ref: ref.name)
async def test_a_pinned_vm_without_its_note_is_stopped_again_and_goes_home(
    sandbox: ClusterSandbox, kube: Shaky, ref: Ref
) -> None:
    before = raw(sandbox, ref)
    note = replace(await stopped(sandbox, kube, ref), hostname="worker-06")
    await cold.start(kube, ref, note)
    edit(sandbox, ref, remove_note)
    await cold.stop_again(kube, ref, note, sleep=sandbox.advance)
    await until_gone(sandbox, kube, ref)
    await cold.go_home(kube, ref, note)
    await until_running(sandbox, kube, ref)
    assert raw(sandbox, ref)["spec"] == before["spec"]


async def test_a_run_strategy_that_somebody_has_chosen_meanwhile_is_kept(sandbox: ClusterSandbox, kube: Shaky) -> None:
    note = await stopped(sandbox, kube)
    edit(sandbox, WEB, set_spec(runStrategy="Manual"))
    for write in (cold.start, cold.stop_again):
        with pytest.raises(Conflict, match="run strategy"):
            await write(kube, WEB, note)
    await cold.go_home(kube, WEB, note)
    vm = await the_vm(kube)
    assert (vm.run_strategy, read_note(vm)) == ("Manual", None)


async def test_a_vm_rewritten_from_running_to_run_strategy_comes_back_as_it_was(
    sandbox: ClusterSandbox, kube: Shaky
) -> None:
    before = raw(sandbox, RUNNING)
    note = await stopped(sandbox, kube, RUNNING)
    edit(sandbox, RUNNING, lambda vm: [vm["spec"].pop("running"), vm["spec"].update(runStrategy="Halted")])
    await cold.go_home(kube, RUNNING, note)
    await until_running(sandbox, kube, RUNNING)
    assert raw(sandbox, RUNNING)["spec"] == before["spec"]


WRITES = [cold.stop, cold.stop_again, cold.start, cold.go_home]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
@pytest.mark.parametrize("newer", [{"epoch": 2}, {"plan": "p2", "epoch": 1}], ids=["epoch", "plan"])
async def test_who_comes_too_late_is_refused(
    sandbox: ClusterSandbox, kube: Shaky, write: Callable[..., Any], newer: dict[str, Any]
) -> None:
    late = await stopped(sandbox, kube)
    edit(
        sandbox, WEB, lambda vm: vm["metadata"]["annotations"].update({ANNOTATION_NOTE: replace(late, **newer).text()})
    )
    before = raw(sandbox, WEB)
    with pytest.raises(Conflict):
        await write(kube, WEB, late)
    assert raw(sandbox, WEB) == before


@pytest.mark.parametrize("write", WRITES[:-1], ids=lambda write: write.__name__)
async def test_a_newer_owner_of_the_plan_takes_over_with_its_first_write(
    sandbox: ClusterSandbox, kube: Shaky, write: Callable[..., Any]
) -> None:
    old = await stopped(sandbox, kube)
    new = replace(old, epoch=2)
    await write(kube, WEB, new)
    assert read_note(await the_vm(kube)) == new
    with pytest.raises(Conflict, match="newer owner"):
        await cold.go_home(kube, WEB, old)


async def test_a_newer_owner_who_writes_in_between_wins(sandbox: ClusterSandbox, kube: Shaky) -> None:
    old = await stopped(sandbox, kube)

    async def take_over() -> None:
        await cold.go_home(kube, WEB, replace(old, epoch=2))

    kube.meddle = take_over
    with pytest.raises(Conflict, match="note"):
        await cold.start(kube, WEB, old)
    assert not is_pinned((await the_vm(kube)).placement.affinity, "worker-05")


async def test_a_restarted_bot_finds_the_originals_in_the_note(sandbox: ClusterSandbox, kube: Shaky) -> None:
    note = await stopped(sandbox, kube)
    again = note_for(await the_vm(kube), plan="p1", epoch=2, hostname="worker-05")
    assert again == replace(note, epoch=2)
    await cold.start(kube, WEB, again)
    assert note_for(await the_vm(kube), plan="p1", epoch=3, hostname="worker-05") == replace(note, epoch=3)


async def test_a_guest_that_was_started_meanwhile_is_not_forced_to_stop(sandbox: ClusterSandbox, kube: Shaky) -> None:
    with pytest.raises(Conflict, match="not being stopped"):
        await cold.force_stop(kube, WEB)
    vmi = await kube.instance(WEB)
    assert vmi is not None
    assert vmi.grace_seconds > 0


async def test_a_guest_that_ends_by_itself_needs_no_call(sandbox: ClusterSandbox, kube: Shaky) -> None:
    edit_instance(sandbox, MANUAL, lambda vmi: vmi["status"].update(phase="Succeeded"))
    await cold.stop(kube, MANUAL, await a_note(kube, MANUAL))


async def test_a_vm_that_is_gone_is_not_found(kube: Shaky) -> None:
    note, gone = await a_note(kube), Ref("production", "web-99")
    for write in WRITES:
        with pytest.raises(NotFound):
            await write(kube, gone, note)
    with pytest.raises(NotFound):
        await cold.unpin(kube, gone)
