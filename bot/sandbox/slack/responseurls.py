"""response_url: the app's way to answer one interaction for half an hour, five times, without a token.

Source: docs.slack.dev/interactivity/handling-user-interaction (message responses). It works in channels the bot is
not in. Answers are ephemeral unless `response_type` says in_channel.
"""

import secrets
from dataclasses import dataclass

from bot.sandbox.slack.blockkit import check_message
from bot.sandbox.slack.blockkit.walk import with_ids
from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Workspace

LIFETIME = 30 * 60.0
"""Seconds."""
USES = 5


@dataclass
class ResponseUrl:
    """Where an answer goes: the person who acted, the channel, and the message acted on, if any."""

    person_id: str
    room_id: str
    message: Message | None
    expires: float
    uses_left: int = USES


class ResponseUrls:
    """Issues response_urls and carries out what is posted to them."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        self._workspace = workspace
        self._clock = clock
        self._hooks: dict[str, ResponseUrl] = {}

    def issue(self, person_id: str, room_id: str, message: Message | None = None) -> str:
        """The path of a new response_url."""
        key = secrets.token_urlsafe(18)
        self._hooks[key] = ResponseUrl(person_id, room_id, message, self._clock.now() + LIFETIME)
        return f"/actions/{self._workspace.world.team.id}/{key}"

    def use(self, key: str, answer: Json) -> None:
        """Carry out one answer, or refuse it: expired_url, used_url, or what is wrong with its blocks."""
        hook = self._hooks.get(key)
        if hook is None:
            raise SlackError("no_active_hooks", status=404)
        if self._clock.now() > hook.expires:
            raise SlackError("expired_url", status=404)
        if hook.uses_left == 0:
            raise SlackError("used_url", status=404)
        self.respond(hook, answer)
        hook.uses_left -= 1

    def respond_to_command(self, person_id: str, room_id: str, answer: Json) -> None:
        """An answer that came inside the acknowledgement of a command."""
        self.respond(ResponseUrl(person_id, room_id, None, 0.0), answer)

    def respond(self, hook: ResponseUrl, answer: Json) -> None:
        if answer.get("delete_original") and hook.message is not None:
            self._workspace.delete(hook.message)
            return
        text, blocks = self._content(answer)
        if answer.get("replace_original") and hook.message is not None:
            self._workspace.edit(hook.message, text, blocks)
        else:
            self._post(hook, answer, text, blocks)

    def _content(self, answer: Json) -> tuple[str, list[Json]]:
        text, blocks = str(answer.get("text") or ""), answer.get("blocks") or []
        check_message(blocks)
        if not text and not blocks:
            raise SlackError("no_text")
        return text, with_ids(blocks, self._workspace.new_block_id)

    def _post(self, hook: ResponseUrl, answer: Json, text: str, blocks: list[Json]) -> None:
        in_channel = answer.get("response_type") == "in_channel"
        self._workspace.post(
            self._workspace.rooms[hook.room_id],
            self._workspace.world.app.user_id,
            text,
            blocks=blocks,
            thread_ts=answer.get("thread_ts"),
            visible_to=None if in_channel else hook.person_id,
        )
