"""What `check` says of a rule: whether anybody could ever approve by it."""

import asyncio

import pytest

from bot.policy import Rule
from bot.policycheck import approvable

GROUPS = {"@sre": {"U0A", "U0B"}, "@one": {"U0A"}, "@empty": set(), "@all": {f"U0P{number:03}" for number in range(70)}}


async def members(who: str) -> frozenset[str] | None:
    return frozenset(GROUPS[who]) if who in GROUPS else None


def said(**fields: object) -> tuple[bool, str]:
    rule = Rule.model_validate({"name": "r", "request": ["channel"]} | fields)
    return asyncio.run(approvable(rule, members))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"confirm": {"who": ["@sre"], "count": 2}}, "2 of @sre may approve: 2 found (U0A, U0B)"),
        ({"confirm": {"who": ["@one", "U0C"]}}, "1 of @one, U0C may approve: 2 found (U0A, U0C)"),
        ({"confirm": {"who": ["channel"]}}, "whoever is in the channel"),
        ({"confirm": {"who": ["@all"]}}, "70 found (U0P000, U0P001, U0P002, U0P003, U0P004, …); warning: a card will"),
        (
            {
                "match": {"namespaces": ["prod-*", "db"], "labels": {"tier": "gold"}, "moves_from": 3},
                "deny": "no",
                "request": [],
            },
            "for namespaces prod-* or db, labels tier=gold, moves_from 3: denies",
        ),
        ({"request": ["@one"], "confirm": {"who": ["@one"], "own": True}}, "1 found (U0A)"),
        ({"request": ["@sre"], "confirm": {"who": ["@sre"]}}, "2 found"),
        ({"confirm": {"who": ["@sre"]}, "incident": {"who": ["@one"]}, "allow": {"call off": []}}, "2 found"),
    ],
)
def test_a_rule_that_can_work_is_shown_with_its_people(fields: dict[str, object], words: str) -> None:
    holds, text = said(**fields)
    assert holds
    assert words in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"confirm": {"who": ["@empty"]}}, "no approver: 0 found"),
        ({"confirm": {"who": ["@sre"], "count": 3}}, "no approver: 2 found"),
        ({"confirm": {"who": ["@gone", "U0A"]}}, "Slack has no group @gone"),
        ({"request": ["@one"], "confirm": {"who": ["@one"]}}, "1 found, and nobody's own press counts"),
        ({"request": ["@sre"], "confirm": {"who": ["@sre"], "count": 2}}, "2 found, and nobody's own press counts"),
        ({"request": ["@empty"], "confirm": {"who": ["@sre"]}}, "nobody may even ask"),
        ({"request": ["@gone"], "confirm": {"who": ["@sre"]}}, "Slack has no group @gone"),
        ({"confirm": {"who": ["@sre"]}, "incident": {"who": ["@gone"]}}, "Slack has no group @gone"),
        ({"confirm": {"who": ["channel"]}, "allow": {"answer": ["@gone"]}}, "Slack has no group @gone"),
        (
            {"confirm": {"who": ["channel"]}, "incident": {"who": ["@empty"]}},
            "nobody may declare an incident: no one is in @empty",
        ),
        ({"confirm": {"who": ["@sre"]}, "allow": {"call off": ["@empty"]}}, "nobody may call off: no one is in @empty"),
    ],
)
def test_a_rule_by_which_nobody_could_approve_is_an_error(fields: dict[str, object], words: str) -> None:
    holds, text = said(**fields)
    assert not holds
    assert words in text
