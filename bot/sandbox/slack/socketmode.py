"""Socket Mode, the server side: tickets, connections, envelopes, acknowledgements, disconnects.

Source: docs.slack.dev/apis/events-api/using-socket-mode and slack_sdk/socket_mode/aiohttp (what a client relies on).
Each payload goes to one connection picked at random. An acknowledgement counts on whichever connection it arrives.
With no connection a payload is lost at once: Slack does not queue commands and clicks.
"""

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from aiohttp import WSMsgType, web

from bot.sandbox.slack.clock import Clock, wait_until
from bot.sandbox.slack.delivery import ACK_WINDOW, DISPATCH_FAILED, OPERATION_TIMEOUT, Envelope
from bot.sandbox.slack.errors import Undelivered
from bot.sandbox.slack.faults import Faults
from bot.sandbox.slack.wire import Json

TICKET_LIFETIME = 60.0
"""Seconds. Slack's is short and undocumented."""
MOST_CONNECTIONS = 10
"""docs using-socket-mode: "up to 10 open WebSocket connections at the same time"."""
HOST = "applink-sandbox"
GOODBYE = 1.0
"""Real seconds that a closing handshake may take."""
CONNECTION_TIME = 18_060
"""Seconds a connection lives at Slack, as its `hello` says."""


@dataclass
class _Pending:
    """An envelope that waits for its acknowledgement."""

    acked: asyncio.Event = field(default_factory=asyncio.Event)
    response: Json = field(default_factory=dict)


@dataclass(eq=False)
class _Connection:
    """One WebSocket and the request it grew from (whose transport can be cut)."""

    socket: web.WebSocketResponse
    request: web.Request

    async def say(self, frame: Json) -> bool:
        """Send a frame; False if the other side is gone."""
        try:
            await self.socket.send_json(frame)
        except ConnectionError:
            return False
        return True

    async def say_disconnect(self, reason: str) -> None:
        await self.say({"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}})

    def cut(self) -> None:
        if self.request.transport is not None:
            self.request.transport.abort()


class SocketMode:
    """All connections of the one app; `tell` hears their number whenever it changes."""

    def __init__(
        self, app_id: str, clock: Clock, faults: Faults, dice: random.Random, tell: Callable[[int], None]
    ) -> None:
        self._app_id = app_id
        self._clock = clock
        self._faults = faults
        self._dice = dice
        self._tell = tell
        self._tickets: dict[str, float] = {}
        self._connections: list[_Connection] = []
        self._retiring: list[_Connection] = []
        self._pending: dict[str, _Pending] = {}
        self._last: Envelope | None = None

    @property
    def connection_count(self) -> int:
        """Connections that can take a payload now."""
        return len(self._connections)

    def issue_ticket(self) -> str:
        """A ticket for one handshake (apps.connections.open)."""
        ticket = str(uuid4())
        self._tickets[ticket] = self._clock.now() + TICKET_LIFETIME
        return ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket endpoint: 403 for a used, old or unknown ticket."""
        expires = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if self._faults.refuse_sockets or self._clock.now() > expires:
            raise web.HTTPForbidden(text="invalid ticket")
        socket = web.WebSocketResponse(autoping=True, timeout=GOODBYE)
        await socket.prepare(request)
        connection = _Connection(socket, request)
        if len(self._connections) >= MOST_CONNECTIONS:
            await connection.say_disconnect("too_many_websockets")
            await socket.close()
        else:
            await self._serve(connection)
        return socket

    async def _serve(self, connection: _Connection) -> None:
        self._connections.append(connection)
        self._tell(len(self._connections))
        await connection.say(self._hello())
        try:
            async for frame in connection.socket:
                if frame.type is WSMsgType.TEXT:
                    self._take_ack(frame.data)
        finally:
            self._forget(connection)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {
                "host": HOST,
                "build_number": 1,
                "approximate_connection_time": CONNECTION_TIME,
            },
            "connection_info": {"app_id": self._app_id},
        }

    def _take_ack(self, text: str) -> None:
        """Frames that are no acknowledgement of something pending are ignored, as Slack ignores them."""
        with suppress(json.JSONDecodeError):
            frame = json.loads(text)
            pending = self._pending.get(str(frame.get("envelope_id"))) if isinstance(frame, dict) else None
            if pending is not None and not pending.acked.is_set():
                payload = frame.get("payload")
                pending.response = payload if isinstance(payload, dict) else {}
                pending.acked.set()

    def _forget(self, connection: _Connection) -> None:
        for group in (self._connections, self._retiring):
            if connection in group:
                group.remove(connection)
                self._tell(len(self._connections))

    async def deliver(self, envelope: Envelope) -> Json:
        """Send to one connection and wait for the acknowledgement until the window closes."""
        pending = self._pending.setdefault(envelope.id, _Pending())
        deadline = self._clock.now() + ACK_WINDOW
        try:
            for _ in range(2 if self._faults.takes_duplicate() else 1):
                await self._send(envelope)
            if not await wait_until(self._clock, deadline, pending.acked):
                raise Undelivered(OPERATION_TIMEOUT)
            return pending.response
        finally:
            self._pending.pop(envelope.id, None)

    async def _send(self, envelope: Envelope) -> None:
        self._last = envelope
        while self._connections:
            connection = self._dice.choice(self._connections)
            if await connection.say(envelope.wire):
                return
            self._forget(connection)
        raise Undelivered(DISPATCH_FAILED)

    async def redeliver_last(self) -> None:
        """Send the last envelope again, same id and payload, as happens around reconnects."""
        if self._last is None:
            raise Undelivered(DISPATCH_FAILED)
        await self.deliver(self._last)

    async def announce_disconnect(self, reason: str) -> None:
        """Send `disconnect` to every connection: warning, refresh_requested or link_disabled.

        After `warning` a connection still gets payloads; after `refresh_requested` it gets none, while
        acknowledgements of earlier ones still count; after `link_disabled` it is closed.
        """
        connections = [*self._connections]
        if reason != "warning":
            self._retiring.extend(connections)
            self._connections.clear()
            self._tell(0)
        for connection in connections:
            await connection.say_disconnect(reason)
        if reason == "link_disabled":
            await self._close_all(connections)

    def drop(self) -> None:
        """Cut every connection without a goodbye."""
        for connection in [*self._connections, *self._retiring]:
            self._forget(connection)
            connection.cut()

    async def close(self) -> None:
        """Close everything politely (the sandbox stops)."""
        await self._close_all([*self._connections, *self._retiring])

    async def _close_all(self, connections: list[_Connection]) -> None:
        for connection in connections:
            self._forget(connection)
            with suppress(ConnectionError):
                await connection.socket.close()
