"""The whole sandbox: a simulated cluster and Slack in this process, the real bot as a child process.

The bot is the one that runs in production; it finds the two only by the addresses and tokens in its environment. It
can be killed and started again without either of them noticing, which is what stories about restarts do. On the
cluster it has the rights of an installation and no more.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.slack import SlackSandbox
from bot.settings import child_environment
from k8s import rights

READY = "is connected and serving"
"""In the line that the bot prints when it takes commands."""

START_WITHIN = 30.0
STOP_WITHIN = 15.0
"""Real seconds for the bot to come up and to leave."""


BOT_USER = "system:serviceaccount:vm-migrate-bot:vm-migrate-bot"
"""As manifests/ name it."""


class BotDidNotStart(Exception):
    """The bot ended, or stayed silent, instead of serving; the message holds what it printed."""


class Stage:
    """Cluster, Slack and bot. Use as an async context; the bot is started apart."""

    def __init__(
        self,
        folder: Path,
        *,
        speed: float = 1.0,
        slack_port: int = 0,
        cluster_port: int = 0,
        settings: Mapping[str, str] | None = None,
        print_line: Callable[[str], None] = print,
        http_mode: bool = False,
    ) -> None:
        self._listen = f"127.0.0.1:{_free_port()}" if http_mode else ""
        self.slack = SlackSandbox(request_url=f"http://{self._listen}/slack/events" if http_mode else None)
        self.cluster = _cluster(speed)
        self.folder = folder
        self._ports = slack_port, cluster_port
        self._settings = dict(settings or {})
        self._print = print_line
        self._bot: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._serving = asyncio.Event()

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of an administrator of the simulated cluster, for kubectl."""
        return self.folder / "kubeconfig"

    @property
    def denied(self) -> list[str]:
        """What the cluster did not let the bot do, for lack of a right."""
        wanted = self.cluster.wanted(BOT_USER, allowed=False)
        return sorted(f"{asked.verb} {asked.full_resource}" for asked in wanted)

    @property
    def _bots_kubeconfig(self) -> Path:
        return self.folder / "kubeconfig-of-the-bot"

    async def __aenter__(self) -> Self:
        await self._open_cluster(self._ports[1])
        await self.slack.start(self._ports[0])
        return self

    async def _open_cluster(self, port: int) -> None:
        await self.cluster.start(port)
        self.cluster.write_kubeconfig(self.kubeconfig)
        self.cluster.grant(BOT_USER, [_role()])
        self.cluster.write_kubeconfig(self._bots_kubeconfig, BOT_USER)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.stop_bot()
        await self.slack.stop()
        await self.cluster.stop()

    @property
    def bot_state(self) -> str:
        """running, starting or stopped."""
        if self._bot is None or self._bot.returncode is not None:
            return "stopped"
        return "running" if self._serving.is_set() else "starting"

    async def renew(self, settings: Mapping[str, str], *, speed: float) -> None:
        """A fresh cluster, and a bot that remembers nothing; Slack and what was said there stay."""
        await self.stop_bot()
        await self.cluster.stop()
        for left in self.folder.glob("bot.db*"):
            left.unlink()
        self._settings = dict(settings)
        self.cluster = _cluster(speed)
        await self._open_cluster(0)
        await self.start_bot()

    async def restart_bot(self, settings: Mapping[str, str]) -> None:
        """The same bot with other settings; the cluster and what the bot remembers stay."""
        await self.stop_bot()
        self._settings = dict(settings)
        await self.start_bot()

    async def start_bot(self) -> None:
        """Start the bot and wait until it serves. Raises BotDidNotStart."""
        if self.bot_state != "stopped":
            return
        self._serving = serving = asyncio.Event()
        self._bot = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            env=child_environment(self.environment()),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed: list[str] = []
        self._reader = asyncio.create_task(self._read(self._bot, serving, printed))
        waiting = asyncio.create_task(serving.wait())
        await asyncio.wait({waiting, self._reader}, timeout=START_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not serving.is_set():
            await self.kill_bot()
            raise BotDidNotStart("\n".join(printed))

    async def kill_bot(self) -> None:
        """SIGKILL: nothing of what the bot was doing gets finished."""
        await self._end(signal.SIGKILL)

    async def stop_bot(self) -> None:
        """SIGTERM: the bot finishes the write under way and leaves."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        if self._bot is None:
            return
        if self._bot.returncode is None:
            self._bot.send_signal(how)
            try:
                async with asyncio.timeout(STOP_WITHIN):
                    await self._bot.wait()
            except TimeoutError:
                self._bot.kill()
                await self._bot.wait()
        if self._reader is not None:
            await self._reader
        self._bot = None

    async def _read(self, bot: asyncio.subprocess.Process, serving: asyncio.Event, printed: list[str]) -> None:
        assert bot.stdout is not None
        async for raw in bot.stdout:
            line = raw.decode(errors="replace").rstrip()
            printed.append(line)
            if READY in line:
                serving.set()
            else:
                self._print(f"bot: {line}")

    def _way_in(self) -> dict[str, str]:
        if self._listen:
            return {"SLACK_SIGNING_SECRET": self.slack.signing_secret, "VM_MIGRATE_SLACK_LISTEN": self._listen}
        return {"SLACK_APP_TOKEN": self.slack.app_token}

    def environment(self) -> dict[str, str]:
        """What leads a bot to this cluster and this Slack."""
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            **self._way_in(),
            "SLACK_API_URL": self.slack.api_url,
            "KUBECONFIG": str(self._bots_kubeconfig),
            "VM_MIGRATE_DATABASE_URL": f"sqlite+aiosqlite:///{self.folder / 'bot.db'}",
            "VM_MIGRATE_LOG_LEVEL": "WARNING",  # what goes well is seen in the cards
            "VM_MIGRATE_ALLOW_SHARED_CHANNELS": "true",  # so that one can see what people of a partner may not do
            **self._settings,
        }


def _cluster(speed: float) -> ClusterSandbox:
    """It enforces rights, and lets people put their hands on it without any."""
    return ClusterSandbox(speed=speed, rbac=True, hands=True)


def _role() -> dict[str, Any]:
    """The rights that manifests/ give, and no others (a test compares manifests/ with this list)."""
    rules = [
        {
            "apiGroups": [right.group],
            "resources": [f"{right.resource}/{right.subresource}".rstrip("/")],
            "verbs": [right.verb],
            **({"resourceNames": [right.name]} if right.name else {}),
        }
        for right in (*rights.NEEDED, *rights.NEEDED_COLD, *rights.OPTIONAL)
    ]
    return {"metadata": {"name": "vm-migrate-bot"}, "rules": rules}


def _free_port() -> int:
    """Slack has to know the bot's address before the bot is there to tell it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
