"""The Socket Mode connection: opened, watched, closed.

slack_sdk's aiohttp client reconnects by itself, but a handshake that fails is repeated with the same single-use ticket
for ever (3.47, `connect`). `watch` therefore throws the ticket away when nothing is connected for a while, and gives
up after some minutes, so that the process ends and its supervisor starts a fresh one. Plans do not notice: they are in
the store.

Bad tokens are found before anything is served; the SDK would retry them for ever.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from handlers import scopes
from handlers.identity import Installation
from handlers.webclient import TROUBLE, error_word, is_loopback

log = logging.getLogger(__name__)

FRESH_TICKET_AFTER = timedelta(seconds=30)
GIVE_UP_AFTER = timedelta(minutes=5)
PING_SECONDS = 10
"""Between two pings; the SDK also waits this long between two tries to connect."""
CONNECT_SECONDS = 60
"""For the first connection, which the SDK would try for ever."""


class SlackRefused(Exception):
    """Slack does not let the bot in, or cannot be reached at the start. The text is for the operator."""


class ConnectionLost(Exception):
    """No connection for `GIVE_UP_AFTER`: a new process is the way on."""


async def installation(client: AsyncWebClient) -> Installation:
    """Prove the bot token. Raises SlackRefused."""
    try:
        told = await client.auth_test()
    except TROUBLE as error:
        raise _refused("SLACK_BOT_TOKEN", error) from error
    return Installation(
        team=str(told["team_id"]),
        enterprise=told.get("enterprise_id"),
        bot_user=str(told["user_id"]),
        bot_id=str(told["bot_id"]),
        scopes=str(told.headers.get(scopes.HEADER, "")),
    )


async def prove_app_token(client: AsyncWebClient, app_token: str) -> None:
    """Ask for a connection, and do not use it. Raises SlackRefused."""
    try:
        await client.apps_connections_open(app_token=app_token)
    except TROUBLE as error:
        raise _refused("SLACK_APP_TOKEN", error) from error


async def prove_place(client: AsyncWebClient, channel: str) -> None:
    """Prove that the bot can write in a channel, as far as Slack tells without a message. Raises SlackRefused."""
    try:
        told = (await client.conversations_info(channel=channel))["channel"]
    except TROUBLE as error:
        raise SlackRefused(f"Slack does not show {channel} ({error_word(error)})") from error
    if told.get("is_archived") or not told.get("is_member"):
        raise SlackRefused(f"{channel} is archived" if told.get("is_archived") else f"the bot is not in {channel}")


class Connection:
    """One Socket Mode connection of an app."""

    def __init__(self, app: AsyncApp, app_token: str, *, ping_seconds: float = PING_SECONDS) -> None:
        self._handler = AsyncSocketModeHandler(app, app_token, ping_interval=ping_seconds)
        if is_loopback(app.client.base_url):
            self._handler.client.proxy = None
        self._down_since: datetime | None = None
        self._fresh_at: datetime | None = None

    async def connect(self) -> None:
        """Open it. Raises SlackRefused when Slack does not accept the app token or does not answer."""
        client = self._handler.client
        try:
            client.wss_uri = await client.issue_new_wss_url()
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._handler.connect_async()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
        except TROUBLE as error:
            await self.close()
            raise _refused("SLACK_APP_TOKEN", error) from error

    async def close(self) -> None:
        """Take no more payloads."""
        await self._handler.close_async()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped

    async def connected(self) -> bool:
        """Whether payloads can arrive."""
        return bool(await self._handler.client.is_connected())

    async def watch(self, now: datetime) -> None:
        """Look after the connection; to be called every few seconds. Raises ConnectionLost."""
        if await self.connected():
            self._down_since = self._fresh_at = None
            return
        self._down_since = self._down_since or now
        if now - self._down_since >= GIVE_UP_AFTER:
            raise ConnectionLost(f"no connection to Slack for {GIVE_UP_AFTER.total_seconds() / 60:.0f} minutes")
        if now - (self._fresh_at or self._down_since) >= FRESH_TICKET_AFTER:
            log.warning("not connected to Slack; asking for a new address")
            self._handler.client.wss_uri = None
            self._fresh_at = now


def _refused(setting: str, error: Exception) -> SlackRefused:
    if isinstance(error, SlackApiError):
        return SlackRefused(f"Slack does not accept {setting} ({error_word(error)})")
    return SlackRefused(f"Slack cannot be reached ({type(error).__name__}); SLACK_API_URL says where it is")
