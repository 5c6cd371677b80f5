"""A clock that stands until a test moves it, and numbers that come in order."""

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


class Numbers:
    """Ids of plans that a test can foretell: p1, p2 and so on; the same for the same delivery."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._last = 0

    def __call__(self, delivery: str) -> str:
        if delivery in self._given:
            return self._given[delivery]
        self._last += 1
        if delivery:
            self._given[delivery] = f"p{self._last}"
        return f"p{self._last}"
