"""Two approvals over the wire: what the card says, whose press counts, and Deny with its reason."""

from bot.migration import PlanState
from bot.policy import Actor, Confirm, Policy, Rule
from handlers.ids import ActionId, BlockId, Slot
from tests.slack.bot import OPS, Bot

FOUR_EYES = Policy(
    rules=(Rule(name="four eyes", request=("channel",), confirm=Confirm(who=("@sre",), count=2)),),
)
ASKED = "/vm-migrate web-01 worker-05"


async def test_two_of_a_group_confirm_and_the_card_counts_them(bot: Bot) -> None:
    bot.rules.current = FOUR_EYES
    await bot.say("dana", ASKED)
    card = await bot.card()
    for shown in ("Needs 2 of <!subteam^S0SRE000001>*, has 0.", "Confirm (1 of 2)", "own press does not count"):
        assert shown in card
    await bot.click("dana", ActionId.CONFIRM)
    assert "you are not one of them" in bot.whispers("dana")[-1]
    await bot.click("mei", ActionId.CONFIRM)
    assert "Confirm (2 of 2)" in await bot.card()
    await bot.click("mei", ActionId.CONFIRM)
    assert "confirmed this plan already" in bot.whispers("mei")[-1]
    assert bot.runner.started == []


async def test_where_too_few_could_confirm_there_is_no_confirm_and_the_card_says_why(bot: Bot) -> None:
    bot.rules.current = FOUR_EYES
    await bot.say("ravi", ASKED)
    card = await bot.card()
    assert "*Only 1 could confirm it.*" in card
    assert ActionId.CONFIRM.value not in card
    bot.slack.sandbox.workspace.group_members["S0SRE000001"].append("U0DANA00001")
    bot.clock.advance(61)
    await bot.service.modify("p1", 1, (await bot.service.get("p1")).plan.request, await _actor(bot, "ravi"))
    await bot.settle()
    assert "Confirm (1 of 2)" in await bot.card()


async def test_the_requesters_own_press_is_refused_where_the_rule_says_so(bot: Bot) -> None:
    bot.rules.current = Policy(rules=(FOUR_EYES.rules[0].model_copy(update={"confirm": Confirm(who=("@sre",))}),))
    await bot.say("ravi", ASKED)
    await bot.click("ravi", ActionId.CONFIRM)
    assert "your own Confirm does not count" in bot.whispers("ravi")[-1]
    assert bot.runner.started == []


async def _actor(bot: Bot, handle: str) -> Actor:
    return await bot.desk.identity.actor(bot.slack.sandbox.workspace.person(handle).id, None, OPS)


async def test_an_approver_denies_with_a_reason_and_the_requester_is_told(bot: Bot) -> None:
    bot.rules.current = FOUR_EYES
    await bot.say("dana", ASKED)
    await bot.click("dana", ActionId.DENY)
    (refused,) = bot.slack.sandbox.modals_of("dana")
    assert "lets @sre deny here" in str(refused)
    await bot.click("mei", ActionId.DENY)
    (view,) = bot.slack.sandbox.modals_of("mei")
    values = {BlockId.REASON.value: "backup <!here>"}
    await bot.slack.person("view", user="mei", view_id=view.id, action="submit", values=values)
    await bot.settle()
    await bot.sweep(5)
    found = await bot.store.get("p1")
    assert found is not None
    assert (found.state, found.note) == (PlanState.DENIED, "backup <!here>")
    assert "*Denied* by <@U0MEI000001>: “backup &lt;!here&gt;”" in await bot.card()
    assert "<@U0DANA00001> 🛑 your plan for *web-01* was denied by" in await bot.card(Slot.VERDICT)
