"""Plans of several moves: which VMs, where to, in which order, and what all of it costs. Pure."""

from bot.batch.lineup import OFFER_STAGES, STAGE, STAGES_FROM, Wanted, pace_of, turn_key
from bot.batch.plan import laid_down
from bot.batch.room import choose, seat, shifts, why_none

__all__ = [
    "OFFER_STAGES",
    "STAGE",
    "STAGES_FROM",
    "Wanted",
    "choose",
    "laid_down",
    "pace_of",
    "seat",
    "shifts",
    "turn_key",
    "why_none",
]
