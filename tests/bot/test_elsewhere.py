"""A VM that does not start on its target is started on another node that people choose, whatever happens meanwhile."""

from pathlib import Path

import pytest

from bot.errors import BotError
from bot.migration import MoveState, PlanState
from bot.record import Choice, Doubt, PinState, Record
from bot.sandbox.cluster import ClusterSandbox
from k8s.cold import read_note
from k8s.snapshots import Ref
from tests.bot.conftest import App, opened
from tests.bot.test_cold_move import APP, STRATEGIES, TARGET, begin, spec, until_logged, where
from tests.clocks import StandingClock
from tests.facts import DANA, RAVI

OTHER = "worker-05"
two_strategies = pytest.mark.parametrize("name", ["Always", "Manual"])


async def stuck(app: App, ref: Ref) -> Record:
    """The target was cordoned while the VM was stopped."""
    await begin(app, ref)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.cordon(TARGET)
    return await app.until(lambda plan: plan.runs[0].state is MoveState.ASKING, seconds=120)


async def hostname(app: App, ref: Ref) -> str:
    """Where the note on the VM says that it is pinned to."""
    vm = await app.cluster.vm(ref)
    note = read_note(vm) if vm else None
    assert note is not None
    return note.hostname


def killed(plan_id: str) -> None:
    """Nothing is taken up."""


@two_strategies
async def test_it_ends_on_the_other_node_and_its_pin_can_be_removed(app: App, name: str) -> None:
    ref = STRATEGIES[name]
    before = await spec(app, ref)
    await stuck(app, ref)
    await app.service.answer_elsewhere("p1", 0, OTHER, RAVI)
    ended = await app.until(lambda plan: not plan.open, seconds=200)
    assert (ended.state, await where(app, ref)) == (PlanState.SUCCEEDED, (OTHER, "Running"))
    assert await hostname(app, ref) == OTHER
    (asking,) = ended.runs[0].askings
    assert (asking.choice, asking.actor, asking.target) == (Choice.ELSEWHERE, RAVI, OTHER)
    await app.meanwhile(app.service.decide_pin("p1", 0, PinState.REMOVED, DANA))
    assert await spec(app, ref) == before


@two_strategies
@pytest.mark.parametrize("moment", ["answered", "stopping again", "gone", "up"])
async def test_a_restart_on_the_way_to_the_other_node_loses_nothing(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, name: str, moment: str
) -> None:
    ref = STRATEGIES[name]
    async with opened(tmp_path, sandbox, clock) as first:
        await stuck(first, ref)
        before = len(await first.store.log("p1"))
        first.executor.restart = killed  # type: ignore[method-assign]  # the bot ends before it can begin
        await first.service.answer_elsewhere("p1", 0, OTHER, RAVI)
        if moment != "answered":
            first.executor._runs.pop("p1").cancel()
            first.executor.start("p1")
            await until_logged(first, moment, after=before)
    async with opened(tmp_path, sandbox, clock) as second:
        await second.executor.resume()
        ended = await second.until(lambda plan: not plan.open, seconds=200)
        assert (ended.state, await where(second, ref)) == (PlanState.SUCCEEDED, (OTHER, "Running"))


async def test_where_the_other_node_fails_too_it_goes_home_with_what_it_had(app: App) -> None:
    before = await spec(app, APP)
    await stuck(app, APP)
    await app.service.answer_elsewhere("p1", 0, OTHER, RAVI)
    await app.until(lambda plan: plan.runs[0].stopping_since is not None)
    await app.cordon(OTHER)
    again = await app.until(lambda plan: plan.runs[0].state is MoveState.ASKING, seconds=200)
    assert [asking.towards for asking in again.runs[0].askings] == [TARGET, OTHER]
    await app.service.answer("p1", 0, Doubt.STARTING, Choice.HOME, RAVI)
    ended = await app.until(lambda plan: not plan.open, seconds=200)
    assert (ended.state, (await where(app, APP))[1]) == (PlanState.FAILED, "Running")
    assert await spec(app, APP) == before


async def test_a_node_that_cannot_take_it_is_refused_and_the_question_stays(app: App) -> None:
    await stuck(app, APP)
    for node, code in ((TARGET, "bad-node"), ("worker-06", "bad-node"), ("worker-99", "unknown-node")):
        with pytest.raises(BotError) as refused:
            await app.service.answer_elsewhere("p1", 0, node, RAVI)
        assert refused.value.code == code
    assert (await app.plan()).runs[0].state is MoveState.ASKING
