"""The way to Slack: the client's address, the tokens at the start, the watch over the socket."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from slack_bolt.app.async_app import AsyncApp

from bot import wiring
from bot.sandbox.slack import SlackSandbox
from handlers import register, socket
from handlers.socket import Connection, ConnectionLost, SlackRefused
from handlers.webclient import make_client
from tests.facts import NOW
from tests.sandbox_slack.callers import until


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    sandbox = SlackSandbox()
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


async def app(slack: SlackSandbox) -> AsyncApp:
    client = make_client(slack.bot_token, slack.api_url)
    return register.make_app(client, await socket.installation(client))


@pytest.mark.parametrize(
    "url", ["https://slack.com/", "https://slack.com/api", "http://slack.example/api/", "http://10.0.0.1/api/"]
)
def test_an_address_that_could_leak_the_token_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SLACK_API_URL"):
        make_client("xoxb-x", url)


def test_no_proxy_stands_between_the_bot_and_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert make_client("xoxb-x", "http://127.0.0.1:1/api/").proxy is None
    assert make_client("xoxb-x", "http://[::1]:1/api/").proxy is None
    assert make_client("xoxb-x", "https://slack.com/api/").proxy == "http://proxy.example:3128"


def test_nothing_is_posted_twice_by_a_retry() -> None:
    assert make_client("xoxb-x", "https://slack.com/api/").retry_handlers == []


async def test_a_bad_bot_token_is_named_at_the_start(slack: SlackSandbox) -> None:
    with pytest.raises(SlackRefused, match=r"SLACK_BOT_TOKEN \(invalid_auth\)"):
        await socket.installation(make_client("xoxb-wrong", slack.api_url))


async def test_a_bad_app_token_is_named_at_the_start(slack: SlackSandbox) -> None:
    with pytest.raises(SlackRefused, match=r"SLACK_APP_TOKEN \(invalid_auth\)"):
        await Connection(await app(slack), "xapp-wrong").connect()


async def test_no_slack_at_all_is_said_without_an_address() -> None:
    with pytest.raises(SlackRefused, match="cannot be reached") as refused:
        await socket.installation(make_client("xoxb-x", "http://127.0.0.1:9/api/"))
    assert "127.0.0.1" not in str(refused.value)


async def test_a_failing_handshake_heals_by_a_fresh_ticket(
    slack: SlackSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    connection = Connection(await app(slack), slack.app_token, ping_seconds=0.05)
    await connection.connect()
    faults = slack._backend.faults
    faults.refuse_sockets = True
    slack._backend.sockets.drop()
    await until(lambda: "Failed to connect" in caplog.text)  # the SDK has used its one ticket up
    faults.refuse_sockets = False
    await connection.watch(NOW)
    await connection.watch(NOW + timedelta(seconds=30))
    await until(lambda: slack.connection_count == 1)
    await connection.close()


async def test_a_lost_connection_gets_a_fresh_ticket_and_is_given_up_after_minutes(slack: SlackSandbox) -> None:
    connection = Connection(await app(slack), slack.app_token)
    await connection.connect()
    await connection.watch(NOW)
    assert await connection.connected()
    await connection.close()
    client = connection._handler.client
    await connection.watch(NOW)
    client.wss_uri = "ws://127.0.0.1/used"
    tickets: list[str | None] = []
    for seconds in (29, 30):
        await connection.watch(NOW + timedelta(seconds=seconds))
        tickets.append(client.wss_uri)
    assert tickets == ["ws://127.0.0.1/used", None]
    with pytest.raises(ConnectionLost, match="5 minutes"):
        await connection.watch(NOW + timedelta(minutes=5))


async def test_a_connection_that_stays_lost_ends_the_process_for_its_supervisor(
    slack: SlackSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "WATCH_EVERY", 0.0)
    connection = Connection(await app(slack), slack.app_token)
    await connection.connect()
    await connection.close()

    class Hours:
        """A clock by which a minute passes between two looks."""

        def __init__(self) -> None:
            self.minutes = 0

        def now(self) -> datetime:
            self.minutes += 1
            return NOW + timedelta(minutes=self.minutes)

    clock = Hours()
    assert await wiring._serve(connection, clock, asyncio.Event()) == 1
    assert clock.minutes == 6
