"""The real slack-bolt AsyncApp and AsyncSocketModeHandler, unchanged, against the sandbox."""

import asyncio
from collections.abc import Iterator
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox_slack.callers import OPS, BoltBot, Caller, HandClock, until

BUTTONS = [
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": "confirm",
                "text": {"type": "plain_text", "text": "Confirm"},
                "value": "plan-1",
                "style": "primary",
            }
        ],
    }
]


def modal(title: str = "Modify", **extra: object) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "modify",
        "private_metadata": "plan-1",
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": "Save"},
        "blocks": [
            {
                "type": "input",
                "block_id": "node",
                "label": {"type": "plain_text", "text": "Node"},
                "element": {"type": "plain_text_input", "action_id": "name"},
            }
        ],
        **extra,
    }


async def open_modal(slack: Caller, bolt: BoltBot, view: dict[str, Any]) -> str:
    """Let dana open a modal through the app; its view id."""

    @bolt.app.command("/vm-migrate")
    async def migrate(ack: AsyncAck, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    await bolt.connect()
    await slack.person("say", user="dana", channel="#ops", text="/vm-migrate")
    await until(lambda: slack.sandbox.modals_of("dana"))
    return str((await slack.screen("dana"))["views"][-1]["id"])


async def test_a_slash_command_is_acknowledged_and_answered_to_one_person(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.command("/vm-migrate")
    async def migrate(ack: AsyncAck, respond: AsyncRespond, body: dict[str, Any]) -> None:
        await ack()
        bolt.seen.append(body)
        await respond(f"plan for {body['text']}")

    await bolt.connect()
    answer = await slack.person("say", user="dana", channel="#ops", text="/vm-migrate web-01 worker-05")
    assert answer["ok"]
    await until(lambda: slack.sandbox.workspace.rooms[OPS].messages)
    (message,) = await slack.messages("dana")
    assert message["text"] == "plan for web-01 worker-05"
    assert message["is_ephemeral"]
    assert await slack.messages("ravi") == []
    assert bolt.seen[0]["user_id"] == "U0DANA00001"
    assert bolt.seen[0]["channel_name"] == "ops"
    assert bolt.seen[0]["is_enterprise_install"] == "false"


async def test_text_in_the_acknowledgement_of_a_command_is_shown(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.command("/vm-inventory")
    async def inventory(ack: AsyncAck) -> None:
        await ack(text="nothing here", response_type="in_channel")

    await bolt.connect()
    await slack.person("say", user="dana", channel="#ops", text="/vm-inventory")
    (message,) = await slack.messages("ravi")
    assert message["text"] == "nothing here"
    assert not message["is_ephemeral"]


async def test_a_button_click_reaches_the_app_with_message_and_clicker(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.action("confirm")
    async def confirm(ack: AsyncAck, respond: AsyncRespond, body: dict[str, Any]) -> None:
        await ack()
        bolt.seen.append(body)
        await respond(text="approved", replace_original=True)

    await bolt.connect()
    ts = await slack.post("a plan", blocks=BUTTONS)
    assert (await slack.person("click", user="ravi", channel="#ops", message_ts=ts, action_id="confirm"))["ok"]
    room = slack.sandbox.workspace.rooms[OPS]
    await until(lambda: room.messages[0].text == "approved")
    (body,) = bolt.seen
    assert body["user"] == {
        "id": "U0RAVI00001",
        "username": "ravi",
        "name": "ravi",
        "team_id": "T0SANDBOX1",
    }
    assert body["actions"][0]["value"] == "plan-1"
    assert body["actions"][0]["block_id"] == "decide"
    assert body["message"]["ts"] == ts
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": OPS,
        "is_ephemeral": False,
    }


async def test_a_double_click_arrives_twice(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.action("confirm")
    async def confirm(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        bolt.seen.append(body)

    await bolt.connect()
    ts = await slack.post("a plan", blocks=BUTTONS)
    await slack.person("click", user="ravi", channel="#ops", message_ts=ts, action_id="confirm", double=True)
    first, second = bolt.seen
    assert first["trigger_id"] != second["trigger_id"]


async def test_a_foreign_clicker_carries_their_own_team(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.action("confirm")
    async def confirm(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        bolt.seen.append(body)

    await bolt.connect()
    ts = await slack.post("a plan", channel="C0ACME00001", blocks=BUTTONS)
    await slack.person("click", user="otto", channel="#shared-acme", message_ts=ts, action_id="confirm")
    assert bolt.seen[0]["user"]["team_id"] == "T0ACME0001"
    assert bolt.seen[0]["team"]["id"] == "T0SANDBOX1"


async def test_field_errors_keep_a_modal_open_and_show_at_the_field(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.view("modify")
    async def submitted(ack: AsyncAck, body: dict[str, Any]) -> None:
        bolt.seen.append(body)
        await ack(response_action="errors", errors={"node": "no such node"})

    view_id = await open_modal(slack, bolt, modal())
    answer = await slack.person("view", user="dana", view_id=view_id, action="submit", values={"name": "worker-99"})
    assert answer["answer"]["errors"] == {"node": "no such node"}
    (view,) = (await slack.screen("dana"))["views"]
    assert view["errors"] == {"node": "no such node"}
    submitted_view = bolt.seen[0]["view"]
    assert submitted_view["private_metadata"] == "plan-1"
    assert submitted_view["state"]["values"]["node"]["name"] == {"type": "plain_text_input", "value": "worker-99"}


async def test_a_submission_can_update_push_and_clear(slack: Caller, bolt: BoltBot) -> None:
    answers: Iterator[dict[str, Any]] = iter(
        [
            {"response_action": "update", "view": modal("Second")},
            {"response_action": "push", "view": modal("Third")},
            {"response_action": "clear"},
        ]
    )

    @bolt.app.view("modify")
    async def submitted(ack: AsyncAck) -> None:
        await ack(**next(answers))

    view_id = await open_modal(slack, bolt, modal("First"))

    async def submit() -> list[str]:
        top = (await slack.screen("dana"))["views"][-1]["id"]
        await slack.person("view", user="dana", view_id=top, action="submit", values={"name": "worker-05"})
        return [view["title"]["text"] for view in (await slack.screen("dana"))["views"]]

    assert view_id
    assert await submit() == ["Second"]
    assert await submit() == ["Second", "Third"]
    assert await submit() == []


async def test_a_plain_acknowledgement_closes_the_modal(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.view("modify")
    async def submitted(ack: AsyncAck) -> None:
        await ack()

    view_id = await open_modal(slack, bolt, modal())
    await slack.person("view", user="dana", view_id=view_id, action="submit", values={"node": "worker-05"})
    assert (await slack.screen("dana"))["views"] == []


async def test_a_required_input_is_held_back_before_the_app_hears_of_it(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.view("modify")
    async def submitted(ack: AsyncAck, body: dict[str, Any]) -> None:
        bolt.seen.append(body)
        await ack()

    view_id = await open_modal(slack, bolt, modal())
    answer = await slack.person("view", user="dana", view_id=view_id, action="submit")
    assert answer["answer"]["errors"] == {"node": "Please complete this required field."}
    assert bolt.seen == []


async def test_closing_a_modal_is_told_only_where_asked_for(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.view_closed("modify")
    async def closed(ack: AsyncAck, body: dict[str, Any]) -> None:
        bolt.seen.append(body)
        await ack()

    view_id = await open_modal(slack, bolt, modal(notify_on_close=True))
    await slack.person("view", user="dana", view_id=view_id, action="close")
    assert bolt.seen[0]["view"]["id"] == view_id
    assert bolt.seen[0]["is_cleared"] is False
    assert (await slack.screen("dana"))["views"] == []


async def test_an_external_select_asks_the_app_and_takes_only_what_it_offered(slack: Caller, bolt: BoltBot) -> None:
    option = {"text": {"type": "plain_text", "text": "worker-05"}, "value": "worker-05"}

    @bolt.app.options("node_select")
    async def nodes(ack: AsyncAck, body: dict[str, Any]) -> None:
        bolt.seen.append(body)
        await ack(options=[option])

    @bolt.app.action("node_select")
    async def picked(ack: AsyncAck, body: dict[str, Any]) -> None:
        bolt.seen.append(body)
        await ack()

    await bolt.connect()
    select = {"type": "external_select", "action_id": "node_select", "min_query_length": 0}
    ts = await slack.post("pick", blocks=[{"type": "actions", "block_id": "b", "elements": [select]}])
    where = {"user": "dana", "channel": "#ops", "message_ts": ts, "action_id": "node_select"}
    assert (await slack.person("suggest", typed="work", **where))["options"] == [option]
    assert bolt.seen[0]["value"] == "work"
    assert (await slack.person("click", value="worker-99", **where))["error"] == "not_an_option"
    assert (await slack.person("click", value="worker-05", **where))["ok"]
    assert bolt.seen[1]["actions"][0]["selected_option"] == option
    assert bolt.seen[1]["state"]["values"]["b"]["node_select"]["selected_option"] == option


async def test_an_unanswered_command_fails_after_three_seconds_of_the_injected_clock(
    slack: Caller, bolt: BoltBot, clock: HandClock
) -> None:
    asked = asyncio.Event()

    @bolt.app.command("/vm-migrate")
    async def migrate(ack: AsyncAck) -> None:
        asked.set()
        await asyncio.Event().wait()

    await bolt.connect()
    say = asyncio.create_task(slack.person("say", user="dana", channel="#ops", text="/vm-migrate web-01"))
    await asked.wait()
    clock.advance(2.9)
    assert not say.done()
    clock.advance(0.2)
    assert await say == {"ok": False, "error": "operation_timeout"}


async def test_without_a_connection_a_person_sees_dispatch_failed(slack: Caller) -> None:
    answer = await slack.person("say", user="dana", channel="#ops", text="/vm-migrate web-01")
    assert answer == {"ok": False, "error": "dispatch_failed"}


async def test_a_redelivered_envelope_runs_the_listener_again(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.action("confirm")
    async def confirm(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        bolt.seen.append(body)

    await bolt.connect()
    ts = await slack.post("a plan", blocks=BUTTONS)
    await slack.person("click", user="ravi", channel="#ops", message_ts=ts, action_id="confirm")
    assert (await slack.person("faults", redeliver_last=True))["ok"]
    first, second = bolt.seen
    assert first["trigger_id"] == second["trigger_id"]


async def test_a_duplicated_envelope_arrives_twice_from_one_click(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.action("confirm")
    async def confirm(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        bolt.seen.append(body)

    await bolt.connect()
    ts = await slack.post("a plan", blocks=BUTTONS)
    await slack.person("faults", duplicate_next=1)
    await slack.person("click", user="ravi", channel="#ops", message_ts=ts, action_id="confirm")
    await until(lambda: len(bolt.seen) == 2)


async def test_a_mention_reaches_the_app_as_an_event(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.event("app_mention")
    async def mentioned(body: dict[str, Any]) -> None:
        bolt.seen.append(body)

    await bolt.connect()
    await slack.person("say", user="dana", channel="#ops", text="@vm-migrate move VM web-01 to worker-05 & <now>")
    await until(lambda: bolt.seen)
    event = bolt.seen[0]["event"]
    assert event["text"] == "<@U0VMMIGRATE> move VM web-01 to worker-05 &amp; &lt;now&gt;"
    assert event["user"] == "U0DANA00001"
    assert event["channel"] == OPS


async def test_an_event_nobody_acknowledges_is_sent_again_with_its_number(
    slack: Caller, bolt: BoltBot, clock: HandClock
) -> None:
    attempts: list[Any] = []

    @bolt.app.middleware
    async def swallow(req: Any) -> None:
        attempts.append(req.headers.get("x-slack-retry-num"))

    await bolt.connect()
    await slack.person("say", user="dana", channel="#ops", text="@vm-migrate hello")
    async with asyncio.timeout(5):
        while len(attempts) < 4:
            clock.advance(10)
            await asyncio.sleep(0.01)
    assert attempts == [["0"], ["1"], ["2"], ["3"]]


async def test_the_client_follows_a_refresh_to_a_new_connection(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.command("/vm-migrate")
    async def migrate(ack: AsyncAck) -> None:
        await ack(text="still here")

    await bolt.connect()
    before = bolt.handler.client.wss_uri
    await slack.person("faults", disconnect="refresh_requested")
    await until(lambda: bolt.handler.client.wss_uri != before and slack.sandbox.connection_count == 1)
    assert (await slack.person("say", user="dana", channel="#ops", text="/vm-migrate"))["ok"]


async def test_the_client_comes_back_after_its_socket_was_cut(slack: Caller, bolt: BoltBot) -> None:
    @bolt.app.command("/vm-migrate")
    async def migrate(ack: AsyncAck) -> None:
        await ack(text="back again")

    await bolt.connect()
    await until(lambda: slack.sandbox.connection_count == 1)
    await slack.person("faults", drop_sockets=True)
    assert slack.sandbox.connection_count == 0
    await until(lambda: slack.sandbox.connection_count == 1)
    assert (await slack.person("say", user="dana", channel="#ops", text="/vm-migrate"))["ok"]
