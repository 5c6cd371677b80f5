"""The console's deeds, over HTTP as the page does them, on a stage whose bot is not needed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox import drills
from bot.sandbox.console import Console
from bot.sandbox.play import load
from bot.sandbox.play.player import nearest
from bot.sandbox.play.script import Expect
from bot.sandbox.play.words import of
from bot.sandbox.stage import Stage

Json = dict[str, Any]


class Panel:
    """The page's side of the console."""

    def __init__(self, stage: Stage, http: aiohttp.ClientSession) -> None:
        self.stage = stage
        self.http = http

    async def state(self) -> Json:
        async with self.http.get(f"{self.stage.slack.url}/console/state") as answer:
            shown: Json = await answer.json()
            return shown

    async def node(self, name: str) -> Json:
        nodes: list[Json] = (await self.state())["cluster"]["nodes"]
        return next(node for node in nodes if node["name"] == name)

    async def do(self, deed: str, **body: Any) -> Json:
        async with self.http.post(f"{self.stage.slack.url}/console/deeds/{deed}", json=body) as answer:
            said: Json = await answer.json()
            return said


@pytest.fixture
async def panel(tmp_path: Path) -> AsyncIterator[Panel]:
    stage = Stage(tmp_path, speed=0)
    console = Console(stage)
    async with stage, console, aiohttp.ClientSession() as http:
        yield Panel(stage, http)


async def test_a_node_is_cordoned_and_uncordoned(panel: Panel) -> None:
    await panel.do("cordon", node="worker-05", on=True)
    assert (await panel.node("worker-05"))["cordoned"]
    await panel.do("cordon", node="worker-05", on=False)
    assert not (await panel.node("worker-05"))["cordoned"]


async def test_a_filled_node_has_no_room_for_a_vm_until_it_is_emptied(panel: Panel) -> None:
    before = await panel.node("worker-05")
    assert (await panel.do("fill", node="worker-05", on=True))["ok"]
    full = await panel.node("worker-05")
    assert full["filled"]
    assert full["memory"]["room"] - full["memory"]["used"] < 2**29
    assert not (await panel.do("fill", node="worker-05", on=True))["ok"]
    await panel.do("fill", node="worker-05", on=False)
    assert await panel.node("worker-05") == before


async def test_time_stands_still_or_runs_faster(panel: Panel) -> None:
    await panel.do("speed", factor=60)
    assert (await panel.state())["cluster"]["speed"] == 60
    refused = await panel.do("speed", factor=7)
    assert "0, 1, 10, 60" in refused["detail"]


async def test_the_api_server_is_down_until_it_is_brought_back(panel: Panel) -> None:
    nodes = f"{panel.stage.cluster.url}/api/v1/nodes"
    await panel.do("api", down=True)
    assert (await panel.state())["cluster"]["faults"]["down"]
    with pytest.raises(aiohttp.ClientError):
        await panel.http.get(nodes)
    assert "does not answer" in (await panel.do("cordon", node="worker-05", on=True))["detail"]
    await panel.do("api", down=False)
    async with panel.http.get(nodes) as answer:
        assert answer.status == 200


async def test_slack_that_is_stopped_refuses_the_app_but_not_people(panel: Panel) -> None:
    authed = {"Authorization": f"Bearer {panel.stage.slack.bot_token}"}
    call = f"{panel.stage.slack.api_url}auth.test"
    await panel.do("slack", down=True)
    async with panel.http.post(call, headers=authed) as answer:
        assert answer.status == 503
    assert (await panel.state())["slack_down"]
    await panel.do("slack", down=False)
    async with panel.http.post(call, headers=authed) as answer:
        assert (await answer.json())["ok"]


async def test_only_the_next_live_migration_fails(panel: Panel) -> None:
    await panel.do("fail_next", on=True)
    assert [await _migrated(panel, vm) for vm in ("web-01", "web-02")] == ["Failed", "Succeeded"]


async def _migrated(panel: Panel, vm: str) -> str:
    jobs = f"{panel.stage.cluster.url}/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstancemigrations"
    body = {"metadata": {"name": f"move-{vm}", "namespace": "production"}, "spec": {"vmiName": vm}}
    await panel.http.post(jobs, json=body)
    await panel.stage.cluster.advance(60)
    async with panel.http.get(f"{jobs}/move-{vm}") as answer:
        return str((await answer.json())["status"]["phase"])


async def test_a_deed_on_something_unknown_says_so(panel: Panel) -> None:
    assert "worker-99" in (await panel.do("cordon", node="worker-99", on=True))["detail"]
    assert "nonsense" in (await panel.do("drill", name="nonsense"))["detail"]


async def test_another_site_cannot_press_the_buttons(panel: Panel) -> None:
    async with panel.http.post(f"{panel.stage.slack.url}/console/deeds/bot", data='{"do": "kill"}') as answer:
        assert answer.status == 415


@pytest.mark.parametrize("name", drills.names())
def test_a_drill_says_what_to_learn_and_ends_with_a_check_of_the_outcome(name: str) -> None:
    path = drills.find(name)
    assert path is not None
    story = load(path)
    assert story.learn
    kinds = [of(step, by_hand=True)["kind"] for step in story.steps]
    assert kinds[-1] == "check"
    assert any(step.vm for step in story.steps)
    assert "yours" in kinds


def test_who_practises_is_told_which_message_is_nearest_to_what_should_be_there() -> None:
    expect = Expect.model_validate(
        {"as": "dana", "in": "#ops", "text": ["web-01", "worker-05"], "without": "[Confirm]"}
    )
    assert nearest(expect, []) == ""
    assert nearest(expect, ["help", "pins"]) == "“pins”, which lacks web-01, worker-05"
    texts = ["== Move plan: web-01 → worker-04 ==\n[Confirm]", "web-02"]
    assert nearest(expect, texts) == "“Move plan: web-01 → worker-04”, which lacks worker-05 and still has [Confirm]"


def test_a_drill_is_found_with_or_without_its_number() -> None:
    assert drills.find("first-move") == drills.find("01-first-move")
    assert drills.find("no-such-drill") is None


async def test_a_page_that_still_looks_while_the_sandbox_closes_is_told_so(tmp_path: Path) -> None:
    stage = Stage(tmp_path, speed=0)
    console = Console(stage)
    async with stage, aiohttp.ClientSession() as http:
        async with console:
            pass
        async with http.get(f"{stage.slack.url}/console/state") as answer:
            assert answer.status == 503
