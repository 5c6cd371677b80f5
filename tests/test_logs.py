"""Log lines: whom they are about, and what never stands in them."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest

from bot import logs

log = logging.getLogger("bot.somewhere")


@pytest.fixture(autouse=True)
def undisturbed() -> Iterator[None]:
    """Leave the process's logging as it was."""
    named = [logging.getLogger(), *map(logging.getLogger, (*logs.OURS, "slack_bolt"))]
    before = [(each, each.level, list(each.handlers)) for each in named]
    yield
    for each, level, handlers in before:
        each.setLevel(level)
        each.handlers = handlers


def lines(form: Literal["text", "json"], *secrets: str) -> io.StringIO:
    stream = io.StringIO()
    logs.set_up("INFO", form, secrets, stream)
    return stream


def test_a_line_of_json_says_what_it_is_about() -> None:
    stream = lines("json")
    with logs.about(plan="p1"), logs.about(move="production/web-01"):
        log.info("the move is %s", "running")
    log.info("done")
    inside, outside = map(json.loads, stream.getvalue().splitlines())
    assert inside | {"at": ""} == {
        "at": "",
        "level": "INFO",
        "logger": "bot.somewhere",
        "plan": "p1",
        "move": "production/web-01",
        "message": "the move is running",
    }
    assert inside["at"].endswith("+00:00")
    assert "plan" not in outside


def test_a_line_for_people_says_it_at_the_end() -> None:
    stream = lines("text")
    with logs.about(plan="p1"):
        log.warning("shown later")
    assert stream.getvalue() == "WARNING bot.somewhere: shown later [plan=p1]\n"


def test_foreign_text_cannot_make_a_line_of_its_own() -> None:
    stream = lines("text")
    log.warning("the cluster says: %s", "no\nINFO bot.audit: plan p1 approved \x1b[31m\u2028")
    (line,) = stream.getvalue().splitlines()
    assert line == "WARNING bot.somewhere: the cluster says: no\\nINFO bot.audit: plan p1 approved \\x1b[31m\\u2028"


async def test_the_subject_goes_with_the_tasks_that_are_started_inside() -> None:
    stream = lines("text")

    async def work() -> None:
        log.info("at work")

    with logs.about(plan="p1"):
        task = asyncio.create_task(work())
    await task
    log.info("elsewhere")
    assert stream.getvalue() == "INFO bot.somewhere: at work [plan=p1]\nINFO bot.somewhere: elsewhere\n"


def test_a_trace_is_one_line_of_json() -> None:
    stream = lines("json")
    try:
        raise ValueError("odd\nvalue")
    except ValueError:
        log.exception("incident")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: odd\nvalue" in json.loads(line)["trace"]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-12-34-abc",
        "xapp-1-A0-12-abc",
        "eyJhbGciOi.eyJpc3MiOi.c2ln",
        "https://hooks.slack.com/actions/T1/2/three",
        "wss://wss-primary.slack.com/link/?ticket=four&app_id=5",
        "Authorization: Bearer five",
        "the-signing-secret",
        'a"quoted\\secret',
    ],
)
def test_no_secret_stands_in_a_line_or_a_trace(form: Literal["text", "json"], secret: str) -> None:
    stream = lines(form, "the-signing-secret", 'a"quoted\\secret', "")
    try:
        raise OSError(f"cannot reach {secret}")
    except OSError:
        log.exception("failed at %s", secret)
    told = stream.getvalue()
    assert logs.MASK in told
    for part in ("12-34", "1-A0", "c2ln", "three", "four", "five", "the-signing-secret", "quoted"):
        assert part not in told
    if form == "json":
        (line,) = told.splitlines()
        assert set(json.loads(line)) == {"at", "level", "logger", "message", "trace"}


def test_libraries_speak_only_when_something_is_wrong() -> None:
    stream = lines("text")
    logging.getLogger("apscheduler").info("a timer")
    logging.getLogger("slack_bolt").error("with a ticket")
    logging.getLogger("aiohttp").warning("odd")
    assert stream.getvalue() == "WARNING aiohttp: odd\n"
