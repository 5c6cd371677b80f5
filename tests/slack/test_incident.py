"""An incident over the wire: declared by command or form, told to whoever is passed over and in the audit channel."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot import incident
from bot.incident import Happened
from bot.migration import PlanState
from bot.policy import Confirm, Policy, Rule, Waiver
from bot.ports import Change
from bot.request import MoveRequest
from handlers.ids import ActionId, BlockId, Slot
from tests.slack.bot import Bot
from tests.slack.test_listeners import catch_up

ON_CALL = Policy(
    rules=(
        Rule(
            name="four eyes",
            request=("channel",),
            confirm=Confirm(who=("@sre",), count=2),
            incident=Waiver(who=("@oncall",)),
        ),
    ),
)
ASKED = "/vm-migrate web-01 worker-05"
URGENT = f'{ASKED} --incident INC-42 "fan failure <!here>"'
AUDIT = "C0SRE000001"
REFUSAL: dict[str, Any] = {
    "client": None,
    "http_verb": "POST",
    "api_url": "chat.postMessage",
    "req_args": {},
    "headers": {},
    "status_code": 200,
}


@pytest.fixture(autouse=True)
def _rules(bot: Bot) -> None:
    bot.rules.current = ON_CALL


async def test_a_declared_incident_is_loud_in_the_open_and_starts_nothing(bot: Bot) -> None:
    await bot.say("dana", URGENT)
    await catch_up(bot)
    card = await bot.card()
    for shown in ("🚨 Incident", "INC-42", "declared by <@U0DANA00001>", "fan failure &lt;!here&gt;"):
        assert shown in card
    assert "Confirm for the incident" in card
    passed_over = await bot.card(Slot.INCIDENT)
    assert "<!subteam^S0SRE000001>: usually it would need 2 of you" in passed_over
    (audit,) = bot.shown(AUDIT)
    assert "INC-42" in audit.text
    assert "web-01 from worker-01 to worker-05" in audit.text
    assert "In <#C0OPS000001> it *waits for its Confirm*" in audit.text
    assert bot.runner.started == []
    await bot.click("dana", ActionId.CONFIRM)
    await catch_up(bot)
    assert bot.runner.started == ["p1"]
    assert "confirmed by <@U0DANA00001>" in bot.shown(AUDIT)[0].text


async def test_the_form_declares_a_waiting_plan(bot: Bot) -> None:
    await bot.say("dana", ASKED)
    assert ActionId.INCIDENT in await bot.card()
    await bot.click("dana", ActionId.INCIDENT)
    (view,) = bot.slack.sandbox.modals_of("dana")
    values = {BlockId.INCIDENT_ID.value: "INC 42", BlockId.REASON.value: "fan failure"}
    await bot.slack.person("view", user="dana", view_id=view.id, action="submit", values=values)
    await bot.settle()
    assert (await bot.service.get("p1")).incident is None
    values[BlockId.INCIDENT_ID.value] = "INC-42"
    await bot.slack.person("view", user="dana", view_id=view.id, action="submit", values=values)
    await bot.settle()
    current = await bot.service.get("p1")
    assert current.incident is not None
    assert (current.incident.id, current.incident.reason, current.revision) == ("INC-42", "fan failure", 2)
    await catch_up(bot)
    assert ActionId.INCIDENT not in await bot.card()


async def test_others_are_told_why_they_may_not(bot: Bot) -> None:
    await bot.say("ravi", URGENT)
    assert "No rule lets you declare an incident" in bot.whispers("ravi")[-1]
    await bot.say("dana", URGENT)
    await bot.click("mei", ActionId.CONFIRM, plan="p2")
    assert "lets @oncall declare an incident here, and you are not one of them" in bot.whispers("mei")[-1]
    assert bot.runner.started == []


async def test_no_button_where_nobody_could_declare_one(bot: Bot) -> None:
    bot.rules.current = Policy(rules=(ON_CALL.rules[0].model_copy(update={"incident": None}),))
    await bot.say("dana", ASKED)
    assert ActionId.INCIDENT not in await bot.card()


@pytest.mark.parametrize("trouble", ["the bot is not in it", "is_archived", "restricted_action_read_only_channel"])
async def test_an_audit_channel_that_the_bot_may_not_write_to_holds_nothing_up_and_the_thread_says_so(
    bot: Bot, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    room = bot.slack.sandbox.workspace.rooms[AUDIT]
    match trouble:
        case "the bot is not in it":
            room.members.remove("U0VMMIGRATE")
        case "is_archived":
            room.is_archived = True
        case word:
            refuse_in(bot, AUDIT, word)
    await bot.say("dana", URGENT)
    await catch_up(bot)
    assert "cannot be told in the audit channel" in caplog.text
    assert bot.shown(AUDIT) == []
    assert "<#C0SRE000001> was not told" in await bot.card(Slot.UNTOLD)
    assert await bot.store.unshown() == ()
    await bot.click("dana", ActionId.CONFIRM)
    await catch_up(bot)
    assert "Confirmed." in await bot.card()
    assert await bot.store.unshown() == ()


def refuse_in(bot: Bot, channel: str, word: str) -> None:
    """Have Slack refuse every post in that channel."""
    post = bot.client.chat_postMessage

    async def refusing(**arguments: Any) -> Any:
        if arguments["channel"] == channel:
            answer = AsyncSlackResponse(**REFUSAL, data={"ok": False, "error": word})
            raise SlackApiError("refused", answer)  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped
        return await post(**arguments)

    bot.client.chat_postMessage = refusing  # type: ignore[method-assign]  # for the rest of the test


async def test_a_change_of_the_plan_ends_the_incident_everywhere_and_another_is_told_anew(bot: Bot) -> None:
    await bot.say("dana", URGENT)
    await catch_up(bot)
    dana = await bot.desk.identity.actor("U0DANA00001", None, "C0OPS000001")
    await bot.service.modify("p1", 1, MoveRequest(vm="web-01", target="worker-05", reason="calmer"), dana)
    await catch_up(bot)
    (first,) = bot.shown(AUDIT)
    assert "No incident's any more" in await bot.card(Slot.INCIDENT)
    assert "No incident's any more" in first.text
    await bot.service.declare("p1", 2, "INC-43", "now it is one", dana)
    await catch_up(bot)
    first, second = bot.shown(AUDIT)
    assert "No incident's any more" in first.text
    assert "INC-43" in second.text
    assert "INC-43" in await bot.card(f"{Slot.INCIDENT}_1")
    assert await bot.store.unshown() == ()


async def test_the_timeline_is_posted_at_the_end(bot: Bot) -> None:
    await bot.say("dana", URGENT)
    await bot.click("mei", ActionId.DENY)
    (view,) = bot.slack.sandbox.modals_of("mei")
    values = {BlockId.REASON.value: "backup"}
    await bot.slack.person("view", user="mei", view_id=view.id, action="submit", values=values)
    await bot.settle()
    log = [Happened(line.at, line.kind, line.actor, line.details) for line in await bot.store.log("p1")]
    await bot.store.update("p1", lambda now: Change(incident.review(now, log)))
    await catch_up(bot)
    told = await bot.card(Slot.TIMELINE)
    assert "Timeline of incident `INC-42`" in told
    assert "<@U0DANA00001> declared INC-42: fan failure &lt;!here&gt;" in told
    assert "<@U0MEI000001> denied: backup" in told
    assert (await bot.service.get("p1")).state is PlanState.DENIED
    assert "*denied* by <@U0MEI000001>" in bot.shown(AUDIT)[0].text
