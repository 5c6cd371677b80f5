"""The app's Home tab: who is shown what, and that it fits."""

from bot.ports import AtHome
from bot.sandbox.gallery import live
from handlers import cards
from handlers.ids import ActionId
from tests.facts import NOW, proposed
from tests.slack.bot import Bot
from tests.slack.limits import problems

BUSY = AtHome(
    running=(live.copying(),) * 10, waiting=(proposed(),) * 10, recent=(live.succeeded(),) * 5, pins=3, at=NOW
)


async def home_of(bot: Bot, person: str) -> str:
    """What the tab says to somebody who opens it now."""
    await bot.slack.person("home", user=person)
    await bot.heard()
    return str((await bot.slack.screen(person))["home"])


def test_what_waits_for_me_comes_first_and_a_busy_day_fits() -> None:
    card = cards.home_card(BUSY, {"p1": "https://sandbox.slack.com/archives/C0OPS/p1"})
    assert problems(card.stamped()) == []
    shown = str(card.blocks)
    assert shown.index("Waiting for your Confirm") < shown.index("Moving now") < shown.index("asked for lately")
    assert "pinned by a cold move: 3" in shown


async def test_an_open_plan_waits_for_everybody_in_its_channel_and_for_nobody_else(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    assert "web-01" in await home_of(bot, "ravi")
    assert "Nothing waits for you" in await home_of(bot, "lena")
    assert "Nothing waits for you" in await home_of(bot, "otto")


async def test_what_i_asked_for_is_listed_once_it_has_ended(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    assert "Nothing yet" in await home_of(bot, "dana")
    await bot.click("dana", ActionId.CANCEL)
    shown = await home_of(bot, "dana")
    assert "canceled" in shown
    assert "Nothing waits for you" in shown
    assert "Nothing yet" in await home_of(bot, "ravi")
