"""Cancel and Keep watching, pressed in the local Slack."""

import pytest

from bot.ports import Change
from bot.record import Record
from bot.sandbox.gallery import live as gallery
from handlers.ids import ActionId, Slot
from tests.slack.bot import Bot
from tests.slack.test_listeners import catch_up


async def show(bot: Bot, like: Record) -> None:
    """Have a live move stand as that Record has it."""
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    now = {"state": like.state, "runs": like.runs, "approvals": like.approvals}
    await bot.store.update("p1", lambda current: Change(current.model_copy(update=now)))
    await catch_up(bot)


async def test_cancel_on_the_progress_message_says_who_and_takes_the_button(bot: Bot) -> None:
    await show(bot, gallery.copying())
    await bot.click("ravi", ActionId.CALL_OFF, Slot.PROGRESS)
    await catch_up(bot)
    progress = await bot.card(Slot.PROGRESS)
    assert "Canceling the move of web-01" in progress
    assert "<@U0RAVI00001> asked" in progress
    assert ActionId.CALL_OFF not in progress
    assert bot.runner.restarted == ["p1"]


async def test_a_guest_of_the_workspace_may_not_cancel_a_move(bot: Bot) -> None:
    await show(bot, gallery.copying())
    await bot.click("gil", ActionId.CALL_OFF, Slot.PROGRESS)
    assert (await bot.service.get("p1")).runs[0].called_off is None
    assert bot.whispers("gil")


@pytest.mark.parametrize(
    ("action_id", "seen"),
    [(ActionId.WATCH_ON, "<@U0RAVI00001> keeps watching"), (ActionId.CALL_OFF, ActionId.WATCH_ON)],
)
async def test_an_overdue_move_offers_two_ways_on(bot: Bot, action_id: ActionId, seen: str) -> None:
    await show(bot, gallery.overdue())
    assert "copies the memory" in await bot.card("overdue_0_0")
    await bot.click("ravi", action_id, "overdue_0_0")
    await catch_up(bot)
    overdue = await bot.card("overdue_0_0")
    assert seen in overdue
    assert ActionId.CALL_OFF not in overdue
