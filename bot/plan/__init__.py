"""A plan: what exactly will be done, frozen, so that what people approve is what runs.

`build` turns a request and the facts into a Plan of 1..n moves. A move carries its steps as data, its findings and the
`proof` of what was judged: named parts that must still hold when somebody confirms and before the first write. Loads,
counters and resourceVersions are no part of it; `drift` names what has changed in words that a card can show.
"""

from bot.plan.changing import changes, drift, read_again
from bot.plan.downtime import ALL_ENOUGH, OWN_ENOUGH, estimate
from bot.plan.making import build, elsewhere, has_approved_rules, judged
from bot.plan.shape import (
    COLD_STEPS,
    HOME_STEPS,
    LIVE_STEPS,
    PLACE_STEPS,
    Consent,
    Disk,
    Drift,
    Estimate,
    LeftOut,
    Move,
    Plan,
    Replaced,
    StepKind,
    Target,
    steps_of,
)

__all__ = [
    "ALL_ENOUGH",
    "COLD_STEPS",
    "HOME_STEPS",
    "LIVE_STEPS",
    "OWN_ENOUGH",
    "PLACE_STEPS",
    "Consent",
    "Disk",
    "Drift",
    "Estimate",
    "LeftOut",
    "Move",
    "Plan",
    "Replaced",
    "StepKind",
    "Target",
    "build",
    "changes",
    "drift",
    "elsewhere",
    "estimate",
    "has_approved_rules",
    "judged",
    "read_again",
    "steps_of",
]
