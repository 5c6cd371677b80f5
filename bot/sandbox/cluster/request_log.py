"""What was asked of the API: for tests that count reads and their depth."""

from collections import deque
from dataclasses import asdict, dataclass

KEPT = 20_000


@dataclass(frozen=True)
class LoggedRequest:
    time: float
    """Virtual seconds since the epoch."""
    verb: str
    path: str
    query: dict[str, str]
    user_agent: str
    in_flight: int
    """Requests under way at that moment, this one and open watches included."""


class RequestLog:
    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=KEPT)
        self.in_flight = 0
        self.seen = 0
        """All so far, forgotten ones too."""

    def add(self, request: LoggedRequest) -> None:
        self._requests.append(request)
        self.seen += 1

    def clear(self) -> None:
        self._requests.clear()

    def as_json(self) -> list[dict[str, object]]:
        return [asdict(r) for r in self._requests]
