"""What the bot must be allowed to do in Slack, for `vm-migrate-bot check` and the app's manifest.

The names are Slack's bot scopes (docs.slack.dev/reference/scopes), each with what it is for, in words that help an
operator to decide. `missing` compares them with what Slack says it has granted: every answer of the Web API names the
token's scopes in its header `x-oauth-scopes` (docs.slack.dev/authentication/installing-with-oauth).
"""

from collections.abc import Mapping

HEADER = "x-oauth-scopes"

NEEDED: Mapping[str, str] = {
    "commands": "its slash commands",
    "app_mentions:read": "requests that are written to it as a message, also in threads",
    "chat:write": "cards, progress and reports",
    "users:read": "who somebody is, and of which workspace",
    "channels:read": "who is a member of a public channel",
    "groups:read": "who is a member of a private channel",
    "usergroups:read": "who is in a user group that the policy file names",
    "channels:history": "finding its own card again after a crash, in public channels",
    "groups:history": "finding its own card again after a crash, in private channels",
}


def missing(granted: str) -> tuple[str, ...]:
    """Needed scopes that this header does not list."""
    have = {scope.strip() for scope in granted.split(",")}
    return tuple(scope for scope in NEEDED if scope not in have)
