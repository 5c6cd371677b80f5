"""chat.*: posting, editing and deleting the app's own messages.

Error words from docs.slack.dev/reference/methods/chat.postMessage, chat.update, chat.delete, chat.postEphemeral.
"""

from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.blockkit import check_message
from bot.sandbox.slack.blockkit.walk import with_ids
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.webapi.calls import Call
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Room


def post_message(call: Call) -> Json:
    room = _room_to_post(call)
    content = _content(call, limits.MESSAGE_TEXT)
    message = call.backend.workspace.post(
        room,
        call.backend.world.app.user_id,
        content.text,
        blocks=content.blocks,
        attachments=content.attachments,
        thread_ts=_root(call, room),
        broadcast=call.flag("reply_broadcast"),
        metadata=_metadata(call),
    )
    return {"channel": room.id, "ts": message.ts, "message": message.body(with_metadata=True)}


def post_ephemeral(call: Call) -> Json:
    """docs chat.postEphemeral: the reader must be in the channel; the `message_ts` is good for nothing else."""
    room = _room_to_post(call)
    person = call.backend.workspace.person(call.text("user"))
    if person.id not in room.members:
        raise SlackError("user_not_in_channel")
    content = _content(call, limits.MESSAGE_TEXT)
    message = call.backend.workspace.post(
        room,
        call.backend.world.app.user_id,
        content.text,
        blocks=content.blocks,
        attachments=content.attachments,
        thread_ts=_root(call, room),
        visible_to=person.id,
    )
    return {"message_ts": message.ts}


def update(call: Call) -> Json:
    """Edit one's own message. `text` without `blocks` takes the blocks away; `blocks` without `text` keeps the text."""
    room = call.joined_room
    message = _own(call, room, "cant_update_message")
    content = _content(call, limits.UPDATE_TEXT)
    text = content.text if "text" in call.args else message.text
    call.backend.workspace.edit(message, text, content.blocks)
    return {"channel": room.id, "ts": message.ts, "text": text, "message": message.body(with_metadata=True)}


def delete(call: Call) -> Json:
    room = call.visible_room
    message = _own(call, room, "cant_delete_message")
    call.backend.workspace.delete(message)
    return {"channel": room.id, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    room = call.visible_room
    message = call.backend.workspace.message(room, call.text("message_ts"))
    domain = call.backend.world.team.domain
    link = f"https://{domain}.slack.com/archives/{room.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={room.id}"
    return {"channel": room.id, "permalink": link}


class _Content:
    """text, blocks and attachments of a call, checked."""

    def __init__(self, call: Call, longest_text: int) -> None:
        self.text = call.maybe("text")
        self.blocks: list[Json] = call.structure("blocks", "invalid_blocks_format") or []
        self.attachments: Any = call.structure("attachments", "invalid_attachments") or []
        if len(self.text) > longest_text:
            raise SlackError("msg_too_long")
        if not isinstance(self.attachments, list):
            raise SlackError("invalid_attachments")
        check_message(self.blocks)
        if not (self.text or self.blocks or self.attachments):
            raise SlackError("no_text")


def _content(call: Call, longest_text: int) -> _Content:
    content = _Content(call, longest_text)
    content.blocks = with_ids(content.blocks, call.backend.workspace.new_block_id)
    return content


def _room_to_post(call: Call) -> Room:
    """docs chat.postMessage: an id or #name; a user id is the app's direct message with that person."""
    name, workspace = call.text("channel"), call.backend.workspace
    if name in workspace.people:
        return workspace.direct_message(name)
    room = call.joined(workspace.room(name) if name.startswith("#") else call.visible_room)
    if room.is_archived:
        raise SlackError("is_archived")
    return room


def _root(call: Call, room: Room) -> str | None:
    """The thread to post into.

    Slack accepts the ts of a reply or of nothing at all, and the message is then seen by nobody; the sandbox says so.
    """
    ts = call.maybe("thread_ts")
    if not ts:
        return None
    root = room.find(ts)
    if root is None or root.is_reply or root.is_ephemeral:
        raise SlackError("thread_not_found")
    return ts


def _own(call: Call, room: Room, refusal: str) -> Message:
    """A message of the app that the API may touch; ephemeral ones are out of its reach."""
    message = call.backend.workspace.message(room, call.text("ts"))
    if message.is_ephemeral or message.is_tombstone:
        raise SlackError("message_not_found")
    if message.author != call.backend.world.app.user_id:
        raise SlackError(refusal)
    return message


def _metadata(call: Call) -> Json | None:
    """docs message-metadata: event_type and event_payload, both required."""
    metadata = call.structure("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not {"event_type", "event_payload"} <= metadata.keys():
        raise SlackError("metadata_must_be_sent_with_event_type_and_payload")
    return metadata
