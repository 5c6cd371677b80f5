"""Trouble on demand: what a story can make Slack do wrong, and for how long.

Only switches and counters live here; the Web API and the sockets ask them. Nothing breaks unless asked to.
"""

from collections import Counter
from dataclasses import dataclass, field

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.errors import SlackError


@dataclass
class Faults:
    """The troubles in force. Counters count down with use; times are readings of the injected clock."""

    clock: Clock
    refuse_sockets: bool = False
    """New WebSocket handshakes fail."""
    latency: float = 0.0
    """Seconds by which every Web API answer is late."""
    duplicate_next: int = 0
    """That many of the next envelopes are sent twice, the second with the same envelope_id."""
    down_until: float = 0.0
    revoked_scopes: frozenset[str] = frozenset()
    """Scopes that the bot token has lost."""
    _ratelimits: Counter[str] = field(default_factory=Counter)
    _retry_after: dict[str, int] = field(default_factory=dict)
    _refusals: dict[str, str] = field(default_factory=dict)
    _lost_answers: Counter[str] = field(default_factory=Counter)

    def ratelimit(self, method: str, times: int, retry_after: int) -> None:
        """Answer 429 to the next `times` calls of a method."""
        self._ratelimits[method] = times
        self._retry_after[method] = retry_after

    def refuse(self, method: str, word: str) -> None:
        """Answer every call of a method with an error word, until cleared."""
        self._refusals[method] = word

    def lose_answers(self, method: str, times: int) -> None:
        """Do what the next `times` calls ask for, then cut the connection instead of answering."""
        self._lost_answers[method] = times

    def before_call(self, method: str) -> None:
        """Refuse a call if a fault says so."""
        if self.clock.now() < self.down_until:
            raise SlackError("service_unavailable", status=503)
        if word := self._refusals.get(method):
            raise SlackError(word)
        if self._ratelimits[method] > 0:
            self._ratelimits[method] -= 1
            raise SlackError("ratelimited", status=429, retry_after=self._retry_after[method])

    def takes_answer(self, method: str) -> bool:
        """Whether the answer to this call gets lost."""
        if self._lost_answers[method] > 0:
            self._lost_answers[method] -= 1
            return True
        return False

    def takes_duplicate(self) -> bool:
        """Whether this envelope is to be sent twice."""
        if self.duplicate_next > 0:
            self.duplicate_next -= 1
            return True
        return False

    def clear(self) -> None:
        """Everything works again."""
        self.refuse_sockets = False
        self.latency = 0.0
        self.duplicate_next = 0
        self.down_until = 0.0
        self._refusals.clear()
        self.revoked_scopes = frozenset()
        self._ratelimits.clear()
        self._lost_answers.clear()
