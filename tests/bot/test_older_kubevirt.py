"""A live move to a chosen node where KubeVirt is too old to be told the node: a pin leads, and never stays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from bot.migration import MoveState
from bot.record import Record
from bot.request import MoveRequest
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.stage import BOT_USER
from k8s.snapshots import Ref, VirtualMachine
from tests.bot.conftest import ROLES, App, opened
from tests.clocks import StandingClock
from tests.facts import DANA, OPS, RAVI

WEB = Ref("production", "web-01")
ASKED = MoveRequest(vm="web-01", target="worker-05")


@pytest.fixture
async def cluster() -> AsyncIterator[ClusterSandbox]:
    """KubeVirt 1.5, which needs to be told that changes reach VMs that run."""
    sandbox = ClusterSandbox(version="v1.5.2", rbac=True, hands=True)
    sandbox.grant(BOT_USER, yaml.safe_load_all(ROLES.read_text()))
    await sandbox.start()
    yield sandbox
    await sandbox.stop()
    assert sandbox.wanted(BOT_USER, allowed=False) == frozenset()


@pytest.fixture
async def old(tmp_path: Path, cluster: ClusterSandbox, clock: StandingClock) -> AsyncIterator[App]:
    async with opened(tmp_path, cluster, clock) as app:
        yield app


async def rollout(app: App, strategy: str) -> None:
    """Change vmRolloutStrategy, as an administrator does."""
    (kubevirt,) = (await app.call("GET", "/apis/kubevirt.io/v1/kubevirts"))["items"]
    place = kubevirt["metadata"]
    path = f"/apis/kubevirt.io/v1/namespaces/{place['namespace']}/kubevirts/{place['name']}"
    await app.call("PATCH", path, {"spec": {"configuration": {"vmRolloutStrategy": strategy}}})


async def vm(app: App) -> VirtualMachine:
    found = await app.cluster.vm(WEB)
    assert found is not None
    return found


def is_as(now: VirtualMachine, before: VirtualMachine) -> bool:
    """The same rules, and no trace of ours."""
    ours = [key for key in (*now.annotations, *now.labels) if key.endswith(("note", "pinned"))]
    return now.placement == before.placement and ours == []


async def confirmed(app: App) -> Record:
    planned = await app.service.propose(ASKED, DANA, OPS)
    assert [finding.code for finding in planned.plan.moves[0].findings if finding.code.startswith("led")] == [
        "led-by-pin"
    ]
    await app.service.confirm("p1", 1, RAVI)
    return planned


async def ended(app: App) -> Record:
    return await app.until(lambda plan: plan.runs[0].result is not None)


async def test_a_pin_leads_it_there_and_is_gone_at_the_end(old: App) -> None:
    await rollout(old, "LiveUpdate")
    before = await vm(old)
    await confirmed(old)
    await old.phase("Scheduling")
    assert not is_as(await vm(old), before)
    (vmim,) = await old.migrations()
    assert vmim.added_node_selector == {}
    done = await ended(old)
    assert done.runs[0].state is MoveState.SUCCEEDED
    assert done.runs[0].result is not None
    assert done.runs[0].result.node == "worker-05"
    assert is_as(await vm(old), before)
    vmi = await old.cluster.instance(WEB)
    assert vmi is not None
    assert (vmi.placement.affinity or None) == (before.placement.affinity or None)


async def test_a_move_that_fails_leaves_no_pin(old: App) -> None:
    await rollout(old, "LiveUpdate")
    before = await vm(old)
    await old.trouble(fail="Running: out of memory")
    await confirmed(old)
    done = await ended(old)
    assert done.runs[0].state is MoveState.FAILED
    assert is_as(await vm(old), before)


async def test_a_bot_that_is_replaced_half_way_takes_the_pin_off(
    tmp_path: Path, cluster: ClusterSandbox, clock: StandingClock
) -> None:
    async with opened(tmp_path, cluster, clock) as first:
        await rollout(first, "LiveUpdate")
        before = await vm(first)
        await confirmed(first)
        await first.phase("Scheduling")
    async with opened(tmp_path, cluster, clock) as second:
        assert not is_as(await vm(second), before)
        await second.executor.resume()
        done = await ended(second)
        assert done.runs[0].state is MoveState.SUCCEEDED
        assert is_as(await vm(second), before)


async def test_a_guest_that_the_pin_does_not_reach_is_not_migrated(old: App) -> None:
    """Between the last look and the pin the cluster's strategy was changed."""
    await rollout(old, "LiveUpdate")
    before = await vm(old)
    await old.service.propose(ASKED, DANA, OPS)
    await rollout(old, "Stage")
    await old.service.confirm("p1", 1, RAVI)
    done = await ended(old)
    assert done.runs[0].state is MoveState.FAILED
    assert await old.migrations() == ()
    assert is_as(await vm(old), before)


async def test_under_stage_it_is_refused(old: App) -> None:
    planned = await old.service.propose(ASKED, DANA, OPS)
    blocks = [finding.code for finding in planned.plan.moves[0].findings if finding.severity == "block"]
    assert blocks == ["no-named-target"]
