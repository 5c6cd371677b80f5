"""The way from Slack to the app: one envelope out, one acknowledgement back, within three seconds.

`SocketMode` and `RequestUrl` are the two ways; both keep this promise: `deliver` returns the app's answer (empty if
it only acknowledged) or raises `Undelivered` with the word that the person will read.
"""

from dataclasses import dataclass, replace
from typing import Protocol
from uuid import uuid4

from bot.sandbox.slack.wire import Json

ACK_WINDOW = 3.0
"""Seconds; docs handling-user-interaction: "within 3 seconds of receiving the original request"."""

OPERATION_TIMEOUT = "operation_timeout"
"""The app took the payload and said nothing in time."""
DISPATCH_FAILED = "dispatch_failed"
"""Nothing was there to take the payload."""


@dataclass(frozen=True)
class Envelope:
    """A payload on its way. `kind` is slash_commands, interactive or events_api."""

    kind: str
    payload: Json
    accepts_response_payload: bool
    id: str
    retry_attempt: int = 0
    retry_reason: str = ""

    @classmethod
    def new(cls, kind: str, payload: Json, *, accepts_response: bool = False) -> "Envelope":
        return cls(kind, payload, accepts_response, str(uuid4()))

    def retried(self, attempt: int, reason: str) -> "Envelope":
        """The same event once more; docs events-api: retries carry their number and why."""
        return replace(self, retry_attempt=attempt, retry_reason=reason)

    @property
    def wire(self) -> Json:
        """The frame as Socket Mode sends it (docs apis/events-api/using-socket-mode)."""
        frame: Json = {
            "envelope_id": self.id,
            "type": self.kind,
            "payload": self.payload,
            "accepts_response_payload": self.accepts_response_payload,
        }
        if self.kind == "events_api":
            frame |= {"retry_attempt": self.retry_attempt, "retry_reason": self.retry_reason}
        return frame


class Delivery(Protocol):
    """A way to the app."""

    async def deliver(self, envelope: Envelope) -> Json: ...
