"""Who may do what: pure decisions over Actors, never over a Slack payload.

Whoever stands at the edge (`handlers.identity`) turns a Slack user into an Actor and states the facts that rules need.
Unknown means no: a membership that could not be read is none. `rules` judges; `bot.policyfile` reads the operators'
rules, and without such a file the built-in rule holds (`BUILT_IN`).

One thing is narrower than any rule: what a report asks about the pin is for whoever asked for the move or approved it,
which only its Record knows (`bot.approval.check_concerned`).
"""

from bot.policy.people import Action, Actor, Decision
from bot.policy.rules import (
    BUILT_IN,
    BUILT_IN_RULE,
    CHANNEL,
    Case,
    Confirm,
    Match,
    Members,
    Policy,
    Quorum,
    Rule,
    Subject,
    Waiver,
    decide,
    everybody,
    is_group,
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
