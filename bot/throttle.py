"""Limits for requests, so that one person or a script of theirs cannot fill a channel or load the cluster.

What is counted lives in memory: a restart forgets a minute of it, which is fine. Presses are not limited; each answers
to a plan that exists.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.errors import BotError
from bot.migration import PlanState
from bot.policy import Actor
from bot.record import Place, Record

WINDOW = timedelta(minutes=1)


class Most(NamedTuple):
    """What is allowed."""

    by_person: int = 10
    """Requests in a minute."""
    in_channel: int = 30
    """Requests in a minute."""
    open_plans: int = 20
    """Plans of one person that wait for their Confirm."""


class Throttle:
    """Counts requests."""

    def __init__(self, most: Most) -> None:
        self._most = most
        self._taken: dict[str, deque[datetime]] = {}

    def take(self, actor: Actor, place: Place, now: datetime) -> None:
        """Count one request. Raises BotError when there were too many in the last minute; that one is not counted."""
        for key in [key for key, moments in self._taken.items() if now - moments[-1] >= WINDOW]:
            del self._taken[key]
        limits = {actor.id: self._most.by_person, place.channel: self._most.in_channel}
        if any(self._count(key, now) >= most for key, most in limits.items()):
            raise BotError("too-many-requests", "There were too many requests in the last minute.", "Wait a minute.")
        for key in limits:
            self._taken.setdefault(key, deque()).append(now)

    def check_open(self, actor: Actor, plans: Sequence[Record]) -> None:
        """Raises BotError when too many plans of this person wait for a Confirm."""
        waiting = [plan for plan in plans if plan.state is PlanState.PROPOSED and plan.requester.id == actor.id]
        if len(waiting) >= self._most.open_plans:
            raise BotError(
                "too-many-plans", f"{len(waiting)} plans of yours wait for a Confirm.", "Cancel those you do not need."
            )

    def _count(self, key: str, now: datetime) -> int:
        moments = self._taken.get(key, deque())
        while moments and now - moments[0] >= WINDOW:
            moments.popleft()
        return len(moments)
