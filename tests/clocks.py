"""A clock that stands until a test moves it."""

from datetime import datetime, timedelta

from tests.facts import NOW


class StandingClock:
    """Implements `bot.ports.Clock`."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        self._now += timedelta(seconds=seconds)
        return self._now
