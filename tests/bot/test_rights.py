"""The manifests' rights are what the bot uses: none is missing (every test here runs under them), none is idle."""

from pathlib import Path

import pytest
import yaml

from bot.errors import BotError
from bot.request import BatchRequest, MoveRequest, MoveType
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.stage import BOT_USER
from k8s import errors as k8s
from k8s.cluster import Question
from k8s.names import VMIMS
from k8s.snapshots import Ref
from tests.bot.conftest import ROLES, App, opened
from tests.clocks import StandingClock
from tests.facts import DANA, OPS, RAVI


async def moved(app: App, name: str, **request: object) -> str:
    """Plan and confirm a move, and wait for its end."""
    planned = await app.service.propose(MoveRequest.model_validate({"vm": name, **request}), DANA, OPS)
    assert not planned.plan.blocked, [finding.code for move in planned.plan.moves for finding in move.findings]
    await app.service.confirm(planned.id, 1, RAVI)
    await app.until(lambda plan: plan.runs[0].result is not None, planned.id)
    return planned.id


async def all_that_it_does(app: App) -> None:
    """The stories that need different rights, one after the other."""
    live = await moved(app, "web-01", target="worker-05")
    await app.service.clean_up(live, 0, DANA)
    await app.trouble(fail="Running: out of memory")
    await moved(app, "web-01", target="worker-04")
    await moved(app, "app-vm", target="worker-04", type=MoveType.COLD)
    await moved(app, "manual-01", namespace="vms", target="worker-04", type=MoveType.COLD)
    both = (MoveRequest(vm="web-02", target="worker-04"), MoveRequest(vm="web-server", target="worker-04"))
    await app.service.propose(BatchRequest(moves=both), DANA, OPS)
    await app.service.pins(DANA)
    await app.cluster.vm_names("production")
    await app.cluster.nodes()
    assert await app.cluster.namespaces()
    with pytest.raises(k8s.NotFound):
        await app.cluster.facts(Question("web-01", "no-such-namespace", None))
    await app.cluster.start_evidence(Ref("production", "app-vm"))


def granted() -> set[tuple[str, str, str]]:
    """Verb, group and resource of each right in the manifests."""
    rules = [rule for role in yaml.safe_load_all(ROLES.read_text()) for rule in role["rules"]]
    return {
        (verb, group, resource)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


async def test_every_right_in_the_manifests_is_used(app: App) -> None:
    await all_that_it_does(app)
    wanted = app.sandbox.wanted(BOT_USER, allowed=True)
    used = {(asked.verb, asked.group, asked.full_resource) for asked in wanted}
    assert granted() - used == set(), "rights that nothing uses"


async def test_a_right_that_is_taken_away_is_missed(tmp_path: Path, clock: StandingClock) -> None:
    roles = list(yaml.safe_load_all(ROLES.read_text()))
    (rule,) = [rule for role in roles for rule in role["rules"] if rule["resources"] == [VMIMS]]
    rule["verbs"].remove("delete")
    sandbox = ClusterSandbox(rbac=True, hands=True)
    sandbox.grant(BOT_USER, roles)
    await sandbox.start()
    async with opened(tmp_path, sandbox, clock) as app:
        live = await moved(app, "web-01", target="worker-05")
        with pytest.raises(BotError, match="no-permission"):
            await app.service.clean_up(live, 0, DANA)
    await sandbox.stop()
    denied = sandbox.wanted(BOT_USER, allowed=False)
    assert {(asked.verb, asked.full_resource) for asked in denied} == {("delete", VMIMS)}
