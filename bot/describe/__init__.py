"""The words of a move, shared by the cards and the terminal.

Pure: from a plan or a run to plain sentences and rows; no markup, no emoji, nothing escaped. Names in the results are
raw, and whoever renders them escapes them. What will happen is told from the move's own steps, in the order in which
the executor takes them. An estimate is what the bot has measured before, or a rule of thumb; never a promise.

`outlook` speaks of what is planned, `progress` of what is under way, `outcome` of how it ended.
"""

from bot.describe import batch
from bot.describe.load import carried, change, loads
from bot.describe.outcome import affinity, downtime, freed, look, look_closer, moved, rescue, took, whereabouts
from bot.describe.outlook import (
    Effect,
    cold_downtime,
    estimate,
    impact,
    pin_note,
    plan_text,
    rollback,
    rows,
    steps,
    summary,
    type_,
)
from bot.describe.progress import (
    PhaseTime,
    Stage,
    StageState,
    doubt,
    phase,
    phase_times,
    stages,
)
from bot.describe.words import Row, duration, memory, only_places, route, vm

__all__ = [
    "Effect",
    "PhaseTime",
    "Row",
    "Stage",
    "StageState",
    "affinity",
    "batch",
    "carried",
    "change",
    "cold_downtime",
    "doubt",
    "downtime",
    "duration",
    "estimate",
    "freed",
    "impact",
    "loads",
    "look",
    "look_closer",
    "memory",
    "moved",
    "only_places",
    "phase",
    "phase_times",
    "pin_note",
    "plan_text",
    "rescue",
    "rollback",
    "route",
    "rows",
    "stages",
    "steps",
    "summary",
    "took",
    "type_",
    "vm",
    "whereabouts",
]
