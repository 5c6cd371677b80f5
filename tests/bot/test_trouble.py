"""What goes wrong, and what the bot then says and does not do twice."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot import approval, policy, progress
from bot.errors import BotError
from bot.migration import MoveState, PlanState
from bot.policy import Action
from bot.ports import Change
from bot.record import Intent, Record, Result
from bot.request import MoveRequest
from bot.sandbox.cluster import ClusterSandbox
from k8s.errors import Forbidden
from k8s.names import LABEL_HOSTNAME
from k8s.snapshots import Evidence, Instance, Ref
from tests.bot.conftest import LIMITS, App, opened
from tests.clocks import StandingClock
from tests.facts import DANA, OPS, RAVI

VMIMS = "/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstancemigrations"
WEB = Ref("production", "web-01")
MOVE = MoveRequest(vm="web-01", target="worker-05")


def result(plan: Record) -> Result:
    found = plan.runs[0].result
    assert found is not None
    return found


def cause(plan: Record) -> str:
    found = result(plan).cause
    assert found is not None
    return found.code


async def test_what_changed_before_the_confirm_makes_a_new_revision_and_starts_nothing(app: App) -> None:
    await app.service.propose(MOVE, DANA, OPS)
    await app.cordon("worker-05")
    with pytest.raises(BotError) as refused:
        await app.service.confirm("p1", 1, RAVI)
    assert refused.value.code == "drifted"
    changed = await app.plan()
    assert (changed.state, changed.revision) == (PlanState.PROPOSED, 2)
    assert [drift.what for drift in changed.drift] == ["findings"]
    assert await app.migrations() == ()


async def test_what_changed_between_confirm_and_first_write_sends_it_back(app: App) -> None:
    await app.service.propose(MOVE, DANA, OPS)
    decision = policy.decide(RAVI, Action.CONFIRM)
    await app.store.update("p1", lambda now: Change(approval.confirm(now, RAVI, decision, app.clock.now())))
    await app.cordon("worker-05")
    app.executor.start("p1")
    back = await app.until(lambda plan: plan.state is PlanState.PROPOSED)
    assert back.revision == 2
    assert back.approvers == ()
    assert await app.migrations() == ()


async def test_a_copy_that_fails_leaves_the_vm_where_it_was_and_says_why(app: App) -> None:
    await app.trouble(fail="Running: Live migration is not completed after 300 seconds and has been aborted")
    await app.begin()
    failed = await app.until(lambda plan: not plan.open)
    assert (failed.state, cause(failed)) == (PlanState.FAILED, "did-not-converge")
    assert (result(failed).node, result(failed).running) == ("worker-01", True)


async def test_a_target_that_takes_no_pod_is_explained_by_the_scheduler(app: App) -> None:
    await app.begin()
    await app.created()
    await app.cordon("worker-05")
    waiting = await app.until(lambda plan: plan.runs[0].held_up is not None, seconds=60)
    assert waiting.runs[0].held_up is not None
    assert waiting.runs[0].held_up.code == "target-cordoned"
    failed = await app.until(lambda plan: not plan.open, seconds=400, step=5)
    assert (failed.state, result(failed).node) == (PlanState.FAILED, "worker-01")
    said = result(failed).cause
    assert said is not None
    assert (said.code, "nodes are available" in said.evidence[0]) == ("target-cordoned", True)


async def test_a_move_over_its_limit_is_watched_on_and_ends_with_the_truth(app: App) -> None:
    slow = {
        "kind": "VirtualMachine",
        "namespace": "production",
        "name": "database-01",
        "faults": {"copy-seconds": "700"},
    }
    await app.fault(annotate=slow)
    await app.service.propose(MoveRequest(vm="database-01", target="worker-05"), DANA, OPS)
    await app.service.confirm("p1", 1, RAVI)
    late = await app.until(lambda plan: plan.runs[0].state is MoveState.UNKNOWN, seconds=700, step=5)
    assert (late.state, late.open) == (PlanState.RUNNING, True)
    ended = await app.until(lambda plan: not plan.open, seconds=300, step=5)
    assert (ended.state, result(ended).node) == (PlanState.SUCCEEDED, "worker-05")
    assert "timed out" in [line.kind for line in await app.store.log("p1")]


async def test_a_migration_canceled_by_hand_is_a_failure_with_that_name(app: App) -> None:
    await app.trouble(copy_seconds="60")
    await app.begin()
    await app.phase("Running")
    (vmim,) = await app.migrations()
    await app.call("DELETE", f"{VMIMS}/{vmim.ref.name}")
    failed = await app.until(lambda plan: not plan.open)
    assert (failed.state, cause(failed)) == (PlanState.FAILED, "canceled")
    assert (result(failed).node, result(failed).running) == ("worker-01", True)


async def test_a_vm_stopped_under_way_is_said_to_be_stopped(app: App) -> None:
    await app.trouble(copy_seconds="60")
    await app.begin()
    await app.phase("Running")
    stop = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/web-01/stop"
    await app.call("PUT", stop)
    failed = await app.until(lambda plan: not plan.open)
    assert (failed.state, cause(failed)) == (PlanState.FAILED, "vm-stopped")
    assert not result(failed).running


async def test_watches_that_break_lose_nothing(app: App) -> None:
    await app.trouble(copy_seconds="30")
    await app.begin()
    await app.phase("Running")
    await app.fault(cutWatches=True)
    await app.fault(expireWatches=True)
    ended = await app.until(lambda plan: not plan.open, seconds=120, step=2)
    assert (ended.state, result(ended).node) == (PlanState.SUCCEEDED, "worker-05")
    assert len(await app.migrations()) == 1


async def test_a_cluster_that_is_away_at_the_confirm_is_said_and_starts_nothing(app: App) -> None:
    await app.service.propose(MOVE, DANA, OPS)
    await app.fault(next=["503"] * 20)
    with pytest.raises(BotError) as refused:
        await app.service.confirm("p1", 1, RAVI)
    assert refused.value.code == "cluster-unreachable"
    await app.fault(clear=True)
    assert (await app.plan()).state is PlanState.PROPOSED
    await app.service.confirm("p1", 1, RAVI)
    assert (await app.until(lambda plan: not plan.open)).state is PlanState.SUCCEEDED


async def test_an_approved_plan_that_cannot_start_lapses(app: App) -> None:
    await app.service.propose(MOVE, DANA, OPS)
    decision = policy.decide(RAVI, Action.CONFIRM)
    await app.store.update("p1", lambda now: Change(approval.confirm(now, RAVI, decision, app.clock.now())))
    await app.executor.sweep(app.clock.advance(LIMITS.approved_valid.total_seconds() + 1))
    assert (await app.plan()).state is PlanState.LAPSED
    assert await app.store.holder("production/web-01") is None


async def test_a_plan_that_nobody_confirms_expires(app: App) -> None:
    await app.service.propose(MOVE, DANA, OPS)
    await app.executor.sweep(app.clock.advance(LIMITS.plan_valid.total_seconds() - 1))
    assert (await app.plan()).state is PlanState.PROPOSED
    await app.executor.sweep(app.clock.advance(2))
    assert (await app.plan()).state is PlanState.EXPIRED


@pytest.mark.parametrize("phase", ["Pending", "Scheduling", "Running"])
async def test_a_restart_in_any_phase_follows_the_same_migration_to_its_end(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, phase: str
) -> None:
    async with opened(tmp_path, sandbox, clock) as first:
        await first.trouble(copy_seconds="30")
        await first.begin()
        await first.phase(phase)
    await sandbox.advance(3)
    async with opened(tmp_path, sandbox, clock) as second:
        await second.executor.resume()
        ended = await second.until(lambda plan: not plan.open, seconds=120, step=2)
        assert (ended.state, result(ended).node) == (PlanState.SUCCEEDED, "worker-05")
        assert len(await second.migrations()) == 1


async def noted(app: App) -> Intent:
    """A plan whose process died between the note and the create."""
    await app.service.propose(MOVE, DANA, OPS)
    decision = policy.decide(RAVI, Action.CONFIRM)
    vmi = await app.cluster.instance(WEB)
    assert vmi is not None
    intent = Intent(
        name="vm-migrate-web-01-p1-0-1", attempt=1, vmi_uid=vmi.uid, seen_migration_uid="", noted_at=app.clock.now()
    )

    def died(current: Record) -> Change:
        approved = approval.confirm(current, RAVI, decision, app.clock.now())
        begun = progress.start(progress.advance(approved, 0), 0, intent, app.clock.now(), timedelta(minutes=10))
        return Change(begun)

    await app.store.update("p1", died)
    return intent


async def test_a_create_that_never_arrived_is_made_once_under_another_name(app: App) -> None:
    intent = await noted(app)
    await app.executor.resume()
    ended = await app.until(lambda plan: not plan.open, seconds=200, step=2)
    assert (ended.state, result(ended).node) == (PlanState.SUCCEEDED, "worker-05")
    (vmim,) = await app.migrations()
    assert vmim.ref.name != intent.name


async def test_a_create_that_did_arrive_is_followed(app: App) -> None:
    intent = await noted(app)
    await app.call(
        "POST",
        VMIMS,
        {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachineInstanceMigration",
            "metadata": {"name": intent.name, "labels": {"vm-migrate-bot/plan": "p1"}},
            "spec": {"vmiName": "web-01", "addedNodeSelector": {LABEL_HOSTNAME: "worker-05"}},
        },
    )
    await app.executor.resume()
    ended = await app.until(lambda plan: not plan.open)
    assert ended.state is PlanState.SUCCEEDED
    assert [vmim.ref.name for vmim in await app.migrations()] == [intent.name]


async def test_an_outage_while_it_runs_is_said_and_waited_out(app: App) -> None:
    await app.trouble(copy_seconds="60")
    await app.begin()
    await app.phase("Running")
    await app.fault(downSeconds=40)
    ended = await app.until(lambda plan: not plan.open, seconds=200, step=2)
    assert (ended.state, result(ended).node) == (PlanState.SUCCEEDED, "worker-05")
    assert len(await app.migrations()) == 1


async def test_a_plan_canceled_right_before_its_first_write_is_not_written(app: App) -> None:
    await app.service.propose(MOVE, DANA, OPS)
    read = app.cluster.instance

    async def canceled_meanwhile(ref: Ref) -> Instance | None:
        await app.service.cancel("p1", 1, DANA)
        return await read(ref)

    app.cluster.instance = canceled_meanwhile  # type: ignore[method-assign]  # the moment between proof and note
    await app.service.confirm("p1", 1, RAVI)
    await app.until(lambda plan: plan.state is PlanState.CANCELED)
    await app.sandbox.advance(30)
    assert await app.migrations() == ()


async def test_rights_lost_under_way_end_nothing(app: App) -> None:
    await app.trouble(copy_seconds="60")
    await app.begin()
    await app.phase("Running")
    read, refused = app.cluster.evidence, [True, True]

    async def forbidden(vm: Ref, migration: Ref, uid: str) -> Evidence:
        if refused:
            refused.pop()
            raise Forbidden("no", verb="list", resource="events")
        return await read(vm, migration, uid)

    app.cluster.evidence = forbidden  # type: ignore[method-assign, assignment]  # rights that come back
    ended = await app.until(lambda plan: not plan.open, seconds=200, step=2)
    assert (ended.state, result(ended).node) == (PlanState.SUCCEEDED, "worker-05")


async def test_a_vm_deleted_before_the_first_write_is_not_said_to_run(app: App) -> None:
    await app.service.propose(MOVE, DANA, OPS)
    decision = policy.decide(RAVI, Action.CONFIRM)
    await app.store.update("p1", lambda now: Change(approval.confirm(now, RAVI, decision, app.clock.now())))
    await app.call("DELETE", "/apis/kubevirt.io/v1/namespaces/production/virtualmachines/web-01")
    await app.sandbox.advance(60)
    app.executor.start("p1")
    failed = await app.until(lambda plan: not plan.open)
    assert (failed.state, result(failed).node, result(failed).running) == (PlanState.FAILED, "", False)


async def test_a_create_that_cannot_be_made_for_long_is_given_up(app: App) -> None:
    await noted(app)
    app.clock.advance(LIMITS.approved_valid.total_seconds() + 1)
    await app.executor.resume()
    failed = await app.until(lambda plan: not plan.open)
    assert (failed.state, cause(failed)) == (PlanState.FAILED, "not-started")
    assert await app.migrations() == ()


async def test_a_vm_that_has_arrived_by_another_plan_cannot_be_sent_there_again(app: App) -> None:
    await app.service.propose(MOVE, DANA, OPS)
    await app.service.propose(MOVE, DANA, OPS)
    await app.service.confirm("p1", 1, RAVI)
    await app.until(lambda plan: not plan.open)
    with pytest.raises(BotError):
        await app.service.confirm("p2", 1, RAVI)
    again = await app.plan("p2")
    assert (again.revision, again.plan.blocked) == (2, True)


async def test_an_expired_plan_is_not_confirmed_before_the_first_sweep_either(app: App) -> None:
    await app.service.propose(MOVE, DANA, OPS)
    app.clock.advance(LIMITS.plan_valid.total_seconds() + 1)
    with pytest.raises(BotError) as refused:
        await app.service.confirm("p1", 1, RAVI)
    assert refused.value.code == "expired"
