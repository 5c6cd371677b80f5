"""The sandbox's Slack as one object: start it, point a real Bolt app at `api_url`, stop it.

It listens on 127.0.0.1 only and answers only requests addressed to loopback, so that no web page elsewhere can
drive it through a browser.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.clock import Clock, WallClock
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.interactions.events import Events
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.pagefiles import PageFiles
from bot.sandbox.slack.people.api import PeopleApi
from bot.sandbox.slack.webapi.router import WebApi
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.slack.world import World, default_world

HOST = "127.0.0.1"
LOOPBACK_NAMES = {"127.0.0.1", "localhost"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SlackSandbox:
    """A Slack workspace on loopback.

    `clock` measures every window of Slack (default: the machine's). With `request_url` payloads are posted there,
    signed, instead of going through Socket Mode. `seed` fixes which connection gets which payload.
    """

    def __init__(
        self,
        world: World | None = None,
        clock: Clock | None = None,
        *,
        request_url: str | None = None,
        seed: int | None = None,
    ) -> None:
        self._backend = Backend(world or default_world(), clock or WallClock(), request_url, random.Random(seed))
        self._events = Events(self._backend)
        self._people = PeopleApi(self._backend, self._events)
        self._runner: web.AppRunner | None = None
        self._also: list[web.RouteDef] = []

    def serve_also(self, routes: Iterable[web.RouteDef]) -> None:
        """Serve these beside the page, once started; the page shows what it finds there."""
        self._also.extend(routes)
        self._backend.has_console = True

    @property
    def url(self) -> str:
        """Where the page is, `http://127.0.0.1:PORT`, once started."""
        return self._backend.url

    @property
    def api_url(self) -> str:
        """The `base_url` for slack_sdk clients; ends in `/api/`."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self._backend.world.app.credentials.bot_token

    @property
    def app_token(self) -> str:
        return self._backend.world.app.credentials.app_token

    @property
    def signing_secret(self) -> str:
        return self._backend.world.app.credentials.signing_secret

    @property
    def workspace(self) -> Workspace:
        """The state behind it all, for a test in the same process to look at."""
        return self._backend.workspace

    def modals_of(self, person: str) -> list[View]:
        """The views open on a person's screen, topmost last."""
        return self._backend.modals.stack(self.workspace.person(person).id)

    def issue_trigger(self, person: str) -> str:
        """A trigger_id as any interaction of this person brings one, for tests of views.* alone."""
        return self._backend.triggers.issue(self.workspace.person(person).id)

    def issue_response_url(self, person: str, channel: str, message_ts: str | None = None) -> str:
        """A response_url as an interaction of this person brings one, for tests of it alone."""
        room = self.workspace.room(channel)
        message = None if message_ts is None else self.workspace.message(room, message_ts)
        path = self._backend.response_urls.issue(self.workspace.person(person).id, room.id, message)
        return self.url + path

    async def events_delivered(self) -> None:
        """Wait until the app has taken every event, for a test in the same process."""
        await self._events.delivered()

    @property
    def connection_count(self) -> int:
        """Socket Mode connections of the app."""
        return self._backend.sockets.connection_count

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        runner = web.AppRunner(self._application(), shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        self._runner = runner
        self._backend.url = f"http://{HOST}:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        await self._events.close()
        await self._people.close()
        await self._backend.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[_loopback_only])
        application.add_routes(
            [
                web.route("*", "/api/{method}", WebApi(self._backend).handle),
                web.get("/link/", self._backend.sockets.handle),
                web.post("/actions/{team}/{key}", self._respond),
                *self._people.routes(),
                *PageFiles().routes(),
                *self._also,
            ]
        )
        return application

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        """A response_url. Refusals are 400 or 404 with Slack's word; success is the text `ok`."""
        try:
            answer = json.loads(await request.read())
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            return web.Response(status=400, text="invalid_payload")
        try:
            self._backend.response_urls.use(request.match_info["key"], answer)
        except SlackError as refused:
            return web.json_response(refused.body, status=400 if refused.status == 200 else refused.status)
        return web.Response(text="ok")


@web.middleware
async def _loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A foreign name that resolves to 127.0.0.1 (DNS rebinding) gets nothing."""
    if request.url.host not in LOOPBACK_NAMES:
        raise web.HTTPForbidden(text="loopback only")
    return await handler(request)


async def serve(port: int, announce: Callable[[str], None]) -> None:
    """Run a sandbox until canceled; `announce` gets one line once it answers."""
    sandbox = SlackSandbox()
    await sandbox.start(port)
    try:
        announce(
            f"slack sandbox ready: api={sandbox.api_url} bot_token={sandbox.bot_token} "
            f"app_token={sandbox.app_token} page={sandbox.url}/"
        )
        await asyncio.Event().wait()
    finally:
        await sandbox.stop()
