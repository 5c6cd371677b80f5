"""What somebody could send who means harm: other people's buttons, forged payloads, text that is meant to be more."""

import logging
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from bot.errors import BotError
from bot.policy import Confirm, Policy, Rule
from bot.ports import Change
from bot.record import Record
from bot.sandbox.gallery import cold as cold_gallery
from handlers.actions import Actions
from handlers.answers import NotSlack, by_response_url
from handlers.buttons import acts
from handlers.cards import refusal_card
from handlers.desk import Desk
from handlers.identity import KNOCKS
from handlers.ids import ActionId, CallbackId
from handlers.values import ElsewhereState, ModalState
from handlers.views import Views
from handlers.webclient import is_slack
from tests.slack.bot import OPS, Bot

ONLY_DANA = Policy(
    rules=(Rule(name="dana", request=("U0DANA00001",), confirm=Confirm(who=("U0DANA00001",), own=True)),),
)
VALUE = (
    '{"plan":"p1","revision":1,"move":0,"doubt":"stopping","hold":0,"node":"worker-01",'
    '"namespace":"production","vm":"web-01"}'
)
FORMS = (ActionId.MODIFY, ActionId.OTHER_NODE, ActionId.DENY, ActionId.ELSEWHERE, ActionId.INCIDENT)
"""They open a form first, for which Slack wants a trigger that nobody can forge."""
OWN_WORDS = (ActionId.READING, ActionId.PICK_NAMESPACE)
"""They carry a request that the presser could as well type; here it is none."""
REFUSED = re.compile("refused: (not-allowed|guest|not-a-person|no-batch)")
"""Who may not is told that, whatever state the plan is in."""
NOBODY = {
    "otto": "of another organisation",
    "gil": "a guest",
    "lena": "not in the channel",
    "mei": "in the channel, without a right",
    "vm-migrate": "a bot",
}


BUTTONS = list(acts(Actions(cast("Desk", None))))
"""Every button that a listener is registered for, so that a new one is tried here by itself."""


@pytest.fixture(autouse=True)
def _log_refusals(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO, logger="handlers.tasks"):
        yield


def click(bot: Bot, user: str, value: str = VALUE, channel: str = OPS, **container: object) -> dict[str, Any]:
    person = bot.slack.sandbox.workspace.person(user)
    return {
        "type": "block_actions",
        "user": {"id": person.id, "team_id": person.team_id},
        "team": {"id": "T0SANDBOX1"},
        "trigger_id": "1.2.forged",
        "container": {"type": "message", "channel_id": channel, "message_ts": "1700000000.000001", **container},
        "actions": [{"action_id": "forged", "value": value}],
        "response_url": "https://evil.example/collect",
    }


async def press(bot: Bot, action: ActionId, body: dict[str, Any]) -> list[dict[str, object]]:
    """Deliver a click as Bolt would; what was acknowledged."""
    acks: list[dict[str, object]] = []

    async def ack(**answer: object) -> None:
        acks.append(answer)

    actions = Actions(bot.desk)
    await actions.listener(acts(actions)[action])(ack, body)  # type: ignore[arg-type]
    await bot.settle()
    return acks


async def submit(bot: Bot, callback: CallbackId, user: str, metadata: str, **entered: str) -> list[dict[str, Any]]:
    """Deliver a form as Bolt would; what was acknowledged."""
    acks: list[dict[str, Any]] = []

    async def ack(**answer: Any) -> None:
        acks.append(answer)

    person = bot.slack.sandbox.workspace.person(user)
    values = {f"field_{name}": {"x": {"value": text}} for name, text in entered.items()}
    view = {"callback_id": callback.value, "private_metadata": metadata, "state": {"values": values}}
    views = Views(bot.desk)
    listener = {
        CallbackId.MODIFY: views.modify,
        CallbackId.ELSEWHERE: views.elsewhere,
        CallbackId.DENY: views.deny,
        CallbackId.INCIDENT: views.incident,
        CallbackId.BATCH: views.batch,
    }
    await listener[callback](ack, {"user": {"id": person.id, "team_id": person.team_id}, "view": view})  # type: ignore[arg-type]
    await bot.settle()
    return acks


async def untouched(bot: Bot, before: Record) -> None:
    assert await bot.store.get("p1") == before
    assert await bot.store.get("p2") is None
    assert (bot.runner.started, bot.runner.restarted, bot.cluster.deleted, bot.cluster.patched) == ([], [], [], [])


@pytest.mark.parametrize("action", BUTTONS)
async def test_no_button_does_anything_for_whoever_has_no_right(
    bot: Bot, action: ActionId, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    bot.rules.current = ONLY_DANA
    if action not in (ActionId.CONFIRM, ActionId.MODIFY, ActionId.CANCEL, ActionId.DENY, ActionId.REPLACE_RULES):
        await bot.store.update("p1", _moved)
        bot.cluster.pin()
    before = await bot.service.get("p1")
    for user in NOBODY:
        caplog.clear()
        assert await press(bot, action, click(bot, user)) == [{}]
        await untouched(bot, before)
        may_look = action is ActionId.CHECKS and user == "mei"
        assert action in (*FORMS, *OWN_WORDS) or may_look or REFUSED.search(caplog.text), caplog.text


@pytest.mark.parametrize("user", [*NOBODY])
async def test_no_form_does_anything_for_whoever_has_no_right(bot: Bot, user: str) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    bot.rules.current = ONLY_DANA
    before = await bot.service.get("p1")
    for fresh in (False, True):
        state = ModalState(plan="p1", revision=1, channel=OPS, fresh=fresh).dump()
        await submit(bot, CallbackId.MODIFY, user, state, vm="web-01", target="worker-05")
    await submit(bot, CallbackId.DENY, user, ModalState(plan="p1", revision=1, channel=OPS).dump(), reason="no")
    declared = ModalState(plan="p1", revision=1, channel=OPS).dump()
    await submit(bot, CallbackId.INCIDENT, user, declared, incident="INC-1", reason="fan failure")
    elsewhere = ElsewhereState(plan="p1", revision=1, move=0, doubt="starting", channel=OPS).dump()  # type: ignore[arg-type]
    await submit(bot, CallbackId.ELSEWHERE, user, elsewhere, target="worker-05")
    await untouched(bot, before)


async def test_a_form_that_names_another_channel_gives_no_right_of_that_channel(bot: Bot) -> None:
    """lena is in #random, and says in the form that the plan is talked about there."""
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    before = await bot.service.get("p1")
    state = ModalState(plan="p1", revision=1, channel="C0RANDOM001")
    await submit(bot, CallbackId.DENY, "lena", state.dump(), reason="no")
    await submit(bot, CallbackId.MODIFY, "lena", state.dump(), vm="web-01", target="worker-06")
    await untouched(bot, before)


@pytest.mark.parametrize(
    ("value", "channel", "code"),
    [
        (VALUE, "C0SRE000001", "wrong-channel"),
        (VALUE, "D0DIRECT001", "wrong-channel"),
        (VALUE.replace("p1", "p9"), OPS, "unknown-plan"),
        (VALUE.replace('"revision":1', '"revision":7'), OPS, "old-card"),
        ("", OPS, "bad-button"),
        ("p1", OPS, "bad-button"),
        (VALUE.replace("p1", "../../x"), OPS, "bad-button"),
        (VALUE.replace("p1", "<!channel>"), OPS, "bad-button"),
    ],
)
async def test_a_forged_value_or_place_is_refused_also_for_those_who_may(
    bot: Bot, caplog: pytest.LogCaptureFixture, value: str, channel: str, code: str
) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    before = await bot.service.get("p1")
    await press(bot, ActionId.CONFIRM, click(bot, "mei", value, channel))
    assert f"refused: {code}" in caplog.text
    await untouched(bot, before)


@pytest.mark.parametrize("metadata", ["", "{}", '{"plan":"p1"}', '{"plan":"p1","revision":1,"channel":"<!here>"}'])
@pytest.mark.parametrize("callback", [*CallbackId])
async def test_forged_metadata_of_a_form_is_answered_in_the_form(bot: Bot, callback: CallbackId, metadata: str) -> None:
    (acked,) = await submit(
        bot, callback, "mei", metadata, vm="web-01", reason="x", target="worker-05", incident="INC-1"
    )
    assert acked["response_action"] == "update"
    assert "<!here>" not in str(acked)


@pytest.mark.parametrize("user", ["otto", "lena"])
async def test_whoever_has_no_right_cannot_make_another_message_the_card(bot: Bot, user: str) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    known = await bot.message()
    await press(bot, ActionId.CONFIRM, click(bot, user))
    await press(bot, ActionId.CONFIRM, click(bot, "mei", is_ephemeral=True, message_ts="1700000000.000002"))
    assert await bot.store.plan_of_message(OPS, "1700000000.000001") is None
    assert await bot.store.plan_of_message(OPS, "1700000000.000002") is None
    assert (await bot.message()).ts == known.ts


async def test_whoever_hammers_is_told_to_wait_and_costs_slack_nothing(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    for _ in range(KNOCKS):
        await press(bot, ActionId.CANCEL, click(bot, "lena"))
    caplog.clear()
    await press(bot, ActionId.CANCEL, click(bot, "lena"))
    assert "refused: too-often" in caplog.text
    bot.clock.advance(60)
    await press(bot, ActionId.CANCEL, click(bot, "lena"))
    assert "refused: not-allowed" in caplog.text


@pytest.mark.parametrize(
    ("url", "holds"),
    [
        ("https://hooks.slack.com/actions/T1/2/3", True),
        ("https://hooks.slack-gov.com/actions/T1/2/3", True),
        ("http://127.0.0.1:8080/response/1", True),
        ("http://hooks.slack.com/actions/T1/2/3", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://evilslack.com/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_answers_go_to_slack_and_nowhere_else(url: str, *, holds: bool) -> None:
    assert is_slack(url) is holds


async def test_an_answer_is_not_sent_to_a_forged_address_nor_is_that_address_logged(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    await press(bot, ActionId.CONFIRM, click(bot, "mei", ""))
    assert "could not tell the person: NotSlack" in caplog.text
    assert "evil.example" not in caplog.text
    with pytest.raises(NotSlack):
        await by_response_url({"response_url": "https://evil.example/collect"})(refusal_card(BotError("x", "x", "x")))


async def test_the_pin_of_a_later_plan_stays_when_an_old_report_is_pressed(bot: Bot) -> None:
    """Plan p1 has left a pin, and a later plan has put its own in the place of it."""
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.store.update("p1", _moved)
    bot.cluster.pin(plan="p7")
    await press(bot, ActionId.PIN_REMOVE, click(bot, "dana"))
    assert bot.cluster.patched == []


async def test_a_pin_stays_while_another_plan_moves_that_vm(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "handlers.desk")
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.store.update("p1", _moved)
    bot.cluster.pin()
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.click("mei", ActionId.CONFIRM, plan="p2")
    await press(bot, ActionId.PIN_REMOVE, click(bot, "dana"))
    assert "refused: vm-busy" in caplog.text
    assert bot.cluster.patched == []


async def test_ids_in_a_refusal_are_shown_by_name_and_nothing_else_becomes_a_mention() -> None:
    what = "Rule lets S0SRE000001 or U0LEAD00001 do this; <!here> & <@U0MEI000001>"
    said = BotError("x", what, "In C0OPS000001. UNKNOWN")
    text = refusal_card(said).text
    assert "<!subteam^S0SRE000001> or <@U0LEAD00001>" in text
    assert "&lt;!here&gt; &amp; &lt;@" in text
    assert "In <#C0OPS000001>. UNKNOWN" in text


def _moved(before: Record) -> Change:
    """A cold move that has succeeded and has left its pin."""
    asked = cold_gallery.cold_succeeded()
    return Change(asked.model_copy(update={"id": "p1", "place": before.place, "requester": before.requester}))
