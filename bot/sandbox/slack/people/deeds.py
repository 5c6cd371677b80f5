"""What a person can do: say, click, fill in a modal, read, join, leave.

Each deed takes the request's JSON object and returns what happened; refusals are SlackErrors, a silent app is
`Undelivered`. People may be named by id or handle, channels by id or name.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from bot.sandbox.slack import payloads
from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.interactions import actions, commands, submissions, suggestions
from bot.sandbox.slack.interactions.events import Events
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.people.screen import seen_message
from bot.sandbox.slack.people.typing import encoded
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Room
from bot.sandbox.slack.world import Person

Deed = Callable[[Json], Awaitable[Json]]


class Deeds:
    """The deeds by name, as the people's API routes them."""

    def __init__(self, backend: Backend, events: Events) -> None:
        self._backend = backend
        self._workspace = backend.workspace
        self._events = events
        self.table: Mapping[str, Deed] = {
            "say": self.say,
            "click": self.click,
            "suggest": self.suggest,
            "view": self.view,
            "read": self.read,
            "dismiss": self.dismiss,
            "home": self.home,
            "channels/join": self.join,
            "channels/leave": self.leave,
            "channels/archive": self.archive,
        }

    async def say(self, body: Json) -> Json:
        """{user, channel, text, thread_ts?}: a message, or a slash command if it begins with "/"."""
        person, room = self._here(body)
        text, thread_ts = _text(body, "text"), body.get("thread_ts")
        if room.is_archived:
            raise SlackError("is_archived")
        if text.startswith("/"):
            if thread_ts:
                name = text.split()[0]
                raise SlackError("not_supported_in_threads", detail=f"{name} is not supported in threads. Sorry!")
            return {"answer": await commands.slash_command(self._backend, person, room, text)}
        return self._post(person, room, text, thread_ts)

    def _post(self, person: Person, room: Room, text: str, thread_ts: str | None) -> Json:
        if thread_ts:
            seen_message(self._backend, person, room, thread_ts)
        message = self._workspace.post(room, person.id, encoded(self._workspace, text), thread_ts=thread_ts)
        bot = self._backend.world.app.user_id
        if f"<@{bot}>" not in message.text:
            return {"ts": message.ts}
        if bot not in room.members:
            return {"ts": message.ts, "notice": "You mentioned somebody who is not in this channel."}
        self._events.mention(room, message)
        return {"ts": message.ts}

    async def click(self, body: Json) -> Json:
        """{user, channel, message_ts, action_id, block_id?, value?, double?}: use an element of a message.

        `value` is an option's value, a list of them, or seconds, as the element wants; `double` clicks twice.
        """
        person, room = self._here(body)
        message = seen_message(self._backend, person, room, _text(body, "message_ts"))
        target = actions.find_target(message.blocks, _text(body, "action_id"), body.get("block_id"))
        clicks = [
            actions.act_in_message(self._backend, person, message, target, body.get("value"))
            for _ in range(2 if body.get("double") else 1)
        ]
        await asyncio.gather(*clicks)
        return {}

    async def suggest(self, body: Json) -> Json:
        """{user, typed, action_id, block_id?, view_id | channel + message_ts}: options of an external_select."""
        person, typed = self._person(body), str(body.get("typed", ""))
        if "view_id" in body:
            view = self._view(person, body)
            blocks, source_id = view.blocks, view.id
            source = payloads.suggestion_source_of_view(self._backend.world, view)
        else:
            room = self._workspace.room(_text(body, "channel"))
            message = seen_message(self._backend, person, room, _text(body, "message_ts"))
            blocks, source_id = message.blocks, message.ts
            source = payloads.suggestion_source_of_message(room, message)
        target = actions.find_target(blocks, _text(body, "action_id"), body.get("block_id"))
        options = await suggestions.suggest(self._backend, person, source, source_id, target, typed)
        return {"options": options}

    async def view(self, body: Json) -> Json:
        """{user, view_id, action, ...}: work in a modal.

        submit: `values` are entered first. close: `everything` closes the whole stack.
        block_action: `action_id`, `block_id`?, `value`.
        """
        person = self._person(body)
        view = self._view(person, body)
        match body.get("action"):
            case "submit":
                submissions.enter(view=view, backend=self._backend, entered=body.get("values") or {})
                return {"answer": await submissions.submit(self._backend, person, view)}
            case "close":
                await submissions.close(self._backend, person, view, everything=bool(body.get("everything")))
                return {}
            case "block_action":
                target = actions.find_target(view.blocks, _text(body, "action_id"), body.get("block_id"))
                told = await actions.act_in_view(self._backend, person, view, target, body.get("value"))
                return {"dispatched": told}
            case _:
                raise SlackError("unknown_view_action")

    async def read(self, body: Json) -> Json:
        """{user, channel}: everything in the channel is read."""
        person, room = self._here(body)
        room.last_read[person.id] = self._workspace.new_ts()
        return {}

    async def dismiss(self, body: Json) -> Json:
        """{user, channel, message_ts}: take an ephemeral message off one's screen."""
        person, room = self._here(body)
        message = seen_message(self._backend, person, room, _text(body, "message_ts"))
        if not message.is_ephemeral:
            raise SlackError("cant_delete_message")
        self._workspace.delete(message)
        return {}

    async def home(self, body: Json) -> Json:
        """{user}: look at the app's Home tab."""
        self._events.home_opened(self._person(body))
        return {}

    async def join(self, body: Json) -> Json:
        """{user, channel}: a person, or the bot (as when somebody invites it), joins."""
        person, room = self._person(body), self._workspace.room(_text(body, "channel"))
        self._workspace.join(room, person.id)
        return {}

    async def leave(self, body: Json) -> Json:
        """{user, channel}: a person leaves, or the bot is removed."""
        person, room = self._here(body)
        self._workspace.leave(room, person.id)
        return {}

    async def archive(self, body: Json) -> Json:
        """{channel}: nobody can post there any more."""
        self._workspace.room(_text(body, "channel")).is_archived = True
        return {}

    def _person(self, body: Json) -> Person:
        return self._workspace.person(_text(body, "user"))

    def _here(self, body: Json) -> tuple[Person, Room]:
        """A person and a channel that they are in."""
        person, room = self._person(body), self._workspace.room(_text(body, "channel"))
        if person.id not in room.members:
            raise SlackError("not_in_channel")
        return person, room

    def _view(self, person: Person, body: Json) -> View:
        view = self._backend.modals.find(_text(body, "view_id"))
        if view.person_id != person.id:
            raise SlackError("not_found")
        return view


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise SlackError("invalid_arguments", detail=f"{name} is missing or no text")
    return value
