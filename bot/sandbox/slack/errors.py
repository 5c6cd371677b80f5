"""Slack's way to say no: an error word in a JSON body, HTTP 200 except for rate limits and outages.

The words are those of the method pages under docs.slack.dev/reference/methods; nothing here invents one.
"""

from bot.sandbox.slack.wire import Json


class SlackError(Exception):
    """A refusal that goes to the caller as `{"ok": false, "error": word, ...extra}`."""

    def __init__(self, word: str, *, status: int = 200, retry_after: int | None = None, **extra: object) -> None:
        super().__init__(word)
        self.word = word
        self.status = status
        self.retry_after = retry_after
        self.extra = extra

    @classmethod
    def with_messages(cls, word: str, messages: list[str]) -> "SlackError":
        """A refusal that points at the offending parts, as Slack does for blocks and arguments."""
        return cls(word, errors=messages, response_metadata={"messages": [f"[ERROR] {line}" for line in messages]})

    @property
    def body(self) -> Json:
        return {"ok": False, "error": self.word, **self.extra}

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class Undelivered(Exception):
    """The app did not take a payload in time: the word that the person gets to see."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word
