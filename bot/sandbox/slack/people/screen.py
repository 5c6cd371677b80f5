"""What one person sees: the whole state of their screen as JSON, and whether they see a message at all."""

from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.modals import shown
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Room
from bot.sandbox.slack.world import Person

NEWEST = 200
"""Messages of each channel in a state; older ones are there but not sent."""


def sees(backend: Backend, person: Person, message: Message) -> bool:
    """A member sees everything but other people's ephemeral messages."""
    is_member = person.id in backend.workspace.rooms[message.channel].members
    return is_member and message.visible_to in {None, person.id}


def seen_message(backend: Backend, person: Person, room: Room, ts: str) -> Message:
    """The message, or `message_not_visible`."""
    message = backend.workspace.message(room, ts)
    if not sees(backend, person, message):
        raise SlackError("message_not_visible")
    return message


def state(backend: Backend, person: Person) -> Json:
    """The screen of one person; see the keys for what a page needs to draw itself."""
    world = backend.world
    rooms = [*backend.workspace.rooms_of(person.id)]
    return {
        "me": _described_person(backend, person),
        "now": backend.clock.now(),
        "team": {"id": world.team.id, "name": world.team.name},
        "app": {"id": world.app.id, "user_id": world.app.user_id, "handle": world.app.handle},
        "app_connections": backend.sockets.connection_count,
        "commands": [vars(command) for command in world.app.commands] if person.team_id == world.team.id else [],
        "people": [_described_person(backend, other) for other in backend.workspace.people.values()],
        "usergroups": [
            {"id": group.id, "handle": group.handle, "members": backend.workspace.group_members[group.id]}
            for group in world.usergroups
        ],
        "channels": [_described_room(backend, person, room) for room in rooms],
        "joinable": _joinable(backend, person),
        "messages": {room.id: _visible(backend, person, room) for room in rooms},
        "has_console": backend.has_console,
        "home": backend.homes.of(person.id),
        "views": [shown(view) for view in backend.modals.stack(person.id)],
    }


def _visible(backend: Backend, person: Person, room: Room) -> list[Json]:
    messages = [message for message in room.messages if sees(backend, person, message)]
    return [
        backend.workspace.shown(message) | {"values": message.inputs.get(person.id, {})}
        for message in messages[-NEWEST:]
    ]


def _described_person(backend: Backend, person: Person) -> Json:
    return {
        "id": person.id,
        "handle": person.handle,
        "name": person.name,
        "title": person.title,
        "is_bot": person.is_bot,
        "is_guest": person.is_restricted,
        "is_external": person.team_id != backend.world.team.id,
        "team": next(team.name for team in (backend.world.team, backend.world.partner) if team.id == person.team_id),
    }


def _described_room(backend: Backend, person: Person, room: Room) -> Json:
    last_read = room.last_read.get(person.id, "")
    unread = [m for m in room.messages if m.ts > last_read and m.author != person.id and sees(backend, person, m)]
    return {
        "id": room.id,
        "name": room.name,
        "topic": room.topic,
        "members": room.members,
        "is_private": room.is_private,
        "is_ext_shared": room.is_ext_shared,
        "is_im": room.is_im,
        "is_archived": room.is_archived,
        "unread": len(unread),
    }


def _joinable(backend: Backend, person: Person) -> list[Json]:
    """Public channels a full member of the team could join."""
    if person.is_restricted or person.team_id != backend.world.team.id:
        return []
    return [
        {"id": room.id, "name": room.name, "topic": room.topic}
        for room in backend.workspace.rooms.values()
        if not room.is_private and person.id not in room.members
    ]
