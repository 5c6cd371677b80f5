"""One call of a Web API method: its arguments as Slack reads them from JSON, forms or the query."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Room

TRUE_WORDS = ("1", "true", "True")


@dataclass(frozen=True)
class Call:
    """A method call with its arguments; the accessors raise Slack's refusals."""

    backend: Backend
    args: Json

    def text(self, name: str) -> str:
        """A required string."""
        value = self.maybe(name)
        if not value:
            raise SlackError.with_messages("invalid_arguments", [f"missing required field: {name}"])
        return value

    def maybe(self, name: str) -> str:
        """An optional string, empty if absent."""
        value = self.args.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """An optional boolean, which forms send as a word."""
        value = self.args.get(name)
        return value is True or value == 1 or value in TRUE_WORDS

    def number(self, name: str, default: int) -> int:
        """An optional whole number."""
        value = self.args.get(name, default)
        try:
            return int(value)
        except (TypeError, ValueError):
            raise SlackError.with_messages("invalid_arguments", [f"must be an integer: {name}"]) from None

    def structure(self, name: str, refusal: str) -> Any:
        """An optional JSON value, which forms send as a JSON string; None if absent."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(refusal) from None

    @property
    def visible_room(self) -> Room:
        """The `channel` by id; a private one exists only for its members."""
        room = self.backend.workspace.rooms.get(self.text("channel"))
        if room is None or (room.is_private and self._bot not in room.members):
            raise SlackError("channel_not_found")
        return room

    @property
    def joined_room(self) -> Room:
        """The `channel` by id, in which the app's bot must be."""
        return self.joined(self.visible_room)

    def joined(self, room: Room) -> Room:
        if self._bot not in room.members:
            raise SlackError("not_in_channel")
        return room

    @property
    def _bot(self) -> str:
        return self.backend.world.app.user_id


async def read_arguments(request: web.Request) -> Json:
    """Arguments of a request; `invalid_json` or `json_not_object` if the body cannot be read."""
    query: Json = dict(request.query)
    if request.content_type != "application/json":
        return query | dict(await request.post())
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return query | body


def page_of(call: Call, items: Sequence[object], key: str, default: int) -> Json:
    """One page of a list, with the cursor of the next in `response_metadata`."""
    cursor = call.maybe("cursor") or "0"
    if not cursor.isdecimal():
        raise SlackError("invalid_cursor")
    start = int(cursor)
    end = start + max(1, call.number("limit", default))
    return {
        key: items[start:end],
        "response_metadata": {"next_cursor": str(end) if end < len(items) else ""},
    }
