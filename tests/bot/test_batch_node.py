"""A node with many VMs is emptied in its groups, and filled again."""

from pathlib import Path

import pytest

from bot.batch import STAGE
from bot.migration import MoveState, PlanState
from bot.record import HoldReason, Record
from bot.request import BatchRequest
from bot.sandbox.cluster import ClusterSandbox
from k8s.snapshots import Ref
from tests.bot.conftest import App, opened
from tests.bot.test_batch_size import world
from tests.clocks import StandingClock
from tests.facts import DANA, OPS, RAVI


async def through(app: App, planned: Record) -> tuple[Record, list[HoldReason]]:
    """Confirm it, and let it go on at each pause; how it ended, and why it paused."""
    for consent in planned.unaccepted:
        await app.service.accept(planned.id, planned.revision, consent, RAVI)
    await app.service.confirm(planned.id, planned.revision, RAVI)
    reasons: list[HoldReason] = []
    while True:
        now = await app.until(
            lambda plan: not plan.open or plan.state is PlanState.PAUSED, planned.id, seconds=2000, step=2
        )
        if now.state is not PlanState.PAUSED:
            return now, reasons
        reasons.append(now.holds[-1].reason)
        moved = sum(run.state is MoveState.SUCCEEDED for run in now.runs)
        assert moved == STAGE * len(reasons)
        await app.service.go_on(planned.id, len(now.holds) - 1, RAVI)


@pytest.mark.stories
@pytest.mark.timeout(180)
async def test_fifteen_vms_leave_in_groups_of_five_and_come_home(tmp_path: Path) -> None:
    sandbox = ClusterSandbox(world=world(15))
    await sandbox.start()
    async with opened(tmp_path, sandbox, StandingClock()) as app:
        away, paused = await through(app, await app.service.propose(BatchRequest(evacuate="node-00"), DANA, OPS))
        assert (away.state, paused) == (PlanState.SUCCEEDED, [HoldReason.STAGE] * 2)
        assert await app.cluster.instances_on("node-00") == ()
        home, paused = await through(app, await app.service.bring_back("node-00", DANA, OPS))
        assert (home.state, paused) == (PlanState.SUCCEEDED, [HoldReason.STAGE] * 2)
        assert len(await app.cluster.instances_on("node-00")) == 15
        assert len(await app.cluster.migrations(Ref("vms", "service001-01"))) == 2
    await sandbox.stop()


@pytest.mark.stories
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("vms", "clicks", "pauses"),
    [(7, (), 0), (7, (True,), 1), (12, (), 2), (12, (False,), 0)],
    ids=["seven at once", "seven staged on a click", "twelve staged unasked", "twelve at once on a click"],
)
async def test_a_large_batch_is_staged_as_its_size_or_people_want_it(
    tmp_path: Path, vms: int, clicks: tuple[bool, ...], pauses: int
) -> None:
    sandbox = ClusterSandbox(world=world(vms))
    await sandbox.start()
    async with opened(tmp_path, sandbox, StandingClock()) as app:
        planned = await app.service.propose(BatchRequest(evacuate="node-00"), DANA, OPS)
        assert len(planned.plan.moves) == vms
        for staged in clicks:
            planned = await app.service.stage(planned.id, planned.revision, DANA, staged=staged)
        done, paused = await through(app, planned)
        assert (done.state, paused) == (PlanState.SUCCEEDED, [HoldReason.STAGE] * pauses)
        assert await app.cluster.instances_on("node-00") == ()
    await sandbox.stop()
