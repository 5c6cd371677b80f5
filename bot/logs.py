"""What goes into the log: lines for people or for machines, each with what it is about, none with a secret.

`about` marks whatever is logged inside of it, also by a library, with the plan and the move; it follows a task and the
tasks that this one starts. Masking is the last resort, not the rule: nothing logs a secret on purpose, but the words of
a foreign exception are not ours.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, TextIO

OURS = ("bot", "handlers", "k8s")

MASK = "(secret)"

_SECRETS = re.compile(
    r"\bx(?:ox[a-z]|app)-[\w-]+"  # docs.slack.dev/authentication/tokens
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]+"  # a service account's token is a JWT
    r"|(?<=hooks\.slack\.com/)\S+"  # a response_url: whoever has it may post
    r"|(?<=[?&]ticket=)[^&\s\"']+"  # the address of a Socket Mode connection
    r"|(?<=Bearer )\S+"
)

_subject: ContextVar[Mapping[str, str]] = ContextVar("subject", default=MappingProxyType({}))


@contextmanager
def about(**subject: str) -> Iterator[None]:
    """Mark what is logged inside, in addition to the marks that are there."""
    token = _subject.set({**_subject.get(), **subject})
    try:
        yield
    finally:
        _subject.reset(token)


def set_up(
    level: str, form: Literal["text", "json"], secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Log to `stream` (usual: standard error): our own lines at that level, the libraries' only when something is
    wrong, since they tell every timer. `secrets` are masked wherever they turn up."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter((_JsonLines if form == "json" else _Lines)(secrets))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # slack_sdk logs a failed handshake with its ticket, through Bolt's logger; handlers.socket tells it without.
    logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)
    for ours in OURS:
        logging.getLogger(ours).setLevel(level)


class _Masking(logging.Formatter):
    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._secrets = tuple(secret for secret in secrets if secret)

    def mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return _SECRETS.sub(MASK, text)


class _Lines(_Masking):
    """For people: the subject stands at the end of the line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name is logging's
        """What is foreign in a message cannot begin a line of its own, which would look like one of ours."""
        text = super().formatMessage(record)
        return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)

    def format(self, record: logging.LogRecord) -> str:
        subject = " ".join(f"{name}={value}" for name, value in _subject.get().items())
        first, *rest = super().format(record).split("\n")
        return self.mask("\n".join([f"{first} [{subject}]" if subject else first, *rest]))


class _JsonLines(_Masking):
    """For machines: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            **_subject.get(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps({name: self.mask(text) for name, text in line.items()}, ensure_ascii=False)
