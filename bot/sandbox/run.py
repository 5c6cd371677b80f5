"""`vm-migrate-bot sandbox`: everything on loopback until Ctrl-C, with one line to open in a browser."""

import asyncio
import socket
import tempfile
from pathlib import Path

from bot.sandbox import cluster, slack
from bot.sandbox.console import Console
from bot.sandbox.gallery.server import Gallery
from bot.sandbox.stage import Stage

HOST = "127.0.0.1"


async def run_all(*, port: int, speed: float) -> None:
    """Cluster, Slack and bot; every start begins with a fresh world. A port that is taken is replaced by a free one."""
    if port and _is_taken(port):
        print(f"Port {port} is taken; another one is used.")
        port = 0
    with tempfile.TemporaryDirectory(prefix="vm-migrate-sandbox-") as folder:
        stage = Stage(Path(folder), speed=speed, slack_port=port)
        console = Console(stage)
        async with stage, console:
            await stage.start_bot()
            print(f"Open {stage.slack.url}/ and type: /vm-migrate web-01 worker-05")
            print(f"The simulated cluster, for kubectl: export KUBECONFIG={stage.kubeconfig}")
            print("Ctrl-C ends it.", flush=True)
            await asyncio.Event().wait()


async def run_cluster(*, port: int, kubeconfig: Path, speed: float, rbac: bool) -> None:
    """The simulated cluster alone."""
    await cluster.serve(port, kubeconfig, speed, _announce, rbac=rbac)


async def run_slack(*, port: int) -> None:
    """The local Slack alone."""
    await slack.serve(port, _announce)


async def run_gallery(*, port: int) -> None:
    """The page with every card in every state."""
    gallery = Gallery()
    await gallery.start(port)
    _announce(f"Open {gallery.url}/ to see every card and form in every state. Ctrl-C ends it.")
    try:
        await asyncio.Event().wait()
    finally:
        await gallery.stop()


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _announce(line: str) -> None:
    print(line, flush=True)
