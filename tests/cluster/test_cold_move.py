"""A cold move from beginning to end, for every run strategy, killed and repeated at every write."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.resources import CLUSTER_ROLE, CLUSTER_ROLE_BINDING
from k8s import cold
from k8s.cold import Note, Unpinned, note_for, read_note
from k8s.errors import Busy, Conflict
from k8s.names import ANNOTATION_NOTE, LABEL_PINNED
from k8s.rights import NEEDED, NEEDED_COLD
from k8s.snapshots import Json, Ref, VirtualMachine
from tests.cluster.simulated import (
    Killed,
    Shaky,
    edit,
    let_the_guest_be_stuck,
    raw,
    roll_out_by_restart,
    until_gone,
    until_running,
)

ALWAYS = Ref("production", "web-01")
ONCE = Ref("vms", "once-01")
MANUAL = Ref("vms", "manual-01")
RERUN = Ref("vms", "rerun-01")
RUNNING = Ref("dev", "dev-01")
SPREAD = Ref("dev", "spread-01")
PINNED = Ref("dev", "pinned-01")
STOPPED = Ref("vms", "stopped-01")
STRATEGIES = [ALWAYS, ONCE, MANUAL, RERUN, RUNNING]
TARGETS = {PINNED: "worker-02", SPREAD: "worker-05", ONCE: "worker-02"}
LONGEST = 5
"""More writes than a move has."""

each_strategy = pytest.mark.parametrize("ref", STRATEGIES, ids=lambda ref: ref.name)
Step = Callable[[], Awaitable[object]]


async def the_vm(cluster: Shaky, ref: Ref) -> VirtualMachine:
    vm = await cluster.vm(ref)
    assert vm is not None
    return vm


async def a_note(cluster: Shaky, ref: Ref, **given: Any) -> Note:
    wanted = {"plan": "p1", "epoch": 1, "hostname": TARGETS.get(ref, "worker-05"), **given}
    return note_for(await the_vm(cluster, ref), **wanted)


def ours(vm: Json) -> set[str]:
    """Our marks on a VM."""
    return {ANNOTATION_NOTE, LABEL_PINNED} & {
        *(vm["metadata"].get("annotations") or {}),
        *(vm["metadata"].get("labels") or {}),
    }


async def steps(sandbox: ClusterSandbox, cluster: Shaky, ref: Ref, note: Note) -> AsyncIterator[Step]:
    """The writes of a move, one after the other, each when its turn has come."""
    yield lambda: cold.stop(cluster, ref, note)
    await until_gone(sandbox, cluster, ref)
    yield lambda: cold.start(cluster, ref, note)
    await until_running(sandbox, cluster, ref)
    yield lambda: cold.unpin(cluster, ref, sleep=sandbox.advance)


async def move(sandbox: ClusterSandbox, cluster: Shaky, ref: Ref, *, times: int = 1) -> None:
    async for step in steps(sandbox, cluster, ref, await a_note(cluster, ref)):
        for _ in range(times):
            await step()


async def is_moved(cluster: Shaky, ref: Ref) -> bool:
    vmi = await cluster.instance(ref)
    return vmi is not None and (vmi.phase, vmi.node) == ("Running", TARGETS.get(ref, "worker-05"))


@each_strategy
async def test_a_move_ends_on_the_target_with_the_spec_as_it_was(
    sandbox: ClusterSandbox, kube: Shaky, ref: Ref
) -> None:
    before = raw(sandbox, ref)
    await move(sandbox, kube, ref)
    after = raw(sandbox, ref)
    assert await is_moved(kube, ref)
    assert after["spec"] == before["spec"]
    assert ours(after) == set()


@each_strategy
async def test_every_step_may_be_taken_twice(sandbox: ClusterSandbox, kube: Shaky, ref: Ref) -> None:
    before = raw(sandbox, ref)
    await move(sandbox, kube, ref, times=2)
    assert await is_moved(kube, ref)
    assert raw(sandbox, ref)["spec"] == before["spec"]


@pytest.mark.parametrize("writes", range(LONGEST))
@each_strategy
async def test_a_move_that_is_killed_before_any_write_is_resumed(
    sandbox: ClusterSandbox, kube: Shaky, ref: Ref, writes: int
) -> None:
    before = raw(sandbox, ref)
    kube.writes = writes
    async for step in steps(sandbox, kube, ref, await a_note(kube, ref)):
        try:
            await step()
        except Killed:
            kube.writes = LONGEST
            await step()
    assert await is_moved(kube, ref)
    assert raw(sandbox, ref)["spec"] == before["spec"]


@each_strategy
async def test_while_it_is_moved_the_vm_says_what_it_was(sandbox: ClusterSandbox, kube: Shaky, ref: Ref) -> None:
    note = await a_note(kube, ref)
    await cold.stop(kube, ref, note)
    assert read_note(await the_vm(kube, ref)) == note
    assert [vm.ref for vm in await kube.pinned_vms()] == [ref]
    await until_gone(sandbox, kube, ref)
    await cold.start(kube, ref, note)
    vm = await the_vm(kube, ref)
    assert (read_note(vm), vm.run_strategy, vm.running) == (note, note.run_strategy, note.running)


@pytest.mark.parametrize("killed", [False, True])
@each_strategy
async def test_a_stopped_vm_goes_home(sandbox: ClusterSandbox, kube: Shaky, ref: Ref, *, killed: bool) -> None:
    before, note = raw(sandbox, ref), await a_note(kube, ref)
    await cold.stop(kube, ref, note)
    await until_gone(sandbox, kube, ref)
    if killed:
        kube.writes = 1
        try:
            await cold.go_home(kube, ref, note)
        except Killed:
            kube.writes = LONGEST
    await cold.go_home(kube, ref, note)
    await until_running(sandbox, kube, ref)
    assert raw(sandbox, ref)["spec"] == before["spec"]
    assert ours(raw(sandbox, ref)) == set()


@each_strategy
async def test_a_vm_that_finds_no_place_is_stopped_again_and_goes_home(
    sandbox: ClusterSandbox, kube: Shaky, ref: Ref
) -> None:
    before, note = raw(sandbox, ref), await a_note(kube, ref, hostname="worker-06")
    await cold.stop(kube, ref, note)
    await until_gone(sandbox, kube, ref)
    await cold.start(kube, ref, note)
    await sandbox.advance(10)
    evidence = await kube.start_evidence(ref)
    assert evidence.vm is not None
    assert evidence.vm.printable_status == "ErrorUnschedulable"
    assert "nodes are available" in "".join(pod.scheduled.message for pod in evidence.pods if pod.scheduled)
    for _ in range(2):
        await cold.stop_again(kube, ref, note, sleep=sandbox.advance)
    await until_gone(sandbox, kube, ref)
    await cold.go_home(kube, ref, note)
    await until_running(sandbox, kube, ref)
    assert raw(sandbox, ref)["spec"] == before["spec"]


@each_strategy
async def test_a_guest_that_does_not_stop_is_forced(sandbox: ClusterSandbox, kube: Shaky, ref: Ref) -> None:
    edit(sandbox, ref, lambda vm: vm["spec"]["template"]["spec"].update(terminationGracePeriodSeconds=3600))
    await let_the_guest_be_stuck(sandbox, ref)
    note = await a_note(kube, ref)
    with pytest.raises(Conflict, match="not being stopped"):
        await cold.force_stop(kube, ref)
    await cold.stop(kube, ref, note)
    await sandbox.advance(25)
    stuck = await kube.instance(ref)
    assert stuck is not None
    assert stuck.deleting
    for _ in range(2):
        await cold.stop(kube, ref, note)
        await cold.force_stop(kube, ref)
    await until_gone(sandbox, kube, ref)
    await cold.force_stop(kube, ref)
    await cold.start(kube, ref, note)
    await until_running(sandbox, kube, ref)
    assert await is_moved(kube, ref)


async def test_a_start_that_was_asked_for_is_not_asked_for_again(sandbox: ClusterSandbox, kube: Shaky) -> None:
    note = await a_note(kube, MANUAL)
    await cold.stop(kube, MANUAL, note)
    await until_gone(sandbox, kube, MANUAL)
    kube.writes = 2  # the pin and one call
    for _ in range(2):
        await cold.start(kube, MANUAL, note)
    assert await kube.instance(MANUAL) is None
    assert kube.writes == 0


async def test_a_vm_that_still_stops_is_not_taken_for_one_that_runs(sandbox: ClusterSandbox, kube: Shaky) -> None:
    note = await a_note(kube, MANUAL)
    await cold.stop(kube, MANUAL, note)
    await sandbox.advance(0.5)
    with pytest.raises(Busy, match="already running"):
        await cold.start(kube, MANUAL, note)


@pytest.mark.parametrize("ref", [SPREAD, PINNED], ids=lambda ref: ref.name)
async def test_rules_of_its_own_come_back_as_they_were(sandbox: ClusterSandbox, kube: Shaky, ref: Ref) -> None:
    before = raw(sandbox, ref)
    await move(sandbox, kube, ref)
    assert await is_moved(kube, ref)
    assert raw(sandbox, ref)["spec"] == before["spec"]


@pytest.mark.parametrize("ref", [STOPPED, MANUAL], ids=lambda ref: ref.name)
async def test_a_vm_that_does_not_run_is_placed_and_stays_stopped(
    sandbox: ClusterSandbox, kube: Shaky, ref: Ref
) -> None:
    if ref == MANUAL:
        await kube.call_vm(ref, "stop")
        await until_gone(sandbox, kube, ref)
    before, note = raw(sandbox, ref), await a_note(kube, ref)
    for _ in range(2):
        await cold.place(kube, ref, note)
    await until_gone(sandbox, kube, ref)
    vm = await the_vm(kube, ref)
    assert (vm.placement.affinity, vm.run_strategy) == (note.pinned(), note.run_strategy)
    await kube.call_vm(ref, "start")
    assert (await until_running(sandbox, kube, ref)).node == "worker-05"
    assert await cold.unpin(kube, ref, sleep=sandbox.advance) == Unpinned(found=True, effective=True)
    assert raw(sandbox, ref)["spec"]["template"] == before["spec"]["template"]


async def test_a_vm_that_runs_is_not_placed(kube: Shaky) -> None:
    with pytest.raises(Conflict, match="started"):
        await cold.place(kube, MANUAL, await a_note(kube, MANUAL))


async def test_a_pin_that_is_gone_already_frees_nothing_more(sandbox: ClusterSandbox, kube: Shaky) -> None:
    await move(sandbox, kube, ALWAYS)
    assert await cold.unpin(kube, ALWAYS, sleep=sandbox.advance) == Unpinned(found=False, effective=True)


async def test_another_plans_pin_is_left_alone(sandbox: ClusterSandbox, kube: Shaky) -> None:
    note = await a_note(kube, STOPPED)
    await cold.place(kube, STOPPED, note)
    assert not (await cold.unpin(kube, STOPPED, plan="p0", sleep=sandbox.advance)).found
    assert read_note(await the_vm(kube, STOPPED)) == note
    assert (await cold.unpin(kube, STOPPED, plan="p1", sleep=sandbox.advance)).found


async def test_where_changes_wait_for_a_restart_the_guest_keeps_the_pin(sandbox: ClusterSandbox, kube: Shaky) -> None:
    roll_out_by_restart(sandbox)
    before, note = raw(sandbox, ALWAYS), await a_note(kube, ALWAYS)
    await cold.stop(kube, ALWAYS, note)
    await until_gone(sandbox, kube, ALWAYS)
    await cold.start(kube, ALWAYS, note)
    await until_running(sandbox, kube, ALWAYS)
    assert await cold.unpin(kube, ALWAYS, sleep=sandbox.advance) == Unpinned(found=True, effective=False)
    assert await cold.unpin(kube, ALWAYS, sleep=sandbox.advance) == Unpinned(found=False, effective=False)
    assert raw(sandbox, ALWAYS)["spec"] == before["spec"]


async def test_a_second_move_replaces_the_pin_and_keeps_the_first_original(
    sandbox: ClusterSandbox, kube: Shaky
) -> None:
    before = raw(sandbox, SPREAD)
    for plan, hostname in (("p1", "worker-05"), ("p2", "worker-04.example.internal")):
        note = await a_note(kube, SPREAD, plan=plan, hostname=hostname)
        assert note.affinity == before["spec"]["template"]["spec"]["affinity"]
        await cold.stop(kube, SPREAD, note)
        await until_gone(sandbox, kube, SPREAD)
        await cold.start(kube, SPREAD, note)
        await until_running(sandbox, kube, SPREAD)
    vmi = await kube.instance(SPREAD)
    assert vmi is not None
    assert vmi.node == "worker-04"
    await cold.unpin(kube, SPREAD, sleep=sandbox.advance)
    assert raw(sandbox, SPREAD)["spec"] == before["spec"]


async def test_the_rights_that_we_ask_for_are_enough(tmp_path: Path) -> None:
    guarded = ClusterSandbox(rbac=True, start_time=1_766_000_000.0)
    await guarded.start()
    rules = [
        {"verbs": [r.verb], "apiGroups": [r.group], "resources": ["/".join(filter(None, (r.resource, r.subresource)))]}
        for r in (*NEEDED, *NEEDED_COLD)
    ]
    subject = {"kind": "ServiceAccount", "namespace": "default", "name": "mover"}
    role_ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "mover"}
    guarded.store.create(CLUSTER_ROLE, {"metadata": {"name": "mover"}, "rules": rules})
    guarded.store.create(
        CLUSTER_ROLE_BINDING, {"metadata": {"name": "mover"}, "roleRef": role_ref, "subjects": [subject]}
    )
    mover = await Shaky.reach(guarded, tmp_path, "system:serviceaccount:default:mover")
    for ref in (ALWAYS, MANUAL):
        await move(guarded, mover, ref)
        assert await is_moved(mover, ref)
    assert (await mover.start_evidence(ALWAYS)).unread == ()
    async with mover.follow_vm(ALWAYS) as views:
        assert (await anext(views)).vm is not None
    await mover.close()
    await guarded.stop()
