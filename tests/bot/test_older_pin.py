"""A live move of a VM that an earlier move of ours has left pinned: the pin goes first, and never comes back."""

from pathlib import Path
from typing import Any

import pytest

from bot import checks
from bot.errors import BotError
from bot.migration import PlanState
from bot.record import PinState, Record
from bot.request import MoveRequest, MoveType
from bot.sandbox.cluster import ClusterSandbox
from k8s.errors import Unreachable
from k8s.snapshots import Ref
from tests.bot.conftest import App, opened
from tests.bot.test_cold_move import begin, spec, where
from tests.bot.test_older_kubevirt import rollout
from tests.clocks import StandingClock
from tests.facts import DANA, OPS, RAVI

WEB = Ref("production", "web-01")
LIVE = MoveRequest(vm="web-01", target="worker-03", type=MoveType.LIVE)


async def left_pinned(app: App) -> Any:
    """web-01 has been moved cold to worker-04 and is pinned to it; what it had before."""
    before = await spec(app, WEB)
    await begin(app, WEB)
    await app.until(lambda plan: not plan.open)
    assert [pin.hostname for pin in await app.service.pins(DANA)] == ["worker-04.example.internal"]
    return before


async def confirmed(app: App, request: MoveRequest = LIVE) -> Record:
    planned = await app.service.propose(request, DANA, OPS)
    await app.service.confirm(planned.id, 1, RAVI)
    return planned


async def ended(app: App, plan: str, seconds: float = 60) -> Record:
    return await app.until(lambda record: not record.open, plan, seconds=seconds)


async def test_the_card_names_the_pin_and_the_move_removes_it_first(app: App) -> None:
    before = await left_pinned(app)
    move = (await confirmed(app)).plan.moves[0]
    assert [(found.code, found.severity) for found in move.findings] == [("older-pin", checks.Severity.INFO)]
    assert "our pin to worker-04.example.internal; it is removed first" in move.findings[0].text
    done = await ended(app, "p2")
    assert (done.state, await where(app, WEB)) == (PlanState.SUCCEEDED, ("worker-03", "Running"))
    assert done.runs[0].older_pin == "p1"
    assert await app.service.pins(DANA) == ()
    assert await spec(app, WEB) == before


async def test_the_plan_that_left_the_pin_is_told_and_reminds_nobody(app: App) -> None:
    await left_pinned(app)
    await app.service.decide_pin("p1", 0, PinState.LATER, DANA)
    await confirmed(app)
    await ended(app, "p2")
    pin = (await app.plan("p1")).runs[0].pin
    assert pin is not None
    assert (pin.state, pin.remind_at) == (PinState.REMOVED, None)
    assert not (await app.plan("p1")).open


async def test_without_a_target_a_pinned_vm_goes_where_its_own_rules_allow(app: App) -> None:
    before = await left_pinned(app)
    planned = await confirmed(app, MoveRequest(vm="web-01", type=MoveType.LIVE))
    assert not planned.plan.blocked
    assert (await ended(app, "p2")).state is PlanState.SUCCEEDED
    assert (await where(app, WEB))[0] not in ("", "worker-04")
    assert await spec(app, WEB) == before


async def test_nothing_is_removed_before_the_confirm(app: App) -> None:
    await left_pinned(app)
    pinned = await spec(app, WEB)
    await app.service.propose(LIVE, DANA, OPS)
    await app.sandbox.advance(30)
    assert await spec(app, WEB) == pinned


@pytest.mark.parametrize("removed", [False, True])
async def test_a_cold_move_is_moved_back_with_and_without_its_pin(app: App, removed: bool) -> None:  # noqa: FBT001
    source, _ = await where(app, WEB)
    await left_pinned(app)
    if removed:
        await app.meanwhile(app.service.decide_pin("p1", 0, PinState.REMOVED, DANA))
    back = await app.service.move_back("p1", 0, DANA, OPS)
    assert (back.plan.blocked, back.plan.moves[0].type) == (False, MoveType.COLD)
    await app.service.confirm(back.id, 1, RAVI)
    assert (await ended(app, back.id)).state is PlanState.SUCCEEDED
    assert await where(app, WEB) == (source, "Running")


async def test_a_live_move_that_removed_the_pin_is_moved_back_live(app: App) -> None:
    before = await left_pinned(app)
    await confirmed(app)
    await ended(app, "p2")
    back = await app.service.move_back("p2", 0, DANA, OPS)
    assert (back.plan.blocked, back.plan.moves[0].type) == (False, MoveType.LIVE)
    await app.service.confirm(back.id, 1, RAVI)
    assert (await ended(app, back.id)).state is PlanState.SUCCEEDED
    assert await where(app, WEB) == ("worker-04", "Running")
    assert await spec(app, WEB) == before


async def test_what_somebody_else_has_put_beside_the_pin_stays(app: App) -> None:
    await left_pinned(app)
    vms = "/apis/kubevirt.io/v1/namespaces/production/virtualmachines/web-01"
    term = {"weight": 1, "preference": {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}}
    preferred = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [term]}}
    await app.call("PATCH", vms, {"spec": {"template": {"spec": {"affinity": preferred}}}})
    await app.sandbox.advance(2)
    await confirmed(app)
    assert (await ended(app, "p2")).state is PlanState.SUCCEEDED
    assert (await spec(app, WEB))["template"]["spec"]["affinity"] == preferred


def lost(app: App, call: str, *, after: int = 0) -> None:
    """From now on the cluster takes none of these writes, but the first ones."""
    real, left = getattr(app.cluster, call), after

    async def write(*given: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0 and not more.get("dry_run"):
            raise Unreachable("the bot dies here")
        return await real(*given, **more)

    setattr(app.cluster, call, write)


@pytest.mark.parametrize(
    ("call", "after"), [("patch_vm", 1), ("create_migration", 0)], ids=["before the removal", "after the removal"]
)
async def test_a_bot_that_dies_around_the_removal_leaves_the_move_to_the_next_one(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, call: str, after: int
) -> None:
    async with opened(tmp_path, sandbox, clock) as first:
        before = await left_pinned(first)
        lost(first, call, after=after)
        await confirmed(first)
        await until_noted(first)
        assert (await spec(first, WEB) == before) is (call == "create_migration")
    async with opened(tmp_path, sandbox, clock) as second:
        await second.executor.resume()
        done = await ended(second, "p2", seconds=180)
        assert done.state is PlanState.SUCCEEDED
        assert await where(second, WEB) == ("worker-03", "Running")
        assert await spec(second, WEB) == before
        assert len([vmim for vmim in await second.migrations() if vmim.labels.get("vm-migrate-bot/plan") == "p2"]) == 1


async def until_noted(app: App) -> None:
    await app.until(lambda plan: bool(plan.runs[0].older_pin), "p2")
    for _ in range(4):
        await app.sandbox.advance(0.5)
        await app.executor.sweep(app.clock.advance(0.5))


async def test_a_guest_that_keeps_the_pin_after_all_is_not_migrated(app: App) -> None:
    """Between the last look and the removal the cluster's rollout strategy was changed."""
    before = await left_pinned(app)
    await app.service.propose(LIVE, DANA, OPS)
    await rollout(app, "Stage")
    await app.service.confirm("p2", 1, RAVI)
    done = await app.until(lambda plan: plan.runs[0].result is not None, "p2")
    assert done.state is PlanState.FAILED
    assert await app.migrations() == ()
    assert (await spec(app, WEB), await where(app, WEB)) == (before, ("worker-04", "Running"))


async def test_under_stage_the_guest_would_keep_the_pin_so_only_a_cold_move_goes(app: App) -> None:
    await rollout(app, "Stage")
    await left_pinned(app)
    planned = await app.service.propose(LIVE, DANA, OPS)
    assert [found.code for found in planned.plan.moves[0].findings if found.severity == "block"] == ["own-pin"]
    with pytest.raises(BotError) as refused:
        await app.service.confirm(planned.id, 1, RAVI)
    assert refused.value.code == "blocked"
    await begin(app, WEB, "worker-03")
    assert (await ended(app, "p3")).state is PlanState.SUCCEEDED
    assert await where(app, WEB) == ("worker-03", "Running")
