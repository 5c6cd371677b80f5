"""Order and pace: the smallest first, live before cold, and in groups when there are many."""

from typing import NamedTuple

from bot import checks
from bot.request import BatchRequest, MoveRequest, MoveType, Pace
from k8s.fleet import Fleet
from k8s.snapshots import Ref

OFFER_STAGES = 5
"""VMs above which the network is warned about and groups are offered (the seed's safety limit)."""
STAGES_FROM = 10
"""VMs above which groups are the default (likewise)."""
STAGE = 5
"""VMs in a group (likewise)."""


class Wanted(NamedTuple):
    """A VM that is to move, found; `request` says how."""

    ref: Ref
    request: MoveRequest


def turn_key(wanted: Wanted, fleet: Fleet) -> tuple[bool, int, str]:
    """Live ones first: they cost nobody anything; among equals the smallest, so that trouble shows early and cheap."""
    facts = fleet.facts(wanted.ref, None)
    type_, _ = checks.choose_type(facts, wanted.request.type)
    return type_ is MoveType.COLD, facts.vmi.memory_bytes if facts.vmi else 0, str(wanted.ref)


def pace_of(request: BatchRequest, count: int) -> Pace:
    """What people chose; else one at a time, and in groups when there are many. The groups are always said."""
    asked = request.pace or Pace()
    usual = STAGE if count > STAGES_FROM else 0
    return asked.model_copy(update={"stage": usual}) if asked.stage is None else asked
