"""A live move on the simulated cluster, from the request to the truth about its end."""

import asyncio

import pytest

from bot.errors import BotError, NothingToDo
from bot.migration import MoveState, PlanState
from bot.request import MoveRequest, MoveType
from k8s.snapshots import Ref
from tests.bot.conftest import App
from tests.facts import DANA, OPS, OTTO, RAVI

WEB = MoveRequest(vm="web-01", target="worker-05")
PHASES = ["Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running", "Succeeded"]


async def test_a_confirmed_move_ends_on_its_target_with_one_migration(app: App) -> None:
    await app.service.propose(WEB, DANA, OPS)
    await app.service.confirm("p1", 1, RAVI)
    ended = await app.until(lambda plan: not plan.open)
    (run,) = ended.runs
    assert (ended.state, run.state) == (PlanState.SUCCEEDED, MoveState.SUCCEEDED)
    assert run.result is not None
    assert (run.result.node, run.result.running, run.result.ready, run.result.cause) == ("worker-05", True, True, None)
    assert [phase.name for phase in run.phases] == PHASES
    (vmim,) = await app.cluster.migrations(Ref("production", "web-01"))
    assert vmim.labels["vm-migrate-bot/plan"] == "p1"
    assert vmim.annotations["vm-migrate-bot/approved-by"] == RAVI.id
    assert vmim.annotations["vm-migrate-bot/requested-by"] == DANA.id


async def test_nothing_is_written_before_the_confirm(app: App) -> None:
    await app.service.propose(WEB, DANA, OPS)
    await app.sandbox.advance(30)
    assert await app.cluster.migrations(Ref("production", "web-01")) == ()


async def test_two_who_confirm_at_once_start_one_migration(app: App) -> None:
    await app.service.propose(WEB, DANA, OPS)
    presses = [app.service.confirm("p1", 1, actor) for actor in (DANA, RAVI)]
    outcomes = await asyncio.gather(*presses, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(BotError) == 1
    await app.until(lambda plan: not plan.open)
    assert len(await app.cluster.migrations(Ref("production", "web-01"))) == 1


async def test_without_a_target_the_scheduler_decides(app: App) -> None:
    planned = await app.service.propose(MoveRequest(vm="web-01"), DANA, OPS)
    await app.service.confirm("p1", 1, RAVI)
    ended = await app.until(lambda plan: not plan.open)
    assert ended.state is PlanState.SUCCEEDED
    assert ended.runs[0].result is not None
    assert ended.runs[0].result.node not in ("", planned.plan.moves[0].source)


async def test_a_finished_migration_is_deleted_on_request_and_the_vm_stays(app: App) -> None:
    await app.service.propose(WEB, DANA, OPS)
    await app.service.confirm("p1", 1, RAVI)
    await app.until(lambda plan: not plan.open)
    cleaned = await app.service.clean_up("p1", 0, DANA)
    assert cleaned.runs[0].cleaned
    assert await app.cluster.migrations(Ref("production", "web-01")) == ()
    vmi = await app.cluster.instance(Ref("production", "web-01"))
    assert vmi is not None
    assert (vmi.node, vmi.phase) == ("worker-05", "Running")


@pytest.mark.parametrize(
    ("request_", "code", "word"),
    [
        (MoveRequest(vm="web-91", target="worker-05"), "unknown-vm", "web-01"),
        (MoveRequest(vm="web-01", target="worker-5"), "unknown-node", "worker-05"),
        (MoveRequest(vm="web-01", namespace="prodction", target="worker-05"), "unknown-namespace", "production"),
        (MoveRequest(vm="cache-01", target="worker-05"), "ambiguous-vm", "dev/cache-01"),
    ],
)
async def test_an_unknown_name_comes_with_the_nearest_ones(
    app: App, request_: MoveRequest, code: str, word: str
) -> None:
    with pytest.raises(BotError) as refused:
        await app.service.propose(request_, DANA, OPS)
    assert refused.value.code == code
    assert word in refused.value.what + refused.value.remedy
    assert await app.store.open_plans() == ()


async def test_already_there_is_an_answer(app: App) -> None:
    with pytest.raises(NothingToDo):
        await app.service.propose(MoveRequest(vm="web-01", target="worker-01"), DANA, OPS)


async def test_a_person_of_another_workspace_may_not_even_ask(app: App) -> None:
    with pytest.raises(BotError) as refused:
        await app.service.propose(WEB, OTTO, OPS)
    assert refused.value.code == "not-allowed"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (MoveRequest(vm="web-01", target="worker-06"), "target-cordoned"),
        (MoveRequest(vm="app-vm", target="worker-05", type=MoveType.LIVE), "disk-not-shared"),
    ],
)
async def test_what_cannot_work_is_a_plan_that_cannot_be_confirmed(app: App, request_: MoveRequest, code: str) -> None:
    planned = await app.service.propose(request_, DANA, OPS)
    assert [finding.code for finding in planned.plan.moves[0].findings] == [code]
    with pytest.raises(BotError) as refused:
        await app.service.confirm("p1", 1, RAVI)
    assert refused.value.code == "blocked"
