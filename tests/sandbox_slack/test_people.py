"""The people's side: who sees what, what Slack's own client refuses, and what a screen hears."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.sandbox_slack.callers import ACME, OPS, RANDOM, Caller

BUTTON = {
    "type": "actions",
    "block_id": "decide",
    "elements": [
        {"type": "button", "action_id": "confirm", "text": {"type": "plain_text", "text": "Confirm"}, "value": "1"}
    ],
}


async def test_each_person_sees_their_channels(slack: Caller) -> None:
    seen = {}
    for user in ("dana", "ravi", "lena", "gil", "otto"):
        seen[user] = [channel["name"] for channel in (await slack.screen(user))["channels"]]
    assert seen == {
        "dana": ["ops", "shared-acme", "random"],
        "ravi": ["ops", "sre", "shared-acme", "random"],
        "lena": ["random"],
        "gil": ["ops"],
        "otto": ["shared-acme"],
    }


async def test_a_click_needs_a_message_that_the_person_sees(slack: Caller) -> None:
    ts = await slack.post("a plan", blocks=[BUTTON])
    click = {"channel": "#ops", "message_ts": ts, "action_id": "confirm"}
    assert (await slack.person("click", user="lena", **click))["error"] == "not_in_channel"
    private = await slack.api("chat.postEphemeral", channel=OPS, user="U0DANA00001", text="x", blocks=[BUTTON])
    click["message_ts"] = private.body["message_ts"]
    assert (await slack.person("click", user="ravi", **click))["error"] == "message_not_visible"


@pytest.mark.parametrize(
    ("click", "error"),
    [
        ({"action_id": "deny"}, "action_not_found"),
        ({"action_id": "confirm", "block_id": "other"}, "action_not_found"),
        ({}, "invalid_arguments"),
        ({"action_id": "confirm", "message_ts": "1.000000"}, "message_not_found"),
        ({"action_id": "confirm", "user": "nobody"}, "user_not_found"),
        ({"action_id": "confirm", "channel": "#nowhere"}, "channel_not_found"),
    ],
)
async def test_a_click_beside_the_button_is_refused(slack: Caller, click: dict[str, str], error: str) -> None:
    ts = await slack.post("a plan", blocks=[BUTTON])
    answer = await slack.person("click", **{"user": "dana", "channel": "#ops", "message_ts": ts, **click})
    assert answer["error"] == error


async def test_the_same_action_in_two_blocks_needs_a_block_id(slack: Caller) -> None:
    ts = await slack.post("plans", blocks=[BUTTON, BUTTON | {"block_id": "other"}])
    click = {"user": "dana", "channel": "#ops", "message_ts": ts, "action_id": "confirm"}
    assert (await slack.person("click", **click))["error"] == "ambiguous_action"
    assert (await slack.person("click", block_id="other", **click))["error"] == "dispatch_failed"


async def test_a_command_in_a_thread_is_refused_as_slack_does(slack: Caller) -> None:
    root = await slack.post("root")
    answer = await slack.person("say", user="dana", channel="#ops", text="/vm-migrate web-01", thread_ts=root)
    assert answer["error"] == "not_supported_in_threads"
    assert answer["detail"] == "/vm-migrate is not supported in threads. Sorry!"


async def test_an_unknown_command_never_leaves_slack(slack: Caller) -> None:
    answer = await slack.person("say", user="dana", channel="#ops", text="/vm-destroy web-01")
    assert answer == {"ok": False, "error": "unknown_command", "detail": "/vm-destroy is not a valid command."}


async def test_a_person_of_another_workspace_has_no_commands(slack: Caller) -> None:
    answer = await slack.person("say", user="otto", channel="#shared-acme", text="/vm-migrate web-01")
    assert answer["error"] == "unknown_command"
    assert (await slack.screen("otto"))["commands"] == []


async def test_mentions_and_channels_become_ids_and_the_rest_is_escaped(slack: Caller) -> None:
    line = "@dana @sre @here #ops a<b>&c mail@dana <@U0RAVI00001> @nobody #none"
    ts = (await slack.person("say", user="dana", channel="#ops", text=line))["ts"]
    (revision,) = await slack.revisions(ts)
    assert revision["text"] == (
        "<@U0DANA00001> <!subteam^S0SRE000001> <!here> <#C0OPS000001> a&lt;b&gt;&amp;c mail@dana "
        "<@U0RAVI00001> @nobody #none"
    )


async def test_a_mention_where_the_bot_is_not_is_only_a_message(slack: Caller) -> None:
    answer = await slack.person("say", user="dana", channel="#random", text="@vm-migrate hello")
    assert answer["ok"]
    assert "notice" in answer


async def test_messages_of_others_are_unread_until_read(slack: Caller) -> None:
    await slack.post("one")
    await slack.person("say", user="dana", channel="#ops", text="mine")

    async def unread() -> int:
        channels = (await slack.screen("dana"))["channels"]
        return int(next(channel["unread"] for channel in channels if channel["id"] == OPS))

    assert await unread() == 1
    await slack.person("read", user="dana", channel="#ops")
    assert await unread() == 0
    await slack.post("two")
    assert await unread() == 1


async def test_a_person_joins_and_leaves(slack: Caller) -> None:
    await slack.person("channels/join", user="lena", channel="#ops")
    assert (await slack.person("say", user="lena", channel="#ops", text="hi"))["ok"]
    await slack.person("channels/leave", user="lena", channel="#ops")
    assert (await slack.person("say", user="lena", channel="#ops", text="hi"))["error"] == "not_in_channel"


async def test_an_ephemeral_message_can_be_dismissed_and_others_not(slack: Caller) -> None:
    private = await slack.api("chat.postEphemeral", channel=OPS, user="U0DANA00001", text="psst")
    ts = await slack.post("public")
    where = {"user": "dana", "channel": "#ops"}
    assert (await slack.person("dismiss", **where, message_ts=ts))["error"] == "cant_delete_message"
    assert (await slack.person("dismiss", **where, message_ts=private.body["message_ts"]))["ok"]
    assert [message["text"] for message in await slack.messages("dana")] == ["public"]


async def test_a_screen_hears_what_its_person_may_hear_in_order(slack: Caller) -> None:
    async with slack.http.get(f"{slack.sandbox.url}/sandbox/events?user=dana") as stream:
        await stream.content.readline()
        await slack.post("elsewhere", channel="C0SRE000001")
        ts = await slack.post("first")
        await slack.api("chat.update", channel=OPS, ts=ts, text="second")
        await slack.api("chat.postEphemeral", channel=OPS, user="U0RAVI00001", text="for ravi")
        await slack.api("chat.delete", channel=OPS, ts=ts)
        await slack.person("say", user="dana", channel="#ops", text="/vm-migrate web-01")
        heard = [await next_event(stream) for _ in range(4)]
    assert [event["type"] for event in heard] == ["message", "message_changed", "message_deleted", "toast"]
    assert heard[1]["message"]["text"] == "second"
    assert heard[3]["text"] == '/vm-migrate failed with the error "dispatch_failed"'


async def next_event(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while not (line := await stream.content.readline()).startswith(b"data: "):
            continue
    return dict(json.loads(line.removeprefix(b"data: ")))


async def test_a_screen_of_nobody_is_refused(slack: Caller) -> None:
    assert (await slack.screen("nobody"))["error"] == "user_not_found"
    async with slack.http.get(f"{slack.sandbox.url}/sandbox/events?user=nobody") as response:
        assert (await response.json())["error"] == "user_not_found"


@pytest.mark.parametrize("body", ["{", "[]"])
async def test_a_deed_that_is_no_json_object_is_refused(slack: Caller, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    async with slack.http.post(f"{slack.sandbox.url}/sandbox/say", data=body, headers=headers) as response:
        assert (await response.json())["error"] == "invalid_json"


async def test_a_form_of_another_page_cannot_act(slack: Caller) -> None:
    form = {"user": "dana", "channel": "#ops", "text": "x"}
    async with slack.http.post(f"{slack.sandbox.url}/sandbox/say", data=form) as response:
        assert response.status == 415


async def test_a_shared_channel_belongs_to_both_sides(slack: Caller) -> None:
    await slack.post("hello", channel=ACME)
    assert [message["text"] for message in await slack.messages("otto", ACME)] == ["hello"]
    assert RANDOM not in (await slack.screen("otto"))["messages"]
