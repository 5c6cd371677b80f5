"""The two sides of the sandbox as tests call them: an app without SDK, a person, and a real Bolt app."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack import SlackSandbox

OPS = "C0OPS000001"
SRE = "C0SRE000001"
ACME = "C0ACME00001"
RANDOM = "C0RANDOM001"
LOOK = 0.005
"""Real seconds between two looks of `until`."""
START = 1_766_000_000.0


@dataclass
class HandClock:
    """Stands still until a test moves it."""

    time: float = START

    def now(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Answer:
    """What an HTTP call brought back."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def error(self) -> str:
        return str(self.body.get("error", ""))

    @property
    def pointers(self) -> list[str]:
        """The JSON pointers of a refusal of blocks."""
        lines = self.body.get("response_metadata", {}).get("messages", [])
        return [line.split("[json-pointer:")[1].rstrip("]") for line in lines if "[json-pointer:" in line]


@dataclass
class Caller:
    """Calls the Web API as an app and /sandbox/ as a person, without any SDK."""

    sandbox: SlackSandbox
    http: aiohttp.ClientSession

    async def api(self, method: str, token: str | None = None, **arguments: Any) -> Answer:
        """One Web API call with a JSON body and the bot token."""
        headers = {"Authorization": f"Bearer {token or self.sandbox.bot_token}"}
        async with self.http.post(self.sandbox.api_url + method, json=arguments, headers=headers) as response:
            return Answer(response.status, await response.json(), dict(response.headers))

    async def post(self, text: str = "hello", channel: str = OPS, **arguments: Any) -> str:
        """Post a message that must be accepted; its ts."""
        answer = await self.api("chat.postMessage", channel=channel, text=text, **arguments)
        assert answer.body["ok"], answer.body
        return str(answer.body["ts"])

    async def person(self, deed: str, **body: object) -> dict[str, Any]:
        """One deed of a person."""
        async with self.http.post(f"{self.sandbox.url}/sandbox/{deed}", json=body) as response:
            assert response.status == 200, await response.text()
            return dict(await response.json())

    async def screen(self, user: str) -> dict[str, Any]:
        async with self.http.get(f"{self.sandbox.url}/sandbox/state", params={"user": user}) as response:
            return dict(await response.json())

    async def messages(self, user: str, channel: str = OPS) -> list[dict[str, Any]]:
        """What this person sees in a channel."""
        return list((await self.screen(user))["messages"].get(channel, []))

    async def revisions(self, ts: str, channel: str = OPS) -> list[dict[str, Any]]:
        url = f"{self.sandbox.url}/sandbox/revisions"
        async with self.http.get(url, params={"channel": channel, "ts": ts}) as response:
            return list((await response.json())["revisions"])


@dataclass
class BoltBot:
    """A real Bolt app and its real Socket Mode handler; `connect` once listeners are registered."""

    app: AsyncApp
    handler: AsyncSocketModeHandler
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def connect(self) -> None:
        await self.handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt ships it without types


async def until(happened: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until the other side of the wire has done something; it has no event to wait for."""
    for _ in range(int(seconds / LOOK)):
        if happened():
            return
        await asyncio.sleep(LOOK)
    raise AssertionError(f"it did not happen within {seconds} s")
