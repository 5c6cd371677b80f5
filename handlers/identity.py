"""Who is this? A Slack user becomes an Actor once, here, or is refused.

Promised: the person's own team (never the team in which the click arrived), membership of the channel read from Slack,
and no for every doubt: unknown users, guests, bots, deactivated accounts, answers that Slack does not give. Names are
never looked at. A "yes" may be a minute old; a "no" is always fresh, so that whoever has just joined is let in at
once. `again` reads everything anew.

In Enterprise Grid `user.team_id` of a payload may be the organisation's E... id (docs block_actions-payload).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotError
from bot.policy import Actor
from bot.ports import Clock
from bot.throttle import Window
from handlers.groups import Groups
from handlers.webclient import TROUBLE, error_word

FRESH_FOR = timedelta(seconds=60)
"""How long an answer of Slack is believed."""
PAGE = 1000
"""Members per call; Slack's maximum (docs.slack.dev/reference/methods/conversations.members)."""

KNOCKS = 60
"""Commands, presses and forms of one person in a minute. Whoever is refused costs calls to Slack each time, which has
limits of its own for all of us (docs.slack.dev/apis/web-api/rate-limits)."""

T = TypeVar("T")

NO_SUCH_PLACE = ("channel_not_found", "not_in_channel")


class Installation(NamedTuple):
    """Where the bot is installed, from auth.test."""

    team: str
    enterprise: str | None
    bot_user: str
    bot_id: str
    scopes: str = ""
    """What Slack has granted to the token, as its header lists it."""

    def owns(self, team: str | None) -> bool:
        """Whether a team id is the bot's own workspace or organisation."""
        return team is not None and team in (self.team, self.enterprise)


class Access(NamedTuple):
    """What the operators let in besides full members in their own channels."""

    guests: bool = False
    shared_channels: bool = True
    """Channels that are shared with another organisation; its people may only look there, whatever this says."""


class _EnterpriseUser(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    enterprise_id: str = ""


class _Account(BaseModel):
    """A user as `users.info` describes one. What is missing counts against them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    team_id: str = Field(min_length=1)
    deleted: bool
    is_bot: bool
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    enterprise_user: _EnterpriseUser | None = None
    tz: str | None = None

    def belongs_to(self, installation: Installation) -> bool:
        enterprise = self.enterprise_user.enterprise_id if self.enterprise_user else None
        return not self.is_stranger and (installation.owns(self.team_id) or installation.owns(enterprise))


class _Channel(BaseModel):
    """A channel as `conversations.info` describes one. What is missing counts against it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    is_ext_shared: bool
    is_pending_ext_shared: bool = False
    is_im: bool = False
    is_mpim: bool = False


class _Memory(Generic[T]):
    """Answers of Slack, each believed for `FRESH_FOR`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[datetime, T]] = {}

    async def get(
        self, key: str, read: Callable[[str], Awaitable[T]], serves: Callable[[T], bool] = lambda _: True
    ) -> T:
        """What is known, if it `serves`; else what is read now."""
        now = self._clock.now()
        if key in self._known:
            read_at, known = self._known[key]
            if now - read_at <= FRESH_FOR and serves(known):
                return known
        found = await read(key)
        self._known[key] = (now, found)
        return found

    def forget(self, key: str) -> None:
        """Read it anew the next time."""
        self._known.pop(key, None)


def _no_groups() -> frozenset[str]:
    return frozenset()


class Identity:
    """Turns Slack users into Actors. Implements `bot.ports.People`.

    `named` says which user groups the policy names at the moment; an Actor says which of them the person is in.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        clock: Clock,
        installation: Installation,
        *,
        access: Access = Access(),  # noqa: B008  # immutable
        groups: Groups | None = None,
        named: Callable[[], frozenset[str]] = _no_groups,
    ) -> None:
        self._access = access
        self._groups = groups or Groups(client, clock)
        self._named = named
        self._client = client
        self._clock = clock
        self._installation = installation
        self._knocks = Window()
        self._accounts: _Memory[_Account] = _Memory(clock)
        self._channels: _Memory[_Channel] = _Memory(clock)
        self._members: _Memory[frozenset[str]] = _Memory(clock)

    async def actor(self, user: str, claimed_team: str | None, channel: str) -> Actor:
        """The person, as the policy judges them.

        `claimed_team` is the team in the payload's user, None where it has none. Raises BotError for whoever cannot be
        an actor at all, and when Slack does not say.
        """
        self._knock(user)
        return await self._actor(user, claimed_team, channel, fresh=False)

    async def actors(self, user: str, channels: Iterable[str]) -> Mapping[str, Actor]:
        """The same for several channels in one go; those in which they cannot be an actor, or of which Slack does not
        say, are left out."""
        self._knock(user)

        async def known(channel: str) -> Actor | None:
            try:
                return await self._actor(user, None, channel, fresh=False)
            except BotError:
                return None

        ordered = sorted(channels)
        found = await asyncio.gather(*map(known, ordered))
        return {channel: actor for channel, actor in zip(ordered, found, strict=True) if actor}

    def _knock(self, user: str) -> None:
        now = self._clock.now()
        if self._knocks.count(user, now) >= KNOCKS:
            raise BotError("too-often", "That was too often in the last minute; nothing was done.", "Wait a minute.")
        self._knocks.add(user, now)

    async def again(self, actor: Actor, channel: str) -> Actor:
        """The same person, with nothing taken from memory but what Slack does not say of groups."""
        self._accounts.forget(actor.user)
        self._members.forget(channel)
        self._channels.forget(channel)
        return await self._actor(actor.user, None, channel, fresh=True)

    async def group_id(self, who: str) -> str | None:
        """Id of a user group by id or @handle."""
        return await self._groups.id_of(who)

    async def group_members(self, who: str) -> frozenset[str] | None:
        """Everybody in a user group; None where Slack does not say."""
        return await self._groups.known(who)

    async def _actor(self, user: str, claimed_team: str | None, channel: str, *, fresh: bool) -> Actor:
        account = await self._accounts.get(user, self._read_account)
        _refuse(account, self._access)
        await self._refuse_place(channel)
        own = account.belongs_to(self._installation)
        if claimed_team is not None:
            own = own and (self._installation.owns(claimed_team) or claimed_team == account.team_id)
        members = await self._members.get(channel, self._read_members, lambda known: user in known)
        groups = await self._groups.of(user, self._named(), fresh=fresh) if own else ()
        return Actor(
            user=user,
            team=account.team_id,
            own_workspace=own,
            channel_member=user in members,
            zone=account.tz or "",
            groups=groups,
        )

    async def _refuse_place(self, channel: str) -> None:
        """A conversation of a few is no team that sees what is done; nor is one that strangers read."""
        known = await self._channels.get(channel, self._read_channel)
        if known.is_im or known.is_mpim:
            raise not_a_channel()
        if (known.is_ext_shared or known.is_pending_ext_shared) and not self._access.shared_channels:
            raise BotError(
                "shared-channel",
                "This channel is shared with another organisation, and moves are not planned in such channels.",
                "Ask in a channel of this workspace alone.",
            )

    async def _read_channel(self, channel: str) -> _Channel:
        with _telling("whose channel this is"):
            answer = await self._client.conversations_info(channel=channel)
            return _Channel.model_validate(answer.get("channel"))

    async def _read_account(self, user: str) -> _Account:
        with _telling("who you are"):
            answer = await self._client.users_info(user=user)
            return _Account.model_validate(answer.get("user"))

    async def _read_members(self, channel: str) -> frozenset[str]:
        members: set[str] = set()
        cursor = ""
        with _telling("whether you are in this channel"):
            while True:
                page = await self._client.conversations_members(channel=channel, cursor=cursor, limit=PAGE)
                members |= set(page["members"])
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
                if not cursor:
                    return frozenset(members)


def not_a_channel() -> BotError:
    """A direct message, with one or with several."""
    return BotError(
        "not-a-channel", "Here nobody else would see it.", "Ask in a channel where your team can see and confirm it."
    )


def not_in_channel() -> BotError:
    """The bot cannot see or post where it was asked."""
    return BotError("not-in-channel", "I am not in this channel, so I cannot show a plan here.", "/invite @vm-migrate")


def _refuse(account: _Account, access: Access) -> None:
    if account.deleted or account.is_bot:
        raise BotError(
            "not-a-person", "Only people with an active account may do this.", "Ask a member of the channel."
        )
    if (account.is_restricted or account.is_ultra_restricted) and not access.guests:
        raise BotError(
            "guest", "You are a guest of this workspace; guests may look, but not move VMs.", "Ask a full member."
        )


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Whatever keeps Slack from telling that becomes a refusal."""
    try:
        yield
    except (*TROUBLE, ValidationError, KeyError, TypeError) as error:
        if error_word(error) in NO_SUCH_PLACE:
            raise not_in_channel() from error
        unsure = BotError("slack-unsure", f"Slack does not tell me {what} right now.", "Nothing was done; try again.")
        raise unsure from error
