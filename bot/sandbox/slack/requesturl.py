"""The Request URL way: payloads as signed HTTP posts, for an app in HTTP mode.

Source: docs.slack.dev/authentication/verifying-requests-from-slack: `v0=` + HMAC-SHA256 over `v0:{timestamp}:{body}`.
Commands and interactions are form posts, events are JSON.
"""

import asyncio
import hashlib
import hmac
import json
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession

from bot.sandbox.slack.clock import Clock, wait_until
from bot.sandbox.slack.delivery import ACK_WINDOW, DISPATCH_FAILED, OPERATION_TIMEOUT, Envelope
from bot.sandbox.slack.errors import Undelivered
from bot.sandbox.slack.wire import Json

FORM = "application/x-www-form-urlencoded"


class RequestUrl:
    """Posts every payload to one URL. Loopback URLs only: the sandbox talks to nobody else."""

    def __init__(self, url: str, signing_secret: str, clock: Clock) -> None:
        if not url.startswith(("http://127.0.0.1:", "http://localhost:")):
            raise ValueError(f"the sandbox posts to loopback only, not to {url}")
        self._url = url
        self._secret = signing_secret.encode()
        self._clock = clock

    async def deliver(self, envelope: Envelope) -> Json:
        """Post and read the answer until the window closes; any status but 200 is a failure."""
        deadline = self._clock.now() + ACK_WINDOW
        done = asyncio.Event()
        post = asyncio.create_task(self._post(envelope))
        post.add_done_callback(lambda _: done.set())
        if not await wait_until(self._clock, deadline, done):
            post.cancel()
            raise Undelivered(OPERATION_TIMEOUT)
        return await post

    async def _post(self, envelope: Envelope) -> Json:
        body, kind = encode(envelope)
        timestamp = str(int(self._clock.now()))
        headers = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._secret, timestamp, body),
        }
        if envelope.retry_attempt:
            headers |= {
                "X-Slack-Retry-Num": str(envelope.retry_attempt),
                "X-Slack-Retry-Reason": envelope.retry_reason,
            }
        try:
            async with ClientSession() as session, session.post(self._url, data=body, headers=headers) as answer:
                if answer.status != 200:
                    raise Undelivered(DISPATCH_FAILED)
                return _answer_of(await answer.text(), answer.content_type)
        except ClientError as error:
            raise Undelivered(DISPATCH_FAILED) from error


def _answer_of(text: str, content_type: str) -> Json:
    """docs slash commands: plain text in the answer is shown as it is."""
    if content_type != "application/json":
        return {"text": text} if text else {}
    try:
        answer = json.loads(text)
    except ValueError:
        raise Undelivered(DISPATCH_FAILED) from None
    return answer if isinstance(answer, dict) else {}


def encode(envelope: Envelope) -> tuple[bytes, str]:
    """The HTTP body of an envelope and its content type."""
    match envelope.kind:
        case "slash_commands":
            return urlencode(envelope.payload).encode(), FORM
        case "interactive":
            return urlencode({"payload": json.dumps(envelope.payload)}).encode(), FORM
        case _:
            return json.dumps(envelope.payload).encode(), "application/json"


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of X-Slack-Signature."""
    digest = hmac.new(secret, f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return f"v0={digest}"
