"""The payloads an app receives, field by field.

Sources: docs.slack.dev/reference/interaction-payloads (block_actions, block_suggestion, view-interactions),
docs.slack.dev/interactivity/implementing-slash-commands, docs.slack.dev/reference/events/app_mention.
Functions here only build JSON; who may act and what follows is decided in `interactions`.
"""

from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Room, Workspace
from bot.sandbox.slack.world import Person, World

VERIFICATION_TOKEN = "sandbox-verification"  # noqa: S105  (Slack's deprecated payload field, not a credential)


def slash_command(
    workspace: Workspace, person: Person, room: Room, command: str, text: str, *, trigger_id: str, response_url: str
) -> Json:
    """A slash command: flat strings only, as it is a form post in HTTP mode."""
    world = workspace.world
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": world.team.id,
        "team_domain": world.team.domain,
        "channel_id": room.id,
        "channel_name": _channel_name(room),
        "user_id": person.id,
        "user_name": person.handle,
        "command": command,
        "text": text,
        "api_app_id": world.app.id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def app_home_opened(workspace: Workspace, person: Person) -> Json:
    """The Events API envelope of an opened Home tab (docs.slack.dev/reference/events/app_home_opened)."""
    world, ts = workspace.world, workspace.new_ts()
    event = {
        "type": "app_home_opened",
        "user": person.id,
        "channel": f"D{person.id[1:]}",
        "tab": "home",
        "event_ts": ts,
    }
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": world.team.id,
        "api_app_id": world.app.id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.new_id("Ev"),
        "event_time": int(float(ts)),
    }


def app_mention(workspace: Workspace, room: Room, message: Message) -> Json:
    """The Events API envelope of an app_mention."""
    world = workspace.world
    event = {
        "type": "app_mention",
        "user": message.author,
        "text": message.text,
        "ts": message.ts,
        "channel": room.id,
        "event_ts": message.ts,
        "team": message.sender["team"],
        "blocks": message.blocks,
    }
    if message.thread_ts:
        event["thread_ts"] = message.thread_ts
    if message.sender["team"] != world.team.id:
        event |= {"user_team": message.sender["team"], "source_team": message.sender["team"]}
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": world.team.id,
        "api_app_id": world.app.id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.new_id("Ev"),
        "event_time": int(float(message.ts)),
        "is_ext_shared_channel": room.is_ext_shared,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": world.team.id,
                "user_id": world.app.user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "event_context": workspace.new_id("EC"),
    }


def block_action_in_message(
    world: World, person: Person, room: Room, message: Message, action: Json, *, trigger_id: str, response_url: str
) -> Json:
    """block_actions from a message; an ephemeral message is not in the payload, only its container."""
    payload = {
        **_interaction("block_actions", world, person),
        "container": _message_container(message),
        "trigger_id": trigger_id,
        "channel": {"id": room.id, "name": _channel_name(room)},
        "state": {"values": message.values_of(person.id)},
        "response_url": response_url,
        "actions": [action],
    }
    return payload if message.is_ephemeral else payload | {"message": message.body(with_metadata=True)}


def block_action_in_view(world: World, person: Person, view: View, action: Json, *, trigger_id: str) -> Json:
    return {
        **_interaction("block_actions", world, person),
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": trigger_id,
        "view": view_body(world, view),
        "actions": [action],
    }


def suggestion(world: World, person: Person, source: Json, element: Json, block_id: str, typed: str) -> Json:
    """block_suggestion: what an external_select asks while a person types; `source` is view or message and kin."""
    return {
        **_interaction("block_suggestion", world, person),
        **source,
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": typed,
    }


def suggestion_source_of_view(world: World, view: View) -> Json:
    return {"container": {"type": "view", "view_id": view.id}, "view": view_body(world, view)}


def suggestion_source_of_message(room: Room, message: Message) -> Json:
    return {
        "container": _message_container(message),
        "channel": {"id": room.id, "name": _channel_name(room)},
        "message": message.body(with_metadata=True),
    }


def view_submission(world: World, person: Person, view: View, *, trigger_id: str) -> Json:
    return {
        **_interaction("view_submission", world, person),
        "trigger_id": trigger_id,
        "view": view_body(world, view),
        "response_urls": [],
    }


def view_closed(world: World, person: Person, view: View, *, is_cleared: bool) -> Json:
    return {
        **_interaction("view_closed", world, person),
        "view": view_body(world, view),
        "is_cleared": is_cleared,
    }


def view_body(world: World, view: View) -> Json:
    """A view as payloads and views.* answers show it."""
    defaults: Json = {
        "submit": None,
        "close": None,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
    }
    return (
        defaults
        | view.definition
        | {
            "id": view.id,
            "team_id": world.team.id,
            "state": {"values": view.values},
            "hash": view.hash,
            "previous_view_id": view.previous_id,
            "root_view_id": view.root_id,
            "app_id": world.app.id,
            "app_installed_team_id": world.team.id,
            "bot_id": world.app.bot_id,
        }
    )


def _interaction(kind: str, world: World, person: Person) -> Json:
    """What all interactive payloads share. `team` is the app's workspace, `user.team_id` the person's own."""
    return {
        "type": kind,
        "user": {
            "id": person.id,
            "username": person.handle,
            "name": person.handle,
            "team_id": person.team_id,
        },
        "api_app_id": world.app.id,
        "token": VERIFICATION_TOKEN,
        "team": {"id": world.team.id, "domain": world.team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _message_container(message: Message) -> Json:
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.is_ephemeral,
    }
    return container | {"thread_ts": message.thread_ts} if message.thread_ts else container


def _channel_name(room: Room) -> str:
    """docs slash commands: direct messages and private channels do not give their names away."""
    if room.is_im:
        return "directmessage"
    return "privategroup" if room.is_private else room.name
