"""The HTTP face of the people's side: JSON in, JSON with `ok` out, and a stream of what happens.

GET  /sandbox/state?user=dana        the whole screen
GET  /sandbox/events?user=dana       Server-Sent Events
GET  /sandbox/revisions?channel=&ts= every version of one message
POST /sandbox/{deed}                 see `deeds`
POST /sandbox/faults                 see `trouble`
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.blockkit.values import NotAnOption
from bot.sandbox.slack.errors import SlackError, Undelivered
from bot.sandbox.slack.interactions.events import Events
from bot.sandbox.slack.people.deeds import Deed, Deeds
from bot.sandbox.slack.people.screen import state
from bot.sandbox.slack.people.trouble import Trouble
from bot.sandbox.slack.wire import Json

KEEPALIVE = 15.0
"""Real seconds between two comments on a quiet stream, so that proxies and browsers keep it."""


class PeopleApi:
    """Answers everything under /sandbox/."""

    def __init__(self, backend: Backend, events: Events) -> None:
        self._backend = backend
        self._deeds = {**Deeds(backend, events).table, "faults": Trouble(backend).apply}
        self._streams: set[asyncio.Task[object]] = set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sandbox/state", self._state),
            web.get("/sandbox/revisions", self._revisions),
            web.get("/sandbox/events", self._events),
            *(web.post(f"/sandbox/{name}", _endpoint(deed)) for name, deed in self._deeds.items()),
        ]

    async def _state(self, request: web.Request) -> web.Response:
        async def look(query: Json) -> Json:
            return state(self._backend, self._backend.workspace.person(query.get("user", "")))

        return await _answer(look, dict(request.query))

    async def _revisions(self, request: web.Request) -> web.Response:
        async def look(query: Json) -> Json:
            workspace = self._backend.workspace
            message = workspace.message(workspace.room(query.get("channel", "")), query.get("ts", ""))
            return {"revisions": [vars(revision) for revision in message.revisions]}

        return await _answer(look, dict(request.query))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        try:
            person = self._backend.workspace.person(request.query.get("user", ""))
        except SlackError as refused:
            return web.json_response(refused.body)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        queue = self._backend.feed.open(person.id)
        task = asyncio.current_task()
        assert task is not None, "a handler runs in a task"
        self._streams.add(task)
        try:
            await _stream(response, queue)
        except ConnectionError:
            return response
        finally:
            self._streams.discard(task)
            self._backend.feed.close(person.id, queue)
        return response

    async def close(self) -> None:
        """End every stream, so that the server can stop."""
        for task in [*self._streams]:
            task.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)


async def _stream(response: web.StreamResponse, queue: asyncio.Queue[Json]) -> None:
    await response.write(b": hello\n\n")
    while True:
        try:
            async with asyncio.timeout(KEEPALIVE):
                event = await queue.get()
        except TimeoutError:
            await response.write(b": still here\n\n")
        else:
            await response.write(f"id: {event['number']}\ndata: {json.dumps(event)}\n\n".encode())


def _endpoint(deed: Deed) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="send application/json")
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return web.json_response({"ok": False, "error": "invalid_json"})
        return await _answer(deed, body)

    return handle


async def _answer(deed: Deed, body: Json) -> web.Response:
    """Carry out a deed; every outcome is a JSON object with `ok`."""
    try:
        return web.json_response({"ok": True, **await deed(body)})
    except SlackError as refused:
        return web.json_response(refused.body)
    except Undelivered as failure:
        return web.json_response({"ok": False, "error": failure.word})
    except NotAnOption as wrong:
        return web.json_response({"ok": False, "error": "not_an_option", "detail": str(wrong)})
