"""Trouble on demand: each fault shows its effect and ends when it should."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox
from tests.sandbox_slack.callers import OPS, Caller, HandClock


async def test_the_next_calls_of_a_method_are_rate_limited(slack: Caller) -> None:
    await slack.person("faults", ratelimit={"method": "chat.postMessage", "times": 2, "retry_after": 7})
    for _ in range(2):
        answer = await slack.api("chat.postMessage", channel=OPS, text="x")
        assert (answer.status, answer.error, answer.headers["Retry-After"]) == (429, "ratelimited", "7")
    assert (await slack.api("auth.test")).body["ok"]
    await slack.post()


async def test_slack_is_down_for_a_while(slack: Caller, clock: HandClock) -> None:
    await slack.person("faults", api_down=10)
    assert (await slack.api("auth.test")).status == 503
    clock.advance(10)
    assert (await slack.api("auth.test")).body["ok"]


async def test_an_answer_comes_late_by_the_injected_clock(slack: Caller, clock: HandClock) -> None:
    await slack.person("faults", latency=2)
    call = asyncio.create_task(slack.api("auth.test"))
    await asyncio.sleep(0.05)
    assert not call.done()
    clock.advance(2)
    assert (await call).body["ok"]


async def test_a_lost_answer_leaves_the_message_posted(slack: Caller) -> None:
    await slack.person("faults", lose_answers={"method": "chat.postMessage"})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await slack.api("chat.postMessage", channel=OPS, text="posted")
    assert [message["text"] for message in await slack.messages("dana")] == ["posted"]
    await slack.post()


async def test_the_sdk_posts_twice_after_a_lost_answer_as_with_the_real_slack(
    slack: Caller, sandbox: SlackSandbox
) -> None:
    await slack.person("faults", lose_answers={"method": "chat.postMessage"})
    client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
    await client.chat_postMessage(channel=OPS, text="twice")
    assert [message["text"] for message in await slack.messages("dana")] == ["twice", "twice"]


async def test_the_sdk_understands_the_rate_limit(slack: Caller, sandbox: SlackSandbox) -> None:
    await slack.person("faults", ratelimit={"method": "auth.test", "times": 1, "retry_after": 0})
    client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
    with pytest.raises(SlackApiError) as limited:
        await client.auth_test()
    assert limited.value.response["error"] == "ratelimited"
    assert limited.value.response.headers["Retry-After"] == "0"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"earthquake": True}, "unknown_fault"),
        ({"disconnect": "bored"}, "unknown_disconnect_reason"),
        ({"ratelimit": {"method": "chat.shout"}}, "unknown_method"),
        ({"redeliver_last": True}, "dispatch_failed"),
        ({"latency": "long"}, "invalid_arguments"),
        ({"ratelimit": "chat.update"}, "invalid_arguments"),
    ],
)
async def test_a_fault_that_cannot_be_is_refused(slack: Caller, fault: dict[str, object], error: str) -> None:
    assert (await slack.person("faults", **fault))["error"] == error


async def test_clearing_ends_every_trouble(slack: Caller) -> None:
    troubles = {"api_down": 99, "latency": 99, "refuse_sockets": True, "duplicate_next": 9}
    await slack.person("faults", ratelimit={"method": "auth.test", "times": 9}, **troubles)
    await slack.person("faults", clear=True)
    assert (await slack.api("auth.test")).body["ok"]


async def test_a_call_without_its_scope_is_refused_and_every_answer_lists_the_scopes(slack: Caller) -> None:
    await slack.person("faults", revoke_scopes=["users:read"])
    refused = await slack.api("users.info", user="U0DANA00001")
    assert (refused.error, refused.body["needed"]) == ("missing_scope", "users:read")
    listed = (await slack.api("auth.test")).headers["x-oauth-scopes"].split(",")
    assert "chat:write" in listed
    assert "users:read" not in listed
    await slack.person("faults", clear=True)
    assert (await slack.api("users.info", user="U0DANA00001")).body["ok"]
