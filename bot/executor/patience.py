"""Plans that cannot go on now: since when the cluster has not answered them, and when each is tried again."""

from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
"""Pauses between tries: doubled from the first to the longest."""


class Patience:
    """By plan, in this process only: after a restart all are tried at once."""

    def __init__(self) -> None:
        self._again: dict[str, tuple[datetime, timedelta]] = {}
        self._unanswered: dict[str, datetime] = {}

    def may_try(self, plan_id: str, now: datetime) -> bool:
        """Whether its pause is over."""
        return plan_id not in self._again or now >= self._again[plan_id][0]

    def unanswered_since(self, plan_id: str) -> datetime | None:
        """None while the cluster answers."""
        return self._unanswered.get(plan_id)

    def later(self, plan_id: str, now: datetime) -> None:
        """Try it again, later than the last time."""
        _, last = self._again.get(plan_id, (None, FIRST_PAUSE / 2))
        pause = min(last * 2, LONGEST_PAUSE)
        self._again[plan_id] = (now + pause, pause)

    def not_yet(self, plan_id: str, now: datetime) -> None:
        """The cluster has answered, but has not come so far."""
        self._unanswered.pop(plan_id, None)
        self.later(plan_id, now)

    def unanswered(self, plan_id: str, now: datetime) -> None:
        """The cluster has not answered."""
        self._unanswered.setdefault(plan_id, now)
        self.later(plan_id, now)

    def at_once(self, plan_id: str) -> None:
        """Somebody has decided something: try it now."""
        self._again.pop(plan_id, None)

    def over(self, plan_id: str) -> None:
        """It has gone on, or there is nothing to go on with."""
        self._again.pop(plan_id, None)
        self._unanswered.pop(plan_id, None)
