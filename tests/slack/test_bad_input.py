"""Anything in the text: never an exception, never a mention fired, always a useful sentence. Over the wire, as a
command and as a mention."""

import logging

import pytest

from tests.slack.bot import Bot
from tests.slack.limits import MENTION, problems

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
