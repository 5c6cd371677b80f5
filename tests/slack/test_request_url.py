"""HTTP mode: what Slack has signed gets in, nothing else does."""

import io
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listen import CannotListen
from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.requesturl import sign
from handlers import register, socket
from handlers.requesturl import PATH, RequestUrl
from handlers.webclient import make_client
from tests.facts import NOW

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BODY = urlencode({"command": "/vm-migrate", "text": "web-01 worker-05", "team_id": "T0SANDBOX1", "user_id": "U0"})


@dataclass
class Way:
    """The way in, and what has come through it."""

    url: RequestUrl
    seen: list[str]

    async def post(
        self, *, body: str = BODY, secret: str = SECRET, age: float = 0, path: str = PATH
    ) -> tuple[int, str]:
        at = str(int(time.time() - age))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": sign(secret.encode(), at, BODY.encode()),
        }
        return await self.send("POST", path, data=io.BytesIO(body.encode()), headers=headers)

    async def send(self, verb: str, path: str, **sent: Any) -> tuple[int, str]:
        address = f"http://127.0.0.1:{self.url.port}{path}"
        async with aiohttp.ClientSession() as http, http.request(verb, address, **sent) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def way() -> AsyncIterator[Way]:
    slack = SlackSandbox()
    await slack.start()
    client = make_client(slack.bot_token, slack.api_url)
    app = register.make_app(client, await socket.installation(client), SECRET)
    seen: list[str] = []

    @app.command("/vm-migrate")
    async def migrate(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack("planned")
        seen.append(body["text"])

    url = RequestUrl(app, "127.0.0.1:0")
    await url.connect()
    yield Way(url, seen)
    await url.close()
    await slack.stop()


async def test_a_signed_command_is_answered(way: Way) -> None:
    assert await way.post() == (200, "planned")
    assert way.seen == ["web-01 worker-05"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "of-another-app"},
        {"secret": ""},
        {"age": 6 * 60},
        {"age": -6 * 60},
        {"body": BODY + "&text=database-01"},
    ],
    ids=["another secret", "no secret", "too old", "from the future", "changed on the way"],
)
async def test_what_slack_did_not_sign_now_is_refused_and_reaches_no_listener(way: Way, wrong: dict[str, Any]) -> None:
    status, _ = await way.post(**wrong)
    assert status == 401
    assert way.seen == []


async def test_without_a_signature_nothing_gets_in(way: Way) -> None:
    status, _ = await way.send("POST", PATH, data=BODY, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 401
    assert way.seen == []


async def test_there_is_one_door_only(way: Way) -> None:
    assert (await way.post(path="/"))[0] == 404
    assert (await way.send("GET", PATH))[0] == 405


async def test_a_payload_beyond_all_of_slacks_limits_is_not_read(way: Way) -> None:
    assert (await way.post(body="x" * (1024**2 + 1)))[0] == 413


async def test_it_is_connected_while_it_listens(way: Way) -> None:
    await way.url.watch(NOW)
    assert await way.url.connected()
    await way.url.close()
    assert not await way.url.connected()


async def test_an_address_that_is_taken_is_named(way: Way) -> None:
    with pytest.raises(CannotListen, match="cannot be listened on"):
        await RequestUrl(way.url._app, f"127.0.0.1:{way.url.port}").connect()
