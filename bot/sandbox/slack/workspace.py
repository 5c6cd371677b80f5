"""Who and what is in the workspace: people, channels, messages, and the one counter behind every `ts`.

A `ts` is unique and increasing in the whole workspace, whatever the clock does.
Posting, editing and deleting here follow the workspace's own rules only; what an app may do is the Web API's concern.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.feed import Feed
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.wire import Json, slack_id
from bot.sandbox.slack.world import Person, World


@dataclass
class Room:
    """A channel or a direct message while the sandbox runs."""

    id: str
    name: str
    topic: str
    members: list[str]
    is_private: bool = False
    is_ext_shared: bool = False
    is_im: bool = False
    is_archived: bool = False
    messages: list[Message] = field(default_factory=list)
    last_read: dict[str, str] = field(default_factory=dict)

    def find(self, ts: str) -> Message | None:
        return next((message for message in self.messages if message.ts == ts), None)

    def thread(self, root_ts: str) -> list[Message]:
        """The replies below a root that everybody sees, oldest first."""
        return [m for m in self.messages if m.is_reply and m.thread_ts == root_ts and not m.is_ephemeral]


class Extras(TypedDict, total=False):
    """The optional parts of a new message."""

    blocks: list[Json]
    attachments: list[Json]
    thread_ts: str | None
    broadcast: bool
    visible_to: str | None
    metadata: Json | None


class Workspace:
    """The state of one team, changed only through its methods."""

    def __init__(self, world: World, clock: Clock, feed: Feed) -> None:
        self.world = world
        self._clock = clock
        self._feed = feed
        self._last_micros = 0
        self._numbers = itertools.count(1)
        self.people: dict[str, Person] = {person.id: person for person in world.people}
        ids = {person.handle: person.id for person in world.people}
        self.group_members: dict[str, list[str]] = {
            group.id: [ids[handle] for handle in group.members] for group in world.usergroups
        }
        self.rooms: dict[str, Room] = {
            channel.id: Room(
                channel.id,
                channel.name,
                channel.topic,
                [ids[handle] for handle in channel.members],
                channel.is_private,
                channel.is_ext_shared,
            )
            for channel in world.channels
        }

    def new_ts(self) -> str:
        """The next timestamp: seconds, a dot and six digits."""
        self._last_micros = max(int(self._clock.now() * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        return slack_id(prefix, next(self._numbers))

    def new_block_id(self) -> str:
        return f"sb{next(self._numbers)}"

    def person(self, name: str) -> Person:
        """A person by id, handle or @handle; `user_not_found` otherwise."""
        wanted = name.removeprefix("@")
        for person in self.people.values():
            if wanted in {person.id, person.handle}:
                return person
        raise SlackError("user_not_found")

    def leave_group(self, handle: str, name: str) -> None:
        """Take a person out of a user group; a no-op for whoever is not in it."""
        group = next((group for group in self.world.usergroups if group.handle == handle), None)
        if group is None:
            raise SlackError("no_such_subteam")
        person = self.person(name).id
        self.group_members[group.id] = [member for member in self.group_members[group.id] if member != person]

    def room(self, name: str) -> Room:
        """A channel by id, name or #name; `channel_not_found` otherwise."""
        wanted = name.removeprefix("#")
        for room in self.rooms.values():
            if room.id == wanted or (room.name == wanted and not room.is_im):
                return room
        raise SlackError("channel_not_found")

    def direct_message(self, person_id: str) -> Room:
        """The conversation of the app with one person, opened on first use."""
        pair = [self.world.app.user_id, person_id]
        for room in self.rooms.values():
            if room.is_im and room.members == pair:
                return room
        room = Room(self.new_id("D"), self.people[person_id].handle, "", pair, is_private=True, is_im=True)
        self.rooms[room.id] = room
        self._feed.publish("channels_changed", room.members)
        return room

    def message(self, room: Room, ts: str) -> Message:
        """A message by its ts, ephemeral ones included; `message_not_found` otherwise."""
        message = room.find(ts)
        if message is None:
            raise SlackError("message_not_found")
        return message

    def rooms_of(self, person_id: str) -> Iterator[Room]:
        return (room for room in self.rooms.values() if person_id in room.members)

    def readers(self, message: Message) -> list[str]:
        """Who sees a message: its one reader if it is ephemeral, else the channel's members."""
        return [message.visible_to] if message.visible_to else self.rooms[message.channel].members

    def post(self, room: Room, author: str, text: str, **extras: Unpack[Extras]) -> Message:
        """Put a new message into a room."""
        message = Message(room.id, self.new_ts(), author, self._sender(author), text, **extras)
        room.messages.append(message)
        self._feed.publish("message", self.readers(message), message=self.shown(message))
        if message.is_reply and not message.is_ephemeral:
            self._mark_root(room, str(message.thread_ts))
        return message

    def _mark_root(self, room: Room, root_ts: str) -> None:
        """A message with replies carries its own ts as thread_ts."""
        root = self.message(room, root_ts)
        root.thread_ts = root.ts
        self._feed.publish("message_changed", self.readers(root), message=self.shown(root))

    def edit(self, message: Message, text: str, blocks: list[Json]) -> None:
        """Put a new version in place of a message; `message_not_found` if it is gone."""
        self.message(self.rooms[message.channel], message.ts)
        message.rewrite(text, blocks, self.new_ts())
        self._feed.publish("message_changed", self.readers(message), message=self.shown(message))

    def delete(self, message: Message) -> None:
        """Take a message away; a root with replies leaves a tombstone."""
        room = self.rooms[message.channel]
        self.message(room, message.ts)
        if room.thread(message.ts):
            message.bury(self.new_ts())
            self._feed.publish("message_changed", self.readers(message), message=self.shown(message))
            return
        room.messages.remove(message)
        gone = {"channel": message.channel, "ts": message.ts, "thread_ts": message.thread_ts}
        self._feed.publish("message_deleted", self.readers(message), **gone)

    def join(self, room: Room, person_id: str) -> None:
        if person_id not in room.members:
            room.members.append(person_id)
            self._feed.publish("channels_changed", [*room.members])

    def leave(self, room: Room, person_id: str) -> None:
        if person_id in room.members:
            audience = [*room.members]
            room.members.remove(person_id)
            self._feed.publish("channels_changed", audience)

    def shown(self, message: Message) -> Json:
        """A message as a page draws it: the API's body plus channel, replies and number of versions."""
        replies = self.rooms[message.channel].thread(message.ts)
        return message.body() | {
            "channel": message.channel,
            "is_ephemeral": message.is_ephemeral,
            "reply_count": len(replies),
            "revision_count": len(message.revisions),
        }

    def _sender(self, author: str) -> Json:
        app = self.world.app
        sender: Json = {"user": author, "team": self.people[author].team_id}
        return sender | {"bot_id": app.bot_id, "app_id": app.id} if author == app.user_id else sender
