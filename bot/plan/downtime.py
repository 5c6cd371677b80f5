"""How long a cold move may keep its VM down, from moves that were measured."""

import math
from collections.abc import Sequence
from datetime import timedelta

from bot.plan.shape import Estimate

OWN_ENOUGH = 3
"""Measured moves of a VM from which on they say more about it than those of all others."""
ALL_ENOUGH = 5
"""Measured moves of any VMs from which on they say more than a rule of thumb."""


def estimate(own: Sequence[timedelta], of_all: Sequence[timedelta]) -> Estimate | None:
    """What the downtimes of one VM, or else those of all VMs, let expect; None when both are too few."""
    if len(own) >= OWN_ENOUGH:
        return _estimate(own, own=True)
    return _estimate(of_all, own=False) if len(of_all) >= ALL_ENOUGH else None


def _estimate(measured: Sequence[timedelta], *, own: bool) -> Estimate:
    """Percentiles by nearest rank: each is a downtime that there was."""
    ranked = sorted(measured)
    p50, p95 = (ranked[math.ceil(share * len(ranked) / 100) - 1] for share in (50, 95))
    return Estimate(p50=p50, p95=p95, count=len(ranked), own=own)
