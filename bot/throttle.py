"""Limits, so that one person or a script of theirs cannot fill a channel or load Slack and the cluster.

What is counted lives in memory: a restart forgets a minute of it, which is fine. Requests are counted once the person
is known to be allowed to ask at all; whoever knocks, with whatever, is counted at the edge (`handlers.identity`).
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


class Window:
    """How often each key came within the last minute."""

    def __init__(self) -> None:
        self._moments: dict[str, deque[datetime]] = {}

    def count(self, key: str, now: datetime) -> int:
        """How often; what is older is forgotten."""
        moments = self._moments.get(key, deque())
        while moments and now - moments[0] >= WINDOW:
            moments.popleft()
        return len(moments)

    def add(self, key: str, now: datetime) -> None:
        """Count one, and forget keys that have not come for a minute."""
        for old in [other for other, moments in self._moments.items() if not moments or now - moments[-1] >= WINDOW]:
            del self._moments[old]
        self._moments.setdefault(key, deque()).append(now)


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
        self._taken = Window()

    def take(self, actor: Actor, place: Place, now: datetime) -> None:
        """Count one request. Raises BotError when there were too many in the last minute; that one is not counted."""
        limits = {actor.id: self._most.by_person, place.channel: self._most.in_channel}
        if any(self._taken.count(key, now) >= most for key, most in limits.items()):
            raise BotError("too-many-requests", "There were too many requests in the last minute.", "Wait a minute.")
        for key in limits:
            self._taken.add(key, now)

    def check_open(self, actor: Actor, plans: Sequence[Record]) -> None:
        """Raises BotError when too many plans of this person wait for a Confirm."""
        waiting = [plan for plan in plans if plan.state is PlanState.PROPOSED and plan.requester.id == actor.id]
        if len(waiting) >= self._most.open_plans:
            raise BotError(
                "too-many-plans", f"{len(waiting)} plans of yours wait for a Confirm.", "Cancel those you do not need."
            )
