"""Who may do what: pure decisions over Actors, never over a Slack payload.

Whoever stands at the edge (`handlers.identity`) turns a Slack user into an Actor and states the facts that rules need.
Unknown means no: a membership that could not be read is none. `rules` are what a file says (`bot.policyfile` reads it),
`ruling` judges by them; without a file the built-in rule holds (`BUILT_IN`).

One thing is narrower than any rule: what a report asks about the pin is for whoever asked for the move or approved it,
which only its Record knows (`bot.approval.check_concerned`).
"""

from bot.policy.people import Action, Actor, Decision
from bot.policy.rules import CHANNEL, Case, Confirm, Match, Rule, Subject, Waiver, is_group
from bot.policy.ruling import (
    BUILT_IN,
    BUILT_IN_RULE,
    Members,
    Policy,
    Quorum,
    decide,
    everybody,
    outsider,
)

__all__ = [
    "BUILT_IN",
    "BUILT_IN_RULE",
    "CHANNEL",
    "Action",
    "Actor",
    "Case",
    "Confirm",
    "Decision",
    "Match",
    "Members",
    "Policy",
    "Quorum",
    "Rule",
    "Subject",
    "Waiver",
    "decide",
    "everybody",
    "is_group",
    "outsider",
]
