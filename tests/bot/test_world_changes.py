"""What others do while a VM is being moved: each has its sentence, and the report is true."""

from pathlib import Path

import pytest

from bot.migration import PlanState
from bot.record import Record
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.resources import VMI
from k8s.snapshots import Ref
from tests.bot.conftest import App, opened
from tests.bot.test_cold_move import APP, begin, until_logged
from tests.bot.test_trouble import cause, result
from tests.clocks import StandingClock

KUBEVIRT = "/apis/kubevirt.io/v1/namespaces/production"
STOP = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/{}/{}"
NODES = "/api/v1/nodes"


async def copying(app: App) -> None:
    await app.trouble(copy_seconds="60")
    await app.begin()
    await app.phase("Running")


def said(plan: Record) -> str:
    found = result(plan).cause
    assert found is not None
    return found.what


async def test_a_vm_that_is_deleted_under_way_is_said_to_be_deleted(app: App) -> None:
    await copying(app)
    await app.call("DELETE", f"{KUBEVIRT}/virtualmachines/web-01")
    failed = await app.until(lambda plan: not plan.open)
    assert (failed.state, cause(failed)) == (PlanState.FAILED, "vm-deleted")


async def test_a_vm_that_is_restarted_under_way_is_said_to_be_restarted(app: App) -> None:
    await copying(app)
    await app.call("PUT", STOP.format("web-01", "restart"))
    failed = await app.until(lambda plan: not plan.open)
    assert cause(failed) in ("vm-restarted", "vm-stopped")
    assert "while it was moving" in said(failed)


@pytest.mark.parametrize("moment", ["stopping", "gone", "starting"])
async def test_a_vm_that_is_deleted_during_a_cold_move_ends_it_with_that_word(app: App, moment: str) -> None:
    await begin(app, APP)
    await until_logged(app, moment)
    await app.call("DELETE", f"{KUBEVIRT}/virtualmachines/app-vm")
    failed = await app.until(lambda plan: not plan.open, seconds=120)
    assert (failed.state, cause(failed)) == (PlanState.FAILED, "vm-deleted")
    assert await app.store.holder("production/app-vm") is None


async def test_a_target_that_leaves_the_cluster_is_named_as_gone(app: App) -> None:
    await app.trouble(hang="Scheduling")
    await app.begin()
    await app.phase("Scheduling")
    await app.call("DELETE", f"{NODES}/worker-05")
    (vmim,) = await app.migrations()
    await app.call("DELETE", f"{KUBEVIRT}/virtualmachineinstancemigrations/{vmim.ref.name}")
    failed = await app.until(lambda plan: not plan.open)
    assert (cause(failed), result(failed).node) == ("node-gone", "worker-01")


async def test_a_target_that_is_gone_when_the_vm_shall_start_is_named_in_the_question(app: App) -> None:
    await begin(app, APP)
    await until_logged(app, "gone")
    await app.call("DELETE", f"{NODES}/worker-04")
    asked = await app.until(lambda plan: plan.runs[0].question is not None, seconds=120)
    assert asked.runs[0].question is not None
    assert asked.runs[0].question.cause is not None
    assert asked.runs[0].question.cause.code == "node-gone"
    home = await app.until(lambda plan: not plan.open, seconds=900, step=2)
    assert (result(home).node, result(home).running) == (result(home).node or "none", True)


async def test_a_vm_that_something_else_has_moved_is_said_to_be_there(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock
) -> None:
    async with opened(tmp_path, sandbox, clock) as first:
        await first.trouble(hang="Scheduling")
        await first.begin()
        await first.phase("Scheduling")
        (ours,) = await first.migrations()
    await first.call("DELETE", f"{KUBEVIRT}/virtualmachineinstancemigrations/{ours.ref.name}")
    await sandbox.advance(2)
    await first.trouble(hang=None)
    theirs = {"metadata": {"name": "theirs"}, "spec": {"vmiName": "web-01", "addedNodeSelector": HOST}}
    await first.call("POST", f"{KUBEVIRT}/virtualmachineinstancemigrations", theirs | KIND)
    await sandbox.advance(30)
    async with opened(tmp_path, sandbox, clock) as second:
        await second.executor.resume()
        failed = await second.until(lambda plan: not plan.open)
        assert (cause(failed), result(failed).node) == ("moved-by-others", "worker-03")


HOST = {"kubernetes.io/hostname": "worker-03"}
KIND = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration"}


async def test_a_drain_that_owns_the_vm_is_named(app: App) -> None:
    await app.trouble(hang="Scheduling")
    await app.begin()
    await app.phase("Scheduling")
    (ours,) = await app.migrations()
    vmi = app.sandbox.store.peek(VMI, "production", "web-01")
    assert vmi is not None
    app.sandbox.store.modify(VMI, "production", "web-01", _drained)
    await app.call("DELETE", f"{KUBEVIRT}/virtualmachineinstancemigrations/{ours.ref.name}")
    failed = await app.until(lambda plan: not plan.open)
    assert cause(failed) == "drained"
    assert await app.cluster.instance(Ref("production", "web-01")) is not None


def _drained(vmi: Obj) -> None:
    vmi["status"]["evacuationNodeName"] = "worker-01"
