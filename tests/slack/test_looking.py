"""Looking around: status, history, inventory and help, over the wire; each answer is for the one who asked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import approval
from bot.inventory import Listed, listed
from bot.migration import PlanState, is_final
from bot.policy import Action
from bot.ports import Change, Overview
from bot.record import Record
from bot.request import History, Inventory, Status
from bot.sandbox.gallery import batch as batch_gallery
from bot.sandbox.gallery import cold as cold_gallery
from bot.sandbox.gallery import live as gallery
from handlers import cards
from handlers.ids import ActionId
from k8s.snapshots import Condition, Ref
from tests.facts import proposed, with_vmi
from tests.slack.bot import Bot
from tests.slack.limits import MENTION, problems

GALLERY = gallery.GALLERY | cold_gallery.GALLERY | batch_gallery.GALLERY


async def test_status_lists_the_open_plans_of_the_channel_with_the_way_to_each_card(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate status")
    assert "No plan is open in this channel" in bot.whispers("dana")[-1]
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.say("ravi", "/vm-migrate status web-01")
    (told,) = [message for message in bot.seen("ravi") if "Open plans" in message.text]
    assert "waits for its Confirm: *production/web-01*" in str(told.blocks)
    assert "|card>" in str(told.blocks)
    await bot.say("ravi", "/vm-migrate status web-02")
    assert "No plan of `web-02` is open" in bot.whispers("ravi")[-1]


async def test_what_other_channels_plan_is_counted_and_not_told(bot: Bot) -> None:
    await bot.say("ravi", "/vm-migrate web-01 worker-05", channel="#sre")
    await bot.say("dana", "/vm-migrate status")
    told = bot.seen("dana")[-1]
    assert "In other channels: 1" in str(told.blocks)
    assert "web-01" not in told.text + str(told.blocks)
    await bot.store.update("p1", _expired)
    await bot.say("dana", "/vm-migrate history")
    assert "web-01" not in str(bot.seen("dana")[-1].blocks)


async def test_history_tells_who_what_when_and_how_it_ended(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.store.update("p1", _succeeded)
    await bot.say("mei", "/vm-migrate history web-01 --last 7d")
    told = str(bot.seen("mei")[-1].blocks)
    assert "✅ moved: *production/web-01* from worker-01 to worker-05, live" in told
    assert "asked for by <@U0DANA00001>" in told
    bot.clock.advance(8 * 24 * 3600)
    await bot.say("mei", "/vm-migrate history web-01 --last 7d")
    assert "Nothing has ended of `web-01` in this channel in the last 7d" in bot.whispers("mei")[-1]
    await bot.say("mei", "/vm-migrate history")
    assert "production/web-01" in str(bot.seen("mei")[-1].blocks)


async def test_the_inventory_says_what_each_vm_has_and_where_it_runs(bot: Bot) -> None:
    await bot.say("dana", "/vm-inventory production")
    assert "VMs in `production`: 1" in bot.whispers("dana")[-1]
    assert "*web-01* Running on `worker-01`" in str(bot.seen("dana")[-1].blocks)
    assert bot.shown() == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prodution", "Did you mean production?"),
        ("--node worker-6", "Did you mean worker-06"),
        ("--node worker-05", "I see no VM on `worker-05`"),
        ("dev web", "▸web◂"),
    ],
)
async def test_an_inventory_of_nothing_says_why(bot: Bot, text: str, told: str) -> None:
    await bot.say("dana", f"/vm-inventory {text}")
    assert told in bot.whispers("dana")[-1]


async def test_help_names_what_this_person_may_do(bot: Bot) -> None:
    await bot.say("dana", "/vm-migrate help")
    assert "Here you may* ask for moves, confirm plans" in str(bot.seen("dana")[-1].blocks)
    await bot.say("gil", "/vm-migrate help")
    assert "only look on" in str(bot.seen("gil")[-1].blocks)
    assert "guest" in str(bot.seen("gil")[-1].blocks)


def test_help_without_the_right_to_ask_shows_no_forms() -> None:
    shown = str(cards.help_card(frozenset({Action.CONFIRM})).blocks)
    assert "web-01 worker-05" not in shown
    assert "confirm plans" in shown


def test_a_vm_is_listed_with_its_conditions() -> None:
    world = with_vmi(
        conditions=(
            Condition("Ready", "False", "GuestNotRunning"),
            Condition("LiveMigratable", "False", "DisksNotLiveMigratable"),
            Condition("Paused", "True"),
        ),
        addresses=("10.0.0.7", "fd00::7"),
    )
    vm = replace(world.vm, conditions=(Condition("RestartRequired", "True"),), deleting=True)
    assert world.vmi
    (found,) = listed((vm,), (world.vmi,))
    assert (found.node, found.address) == ("worker-01", "10.0.0.7")
    assert found.notes == (
        "not Ready (GuestNotRunning)",
        "cannot move live (DisksNotLiveMigratable)",
        "paused",
        "needs a restart",
        "is being deleted",
    )
    stopped = replace(vm, ref=Ref("dev", "off"), printable_status="Stopped")
    assert [each.name for each in listed((vm, stopped), (world.vmi,))] == ["off", "web-01"]
    assert [each.name for each in listed((vm, stopped), (world.vmi,), "worker-01")] == ["web-01"]


def many(number: int) -> list[Listed]:
    evil = "<!channel> " + "x" * 240
    return [Listed(f"ns-{n % 7}", f"vm-{n}{evil}", evil, 2, 0, f"worker-{n}", "", (evil,)) for n in range(number)]


@pytest.mark.parametrize("number", [0, 1, 20, 21, 300])
def test_an_inventory_fits_whatever_its_size(number: int) -> None:
    card = cards.inventory_card(Inventory(namespace="x"), many(number))
    assert problems(card.stamped()) == []
    assert not MENTION.search(str([block for block in card.stamped() if block["type"] != "rich_text"]))
    if number > 20:
        assert "ask for fewer" in str(card.blocks)
        table = next(block for block in card.blocks if block["type"] == "rich_text")
        rows = table["elements"][0]["elements"][0]["text"].splitlines()
        assert sum(row.startswith("  vm-") for row in rows) == min(number, 100)
    if number > 100:
        assert f"{number - 100} more are left out" in str(card.blocks)


def test_a_long_inventory_is_a_table_with_a_line_for_each_vm() -> None:
    vms = [Listed(f"ns-{n // 50}", f"vm-{n:02}", "Running", 2, 0, f"worker-{n % 7}", "", ()) for n in range(100)]
    (table,) = [block for block in cards.inventory_card(Inventory(), vms).blocks if block["type"] == "rich_text"]
    lines = table["elements"][0]["elements"][0]["text"].split("\n")
    assert lines[:2] == ["ns-0:", "  vm-00              worker-0"]
    assert lines[51:53] == ["ns-1:", "  vm-50              worker-1"]
    assert len(lines) == 102


@pytest.mark.parametrize("name", GALLERY)
def test_a_plan_in_any_state_has_its_line(name: str) -> None:
    record = GALLERY[name]()
    if name == "batch_of_long_names":
        return  # a name of 253 characters is cut here
    found = Overview((record,) * 20, more=True, elsewhere=2)
    links = {record.id: "https://x.slack.com/archives/C1/p1"}
    for card in (
        cards.status_card(Status(), found, links),
        cards.history_card(History(vm="a", namespace="b", last=timedelta(days=7)), found, links),
    ):
        assert problems(card.stamped()) == []
        assert record.plan.moves[0].vm in str(card.blocks)


def test_every_state_of_a_plan_has_words_of_its_own() -> None:
    for state in PlanState:
        record = proposed().model_copy(update={"state": state})
        found = Overview((record,))
        shown = cards.history_card(History(), found, {}) if is_final(state) else cards.status_card(Status(), found, {})
        assert "▫️" not in str(shown.blocks), state


async def test_the_newest_that_have_ended_come_first(bot: Bot) -> None:
    for _ in range(3):
        await bot.say("dana", "/vm-migrate web-01 worker-05")
    for plan in ("p1", "p3"):
        await bot.store.update(plan, _expired)
    found = await bot.store.ended(_any, None, 5)
    assert [plan.id for plan in found] == ["p3", "p1"]
    assert [plan.id for plan in await bot.store.ended(lambda plan: plan.id != "p3", None, 5)] == ["p1"]
    assert await bot.store.ended(_any, bot.clock.now() + timedelta(seconds=1), 5) == ()
    assert len(await bot.store.ended(_any, None, 1)) == 1
    assert ActionId.CONFIRM in await bot.card(plan="p2")


def _any(plan: Record) -> bool:
    return True


def _expired(now: Record) -> Change:
    return Change(approval.expire(now))


def _succeeded(now: Record) -> Change:
    done = gallery.succeeded()
    return Change(now.model_copy(update={"state": done.state, "runs": done.runs, "approvals": done.approvals}))
