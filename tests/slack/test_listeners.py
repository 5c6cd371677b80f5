"""Commands and clicks over the wire: real Bolt, real Socket Mode, the local Slack."""

import pytest

from bot import approval, cold
from bot.errors import BotError
from bot.migration import PlanState
from bot.ports import Change
from bot.record import Record
from bot.request import MoveType
from bot.sandbox.gallery import cold as cold_gallery
from bot.sandbox.gallery import live as gallery
from handlers.ids import ActionId, Slot
from k8s.snapshots import Ref
from tests.facts import RAVI, with_vmi
from tests.slack.bot import OPS, Bot

FIRST_QUESTION = f"{Slot.QUESTION}_0_0"

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


async def test_what_may_mean_two_things_is_asked_and_the_answer_makes_the_plan(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 on worker-05")
    assert "where it goes" in bot.whispers("dana")[-1]
    assert bot.shown() == []
    await bot.click_whisper("dana", ActionId.READING, 0)
    (card,) = bot.shown()
    assert "Waiting for Confirm" in card.text


@pytest.mark.parametrize(
    ("source", "remedy"),
    [("worker-02", "web-01 to worker-05"), ("production", "If production is meant as the namespace")],
)
async def test_a_vm_that_is_said_to_be_elsewhere_is_not_planned(bot: Bot, source: str, remedy: str) -> None:
    await bot.say("dana", f"/vm-migrate move web-01 from {source} to worker-05")
    assert f"web-01 runs on worker-01, so it cannot leave {source}" in bot.whispers("dana")[-1]
    assert remedy in bot.whispers("dana")[-1]
    assert bot.shown() == []
    await bot.say("dana", "/vm-migrate move web-01 from worker-01 to worker-05")
    assert "Waiting for Confirm" in bot.shown()[-1].text


async def test_a_vm_of_several_namespaces_is_picked_from_a_menu(bot: Bot) -> None:
    bot.cluster.namesakes = ("dev", "vms")
    await bot.say("dana", "/vm-migrate web-01 worker-05 because worker-01 is hot")
    assert "3 namespaces have a VM named `web-01`" in bot.whispers("dana")[-1]
    await bot.click_whisper(
        "dana", ActionId.PICK_NAMESPACE, value='production/web-01 to worker-05 --reason "worker-01 is hot"'
    )
    assert "Waiting for Confirm" in bot.shown()[-1].text
    request = (await bot.service.get("p2")).plan.asked(0)
    assert (request.namespace, request.reason) == ("production", "worker-01 is hot")


async def test_what_does_not_fit_into_a_menu_has_buttons(bot: Bot) -> None:
    bot.cluster.namesakes = ("dev",)
    await bot.say("dana", f"/vm-migrate web-01 worker-05 because {'x' * 200}")
    await bot.click_whisper("dana", ActionId.READING, 1)
    assert "Waiting for Confirm" in bot.shown()[-1].text


async def test_a_channel_may_have_a_namespace_of_its_own(bot: Bot) -> None:
    bot.cluster.namesakes = ("dev", "vms")
    bot.service._namespaces = {OPS: "production"}
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    assert "this channel's; others have such a VM, too" in await bot.card()
    await bot.click("ravi", ActionId.CONFIRM)
    assert bot.runner.started == ["p1"]


async def test_several_vms_are_one_plan_that_says_who_is_not_in_it(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01, web-02 to worker-05")
    card = await bot.card()
    assert "1 VM → worker-05" in card
    assert "*web-02*: no VM of that name" in card
    await bot.click("ravi", ActionId.CONFIRM)
    assert bot.runner.started == ["p1"]


async def test_nobody_brings_back_what_was_never_taken_away(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate bring-back worker-05")
    assert "I know of no VM that an evacuation took away from worker-05" in bot.whispers("dana")[-1]


async def test_an_unknown_vm_is_answered_with_the_nearest_name(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate wbe-01 worker-05")
    assert "Did you mean web-01?" in bot.whispers("dana")[-1]


async def test_a_mention_in_the_text_does_not_reach_anybody(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate @channel worker-05")
    assert "<!channel>" not in bot.whispers("dana")[-1]


async def test_confirm_approves_once_and_the_buttons_go(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.click("ravi", ActionId.CONFIRM)
    assert bot.runner.started == ["p1"]
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
    assert bot.runner.started == ["p1"]
    assert ["already confirmed" in word for word in bot.whispers("ravi")] == [True]


async def test_a_redelivered_click_starts_one_run(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.slack.person("faults", duplicate_next=1)
    await bot.click("ravi", ActionId.CONFIRM)
    await bot.settle()
    assert bot.runner.started == ["p1"]


async def test_a_redelivered_command_makes_one_plan(bot: Bot) -> None:
    await bot.slack.person("faults", duplicate_next=1)
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.slack.person("faults", redeliver_last=True)
    await bot.settle()
    assert len(bot.shown()) == 1
    assert await bot.store.get("p2") is None
    await bot.say("dana", "/vm-migrate web-01 worker-06")
    assert len(bot.shown()) == 2


async def test_a_redelivered_click_that_makes_a_plan_makes_one(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.store.update("p1", _expired)
    await bot.sweep(2)
    await bot.slack.person("faults", duplicate_next=1)
    await bot.click("ravi", ActionId.AGAIN)
    await bot.settle()
    assert len(bot.shown()) == 2


async def test_a_cluster_that_has_changed_asks_for_a_new_confirm_on_the_same_card(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    bot.cluster.world = with_vmi(node="worker-02")
    await bot.click("ravi", ActionId.CONFIRM)
    assert bot.runner.started == []
    assert "has changed" in bot.whispers("ravi")[-1]
    assert "~worker-01~ → *worker-02*" in await bot.card()
    await bot.click("ravi", ActionId.CONFIRM)
    assert bot.runner.started == ["p1"]


async def test_cancel_ends_the_plan_and_says_who(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.click("mei", ActionId.CANCEL)
    await catch_up(bot)
    assert "*Canceled* by <@U0MEI000001>" in await bot.card()
    assert "<@U0DANA00001> 🚫 your plan for *web-01* was canceled by <@U0MEI000001>." in await bot.card(Slot.VERDICT)


async def test_a_guest_of_the_workspace_may_not_confirm(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.click("gil", ActionId.CONFIRM)
    assert bot.runner.started == []
    assert "guest" in bot.whispers("gil")[-1]


async def test_a_person_of_another_company_may_not_confirm_in_a_shared_channel(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05", channel="#shared-acme")
    await bot.click("otto", ActionId.CONFIRM)
    assert bot.runner.started == []
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
    return Change(approval.expire(now))


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
    assert bot.runner.started == []
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


async def test_help_and_pins_are_told_apart_from_a_vm_of_that_name(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate pins")
    assert bot.whispers("dana")[-1] == "📌 No VM carries a node affinity that I have left."
    assert bot.shown() == []


async def test_a_pin_is_removed_from_the_list_and_only_the_clicker_is_told(bot: Bot) -> None:
    bot.cluster.pin()
    await bot.say("dana", "/vm-migrate pins")
    await bot.click_whisper("dana", ActionId.UNPIN)
    assert "node affinity of `production/web-01` to `worker-05` is removed" in bot.whispers("dana")[-1]
    assert len(bot.cluster.patched) == 1
    assert bot.shown() == []


async def test_removing_a_pin_twice_is_answered_in_words(bot: Bot) -> None:
    bot.cluster.pin()
    await bot.say("dana", "/vm-migrate pins")
    await bot.say("ravi", "/vm-migrate pins")
    await bot.click_whisper("dana", ActionId.UNPIN)
    await bot.click_whisper("ravi", ActionId.UNPIN)
    assert "carries no node affinity of mine" in bot.whispers("ravi")[-1]
    assert len(bot.cluster.patched) == 1


async def test_a_guest_may_not_even_see_the_list(bot: Bot) -> None:
    bot.cluster.pin()
    await bot.say("gil", "/vm-migrate pins")
    assert "production/web-01" not in bot.whispers("gil")[-1]


async def test_use_cold_makes_a_cold_plan_of_its_own(bot: Bot) -> None:
    bot.cluster.world = cold_gallery.ONE_NODE
    await bot.say("dana", "/vm-migrate web-01 worker-05 --live")
    bot.clock.advance(2)
    await bot.click("ravi", ActionId.USE_COLD)
    blocked, fresh = bot.shown()
    assert "Blocked" in blocked.text
    assert "Waiting for Confirm" in fresh.text
    request = (await bot.service.get("p2")).plan.asked(0)
    assert (request.type, request.target) == (MoveType.COLD, "worker-05")


@pytest.mark.parametrize(
    ("action_id", "type_"), [(ActionId.USE_LIVE, MoveType.LIVE), (ActionId.USE_COLD, MoveType.COLD)]
)
async def test_where_the_type_cannot_be_told_a_click_makes_the_plan_of_that_type(
    bot: Bot, action_id: ActionId, type_: MoveType
) -> None:
    bot.cluster.world = gallery.UNREADABLE
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    assert "Live or cold?" in bot.shown()[-1].text
    with pytest.raises(BotError) as refused:
        await bot.service.confirm("p1", 1, RAVI)
    assert (refused.value.code, (await bot.service.get("p1")).revision) == ("blocked", 1)
    bot.clock.advance(2)
    await bot.click("ravi", action_id)
    fresh = (await bot.service.get("p2")).plan
    assert (fresh.request.type, fresh.moves[0].type, fresh.blocked) == (type_, type_, False)
    assert "Waiting for Confirm" in bot.shown()[-1].text


async def test_replace_them_makes_a_new_revision_on_the_same_card(bot: Bot) -> None:
    bot.cluster.world = cold_gallery.ZONED
    await bot.say("dana", "/vm-migrate web-01 worker-05 --cold")
    assert "Blocked" in await bot.card()
    bot.clock.advance(2)
    await bot.click("ravi", ActionId.REPLACE_RULES)
    await catch_up(bot)
    current = await bot.service.get("p1")
    assert (current.revision, current.plan.asked(0).replace_rules) == (2, True)
    card = await bot.card()
    assert "nodeSelector zone=rack-a" in card
    assert ActionId.CONFIRM in card
    assert ActionId.REPLACE_RULES not in card
    shown, told = bot.shown()
    assert (shown.thread_ts, told.thread_ts) == (shown.ts, shown.ts)


async def test_a_guest_of_the_workspace_may_not_replace_rules(bot: Bot) -> None:
    bot.cluster.world = cold_gallery.ZONED
    await bot.say("dana", "/vm-migrate web-01 worker-05 --cold")
    await bot.click("gil", ActionId.REPLACE_RULES)
    assert (await bot.service.get("p1")).revision == 1


async def test_move_back_makes_a_plan_of_its_own_in_the_same_way(bot: Bot) -> None:
    await show_cold(bot, cold_gallery.cold_succeeded())
    bot.cluster.world = cold_gallery.elsewhere()
    await bot.click("ravi", ActionId.MOVE_BACK, Slot.REPORT)
    request = (await bot.service.get("p2")).plan.asked(0)
    assert (request.vm, request.target, request.type) == ("web-01", "worker-01", MoveType.COLD)
    assert "Waiting for Confirm" in bot.shown()[-1].text
    assert bot.shown()[-1].thread_ts is None


@pytest.mark.parametrize(
    ("action_id", "seen"),
    [
        (ActionId.WAIT, "Waiting on, as <@U0RAVI00001> chose"),
        (ActionId.FORCE, "It was forced to stop"),
        (ActionId.HOME, "It is brought home, as"),
    ],
)
async def test_an_answer_takes_the_questions_buttons_and_wakes_the_run(
    bot: Bot, action_id: ActionId, seen: str
) -> None:
    await show_cold(bot, cold_gallery.cold_asking_stop())
    assert "does not shut down" in await bot.card(FIRST_QUESTION)
    await bot.click("ravi", action_id, FIRST_QUESTION)
    await catch_up(bot)
    question = await bot.card(FIRST_QUESTION)
    assert seen in question
    assert not [each for each in (ActionId.WAIT, ActionId.FORCE, ActionId.HOME) if each in question]
    assert bot.runner.restarted == ["p1"]


async def test_the_second_of_two_answers_is_told_that_the_question_is_closed(bot: Bot) -> None:
    await show_cold(bot, cold_gallery.cold_asking_start())
    first, second = await bot.message(FIRST_QUESTION), await bot.message(FIRST_QUESTION)
    for user, message in (("ravi", first), ("mei", second)):
        await bot.slack.person(
            "click", user=user, channel=message.channel, message_ts=message.ts, action_id=ActionId.HOME.value
        )
    await bot.settle()
    assert bot.runner.restarted == ["p1"]
    assert "answered, or is no longer open" in bot.whispers("mei")[-1]


async def test_a_slow_guest_can_be_forced_from_the_progress_message(bot: Bot) -> None:
    await show_cold(bot, cold_gallery.cold_slow_stop())
    await bot.click("ravi", ActionId.FORCE, Slot.PROGRESS)
    assert (await bot.service.get("p1")).runs[0].stop_forced


async def test_a_guest_of_the_workspace_may_not_force_a_stop(bot: Bot) -> None:
    await show_cold(bot, cold_gallery.cold_asking_stop())
    await bot.click("gil", ActionId.FORCE, FIRST_QUESTION)
    assert not (await bot.service.get("p1")).runs[0].stop_forced
    assert "guest" in bot.whispers("gil")[-1]


@pytest.mark.parametrize(
    ("action_id", "words", "patches"),
    [
        (ActionId.PIN_REMOVE, "Node affinity removed* by <@U0RAVI00001>", 1),
        (ActionId.PIN_KEEP, "Node affinity kept* by <@U0RAVI00001>", 0),
        (ActionId.PIN_LATER, "Left for later* by <@U0RAVI00001>", 0),
    ],
)
async def test_a_decision_about_the_pin_is_done_once_and_stands_in_the_report(
    bot: Bot, action_id: ActionId, words: str, patches: int
) -> None:
    bot.cluster.pin()
    await show_cold(bot, cold_gallery.cold_succeeded())
    await bot.click("ravi", action_id, Slot.REPORT)
    await catch_up(bot)
    report = await bot.card(Slot.REPORT)
    assert words in report
    assert ActionId.PIN_REMOVE not in report
    assert len(bot.cluster.patched) == patches


async def test_the_pin_is_not_for_everybody_to_decide_on_the_report_but_may_be_removed_from_the_list(bot: Bot) -> None:
    bot.cluster.pin()
    await show_cold(bot, cold_gallery.cold_succeeded())
    await bot.click("mei", ActionId.PIN_REMOVE, Slot.REPORT)
    assert "use /vm-migrate pins" in bot.whispers("mei")[-1]
    assert bot.cluster.patched == []
    await bot.say("mei", "/vm-migrate pins")
    await bot.click_whisper("mei", ActionId.UNPIN)
    await catch_up(bot)
    assert "Node affinity removed* by <@U0MEI000001>" in await bot.card(Slot.REPORT)


async def test_each_reminder_is_posted_anew_tells_who_chose_later_and_closes_with_the_answer(bot: Bot) -> None:
    bot.cluster.pin()
    await show_cold(bot, cold_gallery.cold_succeeded())
    for reminder in (f"{Slot.REMINDER}_0_0", f"{Slot.REMINDER}_0_1"):
        report = Slot.REPORT if reminder.endswith("_0_0") else f"{Slot.REMINDER}_0_0"
        await bot.click("ravi", ActionId.PIN_LATER, report)
        await catch_up(bot)
        posted = len(bot.shown())
        await bot.store.update("p1", lambda now: Change(cold.reminded(now, 0)))
        await catch_up(bot)
        newest = bot.shown()[-1]
        assert (len(bot.shown()), newest.ts) == (posted + 1, (await bot.message(reminder)).ts)
        assert newest.thread_ts == (await bot.message()).ts
        assert "<@U0RAVI00001>" in newest.text
    assert ActionId.PIN_REMOVE not in await bot.card(f"{Slot.REMINDER}_0_0")
    await bot.click("ravi", ActionId.PIN_REMOVE, f"{Slot.REMINDER}_0_1")
    await catch_up(bot)
    for slot in (Slot.REPORT, f"{Slot.REMINDER}_0_0", f"{Slot.REMINDER}_0_1"):
        assert "Node affinity removed" in await bot.card(slot)
        assert ActionId.PIN_REMOVE not in await bot.card(slot)


async def show_cold(bot: Bot, like: Record) -> None:
    """A plan that dana asked for and ravi confirmed has come that far, with all its messages in the chat."""
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.click("ravi", ActionId.CONFIRM)
    reached = {"plan": like.plan, "state": like.state, "runs": like.runs}
    await bot.store.update("p1", lambda now: Change(now.model_copy(update=reached)))
    await catch_up(bot)


async def catch_up(bot: Bot) -> None:
    for _ in range(6):
        await bot.sweep(2)


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
    assert bot.runner.started == ["p1"]
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
