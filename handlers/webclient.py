"""The one way to make a client of Slack's Web API.

Plain http is for loopback only: the token travels with every call. The SDK reads proxy variables but not NO_PROXY, so
towards loopback no proxy is used. Nothing is retried here: posting twice is worse than posting late, and rate limits
are the notifier's business.
"""

from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

TIMEOUT = 10
"""Seconds for one call."""

_SLACKS = ("slack.com", "slack-gov.com")

TROUBLE = (SlackClientError, ClientError, OSError)
"""All that a call may raise: Slack's refusals, a broken connection, a time-out."""


Called = Callable[[str, str], None]
"""Is told of each call that has ended: the method, and `ok`, `ratelimited`, `refused` or `unreachable`."""


class _ToldClient(AsyncWebClient):
    """A client that says how its calls ended."""

    called: Called | None = None

    async def api_call(self, api_method: str, *args: Any, **arguments: Any) -> AsyncSlackResponse:
        result = "unreachable"
        try:
            answer = await super().api_call(api_method, *args, **arguments)
            result = "ok"
        except SlackApiError as error:
            result = (
                "ratelimited"
                if getattr(error.response, "status_code", None) == HTTPStatus.TOO_MANY_REQUESTS
                else "refused"
            )
            raise
        finally:
            if self.called:
                self.called(api_method, result)
        return answer


def make_client(token: str, base_url: str, called: Called | None = None) -> AsyncWebClient:
    """A client. Raises ValueError for a base URL that does not end in `/api/`, or is plain http to another machine."""
    if not base_url.endswith("/api/"):
        raise ValueError("SLACK_API_URL must end in /api/")
    url = urlsplit(base_url)
    if url.scheme != "https" and not is_loopback(base_url):
        raise ValueError("SLACK_API_URL must be https, except on loopback")
    client = _ToldClient(token=token, base_url=base_url, timeout=TIMEOUT, retry_handlers=[])
    client.called = called
    if is_loopback(base_url):
        client.proxy = None
    return client


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_slack(url: str) -> bool:
    """Whether a `response_url` is one of Slack's, or of the local Slack on this machine: answers go nowhere else."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    of_slack = parts.scheme == "https" and any(host == own or host.endswith(f".{own}") for own in _SLACKS)
    return of_slack or is_loopback(url)


def error_word(error: Exception) -> str:
    """Slack's own word for a refusal; the HTTP status when the answer was no JSON of Slack's; the name of what broke
    when there was no answer."""
    if not isinstance(error, SlackApiError):
        return type(error).__name__
    data = getattr(error.response, "data", None)
    word = data.get("error") if isinstance(data, dict) else None
    return str(word or getattr(error.response, "status_code", None) or getattr(error.response, "status", "no answer"))
