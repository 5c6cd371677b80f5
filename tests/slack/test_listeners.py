"""Commands and clicks over the wire: real Bolt, real Socket Mode, the local Slack."""

import pytest

from bot import record
from bot.migration import PlanState
from bot.ports import Change
from bot.record import Record
from handlers.ids import ActionId, Slot
from k8s.snapshots import Ref
from tests.facts import with_vmi
from tests.slack import gallery
from tests.slack.bot import OPS, Bot

ACME = "C0ACME00001"


async def test_a_request_posts_one_card_in_the_channel_and_touches_nothing(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    (card,) = bot.shown()
    assert "Waiting for Confirm" in card.text
    assert (await bot.service.get("p1")).state is PlanState.PROPOSED
    assert bot.whispers("dana") == []


@pytest.mark.parametrize("text", ["/vm-migrate", "/vm-migrate help"])
async def test_help_is_for_the_one_who_asked(bot: Bot, text: str) -> None:
    await bot.say("dana", text)
    assert bot.shown() == []
    assert "web-01 worker-05" in bot.whispers("dana")[-1] or "confirmed the plan" in bot.whispers("dana")[-1]


async def test_a_text_that_cannot_be_read_is_shown_with_the_word_marked(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05 --fast")
    assert "▸--fast◂" in bot.whispers("dana")[-1]
    assert bot.shown() == []


async def test_an_unknown_vm_is_answered_with_the_nearest_name(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate wbe-01 worker-05")
    assert "Did you mean web-01?" in bot.whispers("dana")[-1]


async def test_a_mention_in_the_text_does_not_reach_anybody(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate @channel worker-05")
    assert "<!channel>" not in bot.whispers("dana")[-1]


async def test_confirm_approves_once_and_the_buttons_go(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.click("ravi", ActionId.CONFIRM)
    assert bot.approved == ["p1"]
    shown = await bot.card()
    assert "Confirmed." in shown
    assert ActionId.CONFIRM not in shown
    assert "<@U0RAVI00001>" in shown


async def test_a_double_click_starts_one_run(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    message = await bot.message()
    await bot.slack.person(
        "click", user="ravi", channel="#ops", message_ts=message.ts, action_id=ActionId.CONFIRM.value, double=True
    )
    await bot.settle()
    assert bot.approved == ["p1"]
    assert ["already confirmed" in word for word in bot.whispers("ravi")] == [True]


async def test_a_redelivered_click_starts_one_run(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.slack.person("faults", duplicate_next=1)
    await bot.click("ravi", ActionId.CONFIRM)
    await bot.settle()
    assert bot.approved == ["p1"]


async def test_a_cluster_that_has_changed_asks_for_a_new_confirm_on_the_same_card(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    bot.cluster.world = with_vmi(node="worker-02")
    await bot.click("ravi", ActionId.CONFIRM)
    assert bot.approved == []
    assert "has changed" in bot.whispers("ravi")[-1]
    assert "~worker-01~ → *worker-02*" in await bot.card()
    await bot.click("ravi", ActionId.CONFIRM)
    assert bot.approved == ["p1"]


async def test_cancel_ends_the_plan_and_says_who(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.click("mei", ActionId.CANCEL)
    assert "*Canceled* by <@U0MEI000001>" in await bot.card()


async def test_a_guest_of_the_workspace_may_not_confirm(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.click("gil", ActionId.CONFIRM)
    assert bot.approved == []
    assert "guest" in bot.whispers("gil")[-1]


async def test_a_person_of_another_company_may_not_confirm_in_a_shared_channel(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05", channel="#shared-acme")
    await bot.click("otto", ActionId.CONFIRM)
    assert bot.approved == []
    assert "another workspace" in bot.whispers("otto", ACME)[-1]


async def test_somebody_who_left_the_channel_may_not_confirm_once_the_answer_is_old(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    message = await bot.message()
    room = bot.slack.sandbox.workspace.rooms[OPS]
    mei = bot.slack.sandbox.workspace.person("mei").id
    room.members.remove(mei)
    bot.clock.advance(61)
    actor = await bot.desk.identity.actor(mei, None, message.channel)
    assert not actor.channel_member


async def test_without_the_bot_in_the_channel_the_plan_is_withdrawn_and_the_person_told(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05", channel="#random")
    assert "/invite @vm-migrate" in bot.whispers("dana", "C0RANDOM001")[-1]
    plan = await bot.store.get("p1")
    assert plan is None or plan.state is PlanState.CANCELED
    await bot.sweep(5)
    assert await bot.store.unshown() == ()


async def test_a_plan_again_makes_a_new_card_from_the_same_request(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.store.update("p1", _expired)
    await bot.sweep(1)
    await bot.sweep(2)
    await bot.click("ravi", ActionId.AGAIN)
    assert [("Expired" in card.text, "Waiting for Confirm" in card.text) for card in bot.shown()] == [
        (True, False),
        (False, True),
    ]


def _expired(now: Record) -> Change:
    return Change(record.expire(now))


def _succeeded(now: Record) -> Change:
    done = gallery.succeeded()
    return Change(now.model_copy(update={"state": done.state, "runs": done.runs}))


async def test_an_old_button_is_acknowledged_and_answered(bot: Bot) -> None:
    block = {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "plan_from_the_past",
                "text": {"type": "plain_text", "text": "Old"},
                "value": "x",
            }
        ],
    }
    ts = await bot.slack.post("old", OPS, blocks=[block])
    told = await bot.slack.person("click", user="dana", channel="#ops", message_ts=ts, action_id="plan_from_the_past")
    await bot.settle()
    assert told["ok"]
    assert "no longer does anything" in bot.whispers("dana")[-1]


@pytest.mark.parametrize("value", ["", "{}", "not json", '{"plan": "../x", "revision": 1}', '{"plan": "p1"}'])
async def test_a_forged_button_value_is_refused_in_words(bot: Bot, value: str) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    button = {
        "type": "button",
        "action_id": ActionId.CONFIRM.value,
        "text": {"type": "plain_text", "text": "Confirm"},
    } | ({"value": value} if value else {})
    ts = await bot.slack.post("forged", OPS, blocks=[{"type": "actions", "elements": [button]}])
    await bot.slack.person("click", user="ravi", channel="#ops", message_ts=ts, action_id=ActionId.CONFIRM.value)
    await bot.settle()
    assert bot.approved == []
    assert "which plan it belongs to" in bot.whispers("ravi")[-1]


async def test_an_unforeseen_error_shows_an_id_and_no_more(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(*_: object) -> None:
        raise RuntimeError("https://secret.example/token")

    bot.cluster.facts = breaks  # type: ignore[assignment,method-assign]  # a fault that no cluster error stands for
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    told = bot.whispers("dana")[-1]
    incident = next(line for line in caplog.records if line.message.startswith("incident")).message.split()[1]
    assert incident in told
    assert "secret" not in told
    assert "RuntimeError" not in told


async def test_deleting_the_finished_migration_takes_the_button_away(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.store.update("p1", _succeeded)
    for _ in range(4):
        await bot.sweep(2)
    assert "Move succeeded" in await bot.card(Slot.REPORT)
    await bot.click("ravi", ActionId.CLEAN_UP, Slot.REPORT)
    await bot.sweep(2)
    assert bot.cluster.deleted == [(Ref("production", "vm-migrate-web-01-p1-0"), "vmim-uid")]
    shown = await bot.card(Slot.REPORT)
    assert "was deleted" in shown
    assert ActionId.CLEAN_UP not in shown


async def test_in_a_direct_message_no_plan_is_made(bot: Bot) -> None:
    dana = bot.slack.sandbox.workspace.person("dana").id
    room = bot.slack.sandbox.workspace.direct_message(dana)
    await bot.say("dana", "/vm-migrate web-01 worker-05", channel=room.id)
    assert "where your team can see" in bot.whispers("dana", room.id)[-1]
    assert await bot.store.get("p1") is None


async def test_a_click_on_an_unknown_card_draws_there_from_now_on(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    twin = await _twin(bot)
    await bot.slack.person("click", user="ravi", channel="#ops", message_ts=twin, action_id=ActionId.CONFIRM.value)
    await bot.settle()
    assert bot.approved == ["p1"]
    assert (await bot.message()).ts == twin


async def test_a_click_in_a_thread_does_not_make_the_reply_the_card(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    card = await bot.message()
    reply = await _twin(bot, thread_ts=card.ts)
    await bot.slack.person("click", user="ravi", channel="#ops", message_ts=reply, action_id=ActionId.CONFIRM.value)
    await bot.settle()
    assert (await bot.message()).ts == card.ts


async def _twin(bot: Bot, **where: str) -> str:
    """The same buttons in another message of ours."""
    card = bot.slack.sandbox.workspace.message(bot.slack.sandbox.workspace.rooms[OPS], (await bot.message()).ts)
    return await bot.slack.post("twin", OPS, blocks=[card.blocks[-1]], **where)
