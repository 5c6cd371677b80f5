"""The app's Home tab: who is shown what, and that it fits."""

from collections.abc import Callable

import pytest

from bot.policy import Confirm, Policy, Rule, Waiver
from bot.ports import AtHome, Change
from bot.record import Record
from bot.sandbox.gallery import batch, later, live
from handlers import cards
from handlers.ids import ActionId
from tests.facts import NOW, proposed
from tests.slack.bot import OPS, Bot
from tests.slack.limits import problems

BUSY = AtHome(
    running=(live.copying(),) * 10,
    waiting=(proposed(),) * 10,
    scheduled=(later.scheduled(),) * 10,
    recent=(live.succeeded(),) * 5,
    pins=3,
    at=NOW,
)


def policy_of(confirm: Confirm, incident: Waiver | None = None) -> Policy:
    return Policy(rules=(Rule(name="four eyes", request=("channel",), confirm=confirm, incident=incident),))


async def home_of(bot: Bot, person: str) -> str:
    """What the tab says to somebody who opens it now."""
    await bot.slack.person("home", user=person)
    await bot.heard()
    return str((await bot.slack.screen(person))["home"])


def test_what_waits_for_me_comes_first_and_a_busy_day_fits() -> None:
    card = cards.home_card(BUSY, {"p1": "https://sandbox.slack.com/archives/C0OPS/p1"})
    assert problems(card.stamped()) == []
    shown = str(card.blocks)
    parts = ("Waiting for your Confirm", "Moving now", "Confirmed for later", "asked for lately")
    assert sorted(parts, key=shown.index) == list(parts)
    assert "pinned by a cold move: 3" in shown


async def test_an_open_plan_waits_for_everybody_in_its_channel_and_for_nobody_else(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    assert "production/web-01" in await home_of(bot, "ravi")
    assert "Nothing waits for you" in await home_of(bot, "lena")
    assert "Nothing waits for you" in await home_of(bot, "otto")


@pytest.mark.parametrize("made", [live.copying, batch.batch_paused_by_somebody, later.scheduled])
async def test_what_goes_on_in_a_channel_is_told_to_its_members_alone(bot: Bot, made: Callable[[], Record]) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.store.update("p1", lambda now: Change(made().model_copy(update={"place": now.place})))
    assert "production/web-01" in await home_of(bot, "ravi")
    assert "production/web-01" not in await home_of(bot, "lena")


async def test_a_plan_waits_for_nobody_whose_own_press_does_not_count(bot: Bot) -> None:
    bot.rules.current = policy_of(Confirm(who=("channel",)))
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    mei = await bot.desk.identity.actor("U0MEI000001", None, OPS)
    await bot.store.update("p1", lambda now: Change(now.model_copy(update={"changed_by": mei})))
    assert ["production/web-01" in await home_of(bot, who) for who in ("dana", "mei", "ravi")] == [False, False, True]


async def test_an_incident_waits_for_those_whom_its_rule_names(bot: Bot) -> None:
    bot.rules.current = policy_of(Confirm(who=("U0RAVI00001",)), Waiver(who=("U0DANA00001",)))
    await bot.say("dana", '/vm-migrate web-01 worker-05 --incident INC-42 "fan failure"')
    assert ["production/web-01" in await home_of(bot, who) for who in ("dana", "ravi")] == [True, False]


async def test_what_i_asked_for_is_listed_once_it_has_ended(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    assert "Nothing yet" in await home_of(bot, "dana")
    await bot.click("dana", ActionId.CANCEL)
    shown = await home_of(bot, "dana")
    assert "canceled" in shown
    assert "Nothing waits for you" in shown
    assert "Nothing yet" in await home_of(bot, "ravi")
