"""response_url: half an hour, five uses, ephemeral unless told otherwise."""

from typing import Any

import pytest

from bot.sandbox.slack import SlackSandbox
from tests.sandbox_slack.callers import OPS, RANDOM, Caller, HandClock


@pytest.fixture
def url(sandbox: SlackSandbox) -> str:
    return sandbox.issue_response_url("dana", "#ops")


async def respond(slack: Caller, url: str, **answer: Any) -> tuple[int, str]:
    async with slack.http.post(url, json=answer) as response:
        return response.status, await response.text()


async def test_an_answer_is_ephemeral_by_default(slack: Caller, url: str) -> None:
    assert await respond(slack, url, text="psst") == (200, "ok")
    assert [message["text"] for message in await slack.messages("dana")] == ["psst"]
    assert await slack.messages("ravi") == []


async def test_an_answer_in_channel_is_for_everybody_and_needs_no_membership(slack: Caller) -> None:
    url = slack.sandbox.issue_response_url("lena", "#random")
    await respond(slack, url, text="hello", response_type="in_channel")
    assert [message["text"] for message in await slack.messages("mei", RANDOM)] == ["hello"]


async def test_five_answers_and_no_more(slack: Caller, url: str) -> None:
    for _ in range(5):
        assert (await respond(slack, url, text="x"))[0] == 200
    status, text = await respond(slack, url, text="x")
    assert (status, "used_url" in text) == (404, True)


async def test_a_refused_answer_does_not_count(slack: Caller, url: str) -> None:
    for _ in range(6):
        assert (await respond(slack, url))[0] == 400
    assert (await respond(slack, url, text="x"))[0] == 200


async def test_the_address_expires_after_half_an_hour(slack: Caller, url: str, clock: HandClock) -> None:
    clock.advance(30 * 60)
    assert (await respond(slack, url, text="x"))[0] == 200
    clock.advance(1)
    status, text = await respond(slack, url, text="x")
    assert (status, "expired_url" in text) == (404, True)


async def test_an_answer_can_replace_and_delete_the_message_it_belongs_to(slack: Caller) -> None:
    ts = await slack.post("original")
    url = slack.sandbox.issue_response_url("dana", "#ops", ts)
    await respond(slack, url, text="replaced", replace_original=True)
    assert [(message["ts"], message["text"]) for message in await slack.messages("ravi")] == [(ts, "replaced")]
    await respond(slack, url, delete_original=True)
    assert await slack.messages("ravi") == []
    assert (await respond(slack, url, text="x", replace_original=True))[0] == 400


async def test_an_answer_can_go_into_a_thread(slack: Caller, url: str) -> None:
    root = await slack.post("root")
    await respond(slack, url, text="below", response_type="in_channel", thread_ts=root)
    thread = (await slack.api("conversations.replies", channel=OPS, ts=root)).body["messages"]
    assert [message["text"] for message in thread] == ["root", "below"]


async def test_wrong_blocks_are_refused(slack: Caller, url: str) -> None:
    async with slack.http.post(url, data="no json") as response:
        assert (response.status, await response.text()) == (400, "invalid_payload")
    status, text = await respond(slack, url, blocks=[{"type": "banner"}])
    assert (status, "invalid_blocks" in text) == (400, True)
    assert (await respond(slack, slack.sandbox.url + "/actions/T/unknown", text="x"))[0] == 404
