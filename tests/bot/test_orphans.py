"""VMs that a bot has pinned or stopped, and whose plan is lost with its database."""

import logging
from pathlib import Path

import pytest

from bot.orphans import EVERY, Orphans
from bot.sandbox.cluster import ClusterSandbox
from k8s.snapshots import Ref
from tests.bot.conftest import App, opened
from tests.bot.test_cold_move import APP, TARGET, begin, every_strategy, spec, until_logged, where
from tests.clocks import StandingClock
from tests.facts import DANA, OPS


def orphans(app: App) -> Orphans:
    return Orphans(app.store, app.cluster, app.leases)


@every_strategy
async def test_a_vm_that_a_lost_plan_has_stopped_is_brought_home_from_the_list(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, ref: Ref
) -> None:
    async with opened(tmp_path, sandbox, clock) as first:
        before = await spec(first, ref)
        await begin(first, ref)
        await until_logged(first, "gone")
    (tmp_path / "bot.db").unlink()
    async with opened(tmp_path, sandbox, clock) as second:
        await sandbox.advance(10)
        (lost,) = await second.service.pins(DANA)
        assert (lost.name, lost.lost, lost.down) == (ref.name, True, True)
        await second.meanwhile(second.service.unpin(ref.namespace, ref.name, DANA, OPS))
        assert second.audited("user", "done", "plan")[-1] == (DANA.user, "brought home", "p1")
        await sandbox.advance(20)
        assert (await where(second, ref))[1] == "Running"
        assert await spec(second, ref) == before
        assert await second.service.pins(DANA) == ()


async def test_a_lost_pin_is_said_in_the_log_once_and_removed_from_the_list(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "bot.orphans")
    async with opened(tmp_path, sandbox, clock) as first:
        await begin(first, APP)
        await first.until(lambda plan: not plan.open)
        await orphans(first).sweep(clock.now())
        assert caplog.text == ""
    (tmp_path / "bot.db").unlink()
    async with opened(tmp_path, sandbox, clock) as second:
        watch = orphans(second)
        for _ in range(3):
            await watch.sweep(clock.advance(EVERY.total_seconds()))
        assert caplog.text.count("production/app-vm is pinned by plan p1") == 1
        (lost,) = await second.service.pins(DANA)
        assert (lost.lost, lost.down) == (True, False)
        await second.meanwhile(second.service.unpin(APP.namespace, APP.name, DANA, OPS))
        assert second.audited("user", "done", "plan")[-1] == (DANA.user, "pin removed", "p1")
        assert await where(second, APP) == (TARGET, "Running")
        assert await second.service.pins(DANA) == ()
