"""The projection over the wire: edits in place, rate limits, lost answers, deleted messages, restarts."""

from datetime import timedelta
from typing import Any

import pytest

from bot import approval, progress
from bot.errors import BotError
from bot.ports import Change, Message
from bot.record import Phase, Place, Record
from bot.sandbox.gallery import batch as batch_gallery
from bot.sandbox.gallery import live as gallery
from handlers.ids import Slot
from handlers.notifier.pace import Bucket
from tests.facts import DANA, NOW, proposed
from tests.slack.bot import OPS, Bot

PLACE = Place(channel=OPS)


async def add(bot: Bot, plan_id: str = "p1") -> None:
    """A plan in the store that nobody has seen yet."""
    await bot.store.add(proposed().model_copy(update={"id": plan_id, "place": PLACE}), [])


async def become(bot: Bot, like: Record, plan_id: str = "p1") -> None:
    """Put the plan into the state of another Record."""
    kept = ("state", "runs", "holds", "approvals", "ended_by", "approved_at")
    changes = {name: getattr(like, name) for name in kept}
    await bot.store.update(plan_id, lambda now: Change(now.model_copy(update=changes)))
    bot.notifier.changed(plan_id)
    await bot.settle()


def canceled() -> Record:
    """By whoever asked, to whom nothing needs to be told about it."""
    return gallery.canceled().model_copy(update={"ended_by": DANA})


async def test_a_plan_is_shown_and_then_left_alone(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    assert len(bot.shown()) == 1
    assert await bot.store.unshown() == ()
    await bot.sweep(1)
    assert len(bot.shown()[0].revisions) == 1


async def test_the_log_names_each_message_that_was_posted_and_no_edit(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    await become(bot, gallery.copying())
    for _ in range(4):
        await bot.sweep(2)
    posted = [line.details["slot"] for line in await bot.store.log("p1") if line.kind == "posted"]
    assert posted == [Slot.CARD, Slot.PROGRESS]


async def test_a_change_edits_the_card_in_place_with_new_block_ids(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    before = {block["block_id"] for block in bot.shown()[0].blocks}
    await become(bot, canceled())
    (card,) = bot.shown()
    assert "Canceled" in card.text
    assert not before & {block["block_id"] for block in card.blocks}


async def test_progress_and_report_stand_in_the_cards_thread(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    await become(bot, gallery.succeeded())
    await bot.sweep(1)
    await bot.sweep(1)
    card, progress, report = bot.shown()
    assert (progress.thread_ts, report.thread_ts) == (card.ts, card.ts)
    assert "Move succeeded" in report.text


async def test_edits_are_held_to_the_budget_and_the_last_state_arrives(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    await become(bot, gallery.started())
    await bot.sweep(2)
    for second in range(60):
        phases = tuple(Phase(name=f"Phase{n}", at=NOW + timedelta(seconds=n)) for n in range(second // 10 + 1))
        phases = (*phases, Phase(name="Running", at=NOW + timedelta(seconds=100 + second)))
        await bot.store.update("p1", lambda now, phases=phases: Change(progress.observe(now, 0, phases, NOW)))  # type: ignore[misc]  # a lambda cannot say what phases is
        for _ in range(5):
            bot.notifier.changed("p1")
        await bot.sweep(0.2)
    edits = sum(len(message.revisions) - 1 for message in bot.shown())
    assert 5 <= edits <= 5 + 60 * 0.2 / 1.2 + 3
    await bot.sweep(5)
    assert f"<!date^{int(NOW.timestamp()) + 159}^" in await bot.card(Slot.PROGRESS)


async def test_a_rate_limited_plan_waits_and_does_not_hold_up_another(bot: Bot) -> None:
    await add(bot, "p1")
    await bot.sweep()
    await add(bot, "p2")
    await bot.sweep(1)
    await bot.slack.person("faults", ratelimit={"method": "chat.update", "times": 1, "retry_after": 30})
    await become(bot, canceled(), "p1")
    await become(bot, canceled(), "p2")
    assert "Canceled" not in await bot.card(plan="p1")
    assert "Canceled" in await bot.card(plan="p2")
    await bot.sweep(29)
    assert "Canceled" not in await bot.card(plan="p1")
    await bot.sweep(1)
    assert "Canceled" in await bot.card(plan="p1")


async def test_what_another_bot_has_shown_is_not_waited_for(bot: Bot) -> None:
    await add(bot)
    await bot.slack.person("faults", api_down=1)
    await bot.sweep()
    assert "p1" in bot.notifier._due
    await bot.store.shown("p1", (await bot.store.latest("p1"))[1])
    await bot.sweep(1)
    assert not bot.notifier._due
    assert not bot.notifier._pauses


async def test_an_outage_of_slack_is_waited_out_and_the_newest_state_shown(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    await bot.slack.person("faults", api_down=20)
    await become(bot, gallery.approved())
    await become(bot, canceled())
    await bot.sweep(3)
    assert "Canceled" not in await bot.card()
    for _ in range(6):
        await bot.sweep(10)
    assert "Canceled" in await bot.card()


async def test_a_deleted_card_is_posted_anew_and_remembered(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    first = await bot.message()
    workspace = bot.slack.sandbox.workspace
    workspace.delete(workspace.message(workspace.rooms[OPS], first.ts))
    await become(bot, gallery.approved())
    await bot.sweep(1)
    await bot.sweep(1)
    assert (await bot.message()).ts != first.ts
    assert "Confirmed" in await bot.card()
    assert await bot.store.unshown() == ()


@pytest.mark.parametrize("state", ["batch_paused_by_failure", "batch_partly_failed", "batch_stopped"])
async def test_a_batch_whose_card_was_deleted_gets_a_new_thread(bot: Bot, state: str) -> None:
    proposed_batch = batch_gallery.batch_proposed()
    await bot.store.add(proposed_batch.model_copy(update={"place": PLACE}), [])
    await bot.sweep()
    first = await bot.message()
    workspace = bot.slack.sandbox.workspace
    workspace.delete(workspace.message(workspace.rooms[OPS], first.ts))
    await become(bot, batch_gallery.GALLERY[state]())
    for _ in range(10):
        await bot.sweep(2)
    assert (await bot.message()).ts != first.ts
    assert "of 3 VMs have moved" in await bot.card()
    assert await bot.store.unshown() == ()


async def test_a_question_that_was_deleted_is_not_posted_again_when_it_is_answered(bot: Bot) -> None:
    await bot.store.add(batch_gallery.batch_proposed().model_copy(update={"place": PLACE}), [])
    await become(bot, batch_gallery.batch_paused_by_failure())
    for _ in range(5):
        await bot.sweep(2)
    asked = await bot.message("hold_0")
    workspace = bot.slack.sandbox.workspace
    workspace.delete(workspace.message(workspace.rooms[OPS], asked.ts))
    await become(bot, batch_gallery.batch_went_on())
    for _ in range(5):
        await bot.sweep(2)
    assert not [message for message in bot.shown() if "It paused" in message.text]
    assert await bot.store.unshown() == ()


async def test_a_card_whose_answer_was_lost_is_found_and_not_posted_twice(bot: Bot) -> None:
    await add(bot)
    await bot.slack.person("faults", lose_answers={"method": "chat.postMessage", "times": 1})
    await bot.sweep()
    assert (await bot.message()).ts == ""
    await bot.sweep(5)
    (card,) = bot.shown()
    assert (await bot.message()).ts == card.ts


async def test_a_thread_message_whose_answer_was_lost_is_found(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    await bot.slack.person("faults", lose_answers={"method": "chat.postMessage", "times": 1})
    await become(bot, gallery.started())
    for _ in range(3):
        await bot.sweep(3)
    assert [message.ts for message in bot.shown()] == [
        (await bot.message(slot)).ts for slot in (Slot.CARD, Slot.PROGRESS)
    ]


async def test_the_next_process_takes_up_an_intent_and_adopts_the_card(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    shown = await bot.message()
    await bot.store.put_message(shown._replace(ts="", digest=""))  # as a kill between the post and its ts leaves it
    await bot.store.update("p1", lambda now: Change(approval.cancel(now, DANA)))
    restarted = bot.another()
    await restarted.sweep(bot.clock.advance(1))
    await restarted.drain()
    (card,) = bot.shown()
    assert card.ts == shown.ts
    assert "Canceled" in card.text


async def test_an_intent_without_a_message_is_posted(bot: Bot) -> None:
    await add(bot)
    await bot.store.put_message(Message("p1", Slot.CARD.value, OPS, "", "", bot.clock.now()))
    await bot.sweep()
    assert len(bot.shown()) == 1


async def test_somebody_elses_message_with_our_metadata_is_not_adopted(bot: Bot) -> None:
    workspace = bot.slack.sandbox.workspace
    metadata = {"event_type": "vm_move_plan", "event_payload": {"plan": "p1", "slot": "card"}}
    forged = workspace.post(workspace.rooms[OPS], workspace.person("dana").id, "mine", metadata=metadata)
    await add(bot)
    await bot.store.put_message(Message("p1", Slot.CARD.value, OPS, "", "", bot.clock.now()))
    await bot.sweep()
    assert (await bot.message()).ts != forged.ts


async def test_a_click_on_an_unknown_card_makes_it_the_plans_card(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    known = await bot.message()
    await bot.slack.post("a second card", OPS)
    other = bot.slack.sandbox.workspace.rooms[OPS].messages[-1].ts
    await bot.notifier.adopt("p1", OPS, other)
    await bot.settle()
    assert (await bot.message()).ts == other != known.ts
    assert "Waiting for Confirm" in await bot.card()


async def test_a_card_in_another_channel_is_not_adopted(bot: Bot) -> None:
    await add(bot)
    await bot.sweep()
    await bot.notifier.adopt("p1", "C0SRE000001", "1.000001")
    assert (await bot.message()).channel == OPS


async def test_publishing_where_the_bot_is_not_is_refused_with_the_way_out(bot: Bot) -> None:
    place = Place(channel="C0RANDOM001")
    await bot.store.add(proposed().model_copy(update={"place": place}), [])
    with pytest.raises(BotError) as refused:
        await bot.notifier.publish("p1")
    assert (refused.value.code, refused.value.remedy) == ("not-in-channel", "/invite @vm-migrate")


async def test_publishing_where_nobody_may_write_is_refused_with_another_way_out(bot: Bot) -> None:
    await add(bot)
    bot.slack.sandbox.workspace.rooms[OPS].is_archived = True
    with pytest.raises(BotError, match="I may not write in this channel") as refused:
        await bot.notifier.publish("p1")
    assert refused.value.code == "silenced"


async def test_publishing_while_slack_is_down_leaves_the_card_to_a_later_sweep(bot: Bot) -> None:
    await add(bot)
    await bot.slack.person("faults", api_down=1)
    await bot.notifier.publish("p1")
    assert bot.shown() == []
    await bot.sweep(5)
    assert len(bot.shown()) == 1


async def test_a_plan_whose_card_cannot_be_posted_does_not_stop_the_sweep(bot: Bot) -> None:
    place = Place(channel="C0RANDOM001")
    await bot.store.add(proposed().model_copy(update={"id": "lost", "place": place}), [])
    await add(bot, "p2")
    await bot.sweep()
    assert ["Move plan" in message.text for message in bot.shown()] == [True]
    await bot.slack.person("channels/join", user="vm-migrate", channel="#random")
    await bot.sweep(10)
    assert len(bot.shown("C0RANDOM001")) == 1


async def test_a_card_whose_blocks_slack_refuses_is_sent_as_text_once(bot: Bot) -> None:
    await add(bot)
    await refuse(bot, "chat.postMessage", "invalid_blocks", times=1)
    await bot.sweep()
    (shown,) = bot.shown()
    assert ("Move plan" in shown.text, shown.blocks) == (True, [])
    for _ in range(3):
        await bot.sweep(10)
    assert len(bot.shown()) == 1
    await become(bot, gallery.approved())
    await bot.sweep(2)
    assert "Confirmed" in await bot.card()


async def test_a_card_that_slack_never_takes_is_not_tried_without_end(bot: Bot) -> None:
    await add(bot)
    await bot.slack.person("faults", refuse={"method": "chat.postMessage", "error": "msg_too_long"})
    tries = counted(bot)
    for _ in range(60):
        await bot.sweep(10)
    assert len(tries) == 2
    await bot.slack.person("faults", clear=True)
    await bot.sweep(3600)
    assert len(bot.shown()) == 1


async def refuse(bot: Bot, method: str, error: str, *, times: int) -> None:
    """Have Slack refuse the next so many calls that carry blocks."""
    post = bot.client.chat_postMessage
    left = [error] * times

    async def refusing(**arguments: Any) -> Any:
        if arguments["blocks"] and left:
            await bot.slack.person("faults", refuse={"method": method, "error": left.pop()})
            try:
                return await post(**arguments)
            finally:
                await bot.slack.person("faults", clear=True)
        return await post(**arguments)

    bot.client.chat_postMessage = refusing  # type: ignore[method-assign]  # for as long as the fault lasts


def counted(bot: Bot) -> list[str]:
    """Texts of the posts that are tried from now on."""
    post, tries = bot.client.chat_postMessage, list[str]()

    async def counting(**arguments: Any) -> Any:
        tries.append(arguments["text"])
        return await post(**arguments)

    bot.client.chat_postMessage = counting  # type: ignore[method-assign]  # which counts and hands on
    return tries


def test_a_bucket_gives_its_burst_and_then_one_each_interval() -> None:
    bucket = Bucket(burst=5, interval=timedelta(seconds=1.2))
    for _ in range(5):
        assert bucket.ready_at(NOW) == NOW
        bucket.take(NOW)
    assert bucket.ready_at(NOW) == NOW + timedelta(seconds=1.2)
    assert bucket.ready_at(NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


def test_a_minute_of_edits_stays_within_slacks_fifty() -> None:
    bucket, moment, given = Bucket(burst=5, interval=timedelta(seconds=1.2)), NOW, 0
    while moment < NOW + timedelta(minutes=10):
        if bucket.ready_at(moment) <= moment:
            bucket.take(moment)
            given += 1
        moment += timedelta(seconds=0.1)
    assert given <= 500 + 5
