"""The bot's commands as processes of their own, and the people who talk to them: only addresses connect the two."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp

from bot.sandbox.play.transcript import buttons_of, text_of
from bot.sandbox.stage import READY
from bot.settings import child_environment

Json = dict[str, Any]
T = TypeVar("T")

BOT = Path(sys.executable).with_name("vm-migrate-bot")
START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOOK = 0.05
OPS = "C0OPS000001"


@dataclass
class Command:
    """A running program and all that it has printed."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: asyncio.Task[None] = field(init=False)

    @classmethod
    async def start(cls, program: Sequence[str], settings: Mapping[str, str]) -> Self:
        """Start it with no settings but the given ones."""
        process = await asyncio.create_subprocess_exec(
            *program,
            env=child_environment(settings),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        started = cls(process)
        started._reader = asyncio.create_task(started._read())
        return started

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    async def until(self, text: str, within: float = START_SECONDS) -> str:
        """Wait for a line with that text; the line."""
        async with asyncio.timeout(within):
            while not (found := [line for line in self.lines if text in line]):
                assert not self._reader.done(), self.output
                self._news.clear()
                await self._news.wait()
        return found[0]

    async def ended(self, within: float = START_SECONDS) -> int:
        """Wait for its end; the exit code."""
        async with asyncio.timeout(within):
            await self._reader
            return await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, as a supervisor ends it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended(STOP_SECONDS)

    async def kill(self) -> None:
        """SIGKILL: nothing gets finished."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            self.lines.append(raw.decode(errors="replace").rstrip())
            self._news.set()
        self._news.set()


@dataclass
class Ground:
    """Starts commands for one test and leaves none behind."""

    folder: Path
    started: list[Command] = field(default_factory=list)

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    async def command(self, *arguments: str, settings: Mapping[str, str] | None = None) -> Command:
        """Start `vm-migrate-bot` with these arguments."""
        return await self.program([str(BOT), *arguments], settings or {})

    async def program(self, program: Sequence[str], settings: Mapping[str, str]) -> Command:
        """Start any program."""
        command = await Command.start(program, settings)
        self.started.append(command)
        return command

    async def slack(self) -> tuple[Command, dict[str, str]]:
        """A local Slack, and the settings that it announces."""
        command = await self.command("sandbox", "slack", "--port", "0")
        line = await command.until("slack sandbox ready")
        told = dict(re.findall(r"(\w+)=(\S+)", line))
        return command, {
            "SLACK_API_URL": told["api"],
            "SLACK_BOT_TOKEN": told["bot_token"],
            "SLACK_APP_TOKEN": told["app_token"],
        }

    async def cluster(self, port: int = 0, speed: int = 5, *flags: str) -> tuple[Command, str]:
        """A simulated cluster, and its address."""
        arguments = ("--port", str(port), "--kubeconfig", str(self.kubeconfig), "--speed", str(speed))
        command = await self.command("sandbox", "cluster", *arguments, *flags)
        line = await command.until("cluster ready")
        assert self.kubeconfig.exists()
        return command, line.split("ready on ")[1].split(",")[0]

    def settings(self, slack: Mapping[str, str]) -> dict[str, str]:
        """All that leads the bot to the others."""
        database = f"sqlite+aiosqlite:///{self.folder / 'bot.db'}"
        return {**slack, "KUBECONFIG": str(self.kubeconfig), "VM_MIGRATE_DATABASE_URL": database}

    async def bot(self, settings: Mapping[str, str]) -> Command:
        """A bot that serves."""
        command = await self.command("run", settings=settings)
        await command.until(READY)
        return command


@asynccontextmanager
async def ground(folder: Path) -> AsyncIterator[Ground]:
    """A place for processes; whatever still runs at the end is killed."""
    place = Ground(folder)
    try:
        yield place
    finally:
        for command in place.started:
            await command.kill()


@dataclass(frozen=True)
class People:
    """What people do and see in #ops, over the local Slack's own interface."""

    http: aiohttp.ClientSession
    url: str

    async def say(self, who: str, text: str) -> None:
        await self._do("say", user=who, channel="#ops", text=text)

    async def click(self, who: str, message: Json, button: str) -> None:
        """Press the button with that text."""
        action_id = buttons_of(message)[button]["action_id"]
        await self._do("click", user=who, channel=message["channel"], message_ts=message["ts"], action_id=action_id)

    async def sees(self, who: str, *texts: str, thread: Json | None = None, within: float = 20) -> Json:
        """Wait until this person sees a message with all these texts; the newest such message."""

        async def look() -> Json | None:
            async with self.http.get(f"{self.url}/sandbox/state", params={"user": who}) as answer:
                messages = (await answer.json())["messages"][OPS]
            of_thread = [each for each in messages if thread is None or each.get("thread_ts") == thread["ts"]]
            found = [each for each in of_thread if all(text in text_of(each) for text in texts)]
            return found[-1] if found else None

        return await until(look, within, f"{who} does not see {texts}")

    async def _do(self, deed: str, **body: str) -> None:
        async with self.http.post(f"{self.url}/sandbox/{deed}", json=body) as answer:
            told = await answer.json()
            assert told["ok"], told


def people_of(http: aiohttp.ClientSession, slack: Mapping[str, str]) -> People:
    """The people of the local Slack that these settings lead to."""
    return People(http, slack["SLACK_API_URL"].removesuffix("/api/"))


async def until(look: Callable[[], Awaitable[T | None]], within: float, otherwise: str) -> T:
    """Look until there is something; the other side of the wire has no event to wait for."""
    end = asyncio.get_running_loop().time() + within
    while (found := await look()) is None:
        assert asyncio.get_running_loop().time() < end, otherwise
        await asyncio.sleep(LOOK)
    return found
