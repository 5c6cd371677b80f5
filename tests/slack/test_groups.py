"""Who is in a group: Slack's word, for as long as it is good."""

from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from handlers.groups import Groups
from tests.clocks import StandingClock

SRE = {"id": "S0SRE", "handle": "sre"}


class Slack(AsyncWebClient):
    """Answers as given, an error word instead of any; counts calls."""

    def __init__(self) -> None:
        super().__init__(token="xoxb-none")
        self.users = ["U1"]
        self.error = ""
        self.calls = 0

    async def api_call(self, api_method: str, **_: Any) -> Any:
        self.calls += 1
        if self.error:
            answer = SimpleNamespace(data={"ok": False, "error": self.error})
            raise SlackApiError("refused", answer)  # type: ignore[no-untyped-call]  # the SDK has no types here
        return {"usergroups.list": {"usergroups": [SRE]}, "usergroups.users.list": {"users": self.users}}[api_method]


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
def groups(slack: Slack, clock: StandingClock) -> Groups:
    return Groups(slack, clock)


async def test_a_person_is_in_a_group_by_handle_and_by_id(groups: Groups) -> None:
    assert await groups.of("U1", frozenset({"@sre", "S0SRE", "@nobody"})) == ("@sre", "S0SRE")
    assert await groups.of("U2", frozenset({"@sre", "S0SRE"})) == ()


async def test_an_answer_is_kept_for_a_minute_unless_it_must_be_fresh(
    groups: Groups, slack: Slack, clock: StandingClock
) -> None:
    assert await groups.members("S0SRE") == {"U1"}
    slack.users = []
    assert await groups.members("S0SRE") == {"U1"}
    assert await groups.members("S0SRE", fresh=True) == frozenset()
    slack.users = ["U2"]
    clock.advance(61)
    assert await groups.members("S0SRE") == {"U2"}
    assert slack.calls == 3


async def test_the_last_good_answer_holds_for_an_hour_and_then_nobody_is_in_it(
    groups: Groups, slack: Slack, clock: StandingClock
) -> None:
    assert await groups.members("@sre") == {"U1"}
    slack.error = "internal_error"
    clock.advance(3600)
    assert await groups.members("@sre", fresh=True) == {"U1"}
    clock.advance(1)
    assert await groups.members("@sre") == frozenset()


@pytest.mark.parametrize("error", ["missing_scope", "plan_upgrade_required", "ratelimited"])
async def test_a_group_that_was_never_read_is_empty(groups: Groups, slack: Slack, error: str) -> None:
    slack.error = error
    assert await groups.members("S0SRE") == await groups.members("@sre") == frozenset()


async def test_a_group_that_is_gone_is_empty_at_once(groups: Groups, slack: Slack) -> None:
    assert await groups.members("S0SRE") == {"U1"}
    slack.error = "no_such_subteam"
    assert await groups.members("S0SRE", fresh=True) == frozenset()
