"""Batches on the simulated cluster: order, pauses, what people choose at each, and being killed in the middle."""

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import turns
from bot.errors import BotError
from bot.migration import MoveState, PlanState
from bot.plan import Consent
from bot.policy import BUILT_IN, Confirm, Match, Policy, Rule
from bot.record import HoldAnswer, HoldReason, PinState, Record
from bot.request import BatchRequest, MoveRequest, MoveType, Pace
from bot.sandbox.cluster import ClusterSandbox
from k8s import steps
from k8s.errors import Forbidden, Unreachable
from k8s.snapshots import Migration, NewMigration, Ref, VirtualMachine
from tests.bot.conftest import LIMITS, App, opened
from tests.clocks import StandingClock
from tests.cluster.simulated import edit_instance
from tests.facts import DANA, OPS, RAVI

WEBS = ("web-01", "web-02", "web-03")


def batch(*names: str, pace: Pace | None = None, target: str = "worker-05", **each: object) -> BatchRequest:
    moves = tuple(MoveRequest(vm=name, namespace="production") for name in names)
    return BatchRequest(moves=moves, target=target, pace=pace, **each)  # type: ignore[arg-type]


async def begin(app: App, request: BatchRequest) -> Record:
    proposed = await app.service.propose(request, DANA, OPS)
    for consent in proposed.unaccepted:
        await app.service.accept(proposed.id, 1, consent, RAVI)
    return await app.service.confirm(proposed.id, 1, RAVI)


async def ended(app: App, plan_id: str = "p1") -> Record:
    return await app.until(lambda plan: not plan.open, plan_id, seconds=900, step=1)


async def paused(app: App, reason: HoldReason, number: int = 0) -> Record:
    """Wait until the batch pauses for the `number`-th time."""
    held = await app.until(
        lambda plan: plan.state is PlanState.PAUSED and len(plan.holds) == number + 1, seconds=900, step=1
    )
    assert held.holds[-1].reason is reason
    return held


def states(record: Record) -> dict[str, MoveState]:
    return {move.vm: run.state for move, run in zip(record.plan.moves, record.runs, strict=True)}


async def node_of(app: App, name: str, namespace: str = "production") -> str:
    vmi = await app.cluster.instance(Ref(namespace, name))
    return vmi.node if vmi else ""


async def order(app: App) -> list[str]:
    """The moves in the order in which their first write was noted."""
    plan = await app.plan()
    begun = [(run.started_at, move.vm) for move, run in zip(plan.plan.moves, plan.runs, strict=True) if run.started_at]
    return [vm for _, vm in sorted(begun)]


async def breaks(app: App, name: str) -> None:
    """Let the next live move of a VM fail."""
    kind = {"kind": "VirtualMachine", "namespace": "production", "name": name}
    await app.fault(annotate={**kind, "faults": {"fail": "Running"}})


async def test_the_seeds_batch_runs_one_after_the_other_and_reports_each(app: App) -> None:
    await begin(app, batch("web-01", "web-02", "app-vm"))
    overlap = 0

    def watched(plan: Record) -> bool:
        nonlocal overlap
        overlap = max(overlap, sum(run.state is MoveState.RUNNING for run in plan.runs))
        return not plan.open

    done = await app.until(watched, seconds=900)
    assert (done.state, overlap) == (PlanState.SUCCEEDED, 1)
    assert await order(app) == ["web-01", "web-02", "app-vm"]
    assert {await node_of(app, name) for name in ("web-01", "web-02", "app-vm")} == {"worker-05"}
    assert [run.pin is not None for run in done.runs] == [False, False, True]


async def test_a_batch_pauses_between_its_groups_until_a_click(app: App) -> None:
    await begin(app, batch(*WEBS, pace=Pace(stage=2)))
    held = await paused(app, HoldReason.STAGE)
    assert [run.state for run in held.runs] == [MoveState.SUCCEEDED, MoveState.SUCCEEDED, MoveState.WAITING]
    for _ in range(20):
        await app.sandbox.advance(30)
        await app.executor.sweep(app.clock.advance(30))
    assert (await app.plan()).state is PlanState.PAUSED
    await app.service.go_on("p1", 0, RAVI)
    done = await ended(app)
    assert (done.state, done.holds[0].answer, done.holds[0].answered_by) == (
        PlanState.SUCCEEDED,
        HoldAnswer.GO_ON,
        RAVI,
    )


async def test_a_pause_of_some_minutes_ends_by_itself(app: App) -> None:
    await begin(app, batch(*WEBS, pace=Pace(stage=2, pause_minutes=5)))
    held = await paused(app, HoldReason.STAGE)
    assert held.holds[0].until == held.holds[0].at + timedelta(minutes=5)
    done = await ended(app)
    assert (done.state, done.holds[0].answered_by) == (PlanState.SUCCEEDED, None)


async def test_the_first_failure_pauses_and_skip_goes_on_with_the_rest(app: App) -> None:
    await begin(app, batch(*WEBS))
    await breaks(app, "web-02")
    held = await paused(app, HoldReason.FAILED)
    assert states(held) == {
        "web-01": MoveState.SUCCEEDED,
        "web-02": MoveState.FAILED,
        "web-03": MoveState.WAITING,
    }
    await app.service.skip("p1", 0, RAVI)
    done = await ended(app)
    assert done.state is PlanState.PARTLY_FAILED
    assert states(done)["web-03"] is MoveState.SUCCEEDED


async def test_stop_after_a_failure_leaves_the_rest_where_it_is(app: App) -> None:
    await begin(app, batch(*WEBS))
    await breaks(app, "web-02")
    await paused(app, HoldReason.FAILED)
    stopped = await app.service.stop("p1", RAVI)
    assert stopped.state is PlanState.STOPPED
    assert states(stopped)["web-03"] is MoveState.DROPPED
    assert await node_of(app, "web-03") == "worker-03"


@pytest.mark.parametrize("type_", [None, MoveType.COLD])
async def test_a_retry_is_a_plan_of_its_own_while_the_batch_waits(app: App, type_: MoveType | None) -> None:
    await begin(app, batch(*WEBS))
    await breaks(app, "web-02")
    await paused(app, HoldReason.FAILED)
    kind = {"kind": "VirtualMachine", "namespace": "production", "name": "web-02"}
    await app.fault(annotate={**kind, "faults": {"fail": None}})
    retried = await app.service.retry("p1", 1, type_, DANA, OPS)
    assert [(move.vm, move.type) for move in retried.plan.moves] == [("web-02", type_ or MoveType.LIVE)]
    await app.service.confirm("p2", 1, RAVI)
    assert (await ended(app, "p2")).state is PlanState.SUCCEEDED
    assert (await app.plan()).state is PlanState.PAUSED
    await app.service.go_on("p1", 0, RAVI)
    assert (await ended(app)).state is PlanState.PARTLY_FAILED


async def test_pause_finishes_the_move_under_way_and_begins_no_other(app: App) -> None:
    await begin(app, batch(*WEBS))
    await app.until(lambda plan: plan.runs[0].state is MoveState.RUNNING)
    await app.service.pause("p1", DANA)
    held = await app.until(lambda plan: plan.runs[0].state is MoveState.SUCCEEDED)
    assert (held.state, states(held)["web-02"]) == (PlanState.PAUSED, MoveState.WAITING)
    await app.sandbox.advance(60)
    await app.executor.sweep(app.clock.advance(60))
    assert states(await app.plan())["web-02"] is MoveState.WAITING
    await app.service.go_on("p1", 0, RAVI)
    assert (await ended(app)).state is PlanState.SUCCEEDED


async def test_stop_finishes_the_move_under_way_and_drops_the_rest(app: App) -> None:
    await begin(app, batch(*WEBS))
    await app.until(lambda plan: plan.runs[0].state is MoveState.RUNNING)
    await app.service.stop("p1", DANA)
    done = await ended(app)
    assert done.state is PlanState.STOPPED
    assert list(states(done).values()) == [MoveState.SUCCEEDED, MoveState.DROPPED, MoveState.DROPPED]
    with pytest.raises(BotError):
        await app.service.stop("p1", DANA)


async def test_a_vm_that_changed_before_its_turn_pauses_untouched(app: App) -> None:
    await begin(app, batch("web-01", "web-02", pace=Pace()))
    await app.phase("Running")
    await app.cordon("worker-05")
    held = await paused(app, HoldReason.CHANGED)
    assert held.holds[0].cause is not None
    assert "cordoned" in held.holds[0].cause.what
    assert await app.cluster.migrations(Ref("production", "web-02")) == ()
    await app.call("PATCH", "/api/v1/nodes/worker-05", {"spec": {"unschedulable": None}})
    await app.service.go_on("p1", 0, RAVI)
    assert (await ended(app)).state is PlanState.SUCCEEDED


PROTECTED = Rule(
    name="two for what is protected",
    match=Match(labels={"protected": "true"}),
    request=("channel",),
    confirm=Confirm(who=("channel",), count=2),
)


async def loses_its_approver(app: App) -> None:
    app.people.now[RAVI.id] = RAVI.model_copy(update={"channel_member": False})


async def becomes_protected(app: App) -> None:
    app.rules.current = Policy(rules=(PROTECTED, *BUILT_IN.rules))
    vm = "/apis/kubevirt.io/v1/namespaces/production/virtualmachines/web-02"
    await app.call("PATCH", vm, {"metadata": {"labels": {"protected": "true"}}})


@pytest.mark.parametrize(
    ("meanwhile", "why"), [(loses_its_approver, "no longer counts"), (becomes_protected, "More Confirms are needed")]
)
async def test_a_vm_that_may_no_longer_be_moved_at_its_turn_pauses_untouched(
    app: App, meanwhile: Callable[[App], Awaitable[None]], why: str
) -> None:
    await begin(app, batch("web-01", "web-02"))
    await app.phase("Running")
    await meanwhile(app)
    held = await paused(app, HoldReason.CHANGED)
    assert (held.holds[0].index, held.holds[0].cause and why in held.holds[0].cause.what) == (1, True)
    await app.service.go_on("p1", 0, DANA)
    await paused(app, HoldReason.CHANGED, 1)
    assert await app.cluster.migrations(Ref("production", "web-02")) == ()
    app.people.now.clear()
    app.rules.current = BUILT_IN
    await app.service.go_on("p1", 1, DANA)
    assert (await ended(app)).state is PlanState.SUCCEEDED
    vm = await app.cluster.vm(Ref("production", "web-02"))
    assert vm is not None
    assert vm.annotations["vm-migrate-bot/approved-by"] == RAVI.id


async def test_a_first_write_that_never_arrived_is_as_old_as_its_own_turn(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOOKS", (0.0,))  # real waits, which their own tests look at

    async def unanswered(new: NewMigration, *, dry_run: bool = False) -> Migration:
        app.cluster.create_migration = create  # type: ignore[method-assign]
        raise Unreachable("no answer")

    await begin(app, batch("web-01", "web-02", pace=Pace(stage=1)))
    await paused(app, HoldReason.STAGE)
    app.clock.advance(LIMITS.approved_valid.total_seconds())
    create = app.cluster.create_migration
    app.cluster.create_migration = unanswered  # type: ignore[method-assign]
    await app.service.go_on("p1", 0, RAVI)
    done = await ended(app)
    assert (done.state, done.runs[1].intent and done.runs[1].intent.attempt) == (PlanState.SUCCEEDED, 2)


async def test_skipping_it_leaves_it_out(app: App) -> None:
    await begin(app, batch("web-01", "web-02"))
    await app.phase("Running")
    await app.cordon("worker-05")
    await paused(app, HoldReason.CHANGED)
    done = await app.service.skip("p1", 0, RAVI)
    assert (done.state, states(done)["web-02"]) == (PlanState.SUCCEEDED, MoveState.SKIPPED)


async def test_a_vm_that_is_gone_at_its_turn_is_skipped_unasked(app: App) -> None:
    await begin(app, batch(*WEBS))
    await app.until(lambda plan: plan.runs[0].state is MoveState.RUNNING)
    await app.call("DELETE", "/apis/kubevirt.io/v1/namespaces/production/virtualmachines/web-02")
    done = await ended(app)
    assert list(states(done).values()) == [MoveState.SUCCEEDED, MoveState.SKIPPED, MoveState.SUCCEEDED]
    assert done.state is PlanState.SUCCEEDED
    assert done.runs[1].skipped is not None


@pytest.mark.parametrize("found", [None, Forbidden("no", verb="get", resource="virtualmachines")], ids=repr)
async def test_a_pause_that_comes_while_the_last_one_is_looked_at_leaves_it_waiting(
    app: App, found: Forbidden | None
) -> None:
    read = app.cluster.vm

    async def paused_meanwhile(ref: Ref) -> VirtualMachine | None:
        if ref.name != "web-02":
            return await read(ref)
        app.cluster.vm = read  # type: ignore[method-assign]
        await app.service.pause("p1", DANA)
        if found:
            raise found
        return None

    await begin(app, batch("web-01", "web-02", pace=Pace(side_by_side=2)))
    app.cluster.vm = paused_meanwhile  # type: ignore[method-assign]
    held = await app.until(lambda plan: plan.runs[0].state is MoveState.SUCCEEDED, seconds=120)
    assert (held.state, states(held)["web-02"]) == (PlanState.PAUSED, MoveState.WAITING)
    await app.service.go_on("p1", 0, RAVI)
    assert (await ended(app)).state is PlanState.SUCCEEDED


async def test_live_moves_go_side_by_side_up_to_the_clusters_limits_and_cold_ones_alone(app: App) -> None:
    names = ("web-01", "web-02", "web-03", "database-01", "app-vm")
    await begin(app, batch(*names, pace=Pace(side_by_side=20)))
    most = {"live": 0, "with cold": 0}

    def watched(plan: Record) -> bool:
        running = [m.type for m, run in zip(plan.plan.moves, plan.runs, strict=True) if run.state is MoveState.RUNNING]
        most["live"] = max(most["live"], running.count(MoveType.LIVE))
        if MoveType.COLD in running:
            most["with cold"] = max(most["with cold"], len(running))
        return not plan.open

    done = await app.until(watched, seconds=900)
    assert done.state is PlanState.SUCCEEDED
    assert 1 < most["live"] <= 4
    assert most["with cold"] == 1


async def test_killed_in_the_middle_exactly_the_remaining_moves_run(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock
) -> None:
    async with opened(tmp_path, sandbox, clock) as first:
        await begin(first, batch(*WEBS))
        await first.until(lambda plan: plan.runs[1].state is MoveState.RUNNING, seconds=300)
    async with opened(tmp_path, sandbox, clock) as second:
        await second.executor.resume()
        done = await ended(second)
        assert done.state is PlanState.SUCCEEDED
        for name in WEBS:
            assert len(await second.cluster.migrations(Ref("production", name))) == 1


@pytest.mark.parametrize(("minutes", "asked"), [(16, True), (14, False)])
async def test_after_a_long_absence_the_rest_of_a_batch_asks(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, *, minutes: int, asked: bool
) -> None:
    async with opened(tmp_path, sandbox, clock) as first:
        await begin(first, batch("web-01", "web-02"))
        await first.until(lambda plan: bool(plan.runs[0].phases), seconds=300)
    with sqlite3.connect(tmp_path / "bot.db") as database:  # so long ago was any bot seen
        database.execute(f"UPDATE replicas SET until = until - {minutes * 60}")
    database.close()
    async with opened(tmp_path, sandbox, clock) as second:
        await second.executor.resume()
        held = await second.until(lambda plan: plan.runs[0].state is MoveState.SUCCEEDED, seconds=300)
        assert [hold.reason for hold in held.holds] == ([HoldReason.OUTAGE] if asked else [])
        if asked:
            assert states(held)["web-02"] is MoveState.WAITING
            await second.service.go_on("p1", 0, RAVI)
        assert (await ended(second)).state is PlanState.SUCCEEDED


async def test_a_long_outage_between_two_moves_asks_once(app: App) -> None:
    await begin(app, batch("web-01", "web-02", pace=Pace(stage=1)))
    await paused(app, HoldReason.STAGE)
    await app.fault(downSeconds=20 * 60)
    await app.service.go_on("p1", 0, RAVI)
    held = await app.until(lambda plan: plan.state is PlanState.PAUSED, seconds=1000, step=5)
    assert [hold.reason for hold in held.holds] == [HoldReason.STAGE, HoldReason.OUTAGE]
    assert held.holds[1].at - held.holds[0].at >= turns.LONG_OUTAGE
    await app.sandbox.advance(3600)
    await app.executor.sweep(app.clock.advance(3600))
    await app.service.go_on("p1", 1, RAVI)
    assert len((await ended(app)).holds) == 2


async def test_all_move_back_and_all_pins_go(app: App) -> None:
    await begin(app, batch("web-01", "app-vm"))
    await ended(app)
    await app.meanwhile(app.service.remove_all_pins("p1", RAVI))
    assert (await app.plan()).runs[1].pin is not None
    assert [run.pin.state for run in (await app.plan()).runs if run.pin] == [PinState.REMOVED]
    back = (await app.service.move_all_back("p1", DANA, OPS)).plan
    assert {move.vm: move.target_name for move in back.moves} == {"web-01": "worker-01", "app-vm": "worker-02"}


async def test_the_list_of_pins_takes_off_that_of_the_vm_that_was_named(app: App) -> None:
    await begin(app, batch("app-vm", "web-server"))
    first, second = (move.vm for move in (await ended(app)).plan.moves)
    await app.meanwhile(app.service.unpin("production", second, DANA, OPS))
    assert [pin.name for pin in await app.service.pins(DANA)] == [first]
    states = [run.pin and run.pin.state for run in (await app.plan()).runs]
    assert states == [PinState.ASKED, PinState.REMOVED]


async def test_an_evacuated_node_gets_its_vms_back(app: App) -> None:
    was = {(move.namespace, move.vm) for move in (await begin(app, BatchRequest(evacuate="worker-02"))).plan.moves}
    done = await ended(app)
    assert done.state is PlanState.SUCCEEDED
    home = await app.service.bring_back("worker-02", DANA, OPS)
    assert {(move.namespace, move.vm) for move in home.plan.moves} == was
    for consent in home.unaccepted:
        await app.service.accept("p2", 1, consent, RAVI)
    await app.service.confirm("p2", 1, RAVI)
    assert (await ended(app, "p2")).state is PlanState.SUCCEEDED
    assert {await node_of(app, vm, namespace) for namespace, vm in was} == {"worker-02"}
    with pytest.raises(BotError) as nothing:
        await app.service.bring_back("worker-02", DANA, OPS)
    assert nothing.value.code == "nothing-away"


async def test_a_cost_is_accepted_once_and_a_new_revision_asks_again(app: App) -> None:
    request = batch("app-vm", "web-server")
    await app.service.propose(request, DANA, OPS)
    await app.service.accept("p1", 1, Consent.DOWNTIME, RAVI)
    with pytest.raises(BotError):
        await app.service.accept("p1", 1, Consent.DOWNTIME, DANA)
    staged = await app.service.stage("p1", 1, DANA, staged=True)
    assert (staged.revision, staged.plan.pace.stage, staged.unaccepted) == (2, 5, (Consent.DOWNTIME,))


async def test_a_vm_whose_agent_does_not_come_back_pauses_the_batch(app: App) -> None:
    await begin(app, batch("web-01", "web-02"))
    await app.until(lambda plan: plan.runs[0].state is MoveState.RUNNING)
    assert (await app.plan()).plan.moves[0].agent
    path = "/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstances/web-01"

    def silent(vmi: dict[str, Any]) -> None:
        kept = [each for each in vmi["status"]["conditions"] if each["type"] != "AgentConnected"]
        vmi["status"]["conditions"] = kept

    for _ in range(400):
        edit_instance(app.sandbox, Ref("production", "web-01"), silent)
        await app.sandbox.advance(1)
        await app.executor.sweep(app.clock.advance(1))
        if (held := await app.plan()).state is PlanState.PAUSED:
            break
    assert (held.holds[0].reason, held.holds[0].index) == (HoldReason.UNHEALTHY, 0)
    assert states(held)["web-02"] is MoveState.WAITING
    assert (await app.call("GET", path))["status"]["nodeName"] == "worker-05"
