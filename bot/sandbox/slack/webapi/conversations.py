"""conversations.*: what an app can learn about channels, and reading them.

Error words from docs.slack.dev/reference/methods/conversations.*.
"""

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.webapi.calls import Call, page_of
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Room


def info(call: Call) -> Json:
    return {"channel": _described(call, call.visible_room)}


def list_(call: Call) -> Json:
    """Channels by `types` (default public_channel), private ones only where the bot is a member."""
    types = set((call.maybe("types") or "public_channel").split(","))
    skip_archived = call.flag("exclude_archived")
    rooms = [
        room
        for room in call.backend.workspace.rooms.values()
        if _kind(room) in types and _is_known(call, room) and not (skip_archived and room.is_archived)
    ]
    return page_of(call, [_described(call, room) for room in rooms], "channels", 100)


def members(call: Call) -> Json:
    return page_of(call, call.visible_room.members, "members", 100)


def history(call: Call) -> Json:
    """Newest first, without replies that were not broadcast, without ephemeral messages."""
    room = call.joined_room
    roots = [m for m in room.messages if not m.is_ephemeral and (not m.is_reply or m.broadcast)]
    return _read(call, [*reversed(_in_range(call, roots))], room)


def replies(call: Call) -> Json:
    """The root and its replies, oldest first; `thread_not_found` for a ts that is no root."""
    room = call.joined_room
    root = room.find(call.text("ts"))
    if root is None or root.is_reply or root.is_ephemeral:
        raise SlackError("thread_not_found")
    return _read(call, [root, *_in_range(call, room.thread(root.ts))], room)


def join(call: Call) -> Json:
    room = call.visible_room
    if room.is_archived:
        raise SlackError("is_archived")
    if room.is_private:
        raise SlackError("method_not_supported_for_channel_type")
    call.backend.workspace.join(room, call.backend.world.app.user_id)
    return {"channel": _described(call, room)}


def open_(call: Call) -> Json:
    """A direct message with one person."""
    person = call.backend.workspace.person(call.text("users"))
    room = call.backend.workspace.direct_message(person.id)
    return {"channel": {"id": room.id, **({"user": person.id} if call.flag("return_im") else {})}}


def _kind(room: Room) -> str:
    if room.is_im:
        return "im"
    return "private_channel" if room.is_private else "public_channel"


def _is_known(call: Call, room: Room) -> bool:
    return not room.is_private or call.backend.world.app.user_id in room.members


def _described(call: Call, room: Room) -> Json:
    """docs conversation-object, the keys an app may rely on."""
    bot = call.backend.world.app.user_id
    described: Json = {
        "id": room.id,
        "is_channel": not room.is_im,
        "is_group": False,
        "is_im": room.is_im,
        "is_mpim": False,
        "is_private": room.is_private,
        "is_archived": room.is_archived,
        "is_shared": room.is_ext_shared,
        "is_ext_shared": room.is_ext_shared,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "context_team_id": call.backend.world.team.id,
    }
    if room.is_im:
        return described | {"user": next(member for member in room.members if member != bot)}
    described |= {
        "name": room.name,
        "name_normalized": room.name,
        "is_member": bot in room.members,
        "topic": {"value": room.topic, "creator": "", "last_set": 0},
    }
    return described | ({"num_members": len(room.members)} if call.flag("include_num_members") else {})


def _in_range(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.maybe("oldest"), call.maybe("latest")
    inclusive = call.flag("inclusive")
    return [
        m
        for m in messages
        if (not oldest or m.ts > oldest or (inclusive and m.ts == oldest))
        and (not latest or m.ts < latest or (inclusive and m.ts == latest))
    ]


def _read(call: Call, messages: list[Message], room: Room) -> Json:
    with_metadata = call.flag("include_all_metadata")
    bodies = [message.body(with_metadata=with_metadata) | _thread_facts(room, message) for message in messages]
    page = page_of(call, bodies, "messages", 100)
    return page | {"has_more": bool(page["response_metadata"]["next_cursor"])}


def _thread_facts(room: Room, message: Message) -> Json:
    below = room.thread(message.ts)
    if not below:
        return {}
    return {
        "reply_count": len(below),
        "reply_users": list(dict.fromkeys(reply.author for reply in below)),
        "latest_reply": below[-1].ts,
    }
