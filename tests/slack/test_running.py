"""A second request for a VM that is being moved shows the move that runs, and makes no plan."""

from bot.sandbox.gallery import live as gallery
from handlers.ids import Slot
from handlers.values import ModalState
from handlers.views import Views
from tests.slack.bot import OPS, Bot
from tests.slack.test_calling_off import show


async def test_it_shows_the_running_move_with_a_link_to_its_card(bot: Bot) -> None:
    await show(bot, gallery.copying())
    await bot.say("mei", "/vm-migrate web-01 worker-06")
    told = bot.whispers("mei")[-1]
    seen, card = _seen(bot), await bot.message(Slot.CARD)
    assert "production/web-01 is being moved already" in told
    assert f"/archives/{card.channel}/p{card.ts.replace('.', '')}" in seen
    assert "copies the memory" in seen
    assert await bot.store.get("p2") is None


async def test_it_is_shown_without_a_link_while_slack_does_not_tell_one(bot: Bot) -> None:
    await show(bot, gallery.copying())
    await bot.slack.person("faults", refuse={"method": "chat.getPermalink", "error": "internal_error"})
    await bot.say("mei", "/vm-migrate web-01 worker-06")
    assert "in the channel where it was asked for" in _seen(bot)


async def test_it_is_shown_after_a_form_that_has_closed_too(bot: Bot) -> None:
    await show(bot, gallery.copying())
    fresh = ModalState(plan="p1", revision=1, channel=OPS, fresh=True).dump()
    values = {"field_vm": {"vm": {"value": "web-01"}}, "field_target": {"target": {"value": "worker-06"}}}
    body = {
        "type": "view_submission",
        "user": {"id": "U0MEI000001", "team_id": "T0SANDBOX1"},
        "view": {"private_metadata": fresh, "state": {"values": values}},
    }
    await Views(bot.desk, patience=0).modify(closing, body)  # type: ignore[arg-type]  # Bolt's ack is a class
    await bot.settle()
    assert "copies the memory" in _seen(bot)


async def closing() -> None:
    """Slack closes the form."""


def _seen(bot: Bot) -> str:
    """The newest message that only mei sees."""
    mei = bot.slack.sandbox.workspace.person("mei")
    messages = bot.slack.sandbox.workspace.rooms[OPS].messages
    return str(next(message for message in reversed(messages) if message.visible_to == mei.id).blocks)
