"""Slack, cluster and bot as three processes that find each other only by what stands in the environment."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.play.transcript import text_of
from bot.sandbox.slack import SlackSandbox
from tests.stories.processes import Ground, Json, ground, people_of

pytestmark = pytest.mark.stories

PLAN = "/vm-migrate web-01 worker-05"
WEB = "/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstances/web-01"
VMIMS = "/apis/kubevirt.io/v1/namespaces/production/virtualmachineinstancemigrations"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground(tmp_path) as place:
        yield place


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def read(http: aiohttp.ClientSession, url: str) -> Json:
    async with http.get(url) as answer:
        found: Json = await answer.json()
        return found


async def test_the_first_move_and_three_orderly_ends(place: Ground, http: aiohttp.ClientSession) -> None:
    (slack, tokens), (cluster, address) = await asyncio.gather(place.slack(), place.cluster())
    bot = await place.bot(place.settings(tokens))
    people = people_of(http, tokens)

    await people.say("dana", PLAN)
    card = await people.sees("dana", "Waiting for Confirm", "web-01", "worker-05")
    assert (await read(http, address + VMIMS))["items"] == []
    await people.click("ravi", card, "Confirm")
    report = await people.sees("dana", "Move succeeded", "worker-05", thread=card)
    assert (await read(http, address + WEB))["status"]["nodeName"] == "worker-05"
    assert "Done" in text_of(await people.sees("dana", "Move plan", "The report is in the thread"))
    await people.click("dana", report, "Delete migration")
    await people.sees("dana", "was deleted", thread=card)
    assert (await read(http, address + VMIMS))["items"] == []

    assert [await command.stop() for command in (bot, slack, cluster)] == [0, 0, 0]
    assert "Traceback" not in bot.output + slack.output + cluster.output
    assert_no_token(bot.output, tokens)


async def test_a_second_bot_on_the_same_database_refuses_to_start(place: Ground) -> None:
    (_, tokens), _ = await asyncio.gather(place.slack(), place.cluster())
    settings = place.settings(tokens)
    first = await place.bot(settings)
    second = await place.command("run", settings=settings)
    assert await second.ended() == 1
    assert second.lines == [f"vm-migrate-bot cannot start: another bot is running on {place.folder / 'bot.db'}"]
    assert await first.stop() == 0
    third = await place.bot(settings)
    assert await third.stop() == 0


async def test_a_bot_that_is_killed_in_the_middle_is_taken_up_by_the_next_one(
    place: Ground, http: aiohttp.ClientSession
) -> None:
    (_, tokens), (_, address) = await asyncio.gather(place.slack(), place.cluster(speed=2))
    settings = place.settings(tokens)
    bot = await place.bot(settings)
    people = people_of(http, tokens)
    await people.say("dana", PLAN)
    card = await people.sees("dana", "Waiting for Confirm")
    await people.click("ravi", card, "Confirm")
    await people.sees("dana", "Scheduling", thread=card)
    await bot.kill()

    again = await place.bot(settings)
    await people.sees("dana", "Move succeeded", "worker-05", thread=card)
    assert (await read(http, address + WEB))["status"]["nodeName"] == "worker-05"
    assert len((await read(http, address + VMIMS))["items"]) == 1
    assert await again.stop() == 0


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong-secret"}, "Slack does not accept SLACK_BOT_TOKEN (invalid_auth)"),
        ({"SLACK_APP_TOKEN": "xapp-wrong-secret"}, "Slack does not accept SLACK_APP_TOKEN (invalid_auth)"),
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is not set"),
        ({"SLACK_APP_TOKEN": ""}, "SLACK_APP_TOKEN is not set"),
        ({"SLACK_API_URL": "http://127.0.0.1:9/api/"}, "Slack cannot be reached"),
        ({"SLACK_API_URL": "http://slack.example/api/"}, "SLACK_API_URL must be https, except on loopback"),
        ({"KUBECONFIG": "/nowhere/kubeconfig"}, "the kubeconfig is missing or cannot be used"),
    ],
    ids=str,
)
async def test_a_bot_that_cannot_start_says_why_in_one_line(place: Ground, wrong: dict[str, str], line: str) -> None:
    slack = SlackSandbox()
    await slack.start()
    tokens = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
    ClusterSandbox().write_kubeconfig(place.kubeconfig)
    settings = place.settings(tokens) | wrong
    bot = await place.command("run", settings=settings)
    assert await bot.ended() == 1
    await slack.stop()
    assert len(bot.lines) == 1, bot.output
    assert bot.output.startswith("vm-migrate-bot cannot start: ")
    assert line in bot.output
    assert_no_token(bot.output, settings)


async def test_a_cluster_that_is_away_at_the_start_keeps_nobody_from_asking(
    place: Ground, http: aiohttp.ClientSession
) -> None:
    (_, tokens), (cluster, address) = await asyncio.gather(place.slack(), place.cluster())
    assert await cluster.stop() == 0
    bot = await place.bot(place.settings(tokens))
    people = people_of(http, tokens)
    await people.say("dana", PLAN)
    answer = await people.sees("dana", "API server does not answer", "Nothing was changed")
    assert answer["is_ephemeral"]

    await place.cluster(port=int(address.rsplit(":", 1)[1]))
    await people.say("dana", PLAN)
    await people.sees("dana", "Waiting for Confirm")
    assert await bot.stop() == 0


def assert_no_token(output: str, settings: dict[str, str]) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        assert not settings[name] or settings[name] not in output
