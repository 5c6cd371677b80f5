"""POST /sandbox/faults: make Slack misbehave. Keys can be combined; an unknown key is refused before anything is done.

| key | value | effect |
|---|---|---|
| clear | true | end every trouble |
| ratelimit | {method, times?, retry_after?} | answer 429 to the next calls |
| refuse | {method, error} | answer every call with that error word |
| leave_group | {group, user} | take somebody out of a user group, by handles |
| lose_answers | {method, times?} | carry out the next calls, then cut the connection instead of answering |
| api_down | seconds | answer 503 to every call |
| latency | seconds | answer every call late; 0 ends it |
| refuse_sockets | true or false | fail new WebSocket handshakes |
| drop_sockets | true | cut every WebSocket without a goodbye |
| disconnect | warning, refresh_requested, link_disabled | send that `disconnect` |
| redeliver_last | true | send the last envelope again |
| duplicate_next | number | send the next envelopes twice |
| revoke_scopes | list of scopes | take them from the bot token; an empty list gives all back |
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.webapi.router import METHODS
from bot.sandbox.slack.wire import Json

DISCONNECT_REASONS = ("warning", "refresh_requested", "link_disabled")


class Trouble:
    """Sets and clears the faults of a backend."""

    def __init__(self, backend: Backend) -> None:
        self._sockets = backend.sockets
        self._workspace = backend.workspace
        self._faults = backend.faults
        self._clock = backend.clock
        self._table: Mapping[str, Callable[[Any], Awaitable[None]]] = {
            "clear": self._clear,
            "ratelimit": self._ratelimit,
            "refuse": self._refuse,
            "leave_group": self._leave_group,
            "lose_answers": self._lose_answers,
            "api_down": self._api_down,
            "latency": self._latency,
            "refuse_sockets": self._refuse_sockets,
            "drop_sockets": self._drop_sockets,
            "disconnect": self._disconnect,
            "redeliver_last": self._redeliver_last,
            "duplicate_next": self._duplicate_next,
            "revoke_scopes": self._revoke_scopes,
        }

    async def apply(self, body: Json) -> Json:
        """Put the troubles of `body` in force."""
        if unknown := body.keys() - self._table.keys():
            raise SlackError("unknown_fault", detail=", ".join(sorted(unknown)))
        for name, value in body.items():
            try:
                await self._table[name](value)
            except (AttributeError, TypeError, ValueError) as wrong:
                raise SlackError("invalid_arguments", detail=f"{name}: {wrong}") from wrong
        return {}

    async def _clear(self, _: object) -> None:
        self._faults.clear()

    async def _ratelimit(self, value: Json) -> None:
        self._faults.ratelimit(_method(value), int(value.get("times", 1)), int(value.get("retry_after", 1)))

    async def _refuse(self, value: Json) -> None:
        self._faults.refuse(_method(value), str(value["error"]))

    async def _leave_group(self, value: Json) -> None:
        self._workspace.leave_group(str(value["group"]), str(value["user"]))

    async def _lose_answers(self, value: Json) -> None:
        self._faults.lose_answers(_method(value), int(value.get("times", 1)))

    async def _api_down(self, seconds: float) -> None:
        self._faults.down_until = self._clock.now() + float(seconds)

    async def _latency(self, seconds: float) -> None:
        self._faults.latency = float(seconds)

    async def _refuse_sockets(self, value: object) -> None:
        self._faults.refuse_sockets = bool(value)

    async def _drop_sockets(self, _: object) -> None:
        self._sockets.drop()

    async def _disconnect(self, reason: str) -> None:
        if reason not in DISCONNECT_REASONS:
            raise SlackError("unknown_disconnect_reason", detail=", ".join(DISCONNECT_REASONS))
        await self._sockets.announce_disconnect(reason)

    async def _redeliver_last(self, _: object) -> None:
        await self._sockets.redeliver_last()

    async def _duplicate_next(self, times: int) -> None:
        self._faults.duplicate_next = int(times)

    async def _revoke_scopes(self, revoked: list[str]) -> None:
        self._faults.revoked_scopes = frozenset(map(str, revoked))


def _method(value: Json) -> str:
    method = str(value.get("method"))
    if method not in METHODS:
        raise SlackError("unknown_method", req_method=method)
    return method
