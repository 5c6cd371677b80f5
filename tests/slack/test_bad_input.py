"""Anything in the text: never an exception, never a mention fired, always a useful sentence. Over the wire, as a
command and as a mention."""

import logging

import pytest

from handlers.ids import CallbackId
from handlers.values import ModalState
from tests.slack.bot import OPS, Bot
from tests.slack.limits import MENTION, problems
from tests.slack.test_attacks import submit

TEXTS = [
    "x" * 40_000,
    "web-01 " * 400,
    "web-01\x00\x07\x1b[31m worker-05\x7f",
    "🚚 🔥",
    "<!channel>",
    "<!here> worker-05",
    "web-01 <@U0X>",
    "web-01 <!subteam^S0X>",
    "<http://x|y> worker-05",
    "web-01 to <https://evil.example|worker-05>",
    'web-01 to "worker-05 --reason "it is “so',
    '"""',
    "\u202eweb-01\u2066 to \u200fworker-99",
    "a" * 253,
    "a" * 253 + " " + "b" * 253,
    "to",
    "from",
    "live",
    "to from live cold",
    "to to to",
    "and , and",
    "-",
    "-- --",
    "--reason",
    "--selector <!channel>",
    "&lt;!channel&gt; worker-05",
    "*_~`>",
    "web-01 worker-05 --cold --live",
    "everything",
    "web-01\ud800 worker-05x",
    "%s {0} ${x} \\n",
    "help <!channel>",
    "history --last 99999999999d",
    "status <!channel>",
]


@pytest.mark.parametrize("command", ["/vm-migrate", "/vm-inventory"])
@pytest.mark.parametrize("text", TEXTS)
async def test_a_command_with_anything_in_it_is_answered_in_a_sentence(
    bot: Bot, caplog: pytest.LogCaptureFixture, command: str, text: str
) -> None:
    caplog.set_level(logging.ERROR)
    await bot.say("dana", f"{command} {text}")
    _is_good(bot, caplog)


@pytest.mark.parametrize("text", TEXTS)
async def test_a_mention_with_anything_in_it_is_answered_in_a_sentence(
    bot: Bot, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    caplog.set_level(logging.ERROR)
    await bot.slack.person("say", user="dana", channel="#ops", text=f"@vm-migrate {text}")
    await bot.heard()
    _is_good(bot, caplog)


FOREIGN = (
    "<!channel> & <@U0MEI000001> `rm`",
    "\u202ereason\u2066 ```*_~",
    "&" * 3000,
    "web-01 to worker-05\n" * 150,
    "web-01\ud800",
    "",
)


@pytest.mark.parametrize("text", FOREIGN)
async def test_a_form_with_anything_in_it_is_answered_and_breaks_no_card(
    bot: Bot, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    caplog.set_level(logging.ERROR)
    await bot.say("dana", "/vm-migrate web-01 worker-05")
    await bot.say("dana", "/vm-migrate web-01, web-02 to worker-05")
    for plan, callback in (("p1", CallbackId.MODIFY), ("p2", CallbackId.BATCH)):
        state = ModalState(plan=plan, revision=1, channel=OPS).dump()
        for fields in ({"vm": text}, {"vm": "web-01", "reason": text}, {"vm": "web-01", "target": text}):
            for answer in await submit(bot, callback, "dana", state, lines_0=text, **fields):
                assert not MENTION.search(str(answer.get("view", "")))
    state = ModalState(plan="p1", revision=(await bot.service.get("p1")).revision, channel=OPS).dump()
    await submit(bot, CallbackId.INCIDENT, "mei", state, incident=text, reason=text)
    await submit(bot, CallbackId.INCIDENT, "mei", state, incident="INC-1", reason=text)
    await submit(bot, CallbackId.DENY, "mei", state, reason=text)
    for _ in range(4):
        await bot.sweep(3)
    _is_good(bot, caplog)


def _is_good(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    """Answered, to the person or by a plan; nothing broke; nothing that Slack would make a mention or a link of."""
    told = [*bot.seen("dana"), *bot.shown()]
    assert told, "nobody was answered"
    assert caplog.records == []
    for message in told:
        assert "Something went wrong in the bot" not in message.text
        assert not MENTION.search(message.text), message.text
        assert problems(message.blocks) == []
        assert len(message.text) > 8
