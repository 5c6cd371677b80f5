"""What becomes of a line that a person types: Slack's client escapes it and turns names into ids.

Source: docs.slack.dev/messaging/formatting-message-text (mentions, escaping).
"""

import re

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.workspace import Workspace

_HOST = r"(?<![\w@/.:-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|net|org|io|dev)(?![\w.-])"
"""A bare host name under a known domain, which Slack makes a link of."""
_SPECIAL = re.compile(rf"<@[UW][A-Z0-9]+>|{_HOST}|(?<![\w@])@[a-z0-9][a-z0-9._-]*|(?<![\w#])#[a-z0-9][a-z0-9_-]*|[&<>]")
_EVERYBODY = ("channel", "here", "everyone")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def encoded(workspace: Workspace, line: str) -> str:
    """The line as the app gets it; `<@U...>` typed out stays a mention."""
    return _SPECIAL.sub(lambda found: _encode(workspace, found.group()), line)


def _encode(workspace: Workspace, word: str) -> str:
    if word in _ESCAPES:
        return _ESCAPES[word]
    if word.startswith("@"):
        return _mention(workspace, word)
    if word.startswith("#"):
        return _channel(workspace, word)
    if re.fullmatch(_HOST, word):
        return f"<http://{word}|{word}>"
    return word


def _mention(workspace: Workspace, word: str) -> str:
    handle = word.removeprefix("@")
    if handle in _EVERYBODY:
        return f"<!{handle}>"
    for group in workspace.world.usergroups:
        if group.handle == handle:
            return f"<!subteam^{group.id}>"
    try:
        return f"<@{workspace.person(handle).id}>"
    except SlackError:
        return word


def _channel(workspace: Workspace, word: str) -> str:
    try:
        return f"<#{workspace.room(word).id}>"
    except SlackError:
        return word
