"""A cold move on the simulated cluster: it ends on the target or at home, running, whatever happens on the way."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.errors import BotError
from bot.migration import MoveState, PlanState
from bot.record import Choice, Doubt, PinState, Record
from bot.request import MoveRequest, MoveType
from bot.sandbox.cluster import ClusterSandbox
from k8s.errors import Conflict, Forbidden, Unreachable
from k8s.snapshots import Ref, VirtualMachine
from k8s.steps import LATE_SECONDS
from tests.bot.conftest import LIMITS, App, opened
from tests.clocks import StandingClock
from tests.facts import DANA, MEI, OPS, RAVI

APP = Ref("production", "app-vm")
STRATEGIES = {
    "Always": APP,
    "Manual": Ref("vms", "manual-01"),
    "RerunOnFailure": Ref("vms", "rerun-01"),
    "Once": Ref("vms", "once-01"),
    "running": Ref("dev", "dev-01"),
}
TARGET = "worker-04"
every_strategy = pytest.mark.parametrize("ref", STRATEGIES.values(), ids=STRATEGIES)


def cold(ref: Ref, target: str = TARGET) -> MoveRequest:
    return MoveRequest(vm=ref.name, namespace=ref.namespace, target=target, type=MoveType.COLD)


async def begin(app: App, ref: Ref, target: str = TARGET) -> Record:
    planned = await app.service.propose(cold(ref, target), DANA, OPS)
    await app.service.confirm(planned.id, 1, RAVI)
    return planned


async def spec(app: App, ref: Ref) -> Any:
    vm = await app.call("GET", f"/apis/kubevirt.io/v1/namespaces/{ref.namespace}/virtualmachines/{ref.name}")
    return vm["spec"]


async def faults(app: App, ref: Ref, **named: str | None) -> None:
    kind = {"kind": "VirtualMachine", "namespace": ref.namespace, "name": ref.name}
    await app.fault(annotate={**kind, "faults": {name.replace("_", "-"): text for name, text in named.items()}})


async def where(app: App, ref: Ref) -> tuple[str, str]:
    vmi = await app.cluster.instance(ref)
    return (vmi.node, vmi.phase) if vmi else ("", "")


async def until_logged(app: App, moment: str, *, after: int = 0) -> None:
    """Let time pass in small steps until the log has that line, not counting its first ones."""
    for _ in range(400):
        if moment in [line.kind for line in (await app.store.log("p1"))[after:]]:
            return
        await app.sandbox.advance(0.25)
        await app.executor.sweep(app.clock.advance(0.25))
    raise AssertionError(f"nothing is {moment}")


@every_strategy
async def test_it_ends_on_its_target_with_the_strategy_it_had(app: App, ref: Ref) -> None:
    before = await spec(app, ref)
    source, _ = await where(app, ref)
    await begin(app, ref)
    ended = await app.until(lambda plan: not plan.open)
    (run,) = ended.runs
    assert (ended.state, run.state, source != TARGET) == (PlanState.SUCCEEDED, MoveState.SUCCEEDED, True)
    assert await where(app, ref) == (TARGET, "Running")
    assert run.pin is not None
    assert run.down_since is not None
    assert run.up_since is not None
    after = await spec(app, ref)
    assert (after.get("runStrategy"), after.get("running")) == (before.get("runStrategy"), before.get("running"))
    await app.meanwhile(app.service.decide_pin("p1", 0, PinState.REMOVED, DANA))
    assert await spec(app, ref) == before
    assert await where(app, ref) == (TARGET, "Running")


@every_strategy
async def test_a_vm_that_cannot_start_on_its_target_goes_home_unasked_in_the_end(app: App, ref: Ref) -> None:
    before = await spec(app, ref)
    await begin(app, ref)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.cordon(TARGET)
    asked = await app.until(lambda plan: plan.runs[0].state is MoveState.ASKING, seconds=120)
    question = asked.runs[0].question
    assert question is not None
    assert question.doubt is Doubt.STARTING
    assert question.cause is not None
    assert question.cause.code == "target-cordoned"
    assert "nodes are available" in question.cause.evidence[0]
    app.clock.advance(LIMITS.start_answer.total_seconds())
    ended = await app.until(lambda plan: not plan.open, seconds=200, step=2)
    assert ended.state is PlanState.FAILED
    node, phase = await where(app, ref)
    assert phase == "Running"
    assert node not in ("", TARGET)
    assert await spec(app, ref) == before
    assert ended.runs[0].result is not None
    assert ended.runs[0].result.running


async def turned_home(app: App) -> None:
    """Let it be stuck on its target, and be called home."""
    await begin(app, APP)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.cordon(TARGET)
    await app.until(lambda plan: plan.runs[0].state is MoveState.ASKING, seconds=120)
    await app.service.answer("p1", 0, Doubt.STARTING, Choice.HOME, RAVI)


async def test_somebody_brings_it_home(app: App) -> None:
    await turned_home(app)
    ended = await app.until(lambda plan: not plan.open, seconds=120)
    assert ended.runs[0].result is not None
    assert ended.runs[0].result.cause is not None
    assert ended.runs[0].result.cause.code == "starting-abandoned"
    assert (await where(app, APP))[1] == "Running"
    with pytest.raises(BotError) as late:
        await app.service.answer("p1", 0, Doubt.STARTING, Choice.WAIT, DANA)
    assert late.value.code == "already-answered"


async def refused(ref: Ref, operations: Sequence[dict[str, Any]]) -> VirtualMachine:
    """What the cluster says once somebody has taken the right away."""
    raise Forbidden("no", verb="patch", resource="virtualmachines")


async def test_what_the_cluster_refuses_on_the_way_home_is_said_while_the_vm_is_down(app: App) -> None:
    await turned_home(app)
    app.cluster.patch_vm = refused  # type: ignore[method-assign]
    ended = await app.until(lambda plan: not plan.open)
    result = ended.runs[0].result
    assert result is not None
    assert result.cause is not None
    assert (ended.state, result.running, result.cause.code) == (PlanState.FAILED, False, "no-permission")


async def test_who_writes_at_the_same_moment_does_not_keep_a_vm_from_coming_home(app: App) -> None:
    patch, races = app.cluster.patch_vm, iter(range(5))

    async def raced(ref: Ref, operations: Sequence[dict[str, Any]]) -> VirtualMachine:
        if (await app.plan()).runs[0].starting_since and next(races, None) is not None:
            raise Conflict("a test failed")
        return await patch(ref, operations)

    await turned_home(app)
    app.cluster.patch_vm = raced  # type: ignore[method-assign]
    ended = await app.until(lambda plan: not plan.open, seconds=120)
    assert ended.runs[0].result is not None
    assert (ended.runs[0].result.running, next(races, None)) == (True, None)


async def test_waiting_pays_when_the_node_comes_back(app: App) -> None:
    await begin(app, APP)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.cordon(TARGET)
    await app.until(lambda plan: plan.runs[0].state is MoveState.ASKING, seconds=120)
    await app.service.answer("p1", 0, Doubt.STARTING, Choice.WAIT, RAVI)
    await app.call("PATCH", f"/api/v1/nodes/{TARGET}", {"spec": {"unschedulable": None}})
    ended = await app.until(lambda plan: not plan.open, seconds=120)
    assert (ended.state, await where(app, APP)) == (PlanState.SUCCEEDED, (TARGET, "Running"))


async def test_a_vm_that_came_up_while_the_cluster_was_away_is_not_sent_home_for_want_of_an_answer(app: App) -> None:
    await begin(app, APP)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.cordon(TARGET)
    asked = await app.until(lambda plan: plan.runs[0].state is MoveState.ASKING, seconds=120)
    await app.call("PATCH", f"/api/v1/nodes/{TARGET}", {"spec": {"unschedulable": None}})
    await app.fault(downSeconds=LIMITS.start_answer.total_seconds() + 60)
    ended = await app.until(lambda plan: not plan.open, seconds=900, step=5)
    assert asked.runs[0].question is not None
    assert asked.runs[0].question.answer_by is not None
    assert app.clock.now() > asked.runs[0].question.answer_by
    assert (ended.state, await where(app, APP)) == (PlanState.SUCCEEDED, (TARGET, "Running"))


WINDOWS = Ref("vms", "win-01")


async def test_a_guest_that_takes_its_time_is_told_and_forced_only_on_a_click(app: App) -> None:
    await faults(app, WINDOWS, stop="stuck")
    await begin(app, WINDOWS, "worker-05")
    slow = await app.until(lambda plan: plan.runs[0].slow_stop, seconds=120)
    assert (slow.runs[0].state, (await where(app, WINDOWS))[0]) == (MoveState.RUNNING, "worker-04")
    await app.sandbox.advance(300)
    await app.executor.sweep(app.clock.advance(300))
    assert (await where(app, WINDOWS))[0] == "worker-04"
    await app.service.answer("p1", 0, Doubt.STOPPING, Choice.FORCE, RAVI)
    ended = await app.until(lambda plan: not plan.open, seconds=120)
    assert (ended.state, await where(app, WINDOWS)) == (PlanState.SUCCEEDED, ("worker-05", "Running"))
    assert "answered" in [line.kind for line in await app.store.log("p1")]


async def test_a_guest_that_outlives_its_grace_period_is_asked_about_and_may_go_on_by_itself(app: App) -> None:
    await begin(app, APP)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.fault(annotate={"kind": "Node", "name": "worker-02", "faults": {"down": "true"}})
    asked = await app.until(lambda plan: plan.runs[0].state is MoveState.ASKING, seconds=200)
    assert asked.runs[0].question is not None
    assert (asked.runs[0].question.doubt, asked.runs[0].question.answer_by) == (Doubt.STOPPING, None)
    await app.fault(annotate={"kind": "Node", "name": "worker-02", "faults": {"down": None}})
    ended = await app.until(lambda plan: not plan.open, seconds=400, step=2)
    assert (ended.state, await where(app, APP)) == (PlanState.SUCCEEDED, (TARGET, "Running"))


async def test_a_stuck_stop_is_called_off_and_the_vm_comes_home_once_the_guest_has_ended(app: App) -> None:
    before = await spec(app, APP)
    await begin(app, APP)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.fault(annotate={"kind": "Node", "name": "worker-02", "faults": {"down": "true"}})
    await app.until(lambda plan: plan.runs[0].state is MoveState.ASKING, seconds=200)
    await app.service.answer("p1", 0, Doubt.STOPPING, Choice.HOME, RAVI)
    await app.fault(annotate={"kind": "Node", "name": "worker-02", "faults": {"down": None}})
    ended = await app.until(lambda plan: not plan.open, seconds=400, step=2)
    assert (ended.state, (await where(app, APP))[1]) == (PlanState.FAILED, "Running")
    assert await spec(app, APP) == before


async def test_a_vm_that_somebody_starts_elsewhere_is_reported_on_the_wrong_node(app: App) -> None:
    await faults(app, APP, boot_seconds="20")
    await begin(app, APP)
    await until_logged(app, "told to start")
    free = {"spec": {"template": {"spec": {"affinity": None}}}}
    vm = "virtualmachines/app-vm"
    await app.call("PATCH", f"/apis/kubevirt.io/v1/namespaces/production/{vm}", free)
    await app.cordon(TARGET)
    await app.sandbox.advance(3)
    await app.call("PUT", f"/apis/subresources.kubevirt.io/v1/namespaces/production/{vm}/restart")
    await faults(app, APP, boot_seconds=None)
    ended = await app.until(lambda plan: not plan.open, seconds=200)
    result = ended.runs[0].result
    assert result is not None
    assert result.cause is not None
    node, phase = await where(app, APP)
    assert (ended.state, result.cause.code, result.node) == (PlanState.FAILED, "wrong-node", node)
    assert (node != TARGET, phase) == (True, "Running")


async def test_somebody_elses_change_while_it_is_stopped_is_kept_and_told(app: App) -> None:
    await begin(app, APP)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    rules: dict[str, Any] = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}, "podAffinity": {}}
    await app.call(
        "PATCH",
        "/apis/kubevirt.io/v1/namespaces/production/virtualmachines/app-vm",
        {"spec": {"template": {"spec": {"affinity": rules}}}},
    )
    ended = await app.until(lambda plan: not plan.open, seconds=120)
    result = ended.runs[0].result
    assert result is not None
    assert result.cause is not None
    assert (ended.state, result.cause.code, result.running) == (PlanState.FAILED, "changed-meanwhile", True)
    assert (await spec(app, APP))["template"]["spec"]["affinity"] == rules


async def test_a_stopped_vm_is_placed_and_stays_stopped(app: App) -> None:
    ref = Ref("vms", "stopped-01")
    before = await spec(app, ref)
    await begin(app, ref)
    ended = await app.until(lambda plan: not plan.open)
    assert ended.state is PlanState.SUCCEEDED
    assert await app.cluster.instance(ref) is None
    assert TARGET in str((await spec(app, ref))["template"]["spec"]["affinity"])
    await app.meanwhile(app.service.decide_pin("p1", 0, PinState.REMOVED, DANA))
    assert await spec(app, ref) == before


async def unanswered(ref: Ref, operations: Sequence[dict[str, Any]]) -> VirtualMachine:
    raise Unreachable("no answer")


async def too_late(app: App) -> str:
    app.clock.advance(LIMITS.approved_valid.total_seconds())
    return "too late for it by now"


async def after_a_change(app: App) -> str:
    await app.cordon(TARGET)
    return "no longer as it was approved: findings"


async def without_the_right(app: App) -> str:
    app.people.now[RAVI.id] = RAVI.model_copy(update={"channel_member": False})
    return "no longer counts"


@pytest.mark.parametrize("meanwhile", [too_late, after_a_change, without_the_right], ids=lambda each: each.__name__)
@pytest.mark.parametrize("ref", [APP, Ref("vms", "stopped-01")], ids=lambda ref: ref.name)
async def test_a_first_write_that_never_arrived_is_not_made_once_it_no_longer_holds(
    app: App, ref: Ref, meanwhile: Callable[[App], Awaitable[str]]
) -> None:
    before, patch = await spec(app, ref), app.cluster.patch_vm
    app.cluster.patch_vm = unanswered  # type: ignore[method-assign]
    await begin(app, ref)
    await app.until(lambda plan: plan.runs[0].originals is not None)
    why = await meanwhile(app)
    app.cluster.patch_vm = patch  # type: ignore[method-assign]
    ended = await app.until(lambda plan: not plan.open, seconds=120)
    assert ended.runs[0].result is not None
    assert ended.runs[0].result.cause is not None
    assert (ended.state, ended.runs[0].result.cause.code) == (PlanState.FAILED, "not-started")
    assert why in ended.runs[0].result.cause.what
    assert await spec(app, ref) == before
    noted = ended.runs[0].originals
    assert noted is not None
    assert noted.noted_at is not None
    assert (app.clock.now() - noted.noted_at).total_seconds() >= LATE_SECONDS


async def test_a_first_write_that_is_refused_may_still_arrive_from_an_earlier_try(app: App) -> None:
    before = await spec(app, APP)
    app.cluster.patch_vm = unanswered  # type: ignore[method-assign]
    await begin(app, APP)
    await app.until(lambda plan: plan.runs[0].originals is not None)
    app.cluster.patch_vm = refused  # type: ignore[method-assign]
    home = await app.until(lambda plan: plan.runs[0].homeward is not None)
    ended = await app.until(lambda plan: not plan.open, seconds=120)
    assert ended.runs[0].result is not None
    assert (ended.runs[0].result.running, await spec(app, APP)) == (True, before)
    assert home.runs[0].stopped_at is not None
    assert (app.clock.now() - home.runs[0].stopped_at).total_seconds() >= LATE_SECONDS


async def test_a_first_write_that_never_arrived_is_made_as_long_as_it_holds(app: App) -> None:
    patch = app.cluster.patch_vm
    app.cluster.patch_vm = unanswered  # type: ignore[method-assign]
    await begin(app, APP)
    await app.until(lambda plan: plan.runs[0].originals is not None)
    await app.sandbox.advance(60)
    app.clock.advance(60)
    app.cluster.patch_vm = patch  # type: ignore[method-assign]
    (run,) = (await app.until(lambda plan: not plan.open, seconds=120)).runs
    assert (run.state, await where(app, APP)) == (MoveState.SUCCEEDED, (TARGET, "Running"))
    assert run.started_at is not None
    assert run.stopped_at is not None
    assert (run.stopped_at - run.started_at).total_seconds() >= 60  # it was not down before


async def test_a_vm_that_does_not_run_is_not_started_when_the_cluster_refuses_to_place_it(app: App) -> None:
    ref = STRATEGIES["Manual"]
    vm = f"virtualmachines/{ref.name}"
    await app.call("PUT", f"/apis/subresources.kubevirt.io/v1/namespaces/{ref.namespace}/{vm}/stop")
    await app.sandbox.advance(120)
    await app.service.propose(cold(ref), DANA, OPS)
    app.cluster.patch_vm = refused  # type: ignore[method-assign]
    await app.service.confirm("p1", 1, RAVI)
    ended = await app.until(lambda plan: not plan.open, seconds=120)
    result = ended.runs[0].result
    assert result is not None
    assert result.cause is not None
    assert (ended.state, result.cause.code) == (PlanState.FAILED, "no-permission")
    assert await where(app, ref) == ("", "")


async def test_a_move_back_replaces_the_pin_and_the_first_original_stays_the_original(app: App) -> None:
    before = await spec(app, APP)
    await begin(app, APP)
    await app.until(lambda plan: not plan.open)
    back = await app.service.move_back("p1", 0, DANA, OPS)
    assert (back.plan.moves[0].target_name, back.plan.blocked) == ("worker-02", False)
    await app.service.confirm("p2", 1, RAVI)
    await app.until(lambda plan: not plan.open, "p2")
    assert await where(app, APP) == ("worker-02", "Running")
    (pin,) = await app.service.pins(DANA)
    assert (pin.namespace, pin.name, pin.hostname, pin.plan_id) == ("production", "app-vm", "worker-02", "p2")
    await app.meanwhile(app.service.unpin("production", "app-vm", DANA, OPS))
    assert await app.service.pins(DANA) == ()
    assert await spec(app, APP) == before


async def test_after_some_moves_a_vm_is_estimated_by_its_own_and_confirmed_without_drift(app: App) -> None:
    for number in range(1, 4):
        planned = await app.service.propose(cold(APP, (TARGET, "worker-05")[number % 2]), DANA, OPS)
        assert planned.plan.moves[0].estimate is None
        await app.service.confirm(planned.id, 1, RAVI)
        await app.until(lambda plan: not plan.open, planned.id)
    runs = [(await app.plan(f"p{number}")).runs[0] for number in range(1, 4)]
    expected = (await app.service.propose(cold(APP, TARGET), DANA, OPS)).plan.moves[0].estimate
    assert expected is not None
    assert (expected.count, expected.own) == (3, True)
    assert expected.p95 == max(run.downtime for run in runs if run.downtime)
    confirmed = await app.service.confirm("p4", 1, RAVI)
    assert (confirmed.revision, confirmed.plan.moves[0].estimate) == (1, expected)
    other = await app.service.propose(cold(Ref("vms", "manual-01")), DANA, OPS)
    assert other.plan.moves[0].estimate is None


async def test_the_pin_is_decided_on_by_who_asked_or_confirmed_and_removed_from_the_list_by_anybody(app: App) -> None:
    before = await spec(app, APP)
    await begin(app, APP)
    await app.until(lambda plan: not plan.open)
    for wanted in (PinState.REMOVED, PinState.KEPT, PinState.LATER):
        with pytest.raises(BotError) as refused:
            await app.service.decide_pin("p1", 0, wanted, MEI)
        assert (refused.value.code, "/vm-migrate pins" in refused.value.remedy) == ("not-yours", True)
    assert (await spec(app, APP)) != before
    for actor in (RAVI, DANA):
        await app.service.decide_pin("p1", 0, PinState.KEPT, actor)
    await app.service.unpin(APP.namespace, APP.name, MEI, OPS)
    pin = (await app.plan()).runs[0].pin
    assert pin is not None
    assert (pin.state, pin.by, pin.at) == (PinState.REMOVED, MEI, app.clock.now())
    assert app.audited("user", "done")[-3:] == [
        (RAVI.user, "pin kept"),
        (DANA.user, "pin kept"),
        (MEI.user, "pin removed"),
    ]
    assert await spec(app, APP) == before


async def test_who_chose_later_is_asked_again(app: App) -> None:
    await begin(app, APP)
    await app.until(lambda plan: not plan.open)
    later = await app.service.decide_pin("p1", 0, PinState.LATER, DANA)
    assert later.runs[0].pin is not None
    assert later.runs[0].pin.state is PinState.LATER
    await app.executor.sweep(app.clock.advance(24 * 3600 + 1))
    again = (await app.plan()).runs[0].pin
    assert again is not None
    assert (again.state, again.by, again.reminders) == (PinState.ASKED, DANA, 1)
    assert "p1" in await app.store.unshown()
    await app.executor.sweep(app.clock.advance(24 * 3600 + 1))
    assert (await app.plan()).runs[0].pin == again
    with pytest.raises(BotError):
        await app.service.decide_pin("p1", 1, PinState.KEPT, DANA)


async def test_without_a_type_the_disks_decide(app: App) -> None:
    chosen = await app.service.propose(MoveRequest(vm="app-vm", target="worker-05"), DANA, OPS)
    assert chosen.plan.moves[0].type is MoveType.COLD
    assert not chosen.plan.blocked


async def test_a_disk_that_stays_behind_blocks(app: App) -> None:
    planned = await app.service.propose(cold(Ref("vms", "local-01")), DANA, OPS)
    assert [finding.code for finding in planned.plan.moves[0].findings] == ["disk-unreachable"]


async def test_rules_that_contradict_the_target_block(app: App) -> None:
    planned = await app.service.propose(cold(Ref("dev", "zoned-01")), DANA, OPS)
    assert [finding.code for finding in planned.plan.moves[0].findings] == ["rules-contradict"]


ZONED, SPREAD, PINNED = Ref("dev", "zoned-01"), Ref("dev", "spread-01"), Ref("dev", "pinned-01")
CONTRADICTING = {"zoned-01": (ZONED, TARGET), "spread-01": (SPREAD, "worker-02"), "pinned-01": (PINNED, TARGET)}
every_rule = pytest.mark.parametrize(("ref", "target"), CONTRADICTING.values(), ids=CONTRADICTING)
two_strategies = pytest.mark.parametrize("strategy", ["Always", "Manual"])


async def replace_them(app: App, ref: Ref, target: str, strategy: str) -> Any:
    """Plan, have the rules replaced, confirm; the spec from before."""
    vms = f"/apis/kubevirt.io/v1/namespaces/{ref.namespace}/virtualmachines/{ref.name}"
    await app.call("PATCH", vms, {"spec": {"runStrategy": strategy}})
    before = await spec(app, ref)
    assert (await app.service.propose(cold(ref, target), DANA, OPS)).plan.blocked
    replacing = await app.service.replace_rules("p1", 1, RAVI)
    assert [finding.code for finding in replacing.plan.moves[0].findings] == ["rules-replaced"]
    assert replacing.revision == 2
    with pytest.raises(BotError) as old:
        await app.service.replace_rules("p1", 1, DANA)
    assert old.value.code == "old-card"
    await app.service.confirm("p1", 2, RAVI)
    return before


@every_rule
@two_strategies
async def test_rules_that_contradict_are_replaced_and_come_back_with_the_removal(
    app: App, ref: Ref, target: str, strategy: str
) -> None:
    before = await replace_them(app, ref, target, strategy)
    ended = await app.until(lambda plan: not plan.open)
    assert (ended.state, await where(app, ref)) == (PlanState.SUCCEEDED, (target, "Running"))
    await app.meanwhile(app.service.decide_pin("p1", 0, PinState.REMOVED, DANA))
    assert await spec(app, ref) == before
    assert await where(app, ref) == (target, "Running")


@two_strategies
async def test_a_vm_that_finds_no_node_is_moved_to_one(app: App, strategy: str) -> None:
    """Its rules hold it to a node that takes nothing, and it was restarted: nobody can wait until it runs."""
    vms = f"/apis/kubevirt.io/v1/namespaces/{PINNED.namespace}/virtualmachines/{PINNED.name}"
    await app.call("PATCH", vms, {"spec": {"runStrategy": strategy}})
    before = await spec(app, PINNED)
    await app.cordon("worker-02")
    await app.call("PUT", f"/apis/subresources.kubevirt.io/v1/namespaces/dev/virtualmachines/{PINNED.name}/restart", {})
    await app.sandbox.advance(60)
    assert await where(app, PINNED) == ("", "Scheduling")
    planned = await app.service.propose(cold(PINNED), DANA, OPS)
    replacing = await app.service.replace_rules(planned.id, 1, RAVI)
    codes = [finding.code for finding in replacing.plan.moves[0].findings]
    assert codes == ["waits-for-a-node", "rules-replaced"]
    await app.service.confirm(planned.id, 2, RAVI)
    ended = await app.until(lambda plan: not plan.open)
    assert (ended.state, await where(app, PINNED)) == (PlanState.SUCCEEDED, (TARGET, "Running"))
    await app.meanwhile(app.service.decide_pin(planned.id, 0, PinState.REMOVED, DANA))
    assert await spec(app, PINNED) == before


@every_rule
@two_strategies
async def test_replaced_rules_come_back_on_the_way_home(app: App, ref: Ref, target: str, strategy: str) -> None:
    before = await replace_them(app, ref, target, strategy)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.cordon(target)
    await app.until(lambda plan: plan.runs[0].state is MoveState.ASKING, seconds=120)
    await app.service.answer("p1", 0, Doubt.STARTING, Choice.HOME, RAVI)
    ended = await app.until(lambda plan: not plan.open, seconds=120)
    assert ended.state is PlanState.FAILED
    assert await spec(app, ref) == before
    node, phase = await where(app, ref)
    assert (node not in ("", target), phase) == (True, "Running")


@every_rule
@two_strategies
@pytest.mark.parametrize("moment", ["stopping", "gone", "starting", "up"])
async def test_a_restart_while_rules_are_replaced_ends_on_the_target(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, ref: Ref, target: str, strategy: str, moment: str
) -> None:
    async with opened(tmp_path, sandbox, clock) as first:
        before = await replace_them(first, ref, target, strategy)
        await until_logged(first, moment)
    async with opened(tmp_path, sandbox, clock) as second:
        await second.executor.resume()
        ended = await second.until(lambda plan: not plan.open, seconds=120)
        assert (ended.state, await where(second, ref)) == (PlanState.SUCCEEDED, (target, "Running"))
        await second.meanwhile(second.service.decide_pin("p1", 0, PinState.REMOVED, DANA))
        assert await spec(second, ref) == before


@pytest.mark.parametrize("theirs", [{"disk": "ssd"}, None])
async def test_a_node_selector_that_changes_while_it_is_stopped_is_kept_and_told(app: App, theirs: Any) -> None:
    await replace_them(app, ZONED, TARGET, "Always")
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.call(
        "PATCH",
        "/apis/kubevirt.io/v1/namespaces/dev/virtualmachines/zoned-01",
        {"spec": {"template": {"spec": {"nodeSelector": {"topology.kubernetes.io/zone": None, **(theirs or {})}}}}},
    )
    changed = (await spec(app, ZONED))["template"]["spec"].get("nodeSelector")
    ended = await app.until(lambda plan: plan.runs[0].homeward is not None, seconds=120)
    assert ended.runs[0].homeward is not None
    assert ended.runs[0].homeward.code == "changed-meanwhile"
    await app.until(lambda plan: plan.runs[0].starting_since is not None and plan.runs[0].step > 2, seconds=60)
    assert (await spec(app, ZONED))["template"]["spec"].get("nodeSelector") == changed


@every_rule
async def test_a_move_back_brings_replaced_rules_back_and_narrows_them(app: App, ref: Ref, target: str) -> None:
    before = await replace_them(app, ref, target, "Always")
    source, _ = await where(app, ref)
    await app.until(lambda plan: not plan.open)
    back = await app.service.move_back("p1", 0, DANA, OPS)
    assert not back.plan.blocked
    assert back.plan.moves[0].replaces is None
    await app.service.confirm("p2", 1, RAVI)
    await app.until(lambda plan: not plan.open, "p2")
    assert await where(app, ref) == (source, "Running")
    assert (await spec(app, ref))["template"]["spec"].get("nodeSelector") == before["template"]["spec"].get(
        "nodeSelector"
    )
    await app.service.unpin(ref.namespace, ref.name, DANA, OPS)
    assert await spec(app, ref) == before


async def test_rules_of_a_stopped_vm_are_replaced_where_it_is_placed(app: App) -> None:
    vms = "/apis/kubevirt.io/v1/namespaces/vms/virtualmachines/stopped-01"
    ref, rules = Ref("vms", "stopped-01"), {"topology.kubernetes.io/zone": "rack-a", "kubernetes.io/os": "linux"}
    await app.call("PATCH", vms, {"spec": {"template": {"spec": {"nodeSelector": rules}}}})
    before = await replace_them(app, ref, TARGET, "Halted")
    ended = await app.until(lambda plan: not plan.open)
    assert ended.state is PlanState.SUCCEEDED
    assert (await spec(app, ref))["template"]["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
    await app.meanwhile(app.service.decide_pin("p1", 0, PinState.REMOVED, DANA))
    assert await spec(app, ref) == before


async def test_rules_that_change_right_before_the_first_write_are_not_replaced(app: App) -> None:
    rules, read = {"topology.kubernetes.io/zone": "rack-a", "disk": "ssd"}, app.cluster.vm

    async def changed_before(ref: Ref) -> VirtualMachine | None:
        vms = "/apis/kubevirt.io/v1/namespaces/dev/virtualmachines/zoned-01"
        await app.call("PATCH", vms, {"spec": {"template": {"spec": {"nodeSelector": rules}}}})
        return await read(ref)

    app.cluster.vm = changed_before  # type: ignore[method-assign]  # between the proof and the write
    await replace_them(app, ZONED, TARGET, "Always")
    ended = await app.until(lambda plan: not plan.open)
    assert (ended.state, await where(app, ZONED)) == (PlanState.FAILED, ("worker-01", "Running"))
    assert (await spec(app, ZONED))["template"]["spec"]["nodeSelector"] == rules


async def test_rules_that_change_before_the_confirm_are_asked_about_again(app: App) -> None:
    await app.service.propose(cold(ZONED), DANA, OPS)
    await app.service.replace_rules("p1", 1, RAVI)
    await app.call(
        "PATCH",
        "/apis/kubevirt.io/v1/namespaces/dev/virtualmachines/zoned-01",
        {"spec": {"template": {"spec": {"nodeSelector": {"disk": "ssd"}}}}},
    )
    with pytest.raises(BotError) as drifted:
        await app.service.confirm("p1", 2, DANA)
    assert drifted.value.code == "drifted"
    assert {change.what for change in (await app.plan()).drift} == {"placement rules", "rules to replace"}


MOMENTS = ("stopping", "gone", "starting", "up")


@every_strategy
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_restart_at_any_moment_ends_on_the_target(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, ref: Ref, moment: str
) -> None:
    async with opened(tmp_path, sandbox, clock) as first:
        await begin(first, ref)
        await until_logged(first, moment)
    async with opened(tmp_path, sandbox, clock) as second:
        await second.executor.resume()
        ended = await second.until(lambda plan: not plan.open, seconds=120)
        assert ended.state is PlanState.SUCCEEDED
        assert await where(second, ref) == (TARGET, "Running")
