"""How fast Slack lets us speak, on an injected clock.

Edits share one bucket for the whole workspace, since Slack counts chat.update for all channels together; new messages
have one bucket for each channel. Asking costs nothing: a bucket only says when. Numbers:
docs.slack.dev/apis/web-api/rate-limits (chat.update is Tier 3: 50 a minute, "sporadic bursts are welcome";
chat.postMessage: one a second in a channel, "short bursts" allowed). The bursts are ours: a live move that is alone
has its eight edits of the first three seconds, and its card, progress and report, without a wait.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass
class Bucket:
    """A token bucket: `burst` at once, then one every `interval`."""

    burst: int
    interval: timedelta
    _full_at: datetime | None = None
    _last_in_line: datetime | None = None

    def ready_at(self, now: datetime) -> datetime:
        """When the next token is there; `now` when one is."""
        if self._full_at is None:
            return now
        return max(now, self._full_at - self.interval * (self.burst - 1))

    def line_up(self, now: datetime) -> datetime:
        """A moment of one's own to ask again, so that of hundreds who wait not all come for each token."""
        behind = now if self._last_in_line is None else self._last_in_line + self.interval
        self._last_in_line = max(self.ready_at(now), behind)
        return self._last_in_line

    def take(self, now: datetime) -> None:
        """Use a token, also one that is not there yet."""
        self._full_at = max(now, self._full_at or now) + self.interval


@dataclass
class Pace:
    """The buckets of one workspace."""

    edits: Bucket = field(default_factory=lambda: Bucket(burst=8, interval=timedelta(seconds=1.2)))
    _posts: dict[str, Bucket] = field(default_factory=dict)

    def posts(self, channel: str) -> Bucket:
        """The bucket of new messages in a channel."""
        return self._posts.setdefault(channel, Bucket(burst=3, interval=timedelta(seconds=1)))
