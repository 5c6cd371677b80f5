"""The console's HTTP face, served with the page: one state to draw, and deeds.

GET  /console/state          the cluster, the faults in force, the bot's process, the drills and the one that runs
POST /console/deeds/{deed}   see `Deeds`; answers {"ok": true} or {"ok": false, "detail": words}
"""

from collections.abc import Awaitable, Callable
from typing import Any, Self

import aiohttp
from aiohttp import web

from bot.sandbox.console.deeds import Deeds, DidNotWork
from bot.sandbox.console.rehearsal import Rehearsal
from bot.sandbox.stage import Stage

Json = dict[str, Any]


class Console:
    """Make it before the stage is entered, since it adds to what is served; leave it before the stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._http: aiohttp.ClientSession | None = None
        self._is_closed = False
        self._deeds = Deeds(stage, self._session)
        self._rehearsal = Rehearsal(stage, self._session)
        stage.slack.serve_also(self._routes())

    def _session(self) -> aiohttp.ClientSession:
        """Made with the first use: a session needs a running loop. Raises DidNotWork once the console is closed."""
        if self._is_closed:
            raise DidNotWork("The sandbox is closing.")
        if self._http is None:
            self._http = aiohttp.ClientSession()
        return self._http

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the drill that runs, and every connection."""
        self._is_closed = True
        await self._rehearsal.stop()
        if self._http is not None:
            await self._http.close()

    def _routes(self) -> list[web.RouteDef]:
        table: dict[str, Callable[[Json], Awaitable[None]]] = {
            **self._deeds.table,
            "drill": self._rehearsal.start,
            "drill_stop": self._rehearsal.give_up,
        }
        return [
            web.get("/console/state", self._state),
            *(web.post(f"/console/deeds/{name}", _endpoint(deed)) for name, deed in table.items()),
        ]

    async def _state(self, _: web.Request) -> web.Response:
        try:
            cluster = await self._deeds.cluster()
        except DidNotWork as silent:  # between two drills, and at the end
            return web.json_response({"ok": False, "detail": str(silent)}, status=503)
        shown = {
            "ok": True,
            "cluster": cluster,
            "slack_down": self._deeds.slack_down,
            "bot": self._stage.bot_state,
            "drills": self._rehearsal.listed(),
            "drill": self._rehearsal.shown(),
        }
        return web.json_response(shown, headers={"Cache-Control": "no-store"})


def _endpoint(deed: Callable[[Json], Awaitable[None]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="send application/json")
        try:
            await deed(await request.json())
        except (DidNotWork, ValueError, KeyError, TypeError) as wrong:
            return web.json_response({"ok": False, "detail": str(wrong)})
        return web.json_response({"ok": True})

    return handle
