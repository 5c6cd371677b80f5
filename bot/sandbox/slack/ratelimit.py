"""Slack's rate limits as token buckets on the injected clock: HTTP 429, `ratelimited`, a Retry-After in seconds.

Tiers from docs.slack.dev/apis/web-api/rate-limits; which method is in which tier from the method pages.
Slack says "N+ per minute" and tolerates bursts it does not document; the bursts here are a guess on the strict side.
"""

import math
from dataclasses import dataclass

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.errors import SlackError


@dataclass(frozen=True)
class Rate:
    """`per_minute` in the long run, `burst` at once."""

    per_minute: float
    burst: int


TIER_2 = Rate(20, 10)
TIER_3 = Rate(50, 10)
TIER_4 = Rate(100, 20)
SPECIAL = Rate(600, 100)
POST_PER_CHANNEL = Rate(60, 5)
"""docs rate-limits: one message per second and channel, "short bursts" allowed."""
POST_PER_WORKSPACE = Rate(300, 50)
"""docs rate-limits: "several hundred messages per minute" for a workspace."""

RATES: dict[str, Rate] = {
    "apps.connections.open": TIER_3,
    "auth.test": SPECIAL,
    "chat.delete": TIER_3,
    "chat.getPermalink": SPECIAL,
    "chat.postEphemeral": TIER_4,
    "chat.postMessage": POST_PER_WORKSPACE,
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.join": TIER_3,
    "conversations.list": TIER_2,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "usergroups.list": TIER_2,
    "usergroups.users.list": TIER_2,
    "users.info": TIER_4,
    "users.list": TIER_2,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
}


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimits:
    """One bucket per method, and one per channel for new messages."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, method: str, channel: str) -> None:
        """Count one call or refuse it."""
        self._take(method, RATES[method])
        if method == "chat.postMessage":
            self._take(f"{method} {channel}", POST_PER_CHANNEL)

    def _take(self, key: str, rate: Rate) -> None:
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(rate.burst, now))
        per_second = rate.per_minute / 60
        bucket.tokens = min(rate.burst, bucket.tokens + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.tokens < 1:
            wait = math.ceil((1 - bucket.tokens) / per_second)
            raise SlackError("ratelimited", status=429, retry_after=max(1, wait))
        bucket.tokens -= 1
