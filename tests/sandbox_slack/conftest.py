"""A sandbox on a clock that tests move by hand, and callers for both of its sides."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox
from tests.sandbox_slack.callers import BoltBot, Caller, HandClock


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """slack_sdk takes a proxy from the environment even for loopback."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def sandbox(clock: HandClock) -> AsyncIterator[SlackSandbox]:
    sandbox = SlackSandbox(clock=clock, seed=1)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def slack(sandbox: SlackSandbox, http: aiohttp.ClientSession) -> Caller:
    return Caller(sandbox, http)


@pytest.fixture
async def bolt(sandbox: SlackSandbox) -> AsyncIterator[BoltBot]:
    client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url, timeout=5)
    app = AsyncApp(client=client)
    handler = AsyncSocketModeHandler(app, app_token=sandbox.app_token, ping_interval=0.2)
    yield BoltBot(app, handler)
    await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt ships it without types
    await handler.client.aiohttp_client_session.close()
