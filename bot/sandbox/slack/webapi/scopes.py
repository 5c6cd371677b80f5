"""What the bot token may do. Every answer lists the token's scopes; a call without the scope for it is refused.

Scopes by method: docs.slack.dev/reference/methods (one page each); the refusal `missing_scope` with `needed` and
`provided`, and the header: docs.slack.dev/authentication/installing-with-oauth. Which of several scopes a channel asks
for (public or private) is not told apart.
"""

from collections.abc import Mapping

from bot.sandbox.slack.errors import SlackError

HEADER = "x-oauth-scopes"

GRANTED = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:write",
    "usergroups:read",
    "users:read",
)
"""Scopes that the local app was installed with."""

_READ = ("channels:read", "groups:read")
_HISTORY = ("channels:history", "groups:history")

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "chat.delete": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": _HISTORY,
    "conversations.info": _READ,
    "conversations.list": _READ,
    "conversations.members": _READ,
    "conversations.open": ("im:write",),
    "conversations.replies": _HISTORY,
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "users.info": ("users:read",),
    "users.list": ("users:read",),
}
"""One of these per method; the others need none."""


def check(method: str, revoked: frozenset[str]) -> None:
    """Refuse a call for which every fitting scope was revoked."""
    wanted = REQUIRED.get(method, ())
    if wanted and revoked.issuperset(wanted):
        raise SlackError("missing_scope", needed=wanted[0], provided=header(revoked))


def header(revoked: frozenset[str]) -> str:
    """The token's scopes as Slack lists them."""
    return ",".join(scope for scope in GRANTED if scope not in revoked)
