"""HTTP mode: signed posts that the real Bolt app verifies with its own code."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox, default_world
from tests.sandbox_slack.callers import OPS, Caller, HandClock, until


@dataclass
class HttpMode:
    """A Bolt app behind a Request URL, and the sandbox that posts to it."""

    app: AsyncApp
    slack: Caller
    clock: HandClock


@pytest.fixture
async def http_mode(http: aiohttp.ClientSession) -> AsyncIterator[HttpMode]:
    credentials = default_world().app.credentials
    client = AsyncWebClient(token=credentials.bot_token)
    app = AsyncApp(client=client, signing_secret=credentials.signing_secret)
    runner = web.AppRunner(app.server(port=1).web_app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    # Bolt compares the signature's time with the machine's own clock.
    clock = HandClock(time.time())
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    sandbox = SlackSandbox(clock=clock, request_url=url)
    await sandbox.start()
    client.base_url = sandbox.api_url
    yield HttpMode(app, Caller(sandbox, http), clock)
    await sandbox.stop()
    await runner.cleanup()


async def test_a_command_is_posted_signed_and_its_answer_shown(http_mode: HttpMode) -> None:
    @http_mode.app.command("/vm-migrate")
    async def migrate(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack(f"plan for {body['text']}")

    slack = http_mode.slack
    assert (await slack.person("say", user="dana", channel="#ops", text="/vm-migrate web-01"))["ok"]
    assert [message["text"] for message in await slack.messages("dana")] == ["plan for web-01"]


async def test_a_click_and_a_mention_arrive(http_mode: HttpMode) -> None:
    seen: list[str] = []

    @http_mode.app.action("confirm")
    async def confirm(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        seen.append(body["user"]["id"])

    @http_mode.app.event("app_mention")
    async def mentioned(event: dict[str, Any]) -> None:
        seen.append(event["text"])

    slack = http_mode.slack
    button = {"type": "button", "action_id": "confirm", "text": {"type": "plain_text", "text": "Confirm"}}
    ts = await slack.post("a plan", blocks=[{"type": "actions", "elements": [button]}])
    await slack.person("click", user="ravi", channel="#ops", message_ts=ts, action_id="confirm")
    await slack.person("say", user="dana", channel=OPS, text="@vm-migrate hello")
    await until(lambda: len(seen) == 2)
    assert seen == ["U0RAVI00001", "<@U0VMMIGRATE> hello"]


async def test_a_request_with_an_old_time_is_refused_by_the_app(http_mode: HttpMode) -> None:
    http_mode.clock.advance(-600)
    answer = await http_mode.slack.person("say", user="dana", channel="#ops", text="/vm-migrate web-01")
    assert answer["error"] == "dispatch_failed"


async def test_a_silent_app_times_out(http_mode: HttpMode) -> None:
    asked = asyncio.Event()
    release = asyncio.Event()

    @http_mode.app.command("/vm-migrate")
    async def migrate(ack: AsyncAck) -> None:
        asked.set()
        await release.wait()
        await ack()

    say = asyncio.create_task(http_mode.slack.person("say", user="dana", channel="#ops", text="/vm-migrate web-01"))
    await asked.wait()
    http_mode.clock.advance(3.1)
    assert (await say)["error"] == "operation_timeout"
    release.set()


def test_a_request_url_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        SlackSandbox(request_url="https://example.com/slack/events")
