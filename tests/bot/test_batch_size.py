"""A hundred VMs in one plan: how many requests it takes, and that nothing of it outgrows Slack."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.request import BatchRequest
from bot.sandbox.cluster import ClusterSandbox
from handlers import batchform, cards
from handlers.values import ModalState
from tests.bot.conftest import App, opened
from tests.clocks import StandingClock
from tests.facts import DANA, OPS
from tests.slack.limits import problems

LISTS_AT_MOST = 25
"""Requests besides the dry runs, whatever the number of VMs."""


def world(vms: int) -> dict[str, Any]:
    """That many VMs on one node, and nodes with room for all of them."""
    big = {"cpu": "256", "memory": "1Ti"}
    nodes = [{"name": f"node-{number:02}", "zone": f"rack-{number % 3}", **big} for number in range(12)]
    names = [f"service{number:03}-01" for number in range(vms)]
    return {
        "nodes": [{"name": "control-plane-01", "role": "control-plane", "cpu": "8", "memory": "16Gi"}, *nodes],
        "namespaces": [{"name": name} for name in ("default", "kube-system", "kube-node-lease", "kubevirt", "vms")],
        "vms": {
            "vms": [
                {"name": name, "node": "node-00", "disk": "rwo" if number % 10 == 0 else "rwx"}
                for number, name in enumerate(names)
            ]
        },
    }


@pytest.fixture(params=[10, 100])
async def many(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[App, int]]:
    sandbox = ClusterSandbox(world=world(request.param))
    await sandbox.start()
    async with opened(tmp_path, sandbox, StandingClock()) as app:
        yield app, request.param
    await sandbox.stop()


async def test_the_number_of_requests_does_not_grow_but_for_dry_runs(many: tuple[App, int]) -> None:
    app, vms = many
    await app.cluster.capabilities()
    await app.call("DELETE", "/sandbox/requests")
    proposed = await app.service.propose(BatchRequest(evacuate="node-00"), DANA, OPS)
    asked = Counter(one["verb"] for one in await app.call("GET", "/sandbox/requests"))
    live = sum(move.type == "live" for move in proposed.plan.moves)
    assert (len(proposed.plan.moves), live) == (vms, vms - vms // 10)
    assert sum(asked.values()) - live <= LISTS_AT_MOST
    for card in cards.wanted(proposed).values():
        assert problems(card.stamped()) == []
    view = batchform.form(proposed, ModalState(plan="p1", revision=1, channel="C0OPS"))
    assert len(view["blocks"]) <= 100
