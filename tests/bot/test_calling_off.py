"""Calling a move off while it runs, on the simulated cluster: it stays where it was, or the truth is told."""

from pathlib import Path

import pytest

from bot import calling_off, progress
from bot.errors import BotError
from bot.migration import MoveState, PlanState
from bot.sandbox.cluster import ClusterSandbox
from k8s import steps
from k8s.errors import Forbidden, Unreachable
from k8s.snapshots import Migration, NewMigration, Ref, VirtualMachine
from tests.bot.conftest import App, opened
from tests.bot.test_cold_move import APP, begin, every_strategy, spec, until_logged, where
from tests.clocks import StandingClock
from tests.facts import DANA, OTTO, RAVI, WEB

HOME = ("worker-01", "Running")
LIVE_PHASES = ["Pending", "Scheduling", "Running"]
MOMENTS = ["stopping", "gone", "starting"]


async def hang(app: App, phase: str) -> None:
    await app.trouble(hang=phase)


@pytest.mark.parametrize("phase", LIVE_PHASES)
async def test_a_live_move_that_is_called_off_leaves_the_vm_running_where_it_was(app: App, phase: str) -> None:
    await hang(app, phase)
    await app.begin()
    await app.phase(phase)
    await app.service.call_off("p1", 1, 0, DANA)
    ended = await app.until(lambda plan: not plan.open)
    assert (ended.state, ended.runs[0].state, ended.ended_by) == (PlanState.CANCELED, MoveState.CANCELED, DANA)
    assert (await where(app, WEB), await app.migrations()) == (HOME, ())


@pytest.mark.parametrize("phase", ["PreparingTarget", "TargetReady"])
async def test_it_is_called_off_between_the_hand_over_and_the_copy(app: App, phase: str) -> None:
    """KubeVirt aborts it only once it copies."""
    await app.begin()
    await app.until(lambda plan: progress.phase_name(plan.runs[0]) == phase, step=0.1)
    await app.service.call_off("p1", 1, 0, DANA)
    ended = await app.until(lambda plan: not plan.open)
    assert (ended.state, await where(app, WEB)) == (PlanState.CANCELED, HOME)


async def test_a_copy_that_is_not_stopped_in_time_arrives_and_the_report_says_so(app: App) -> None:
    await app.trouble(abort="ignored")
    await app.begin()
    await app.phase("Running")
    await app.service.call_off("p1", 1, 0, DANA)
    ended = await app.until(lambda plan: not plan.open)
    assert (ended.state, await where(app, WEB)) == (PlanState.SUCCEEDED, ("worker-05", "Running"))
    assert ended.runs[0].called_off is not None


async def test_it_is_called_off_once_and_by_those_who_may(app: App) -> None:
    await hang(app, "Scheduling")
    await app.begin()
    await app.phase("Scheduling")
    with pytest.raises(BotError) as refused:
        await app.service.call_off("p1", 1, 0, OTTO)
    assert refused.value.code == "not-allowed"
    await app.service.call_off("p1", 1, 0, DANA)
    with pytest.raises(BotError) as twice:
        await app.service.call_off("p1", 1, 0, RAVI)
    assert twice.value.code in ("already-called-off", "already-decided")
    await app.until(lambda plan: not plan.open)


async def test_a_guest_that_runs_on_the_target_already_is_not_called_back(app: App) -> None:
    await app.trouble(copy_seconds="60")
    config = {
        "spec": {
            "configuration": {
                "migrations": {"allowPostCopy": True, "allowWorkloadDisruption": True, "completionTimeoutPerGiB": 1}
            }
        }
    }
    await app.call("PATCH", "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/kubevirt", config)
    await app.begin()
    await app.until(lambda plan: plan.runs[0].post_copy)
    with pytest.raises(BotError) as refused:
        await app.service.call_off("p1", 1, 0, DANA)
    assert refused.value.code == "too-late"
    ended = await app.until(lambda plan: not plan.open)
    assert (ended.state, await where(app, WEB)) == (PlanState.SUCCEEDED, ("worker-05", "Running"))


async def test_a_wish_from_before_a_restart_is_carried_out_after_it(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock
) -> None:
    async with opened(tmp_path, sandbox, clock) as first:
        await hang(first, "Scheduling")
        await first.begin()
        await first.phase("Scheduling")
        await first.fault(downSeconds=5)
        await first.service.call_off("p1", 1, 0, DANA)
    async with opened(tmp_path, sandbox, clock) as second:
        await second.executor.resume()
        ended = await second.until(lambda plan: not plan.open)
        assert (ended.state, await where(second, WEB)) == (PlanState.CANCELED, HOME)


async def test_a_create_that_never_arrived_is_not_repeated_once_it_is_called_off(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOOKS", (0.0,))  # a real wait
    create = app.cluster.create_migration

    async def lost(new: NewMigration, *, dry_run: bool = False) -> Migration:
        if dry_run:
            return await create(new, dry_run=True)
        raise Unreachable("reset by peer")

    app.cluster.create_migration = lost  # type: ignore[method-assign]  # the network, between the bot and the API
    await app.begin()
    await app.until(lambda plan: plan.runs[0].intent is not None)
    await app.service.call_off("p1", 1, 0, DANA)
    ended = await app.until(lambda plan: not plan.open, seconds=200, step=2)
    assert (ended.state, await where(app, WEB), await app.migrations()) == (PlanState.CANCELED, HOME, ())


@every_strategy
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_cold_move_that_is_called_off_goes_home_and_is_as_it_was(app: App, ref: Ref, moment: str) -> None:
    before = await spec(app, ref)
    await begin(app, ref)
    await until_logged(app, moment)
    await app.service.call_off("p1", 1, 0, DANA)
    ended = await app.until(lambda plan: not plan.open, seconds=200)
    assert (ended.state, ended.runs[0].homeward) == (PlanState.CANCELED, calling_off.called_off())
    assert (await where(app, ref))[1] == "Running"
    assert await spec(app, ref) == before


async def test_before_the_first_write_of_a_cold_move_nothing_happens(app: App) -> None:
    before = await app.cluster.instance(APP)

    async def lost(ref: Ref, operations: object) -> VirtualMachine:
        raise Unreachable("reset by peer")

    app.cluster.patch_vm = lost  # type: ignore[method-assign]  # the network, between the bot and the API
    await begin(app, APP)
    await app.until(lambda plan: plan.runs[0].originals is not None)
    await app.service.call_off("p1", 1, 0, DANA)
    ended = await app.until(lambda plan: not plan.open, seconds=200, step=2)
    assert ended.state is PlanState.CANCELED
    assert await app.cluster.instance(APP) == before


async def test_a_first_write_that_the_cluster_refuses_costs_no_downtime(app: App) -> None:
    before = await app.cluster.instance(APP)

    async def refuse(ref: Ref, operations: object) -> VirtualMachine:
        raise Forbidden("not allowed", verb="patch", resource="virtualmachines", namespace="production")

    app.cluster.patch_vm = refuse  # type: ignore[method-assign]  # a right that was taken away meanwhile
    await begin(app, APP)
    ended = await app.until(lambda plan: not plan.open)
    assert ended.runs[0].result is not None
    assert (ended.state, ended.runs[0].result.node) == (PlanState.FAILED, "worker-02")
    assert await app.cluster.instance(APP) == before


async def test_a_cancel_that_the_cluster_refuses_is_told_and_the_move_goes_on(app: App) -> None:
    async def refuse(ref: Ref, uid: str) -> None:
        raise Forbidden("not allowed", verb="delete", resource="virtualmachineinstancemigrations")

    app.cluster.delete_migration = refuse  # type: ignore[method-assign]  # a right that was taken away meanwhile
    await app.trouble(copy_seconds="20")
    await app.begin()
    await app.phase("Running")
    await app.service.call_off("p1", 1, 0, DANA)
    refused = await app.until(lambda plan: plan.runs[0].not_called_off is not None)
    assert (refused.state, refused.runs[0].called_off) == (PlanState.RUNNING, None)
    assert (await app.until(lambda plan: not plan.open)).state is PlanState.SUCCEEDED


async def test_an_overdue_move_is_told_again_or_called_off(app: App) -> None:
    await hang(app, "Scheduling")
    await app.begin()
    await app.phase("Scheduling")
    app.clock.advance(600)
    await app.until(lambda plan: plan.runs[0].state is MoveState.UNKNOWN)
    watched = await app.service.watch_on("p1", 0, RAVI)
    assert (watched.runs[0].state, watched.runs[0].overdue[-1].watched_by) == (MoveState.RUNNING, RAVI)
    app.clock.advance(601)
    overdue = await app.until(lambda plan: plan.runs[0].state is MoveState.UNKNOWN)
    assert [told.phase for told in overdue.runs[0].overdue] == ["Scheduling", "Scheduling"]
    await app.service.call_off("p1", 1, 0, DANA)
    assert (await app.until(lambda plan: not plan.open)).state is PlanState.CANCELED
