"""HTTP mode: Slack posts its payloads to us, signed.

Bolt checks each signature and refuses what is older than five minutes (slack_bolt/middleware/request_verification;
docs.slack.dev/authentication/verifying-requests-from-slack); nothing that is unsigned reaches a listener. Slack does
not follow a bot that is away: whoever clicks meanwhile sees Slack's own error, and clicks again.
"""

from datetime import datetime

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp

from bot.listen import port_of, serve

PATH = "/slack/events"
"""For commands, buttons and events alike; manifests/slack-app-http.yaml names it."""

LARGEST = 1024**2
"""Bytes of one payload; Slack's own limits on cards and modals keep theirs far below."""


class RequestUrl:
    """Takes payloads over HTTP. It has the methods of `handlers.socket.Connection`."""

    def __init__(self, app: AsyncApp, listen: str) -> None:
        self._app = app
        self._listen = listen
        self._runner: web.AppRunner | None = None

    async def connect(self) -> None:
        """Listen. Raises CannotListen."""
        application = web.Application(client_max_size=LARGEST)
        application.add_routes([web.post(PATH, self._take)])
        self._runner = await serve(application, self._listen)

    async def close(self) -> None:
        """Take no more payloads."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def connected(self) -> bool:
        """Whether payloads can arrive."""
        return self._runner is not None

    async def watch(self, now: datetime) -> None:
        """Nothing to look after: Slack opens every connection."""

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._runner is not None, "only between connect and close"
        return port_of(self._runner)

    async def _take(self, request: web.Request) -> web.Response:
        answer = await self._app.async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(answer)
