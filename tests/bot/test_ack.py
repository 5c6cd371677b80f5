"""Slack gives three seconds: every acknowledgement comes before the cluster, and a plan costs few reads.

The whole bot is here as production assembles it, between the local Slack and the simulated cluster. A cluster or a
Slack that takes an hour to answer anything makes the order visible: what is acknowledged cannot have waited for it.
"""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot import wiring
from bot.ports import DUTIES
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.resources import NODE, POD
from bot.sandbox.slack import SlackSandbox
from bot.settings import Settings
from bot.store import SqlLeases, SqlStore, open_engine
from handlers.ids import ActionId
from tests.clocks import StandingClock
from tests.sandbox_slack.callers import OPS, Caller, until

AN_HOUR = 3600.0
LATENCY = 0.25
"""Real seconds for each request while depth is measured: far longer than the bot thinks between two of them."""
DEEPEST = 3
"""Calls one after the other that one plan may need."""

PLAN = "/vm-migrate web-01 worker-05"


@dataclass
class Bot:
    """The assembled bot between the two."""

    slack: Caller
    cluster: ClusterSandbox
    parts: wiring.Parts

    async def say(self, text: str) -> None:
        """Type it; Slack shows no error, so it has the acknowledgement."""
        said = await self.slack.person("say", user="dana", channel="#ops", text=text)
        assert said["ok"], said

    async def click(self, message: dict[str, Any], action_id: ActionId) -> None:
        """Press a button; Slack shows no error, so it has the acknowledgement."""
        button = {"message_ts": message["ts"], "action_id": action_id.value}
        clicked = await self.slack.person("click", user="ravi", channel=OPS, **button)
        assert clicked["ok"], clicked

    async def plan(self, text: str = PLAN) -> dict[str, Any]:
        """Ask for a plan; its card, or the refusal."""
        await self.say(text)
        return await self.newest()

    async def newest(self) -> dict[str, Any]:
        """What Dana sees last, once everything that was asked for is done."""
        await self.parts.tasks.drain()
        await self.parts.notifier.drain()
        return (await self.slack.messages("dana"))[-1]

    async def cluster_is_slow(self, seconds: float) -> None:
        body = {"latency": seconds}
        async with self.slack.http.post(f"{self.cluster.url}/sandbox/faults", json=body) as answer:
            assert answer.status == 200

    async def asked(self) -> list[dict[str, Any]]:
        """What the cluster was asked since the last look."""
        url = f"{self.cluster.url}/sandbox/requests"
        async with self.slack.http.get(url) as answer:
            found: list[dict[str, Any]] = await answer.json()
        async with self.slack.http.delete(url):
            return found


@asynccontextmanager
async def connected(cluster: ClusterSandbox, folder: Path) -> AsyncIterator[Bot]:
    """A bot that takes commands."""
    slack, clock = SlackSandbox(seed=1), StandingClock()
    await slack.start()
    cluster.write_kubeconfig(folder / "kubeconfig")
    settings = Settings(
        slack_bot_token=SecretStr(slack.bot_token),
        slack_app_token=SecretStr(slack.app_token),
        slack_api_url=slack.api_url,
        kubeconfig=str(folder / "kubeconfig"),
    )
    engine, _ = await open_engine("sqlite+aiosqlite://")
    leases = SqlLeases(engine, "only")
    await leases.join()
    await leases.take(DUTIES)
    async with aiohttp.ClientSession() as http, wiring.cluster(settings) as kube:
        parts = await wiring.assemble(settings, SqlStore(engine, clock), leases, kube, clock)
        await parts.connection.connect()
        yield Bot(Caller(slack, http), cluster, parts)
        await kube.close()  # whatever still waits for the cluster fails now and not in an hour
        await parts.connection.close()
        await slack.stop()
        await parts.tasks.drain()
        await parts.executor.close()
        await parts.notifier.drain()
    await engine.dispose()


@pytest.fixture
async def bot(sandbox: ClusterSandbox, tmp_path: Path) -> AsyncIterator[Bot]:
    async with connected(sandbox, tmp_path) as running:
        yield running


async def test_a_command_is_acknowledged_before_the_cluster_answers_anything(bot: Bot) -> None:
    await bot.cluster_is_slow(AN_HOUR)
    await bot.say(PLAN)
    await until(lambda: len(bot.cluster._server.requests.as_json()) > 0)
    assert await bot.slack.messages("dana") == []


async def test_a_command_is_acknowledged_before_slack_answers_anything(bot: Bot) -> None:
    await bot.slack.person("faults", latency=AN_HOUR)
    await bot.say(PLAN)
    assert await bot.slack.messages("dana") == []


@pytest.mark.parametrize("button", [ActionId.CONFIRM, ActionId.CANCEL, ActionId.MODIFY])
async def test_a_button_is_acknowledged_before_the_cluster_answers_anything(bot: Bot, button: ActionId) -> None:
    card = await bot.plan()
    await bot.cluster_is_slow(AN_HOUR)
    await bot.click(card, button)


async def test_modify_opens_its_modal_before_the_cluster_answers_anything(bot: Bot) -> None:
    card = await bot.plan()
    await bot.cluster_is_slow(AN_HOUR)
    await bot.click(card, ActionId.MODIFY)
    await until(lambda: bot.slack.sandbox.modals_of("ravi"))


async def test_a_cluster_that_is_away_is_told_to_the_person_alone(bot: Bot) -> None:
    await bot.cluster.stop()
    answer = await bot.plan()
    assert answer["is_ephemeral"]
    assert "does not answer" in answer["text"]


def depth(requests: list[dict[str, Any]]) -> int:
    """The longest chain of requests that were each sent after the one before had been answered.

    The log has the requests in the order of their arrival with the number then under way. All take equally long, so
    those that had been answered are the first ones.
    """
    depths: list[int] = []
    for arrived, request in enumerate(requests):
        answered = arrived + 1 - request["in_flight"]
        depths.append(1 + max(depths[:answered], default=0))
    return max(depths)


def test_depth_is_what_it_says() -> None:
    def log(*in_flight: int) -> list[dict[str, Any]]:
        return [{"in_flight": number} for number in in_flight]

    assert depth(log(1, 2, 3)) == 1
    assert depth(log(1, 1, 1)) == 3
    assert depth(log(1, 2, 1, 2)) == 2
    assert depth(log(1, 2, 2, 2)) == 2


@pytest.mark.parametrize("text", [PLAN, "/vm-migrate production/web-01 worker-05", "/vm-migrate web-01"])
async def test_a_plan_needs_at_most_three_calls_one_after_the_other(bot: Bot, text: str) -> None:
    await bot.cluster_is_slow(LATENCY)
    card = await bot.plan(text)
    assert card["blocks"][0]["text"]["text"].startswith("Move plan")
    assert 1 <= depth(await bot.asked()) <= DEEPEST


@pytest.mark.parametrize("text", [PLAN, "/vm-migrate production/web-01 worker-05"])
async def test_a_plan_asks_a_big_cluster_exactly_what_it_asks_a_small_one(bot: Bot, text: str) -> None:
    small = await reads_of(bot, text)
    crowd(bot.cluster, nodes=200, pods=500)
    assert await reads_of(bot, text) == small


async def reads_of(bot: Bot, text: str) -> list[tuple[str, str]]:
    """Verb and path of each call that a second plan needs, sorted; the first one fills the bot's cache."""
    await bot.plan(text)
    await bot.asked()
    await bot.plan(text)
    return sorted((request["verb"], request["path"]) for request in await bot.asked())


def crowd(cluster: ClusterSandbox, *, nodes: int, pods: int) -> None:
    """Make the cluster big: nodes like worker-01, and pods on all nodes."""
    pattern = cluster.store.require(NODE, "", "worker-01")
    for number in range(nodes):
        extra = copy.deepcopy({key: pattern[key] for key in ("spec", "status")})
        name = f"extra-{number:03}"
        labels = pattern["metadata"]["labels"] | {"kubernetes.io/hostname": name}
        cluster.store.create(NODE, {"metadata": {"name": name, "labels": labels}, **extra})
    hosts = [node["metadata"]["name"] for node in cluster.store.select(NODE)]
    for number in range(pods):
        container = {"name": "app", "image": "app", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
        spec = {"nodeName": hosts[number % len(hosts)], "containers": [container]}
        metadata = {"name": f"extra-{number:03}", "namespace": "dev"}
        cluster.store.create(POD, {"metadata": metadata, "spec": spec, "status": {"phase": "Running"}})
