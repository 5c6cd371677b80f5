"""`@vm-migrate ...` over the wire, in the channel and in threads."""

import pytest

from handlers.ids import ActionId
from handlers.mentions import Mentions
from tests.slack.bot import OPS, Bot

HOT = "worker-01 is hot"


async def thread(bot: Bot) -> str:
    said = await bot.say("ravi", HOT)
    return str(said["ts"])


async def mention(bot: Bot, text: str, thread_ts: str | None = None) -> None:
    await bot.slack.person("say", user="dana", channel="#ops", text=text, thread_ts=thread_ts)
    await bot.heard()


async def test_a_mention_makes_the_same_plan_as_the_command(bot: Bot) -> None:
    await mention(bot, "@vm-migrate please move VM web-01 to worker-05, thanks")
    (card,) = bot.shown()
    assert "Waiting for Confirm" in card.text
    assert card.thread_ts is None
    assert (await bot.service.get("p1")).requester.user == "U0DANA00001"


async def test_a_mention_in_a_thread_is_told_where_its_plan_is(bot: Bot) -> None:
    root = await thread(bot)
    await mention(bot, "@vm-migrate web-01 → worker-05 because worker-01 is hot", root)
    card, pointer = bot.shown()
    assert (card.thread_ts, pointer.thread_ts) == (None, root)
    assert f"/p{card.ts.replace('.', '')}|plan card>" in pointer.text
    await bot.click("ravi", ActionId.CONFIRM)
    assert bot.runner.started == ["p1"]


async def test_what_is_wrong_is_told_in_the_thread_to_the_one_who_asked(bot: Bot) -> None:
    root = await thread(bot)
    await mention(bot, "@vm-migrate web_01 worker-05", root)
    room = bot.slack.sandbox.workspace.rooms[OPS]
    told = room.messages[-1]
    assert (told.visible_to, told.thread_ts) == ("U0DANA00001", root)
    assert "▸web_01◂" in told.text
    assert bot.shown() == []


@pytest.mark.parametrize("text", ["@vm-migrate", "hey @vm-migrate help", "@vm-migrate ?"])
async def test_a_bare_mention_is_answered_with_help(bot: Bot, text: str) -> None:
    await mention(bot, text)
    assert "confirmed the plan" in bot.whispers("dana")[-1]


async def test_a_host_name_that_slack_made_a_link_is_read(bot: Bot) -> None:
    await mention(bot, "@vm-migrate web-01 worker-1.example.com")
    assert "There is no node named worker-1.example.com" in bot.whispers("dana")[-1]


async def test_a_mention_that_slack_sends_twice_makes_one_plan(bot: Bot) -> None:
    await bot.slack.person("faults", duplicate_next=1)
    await mention(bot, "@vm-migrate web-01 worker-05")
    await bot.heard()
    assert len(bot.shown()) == 1


async def test_what_may_mean_two_things_is_asked_in_the_thread(bot: Bot) -> None:
    await mention(bot, "@vm-migrate web-01 on worker-05", await thread(bot))
    await bot.click_whisper("dana", ActionId.READING, 0)
    assert "Waiting for Confirm" in bot.shown()[-1].text


async def test_a_guest_gets_no_plan(bot: Bot) -> None:
    await bot.slack.person("say", user="gil", channel="#ops", text="@vm-migrate web-01 worker-05")
    await bot.heard()
    assert "guest" in bot.whispers("gil")[-1]
    assert bot.shown() == []


async def test_bots_are_not_listened_to(bot: Bot) -> None:
    mentions = Mentions(bot.desk, bot.installation.bot_user)
    said = {"channel": OPS, "ts": "1.1", "text": "web-01 worker-05"}
    await mentions.mentioned({"event": said | {"user": "U0DANA00001", "bot_id": "B1"}})
    await mentions.mentioned({"event": said})
    await mentions.mentioned({})
    await bot.settle()
    assert bot.shown() == []


def test_the_text_is_as_it_was_typed(bot: Bot) -> None:
    mentions = Mentions(bot.desk, "U0BOT")
    assert mentions.said("<@U0BOT> a &lt;b&gt; &amp;amp; <@U0BOT|vm-migrate>c <@U1>").split() == [
        "a", "<b>", "&amp;", "c", "<@U1>",
    ]  # fmt: skip
