"""Slash commands: who has them, where they work, and what the acknowledgement may say.

Source: docs.slack.dev/interactivity/implementing-slash-commands.
"""

from bot.sandbox.slack import payloads
from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.delivery import Envelope
from bot.sandbox.slack.errors import SlackError, Undelivered
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Room
from bot.sandbox.slack.world import Person


async def slash_command(backend: Backend, person: Person, room: Room, line: str) -> Json:
    """Run `line` ("/vm-migrate web-01 worker-05") as this person.

    Raises SlackError `unknown_command` for a name that is not registered, or for a person of another workspace: an
    app's commands exist only where it is installed.
    """
    name, _, text = line.partition(" ")
    known = {command.name for command in backend.world.app.commands}
    if name not in known or person.team_id != backend.world.team.id:
        raise SlackError("unknown_command", detail=f"{name} is not a valid command.")
    payload = payloads.slash_command(
        backend.workspace,
        person,
        room,
        name,
        text.strip(),
        trigger_id=backend.triggers.issue(person.id),
        response_url=backend.url + backend.response_urls.issue(person.id, room.id),
    )
    try:
        answer = await backend.deliver(Envelope.new("slash_commands", payload, accepts_response=True))
    except Undelivered as failure:
        backend.feed.toast(person.id, failure.word, f'{name} failed with the error "{failure.word}"')
        raise
    if answer.get("text") or answer.get("blocks"):
        backend.response_urls.respond_to_command(person.id, room.id, answer)
    return answer
