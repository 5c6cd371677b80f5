"""A small real Bolt app as the page's peer: one plan card with everything that a page has to draw and to do."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

Json = dict[str, Any]

NODES = ["worker-01", "worker-02", "worker-03", "worker-04", "worker-05"]
HOSTILE = "<img src=x onerror=alert(1)> & <!channel>"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value), "value": value}


def button(action_id: str, text: str, **extra: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain(text), **extra}


CONFIRM = {
    "title": plain("Move web-01 now?"),
    "text": mrkdwn("It goes to *worker-05* and keeps running."),
    "confirm": plain("Move it"),
    "deny": plain("Not yet"),
}


def plan_card(state: str = "Waiting for approval") -> list[Json]:
    """The card of the story."""
    return [
        {"type": "header", "text": plain("Move web-01 to worker-05")},
        {
            "type": "section",
            "text": mrkdwn(f"*{state}* · asked by <@U0DANA00001> for <!subteam^S0SRE000001>"),
            "fields": [
                mrkdwn("*VM*\n`production/web-01`"),
                mrkdwn("*Type*\nLive, no downtime"),
                mrkdwn("*From*\n`worker-01`"),
                mrkdwn("*To*\n`worker-05`"),
            ],
        },
        {
            "type": "table",
            "rows": [
                [
                    {"type": "raw_text", "text": "Node"},
                    {"type": "raw_text", "text": "CPU"},
                    {"type": "raw_text", "text": "Memory"},
                ],
                [
                    {"type": "raw_text", "text": "worker-01"},
                    {"type": "raw_number", "value": 62, "text": "62 % → 54 %"},
                    {"type": "raw_text", "text": "71 % → 66 %"},
                ],
                [
                    {"type": "raw_text", "text": "worker-05"},
                    {"type": "raw_number", "value": 31, "text": "31 % → 39 %"},
                    {"type": "raw_text", "text": "40 % → 45 %"},
                ],
            ],
            "column_settings": [{}, {"align": "right"}, {"align": "right"}],
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "volumes are ReadWriteMany"}],
                        },
                        {
                            "type": "rich_text_section",
                            "elements": [
                                {"type": "text", "text": "name as written: "},
                                {"type": "text", "text": HOSTILE, "style": {"code": True}},
                            ],
                        },
                    ],
                }
            ],
        },
        {"type": "divider"},
        {
            "type": "context",
            "elements": [
                mrkdwn("Checked <!date^1766000000^{date_short} at {time}|just now> · ~cordoned~ · _2 warnings_")
            ],
        },
        {
            "type": "actions",
            "block_id": "decide",
            "elements": [
                button("confirm", "Confirm", style="primary", value="plan-1", confirm=CONFIRM),
                button("modify", "Modify", value="plan-1"),
                button("cancel", "Cancel", style="danger", value="plan-1"),
                {
                    "type": "static_select",
                    "action_id": "node",
                    "placeholder": plain("Other node"),
                    "options": [option(n) for n in NODES],
                },
            ],
        },
    ]


def modal() -> Json:
    return {
        "type": "modal",
        "callback_id": "modify",
        "title": plain("Modify the plan"),
        "submit": plain("Save"),
        "close": plain("Back"),
        "notify_on_close": True,
        "blocks": [
            {"type": "section", "text": mrkdwn("Change where *web-01* goes.")},
            {
                "type": "input",
                "block_id": "target",
                "label": plain("Target node"),
                "hint": plain("Type a part of its name."),
                "element": {
                    "type": "external_select",
                    "action_id": "target_node",
                    "min_query_length": 0,
                    "placeholder": plain("Find a node"),
                },
            },
            {
                "type": "input",
                "block_id": "type",
                "label": plain("Type"),
                "element": {
                    "type": "radio_buttons",
                    "action_id": "move_type",
                    "options": [option("live"), option("cold")],
                    "initial_option": option("live"),
                },
            },
            {
                "type": "input",
                "block_id": "reason",
                "optional": True,
                "label": plain("Reason"),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "reason_text",
                    "multiline": True,
                    "placeholder": plain("Why now?"),
                },
            },
        ],
    }


def register(app: AsyncApp) -> None:
    """All listeners of the story."""
    register_card(app)
    register_modal(app)


def register_card(app: AsyncApp) -> None:
    """The command, the mention and the card's buttons."""

    @app.command("/vm-migrate")
    async def migrate(ack: AsyncAck, respond: AsyncRespond, client: AsyncWebClient, body: Json) -> None:
        await ack()
        if body["text"].startswith("help"):
            await respond("Type `/vm-migrate <vm> <node>`".replace("<", "&lt;").replace(">", "&gt;"))
            return
        await client.chat_postMessage(channel=body["channel_id"], text="Move web-01 to worker-05", blocks=plan_card())

    @app.action("confirm")
    async def confirm(ack: AsyncAck, client: AsyncWebClient, body: Json) -> None:
        await ack()
        where = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
        await client.chat_update(text="Moving web-01", blocks=plan_card("Running")[:-1], **where)
        await client.chat_postMessage(
            channel=where["channel"], thread_ts=where["ts"], text="Copying memory: ████░░░░ 50 %"
        )

    @app.action("node")
    async def node(ack: AsyncAck, respond: AsyncRespond, body: Json) -> None:
        await ack()
        picked = body["actions"][0]["selected_option"]["value"]
        await respond(text=f"You picked *{picked}*", response_type="ephemeral", replace_original=False)

    @app.event("app_mention")
    async def mentioned(event: Json, client: AsyncWebClient) -> None:
        await client.chat_postMessage(
            channel=event["channel"], thread_ts=event["ts"], text=f"You said: {event['text']}"
        )


def register_modal(app: AsyncApp) -> None:
    """The modal behind Modify."""

    @app.action("modify")
    async def modify(ack: AsyncAck, client: AsyncWebClient, body: Json) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.options("target_node")
    async def nodes(ack: AsyncAck, body: Json) -> None:
        await ack(options=[option(name) for name in NODES if body["value"] in name])

    @app.view("modify")
    async def submitted(ack: AsyncAck, body: Json) -> None:
        picked = body["view"]["state"]["values"]["target"]["target_node"]["selected_option"]["value"]
        if picked == "worker-01":
            await ack(response_action="errors", errors={"target": "web-01 already runs on worker-01."})
        else:
            await ack()

    @app.view_closed("modify")
    async def closed(ack: AsyncAck) -> None:
        await ack()
