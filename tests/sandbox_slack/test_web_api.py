"""The Web API without an SDK: Slack's error words, each where Slack uses it."""

import json
from typing import Any

import pytest

from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.webapi.router import METHODS
from tests.sandbox_slack.callers import OPS, RANDOM, START, Caller, HandClock

DIVIDER = {"type": "divider"}


async def test_every_method_wants_a_token(slack: Caller) -> None:
    for method in METHODS:
        async with slack.http.post(slack.sandbox.api_url + method) as response:
            assert await response.json() == {"ok": False, "error": "not_authed"}


async def test_a_wrong_token_is_invalid_auth(slack: Caller) -> None:
    assert (await slack.api("auth.test", token="xoxb-wrong")).error == "invalid_auth"


async def test_an_unknown_method_is_named(slack: Caller) -> None:
    answer = await slack.api("chat.shout")
    assert answer.body == {"ok": False, "error": "unknown_method", "req_method": "chat.shout"}


async def test_auth_test_says_who_the_bot_is(slack: Caller) -> None:
    body = (await slack.api("auth.test")).body
    assert (body["user_id"], body["bot_id"], body["team_id"]) == ("U0VMMIGRATE", "B0VMMIGRATE", "T0SANDBOX1")


async def test_a_form_carries_blocks_as_a_json_string(slack: Caller) -> None:
    form = {"channel": OPS, "text": "hi", "blocks": json.dumps([DIVIDER]), "token": slack.sandbox.bot_token}
    async with slack.http.post(slack.sandbox.api_url + "chat.postMessage", data=form) as response:
        body = await response.json()
    assert body["ok"]
    assert body["message"]["blocks"][0]["type"] == "divider"


@pytest.mark.parametrize("body", ["{", "[]", '"x"'])
async def test_a_body_that_is_no_json_object_is_refused(slack: Caller, body: str) -> None:
    headers = {"Authorization": f"Bearer {slack.sandbox.bot_token}", "Content-Type": "application/json"}
    async with slack.http.post(slack.sandbox.api_url + "auth.test", data=body, headers=headers) as response:
        assert (await response.json())["error"] in {"invalid_json", "json_not_object"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE01", "text": "x"}, "channel_not_found"),
        ({"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ({"channel": RANDOM, "text": "x"}, "not_in_channel"),
        ({"channel": OPS}, "no_text"),
        ({"text": "x"}, "invalid_arguments"),
        ({"channel": OPS, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": OPS, "blocks": "nonsense"}, "invalid_blocks_format"),
        ({"channel": OPS, "blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"channel": OPS, "blocks": [{"type": "banner"}]}, "invalid_blocks"),
        ({"channel": OPS, "text": "x", "attachments": {"a": 1}}, "invalid_attachments"),
        ({"channel": OPS, "text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        (
            {"channel": OPS, "text": "x", "metadata": {"event_type": "a"}},
            "metadata_must_be_sent_with_event_type_and_payload",
        ),
    ],
)
async def test_a_message_is_refused_with_slacks_word(slack: Caller, arguments: dict[str, Any], error: str) -> None:
    answer = await slack.api("chat.postMessage", **arguments)
    assert (answer.status, answer.error) == (200, error)
    assert await slack.messages("dana") == []


async def test_invalid_blocks_point_at_the_spot(slack: Caller) -> None:
    blocks = [DIVIDER, {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    answer = await slack.api("chat.postMessage", channel=OPS, blocks=blocks)
    assert answer.pointers == ["/blocks/1/text/text"]
    assert "must be less than 151 characters" in answer.body["response_metadata"]["messages"][0]


async def test_an_archived_channel_takes_nothing(slack: Caller) -> None:
    await slack.person("channels/archive", channel="#ops")
    assert (await slack.api("chat.postMessage", channel=OPS, text="x")).error == "is_archived"
    assert (await slack.person("say", user="dana", channel="#ops", text="x"))["error"] == "is_archived"


async def test_the_bot_can_be_invited_and_removed(slack: Caller) -> None:
    await slack.person("channels/join", user="vm-migrate", channel="#random")
    await slack.post(channel=RANDOM)
    await slack.person("channels/leave", user="vm-migrate", channel="#random")
    assert (await slack.api("chat.postMessage", channel=RANDOM, text="x")).error == "not_in_channel"


async def test_timestamps_are_unique_and_increase_while_the_clock_stands_still(slack: Caller) -> None:
    stamps = [await slack.post(str(number)) for number in range(3)]
    assert stamps == sorted(set(stamps))
    assert all(stamp.startswith(f"{int(START)}.") for stamp in stamps)


async def test_an_edit_replaces_the_message_in_place_and_every_version_is_kept(slack: Caller) -> None:
    ts = await slack.post("planned")
    await slack.api("chat.update", channel=OPS, ts=ts, text="running")
    await slack.api("chat.update", channel=OPS, ts=ts, text="done", blocks=[DIVIDER])
    (message,) = await slack.messages("dana")
    assert (message["ts"], message["text"], message["revision_count"]) == (ts, "done", 3)
    assert message["edited"]["user"] == "U0VMMIGRATE"
    assert [revision["text"] for revision in await slack.revisions(ts)] == ["planned", "running", "done"]


async def test_an_edit_of_text_alone_takes_the_blocks_away(slack: Caller) -> None:
    ts = await slack.post("planned", blocks=[DIVIDER])
    await slack.api("chat.update", channel=OPS, ts=ts, text="plain")
    assert "blocks" not in (await slack.messages("dana"))[0]


async def test_an_edit_of_blocks_alone_keeps_text_and_shows_no_mark(slack: Caller) -> None:
    ts = await slack.post("planned")
    await slack.api("chat.update", channel=OPS, ts=ts, blocks=[DIVIDER])
    (message,) = await slack.messages("dana")
    assert message["text"] == "planned"
    assert "edited" not in message


async def test_only_own_messages_can_be_edited_or_deleted(slack: Caller) -> None:
    ts = (await slack.person("say", user="dana", channel="#ops", text="mine"))["ts"]
    assert (await slack.api("chat.update", channel=OPS, ts=ts, text="x")).error == "cant_update_message"
    assert (await slack.api("chat.delete", channel=OPS, ts=ts)).error == "cant_delete_message"
    assert (await slack.api("chat.update", channel=OPS, ts="1.000000", text="x")).error == "message_not_found"


async def test_an_edit_has_a_shorter_text_limit(slack: Caller) -> None:
    ts = await slack.post()
    assert (await slack.api("chat.update", channel=OPS, ts=ts, text="x" * 4001)).error == "msg_too_long"


async def test_a_deleted_root_with_replies_leaves_a_tombstone(slack: Caller) -> None:
    root = await slack.post("root")
    await slack.post("reply", thread_ts=root)
    alone = await slack.post("alone")
    await slack.api("chat.delete", channel=OPS, ts=root)
    await slack.api("chat.delete", channel=OPS, ts=alone)
    texts = [message["text"] for message in await slack.messages("dana")]
    assert texts == ["This message was deleted.", "reply"]
    assert (await slack.api("chat.update", channel=OPS, ts=root, text="x")).error == "message_not_found"


async def test_a_reply_to_a_reply_is_refused(slack: Caller) -> None:
    root = await slack.post("root")
    reply = await slack.post("reply", thread_ts=root)
    assert (await slack.api("chat.postMessage", channel=OPS, text="x", thread_ts=reply)).error == "thread_not_found"


async def test_an_ephemeral_message_reaches_one_member_and_cannot_be_edited(slack: Caller) -> None:
    answer = await slack.api("chat.postEphemeral", channel=OPS, user="U0DANA00001", text="psst")
    ts = answer.body["message_ts"]
    assert [message["text"] for message in await slack.messages("dana")] == ["psst"]
    assert await slack.messages("ravi") == []
    assert (await slack.api("chat.update", channel=OPS, ts=ts, text="x")).error == "message_not_found"
    outside = await slack.api("chat.postEphemeral", channel=OPS, user="U0LENA00001", text="psst")
    assert outside.error == "user_not_in_channel"


async def test_a_permalink_names_channel_and_message(slack: Caller) -> None:
    ts = await slack.post()
    answer = await slack.api("chat.getPermalink", channel=OPS, message_ts=ts)
    assert answer.body["permalink"] == f"https://sandbox.slack.com/archives/{OPS}/p{ts.replace('.', '')}"
    assert (await slack.api("chat.getPermalink", channel=OPS, message_ts="1.0")).error == "message_not_found"


async def test_history_gives_roots_newest_first_and_replies_give_the_thread(slack: Caller) -> None:
    root = await slack.post("root", metadata={"event_type": "plan", "event_payload": {"id": "1"}})
    await slack.post("reply", thread_ts=root)
    await slack.post("later")
    history = (await slack.api("conversations.history", channel=OPS, include_all_metadata=True)).body
    assert [message["text"] for message in history["messages"]] == ["later", "root"]
    assert history["messages"][1]["metadata"]["event_payload"] == {"id": "1"}
    assert history["messages"][1]["reply_count"] == 1
    thread = (await slack.api("conversations.replies", channel=OPS, ts=root)).body
    assert [message["text"] for message in thread["messages"]] == ["root", "reply"]
    assert (await slack.api("conversations.replies", channel=OPS, ts="1.0")).error == "thread_not_found"
    assert (await slack.api("conversations.history", channel=RANDOM)).error == "not_in_channel"


async def test_history_comes_in_pages(slack: Caller) -> None:
    for number in range(3):
        await slack.post(str(number))
    first = (await slack.api("conversations.history", channel=OPS, limit=2)).body
    assert first["has_more"]
    cursor = first["response_metadata"]["next_cursor"]
    rest = (await slack.api("conversations.history", channel=OPS, limit=2, cursor=cursor)).body
    assert [message["text"] for message in rest["messages"]] == ["0"]
    assert not rest["has_more"]
    assert (await slack.api("conversations.history", channel=OPS, cursor="x")).error == "invalid_cursor"


async def test_channels_tell_what_a_policy_needs(slack: Caller) -> None:
    shared = (await slack.api("conversations.info", channel="C0ACME00001")).body["channel"]
    assert shared["is_ext_shared"]
    random = (await slack.api("conversations.info", channel=RANDOM)).body["channel"]
    assert not random["is_member"]
    assert (await slack.api("conversations.info", channel="ops")).error == "channel_not_found"
    names = [room["name"] for room in (await slack.api("conversations.list")).body["channels"]]
    assert names == ["ops", "sre", "shared-acme", "random"]
    members = (await slack.api("conversations.members", channel="C0SRE000001")).body["members"]
    assert members == ["U0VMMIGRATE", "U0RAVI00001", "U0MEI000001"]


async def test_people_tell_what_a_policy_needs(slack: Caller) -> None:
    guest = (await slack.api("users.info", user="U0GIL000001")).body["user"]
    stranger = (await slack.api("users.info", user="U0OTTO00001")).body["user"]
    assert guest["is_restricted"]
    assert stranger["team_id"] == "T0ACME0001"
    assert (await slack.api("users.info", user="dana")).error == "user_not_found"


async def test_user_groups_are_found_by_handle_and_read_by_id(slack: Caller) -> None:
    groups = (await slack.api("usergroups.list")).body["usergroups"]
    sre = next(group for group in groups if group["handle"] == "sre")
    users = (await slack.api("usergroups.users.list", usergroup=sre["id"])).body["users"]
    assert users == ["U0RAVI00001", "U0MEI000001"]
    assert (await slack.api("usergroups.users.list", usergroup="S0")).error == "no_such_subteam"


async def test_a_direct_message_reaches_one_person(slack: Caller) -> None:
    opened = (await slack.api("conversations.open", users="U0DANA00001")).body["channel"]["id"]
    by_user_id = await slack.api("chat.postMessage", channel="U0DANA00001", text="hello")
    assert by_user_id.body["channel"] == opened
    assert [message["text"] for message in await slack.messages("dana", opened)] == ["hello"]
    assert opened not in (await slack.screen("ravi"))["messages"]


async def test_a_flood_of_messages_is_limited_per_channel(slack: Caller, clock: HandClock) -> None:
    for _ in range(5):
        await slack.post()
    limited = await slack.api("chat.postMessage", channel=OPS, text="x")
    assert (limited.status, limited.error, limited.headers["Retry-After"]) == (429, "ratelimited", "1")
    await slack.post(channel="C0SRE000001")
    clock.advance(1)
    await slack.post()


async def test_edits_are_limited_for_all_channels_together(slack: Caller, clock: HandClock) -> None:
    stamps = {channel: await slack.post(channel=channel) for channel in (OPS, "C0SRE000001")}
    for number in range(10):
        channel = list(stamps)[number % 2]
        await slack.api("chat.update", channel=channel, ts=stamps[channel], text=str(number))
    limited = await slack.api("chat.update", channel=OPS, ts=stamps[OPS], text="x")
    assert (limited.status, limited.headers["Retry-After"]) == (429, "2")
    clock.advance(60)
    answers = [await slack.api("chat.update", channel=OPS, ts=stamps[OPS], text=str(n)) for n in range(10)]
    assert all(answer.body["ok"] for answer in answers)


async def test_another_name_for_loopback_is_refused(sandbox: SlackSandbox, slack: Caller) -> None:
    headers = {"Host": "evil.example"}
    async with slack.http.get(f"{sandbox.url}/sandbox/state?user=dana", headers=headers) as response:
        assert response.status == 403
