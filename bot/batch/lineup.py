"""Order and pace: the smallest first, live before cold, and in groups when there are many."""

from collections.abc import Iterable

from bot.plan import Move
from bot.request import BatchRequest, MoveType, Pace

OFFER_STAGES = 5
"""VMs above which the network is warned about and groups are offered (the seed's safety limit)."""
STAGES_FROM = 10
"""VMs above which groups are the default (likewise)."""
STAGE = 5
"""VMs in a group (likewise)."""


def in_order(moves: Iterable[Move]) -> tuple[Move, ...]:
    """Live ones first: they cost nobody anything; among equals the smallest, so that trouble shows early and cheap."""
    return tuple(sorted(moves, key=lambda move: (move.type is MoveType.COLD, move.memory_bytes, move.key)))


def pace_of(request: BatchRequest, count: int) -> Pace:
    """What people chose; else one at a time, and in groups when there are many."""
    if request.pace is not None:
        return request.pace
    return Pace(stage=STAGE if count > STAGES_FROM else 0)
