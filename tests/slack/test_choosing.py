"""Which node, and what instead: suggestions, the menu of a cold move, the way round a block, the list of checks."""

from dataclasses import replace

import pytest

from bot.request import MoveType
from handlers.ids import ActionId
from handlers.values import NodeRef
from k8s.snapshots import Claim, Migration, Ref
from tests.facts import with_vmi
from tests.slack.bot import Bot

RWO = Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteOnce",))
WORKER_05 = NodeRef(plan="p1", revision=1, node="worker-05").dump()
DRAIN = Migration(Ref("production", "evacuation"), "uid-m", "web-01", "Running")


def unshared(bot: Bot) -> None:
    """Its disk can be attached to one node only."""
    bot.cluster.world = replace(with_vmi(claims={"web-01-rootdisk": ("ReadWriteOnce",)}), claims=(RWO,))


async def test_a_suggestion_is_a_new_revision_with_the_best_node(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01")
    assert ActionId.CONFIRM in await bot.card()
    await bot.click("ravi", ActionId.SUGGEST)
    plan = await bot.service.get("p1")
    assert (plan.revision, plan.plan.moves[0].target_name) == (2, "worker-05")
    assert ActionId.SUGGEST not in await bot.card()
    assert "changed by <@U0RAVI00001>" in await bot.card()


async def test_a_guest_of_the_workspace_may_have_nothing_suggested(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01")
    await bot.click("gil", ActionId.SUGGEST)
    assert (await bot.service.get("p1")).revision == 1
    assert len(bot.whispers("gil")) == 1


async def test_a_cold_move_without_a_target_is_given_one_from_the_menu(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 --cold")
    card = await bot.card()
    assert "Which node?" in card
    assert "`worker-06` (cordoned)" in card
    assert ActionId.CONFIRM not in card
    await bot.click("dana", ActionId.PICK_NODE, value=WORKER_05)
    plan = await bot.service.get("p1")
    assert (plan.plan.moves[0].target_name, plan.plan.moves[0].type) == ("worker-05", MoveType.COLD)
    assert not plan.plan.blocked
    assert ActionId.CONFIRM in await bot.card()


async def test_a_blocked_target_offers_the_best_other_node(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-06")
    card = await bot.card()
    assert "Move it to worker-05" in card
    assert ActionId.CONFIRM not in card
    await bot.click("mei", ActionId.USE_NODE)
    move = (await bot.service.get("p1")).plan.moves[0]
    assert (move.target_name, move.type, move.blocked) == ("worker-05", MoveType.LIVE, False)


async def test_a_disk_and_a_cordon_together_are_got_round_by_a_cold_move_elsewhere(bot: Bot) -> None:
    unshared(bot)
    await bot.say("dana", "/vm-migrate web-01 worker-06 --live")
    assert "Move it cold to worker-05" in await bot.card()
    await bot.click("mei", ActionId.USE_NODE)
    move = (await bot.service.get("p1")).plan.moves[0]
    assert (move.target_name, move.type, move.blocked) == ("worker-05", MoveType.COLD, False)


async def test_a_disk_alone_offers_a_cold_move_to_the_same_node(bot: Bot) -> None:
    unshared(bot)
    await bot.say("dana", "/vm-migrate web-01 worker-05 --live")
    card = await bot.card()
    assert ActionId.USE_COLD in card
    assert ActionId.USE_NODE not in card


async def test_what_passes_by_itself_is_looked_at_again(bot: Bot) -> None:
    bot.cluster.world = replace(bot.cluster.world, migrations=(DRAIN,))
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    assert ActionId.CONFIRM not in await bot.card()
    bot.cluster.world = replace(bot.cluster.world, migrations=())
    await bot.click("ravi", ActionId.CHECK_AGAIN)
    assert not (await bot.service.get("p1")).plan.blocked
    assert ActionId.CONFIRM in await bot.card()


async def test_the_checks_are_shown_to_whoever_asks_and_to_nobody_else(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    assert "checks passed" in await bot.card()
    await bot.click("mei", ActionId.CHECKS)
    assert len(bot.whispers("mei")) == 1
    assert bot.whispers("dana") == []
    assert (await bot.service.get("p1")).revision == 1


@pytest.mark.parametrize("action", [ActionId.SUGGEST, ActionId.PICK_NODE, ActionId.USE_NODE, ActionId.CHECK_AGAIN])
async def test_of_two_who_choose_the_second_is_told(bot: Bot, action: ActionId) -> None:
    """The first press makes a revision, and the card with the buttons of the old one is gone."""
    say = {
        ActionId.SUGGEST: "/vm-migrate web-01",
        ActionId.PICK_NODE: "/vm-migrate web-01 --cold",
        ActionId.USE_NODE: "/vm-migrate web-01 worker-06",
        ActionId.CHECK_AGAIN: "/vm-migrate web-01 worker-05",
    }[action]
    if action is ActionId.CHECK_AGAIN:
        bot.cluster.world = replace(bot.cluster.world, migrations=(DRAIN,))
    await bot.say("dana", say)
    value = WORKER_05 if action is ActionId.PICK_NODE else None
    bot.cluster.answers.clear()
    first = await bot.begin_click("ravi", action, value=value)
    second = await bot.begin_click("mei", action, value=value)
    bot.cluster.answers.set()
    await bot.settle()
    assert first["ok"]
    assert second["ok"]
    assert (await bot.service.get("p1")).revision == 2
    assert len(bot.whispers("ravi") + bot.whispers("mei")) == 1
