"""Who is in a user group, as Slack says.

An answer is believed for a minute. When Slack does not answer, the last good one holds for at most an hour; after
that, and for a group that was never read, nobody is in it. Disabled groups and people who are no longer active are
left out by Slack itself (docs.slack.dev/reference/methods/usergroups.users.list and usergroups.list; the scope is
usergroups:read).
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.ports import Clock
from handlers.webclient import TROUBLE, error_word

log = logging.getLogger(__name__)

FRESH_FOR = timedelta(seconds=60)
GOOD_FOR = timedelta(hours=1)
"""How long the last good answer stands in for one that Slack does not give."""

GONE = ("no_such_subteam", "subteam_not_found")
"""Slack did answer: there is no such group (any more)."""


class Groups:
    """Reads user groups and remembers them. A group goes by its id (`S…`) or its @handle."""

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._handles: tuple[datetime, dict[str, str]] | None = None

    async def of(self, user: str, named: frozenset[str], *, fresh: bool = False) -> tuple[str, ...]:
        """Those of the named groups that the user is in."""
        return tuple([who for who in sorted(named) if user in await self.members(who, fresh=fresh)])

    async def members(self, who: str, *, fresh: bool = False) -> frozenset[str]:
        """User ids; empty when nobody can tell."""
        return await self.known(who, fresh=fresh) or frozenset()

    async def known(self, who: str, *, fresh: bool = False) -> frozenset[str] | None:
        """User ids; None when nobody can tell, or there is no such group."""
        group = await self.id_of(who)
        if group is None:
            return None
        now = self._clock.now()
        read_at, members = self._known.get(group, (None, frozenset[str]()))
        if not fresh and read_at and now - read_at <= FRESH_FOR:
            return members
        answer = await self._ask(who, lambda: self._client.usergroups_users_list(usergroup=group))
        if answer is not None:
            members = frozenset(answer)
            self._known[group] = (now, members)
        elif read_at is None or now - read_at > GOOD_FOR:
            return None
        return members

    async def id_of(self, who: str) -> str | None:
        """The id of a group; None where there is none, or nobody can tell."""
        if not who.startswith("@"):
            return who
        now = self._clock.now()
        if self._handles is None or now - self._handles[0] > FRESH_FOR:
            try:
                answer = await self._client.usergroups_list()
                self._handles = (now, {f"@{group['handle']}": str(group["id"]) for group in answer["usergroups"]})
            except (*TROUBLE, KeyError, TypeError) as error:
                log.warning("Slack does not list its user groups (%s)", error_word(error))
        if self._handles is None or now - self._handles[0] > GOOD_FOR:
            return None
        return self._handles[1].get(who)

    async def _ask(self, who: str, call: Callable[[], Awaitable[Any]]) -> list[str] | None:
        """The members; empty for a group that is gone, None when Slack does not say."""
        try:
            return [str(user) for user in (await call())["users"]]
        except (*TROUBLE, KeyError, TypeError) as error:
            log.warning("Slack does not say who is in %s (%s)", who, error_word(error))
            return [] if error_word(error) in GONE else None
