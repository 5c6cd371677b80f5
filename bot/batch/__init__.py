"""Plans of several moves: which VMs, where to, in which order, and what all of it costs. Pure."""

from bot.batch.lineup import OFFER_STAGES, STAGE, STAGES_FROM, in_order, pace_of
from bot.batch.loads import carried
from bot.batch.plan import TURN_PROOF, Wanted, changes_at_turn, laid_down
from bot.batch.spread import Room

__all__ = [
    "OFFER_STAGES",
    "STAGE",
    "STAGES_FROM",
    "TURN_PROOF",
    "Room",
    "Wanted",
    "carried",
    "changes_at_turn",
    "in_order",
    "laid_down",
    "pace_of",
]
