"""Who is this: every doubt is a no."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotError
from handlers.identity import KNOCKS, Access, Identity, Installation
from tests.clocks import StandingClock
from tests.slack.bot import OPS, Bot

HOME = Installation(team="T0HOME", enterprise="E0ORG", bot_user="U0BOT", bot_id="B0BOT")
PERSON: dict[str, Any] = {"id": "U1", "team_id": "T0HOME", "deleted": False, "is_bot": False}


class Answers(AsyncWebClient):
    """Slack's answers as given, for accounts that the local Slack does not have."""

    def __init__(self, user: dict[str, Any], pages: tuple[list[str], ...] = (["U1"],)) -> None:
        super().__init__(token="xoxb-none")
        self.user = user
        self.pages = pages
        self.channel: dict[str, Any] = {"id": "C1", "is_ext_shared": False}
        self.calls = 0

    async def api_call(self, api_method: str, **call: Any) -> Any:
        if api_method == "users.info":
            return {"ok": True, "user": self.user}
        if api_method == "conversations.info":
            return {"ok": True, "channel": self.channel}
        assert api_method == "conversations.members"
        self.calls += 1
        page = int(call["params"]["cursor"] or 0)
        more = str(page + 1) if page + 1 < len(self.pages) else ""
        return {"ok": True, "members": self.pages[page], "response_metadata": {"next_cursor": more}}


def identity(client: AsyncWebClient, clock: StandingClock | None = None) -> Identity:
    return Identity(client, clock or StandingClock(), HOME)


async def test_a_member_of_the_own_workspace_is_one() -> None:
    actor = await identity(Answers(PERSON)).actor("U1", "T0HOME", "C1")
    assert (actor.team, actor.own_workspace, actor.channel_member) == ("T0HOME", True, True)


async def test_the_same_person_has_one_id_in_a_command_and_in_a_click() -> None:
    who = identity(Answers(PERSON))
    assert (await who.actor("U1", None, "C1")).id == (await who.actor("U1", "E0ORG", "C1")).id


@pytest.mark.parametrize("claimed", ["T0ELSE", "E0ELSE"])
async def test_a_foreign_team_in_the_payload_is_believed_against_the_directory(claimed: str) -> None:
    assert not (await identity(Answers(PERSON)).actor("U1", claimed, "C1")).own_workspace


async def test_a_foreign_account_is_not_ours_whatever_the_payload_says() -> None:
    stranger = PERSON | {"team_id": "T0ELSE"}
    assert not (await identity(Answers(stranger)).actor("U1", "T0HOME", "C1")).own_workspace
    assert not (await identity(Answers(stranger)).actor("U1", None, "C1")).own_workspace
    assert not (await identity(Answers(PERSON | {"is_stranger": True})).actor("U1", None, "C1")).own_workspace


async def test_in_a_grid_the_organisation_counts() -> None:
    colleague = PERSON | {"team_id": "T0SISTER", "enterprise_user": {"enterprise_id": "E0ORG"}}
    assert (await identity(Answers(colleague)).actor("U1", "E0ORG", "C1")).own_workspace
    assert (await identity(Answers(colleague)).actor("U1", "T0SISTER", "C1")).own_workspace


async def test_without_an_enterprise_no_empty_id_is_ours() -> None:
    alone = Installation(team="T0HOME", enterprise=None, bot_user="U0BOT", bot_id="B0BOT")
    stranger = PERSON | {"team_id": "T0ELSE", "enterprise_user": {"enterprise_id": ""}}
    who = Identity(Answers(stranger), StandingClock(), alone)
    assert not (await who.actor("U1", None, "C1")).own_workspace


@pytest.mark.parametrize(
    ("account", "code"),
    [
        ({"deleted": True}, "not-a-person"),
        ({"is_bot": True}, "not-a-person"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"team_id": ""}, "slack-unsure"),
        ({"team_id": None}, "slack-unsure"),
        ({"is_bot": None}, "slack-unsure"),
    ],
)
async def test_who_cannot_be_an_actor_is_refused(account: dict[str, Any], code: str) -> None:
    with pytest.raises(BotError) as refused:
        await identity(Answers(PERSON | account)).actor("U1", None, "C1")
    assert refused.value.code == code


async def test_looking_at_many_channels_is_one_knock() -> None:
    who = identity(Answers(PERSON))
    channels = [f"C{number}" for number in range(2 * KNOCKS)]
    for _ in range(KNOCKS):
        assert len(await who.actors("U1", channels)) == len(channels)
    with pytest.raises(BotError) as refused:
        await who.actors("U1", channels)
    assert refused.value.code == "too-often"


async def test_channels_in_which_somebody_can_be_no_actor_are_left_out() -> None:
    assert await identity(Answers(PERSON | {"is_restricted": True})).actors("U1", ["C1", "C2"]) == {}


async def test_members_are_read_page_by_page() -> None:
    assert (await identity(Answers(PERSON, (["U8"], ["U9"], ["U1"]))).actor("U1", None, "C1")).channel_member


async def test_a_yes_is_kept_for_a_minute_and_a_no_is_always_fresh() -> None:
    clock, slack = StandingClock(), Answers(PERSON)
    who = identity(slack, clock)
    for _ in range(3):
        assert (await who.actor("U1", None, "C1")).channel_member
    assert slack.calls == 1
    slack.pages = ([],)
    clock.advance(61)
    assert not (await who.actor("U1", None, "C1")).channel_member
    slack.pages = (["U1"],)
    assert (await who.actor("U1", None, "C1")).channel_member


async def test_when_slack_does_not_answer_nobody_is_let_in(bot: Bot) -> None:
    await bot.slack.person("faults", api_down=60)
    with pytest.raises(BotError) as refused:
        await bot.desk.identity.actor("U0RAVI00001", None, OPS)
    assert refused.value.code == "slack-unsure"


async def test_a_private_channel_without_the_bot_names_the_way_out(bot: Bot) -> None:
    bot.slack.sandbox.workspace.rooms["C0RANDOM001"].is_private = True
    with pytest.raises(BotError) as refused:
        await bot.desk.identity.actor("U0RAVI00001", None, "C0RANDOM001")
    assert refused.value.code == "not-in-channel"


async def test_an_unknown_user_is_nobody(bot: Bot) -> None:
    with pytest.raises(BotError):
        await bot.desk.identity.actor("U0NOBODY", None, OPS)


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ({"is_ext_shared": True}, "shared-channel"),
        ({"is_ext_shared": False, "is_pending_ext_shared": True}, "shared-channel"),
        ({}, "slack-unsure"),
    ],
)
async def test_a_channel_shared_with_others_is_refused_unless_it_is_let_in(channel: dict[str, Any], code: str) -> None:
    slack = Answers(PERSON)
    slack.channel = channel
    closed = Identity(slack, StandingClock(), HOME, access=Access(shared_channels=False))
    with pytest.raises(BotError) as refused:
        await closed.actor("U1", None, "C1")
    assert refused.value.code == code
    if code == "shared-channel":
        assert (await identity(slack).actor("U1", None, "C1")).own_workspace


@pytest.mark.parametrize("kind", ["is_im", "is_mpim"])
async def test_a_conversation_of_a_few_is_no_channel_even_where_much_is_let_in(kind: str) -> None:
    slack = Answers(PERSON)
    slack.channel = {"is_ext_shared": False, kind: True}
    with pytest.raises(BotError) as refused:
        await identity(slack).actor("U1", None, "C1")
    assert refused.value.code == "not-a-channel"


async def test_guests_are_judged_like_others_where_the_operators_let_them_in() -> None:
    guest = Answers(PERSON | {"is_restricted": True})
    who = Identity(guest, StandingClock(), HOME, access=Access(guests=True))
    assert (await who.actor("U1", None, "C1")).own_workspace
    stranger = Answers(PERSON | {"is_restricted": True, "is_stranger": True})
    assert not (
        await Identity(stranger, StandingClock(), HOME, access=Access(guests=True)).actor("U1", None, "C1")
    ).own_workspace


async def test_before_a_run_everything_is_read_anew() -> None:
    slack = Answers(PERSON)
    who = identity(slack)
    actor = await who.actor("U1", None, "C1")
    slack.pages = ([],)
    assert (await who.actor("U1", None, "C1")).channel_member
    assert not (await who.again(actor, "C1")).channel_member
    slack.user = PERSON | {"deleted": True}
    with pytest.raises(BotError):
        await who.again(actor, "C1")
