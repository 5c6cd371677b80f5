"""views.open, push and update: triggers, stacks, hashes, and what stays in the inputs."""

from typing import Any

import pytest

from bot.sandbox.slack import SlackSandbox
from tests.sandbox_slack.callers import Caller, HandClock


def modal(title: str = "Modify", **extra: object) -> dict[str, Any]:
    return {"type": "modal", "title": {"type": "plain_text", "text": title}, "blocks": [], **extra}


def inputs(*block_ids: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "input",
            "block_id": block_id,
            "optional": True,
            "label": {"type": "plain_text", "text": block_id},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
        for block_id in block_ids
    ]


SUBMIT = {"type": "plain_text", "text": "Save"}


@pytest.fixture
def trigger(sandbox: SlackSandbox) -> Any:
    """Hands out triggers as an interaction of dana would."""
    return lambda: sandbox.issue_trigger("dana")


async def test_a_trigger_opens_one_modal(slack: Caller, trigger: Any) -> None:
    trigger_id = trigger()
    opened = (await slack.api("views.open", trigger_id=trigger_id, view=modal())).body["view"]
    assert opened["id"] == opened["root_view_id"]
    again = await slack.api("views.open", trigger_id=trigger_id, view=modal())
    assert again.error == "exchanged_trigger_id"
    assert (await slack.api("views.open", trigger_id="1.2.3", view=modal())).error == "invalid_trigger_id"


async def test_a_trigger_lasts_three_seconds(slack: Caller, trigger: Any, clock: HandClock) -> None:
    in_time, late = trigger(), trigger()
    clock.advance(3)
    assert (await slack.api("views.open", trigger_id=in_time, view=modal())).body["ok"]
    clock.advance(0.1)
    assert (await slack.api("views.open", trigger_id=late, view=modal())).error == "expired_trigger_id"


async def test_a_stack_holds_three_views(slack: Caller, trigger: Any) -> None:
    assert (await slack.api("views.push", trigger_id=trigger(), view=modal())).error == "not_found"
    await slack.api("views.open", trigger_id=trigger(), view=modal("1"))
    for title in "23":
        assert (await slack.api("views.push", trigger_id=trigger(), view=modal(title))).body["ok"]
    assert (await slack.api("views.push", trigger_id=trigger(), view=modal("4"))).error == "push_limit_reached"
    stack = (await slack.screen("dana"))["views"]
    assert [view["title"]["text"] for view in stack] == ["1", "2", "3"]
    assert stack[2]["previous_view_id"] == stack[1]["id"]


async def test_an_update_with_an_old_hash_conflicts(slack: Caller, trigger: Any) -> None:
    view = (await slack.api("views.open", trigger_id=trigger(), view=modal())).body["view"]
    first = await slack.api("views.update", view_id=view["id"], hash=view["hash"], view=modal("New"))
    assert first.body["ok"]
    second = await slack.api("views.update", view_id=view["id"], hash=view["hash"], view=modal("Newer"))
    assert second.error == "hash_conflict"
    assert (await slack.screen("dana"))["views"][0]["title"]["text"] == "New"


async def test_an_update_keeps_what_was_typed_where_both_ids_stay(slack: Caller, trigger: Any) -> None:
    start = modal(blocks=inputs("vm", "node"), submit=SUBMIT)
    view_id = (await slack.api("views.open", trigger_id=trigger(), view=start)).body["view"]["id"]
    for block_id in ("vm", "node"):
        typed = {"user": "dana", "view_id": view_id, "action": "block_action", "action_id": "text"}
        answer = await slack.person("view", **typed, block_id=block_id, value=f"typed into {block_id}")
        assert answer == {"ok": True, "dispatched": False}
    await slack.api("views.update", view_id=view_id, view=modal(blocks=inputs("vm", "other"), submit=SUBMIT))
    values = (await slack.screen("dana"))["views"][0]["state"]["values"]
    assert values["vm"]["text"]["value"] == "typed into vm"
    assert values["other"]["text"]["value"] is None


async def test_an_external_id_is_unique_and_finds_its_view(slack: Caller, trigger: Any) -> None:
    await slack.api("views.open", trigger_id=trigger(), view=modal(external_id="plan-1"))
    again = await slack.api("views.push", trigger_id=trigger(), view=modal(external_id="plan-1"))
    assert again.error == "duplicate_external_id"
    assert (await slack.api("views.update", external_id="plan-1", view=modal("New"))).body["ok"]
    assert (await slack.api("views.update", external_id="plan-2", view=modal("New"))).error == "not_found"


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        (modal(title="x" * 25), "/view/title/text"),
        (modal(blocks=inputs("vm")), "/view"),
        (modal(private_metadata="x" * 3001), "/view/private_metadata"),
        (modal(callback_id="x" * 256), "/view/callback_id"),
        (modal(submit={"type": "plain_text", "text": "x" * 25}), "/view/submit/text"),
        (modal(blocks=[{"type": "divider"}] * 101), "/view/blocks"),
        (modal(blocks=[{"type": "markdown", "text": "x"}]), "/view/blocks/0/type"),
        (modal(colour="red"), "/view"),
        ({"type": "modal", "blocks": []}, "/view"),
        ({"type": "dialog"}, "/view/type"),
    ],
)
async def test_a_view_out_of_bounds_is_refused_at_the_spot(
    slack: Caller, trigger: Any, view: dict[str, Any], pointer: str
) -> None:
    answer = await slack.api("views.open", trigger_id=trigger(), view=view)
    assert answer.error == "invalid_arguments"
    assert answer.pointers == [pointer]


async def test_a_view_of_more_than_250_kb_is_too_large(slack: Caller, trigger: Any) -> None:
    section = {"type": "section", "text": {"type": "plain_text", "text": "x" * 3000}}
    answer = await slack.api("views.open", trigger_id=trigger(), view=modal(blocks=[section] * 90))
    assert answer.error == "view_too_large"
