"""The bot is killed without warning at every step of a move, for every run strategy, over the wire.

Each story lets the bot come to one line of a plan's log and kills it there (SIGKILL), starts it again, and looks at the
cluster and the screen at the end: the VM runs on its target, it was moved once, and the card says so.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox.play.transcript import buttons_of, text_of
from bot.sandbox.stage import Stage

pytestmark = pytest.mark.stories

SPEED = 4.0
WITHIN = 110.0
"""Real seconds for a move to end; a create that may still arrive is waited for, which takes 75 of them."""

LOOK_EVERY = 0.01

LEAVE_WITHIN = 10.0
"""Real seconds from SIGTERM to the end of the process."""


class Scene:
    """A stage and the hands on it."""

    def __init__(self, stage: Stage, http: aiohttp.ClientSession, database: Path) -> None:
        self.stage = stage
        self._http = http
        self._database = database

    async def screen(self) -> list[dict[str, Any]]:
        async with self._http.get(f"{self.stage.slack.url}/sandbox/state", params={"user": "dana"}) as answer:
            state = await answer.json()
        room = next(room["id"] for room in state["channels"] if room["name"] == "ops")
        return list(state["messages"][room])

    async def do(self, deed: str, **body: Any) -> None:
        url = f"{self.stage.slack.url}/sandbox/{deed}"
        async with self._http.post(url, json={"channel": "#ops", **body}) as answer:
            said = await answer.json()
            assert said["ok"], said

    async def vmi(self, namespace: str, name: str) -> dict[str, Any]:
        path = f"/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachineinstances/{name}"
        async with self._http.get(f"{self.stage.cluster.url}{path}") as answer:
            return dict(await answer.json())

    async def migrations(self, namespace: str) -> int:
        path = f"/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachineinstancemigrations"
        async with self._http.get(f"{self.stage.cluster.url}{path}") as answer:
            return len((await answer.json())["items"])

    async def slow(self, seconds: float) -> None:
        """Let each request to the cluster take so long."""
        async with self._http.post(f"{self.stage.cluster.url}/sandbox/faults", json={"latency": seconds}) as answer:
            assert answer.status == 200

    async def writes(self, name: str) -> int:
        """How many writes to this VM the cluster has got."""
        async with self._http.get(f"{self.stage.cluster.url}/sandbox/requests") as answer:
            asked = await answer.json()
        return len(
            [
                each
                for each in asked
                if each["verb"] in ("patch", "update") and f"/virtualmachines/{name}" in each["path"]
            ]
        )

    async def written(self, name: str, count: int) -> bool:
        """Wait for so many writes; False when the move has ended without."""
        async with asyncio.timeout(WITHIN):
            while await self.writes(name) < count:
                if {"succeeded", "failed"} & set(self.log()):
                    return False
                await asyncio.sleep(LOOK_EVERY)
        return True

    def log(self) -> list[str]:
        """Kinds of the lines in the bot's log, read beside it."""
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True) as database:
            return [kind for (kind,) in database.execute("select kind from log order by seq")]

    async def card(self) -> dict[str, Any]:
        """The plan's card, once it stands."""
        return await self.seen(lambda message: _is_root(message) and "Move plan" in text_of(message))

    async def seen(self, fits: Any) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN):
            while True:
                if found := next((message for message in await self.screen() if fits(message)), None):
                    return found
                await asyncio.sleep(LOOK_EVERY)

    async def logged(self, kind: str) -> None:
        async with asyncio.timeout(WITHIN):
            while True:
                if kind in self.log():
                    return
                await asyncio.sleep(LOOK_EVERY)


def _is_root(message: dict[str, Any]) -> bool:
    return bool(message.get("thread_ts", message["ts"]) == message["ts"])


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    async with (
        Stage(folder, speed=SPEED, print_line=lambda _: None) as stage,
        aiohttp.ClientSession() as http,
    ):
        await stage.start_bot()
        yield Scene(stage, http, folder / "bot.db")


WRITES = {"Always": 2, "Manual": 4, "RerunOnFailure": 3, "Once": 2, "running": 2}
"""That a cold move makes at least: two patches, and for two strategies the calls that stop and start. The patch that
brings RerunOnFailure back may start it by itself (recorded: cold-rerunonfailure)."""


MOST_KILLS = 8
"""Each owner of a run writes its own number into the note, so a write may be killed more than once."""


async def confirm(story: Scene, command: str) -> None:
    await story.do("say", user="dana", text=command)
    card = await story.card()
    button = buttons_of(card)["Confirm"]
    await story.do("click", user="ravi", message_ts=card["ts"], action_id=button["action_id"])


async def ended(story: Scene) -> None:
    """The card says that it is done, and stands once; the report stands once."""
    await story.seen(lambda message: "*Done.*" in text_of(message))
    screen = await story.screen()
    assert len([message for message in screen if _is_root(message)]) == 1
    await story.seen(lambda message: "succeeded" in text_of(message))


@pytest.mark.parametrize("moment", ["confirmed", "creating", "created", "phase", "succeeded"])
async def test_a_live_move_survives_a_kill(tmp_path: Path, moment: str) -> None:
    async with scene(tmp_path) as story:
        await confirm(story, "/vm-migrate web-01 worker-05")
        await story.logged(moment)
        await story.stage.kill_bot()
        await story.stage.start_bot()
        await ended(story)
        vmi = await story.vmi("production", "web-01")
        assert (vmi["status"]["nodeName"], vmi["status"]["phase"]) == ("worker-05", "Running")
        assert await story.migrations("production") == 1


@pytest.mark.parametrize("moment", ["confirmed", "creating", "phase"])
async def test_a_bot_that_is_told_to_leave_finishes_its_write_and_leaves_within_ten_seconds(
    tmp_path: Path, moment: str
) -> None:
    async with scene(tmp_path) as story:
        await confirm(story, "/vm-migrate web-01 worker-05")
        await story.logged("confirmed")
        await story.slow(2.0)  # so that it is told in the middle of the write
        await story.logged(moment)
        begun = time.monotonic()
        await story.stage.stop_bot()
        assert time.monotonic() - begun < LEAVE_WITHIN
        assert ("creating" in story.log()) == ("created" in story.log())
        await story.slow(0.0)
        await story.stage.start_bot()
        await ended(story)
        assert await story.migrations("production") == 1


VMS = {
    "Always": ("production", "app-vm"),
    "Manual": ("vms", "manual-01"),
    "RerunOnFailure": ("vms", "rerun-01"),
    "Once": ("vms", "once-01"),
    "running": ("dev", "dev-01"),
}


@pytest.mark.parametrize("strategy", VMS)
async def test_a_cold_move_survives_kill_after_kill(tmp_path: Path, strategy: str) -> None:
    """One story for a strategy, killed at each of its steps."""
    namespace, name = VMS[strategy]
    async with scene(tmp_path) as story:
        await confirm(story, f"/vm-migrate {namespace}/{name} worker-04 --cold")
        for moment in ("confirmed", "stopping", "gone", "starting", "up", "succeeded"):
            await story.logged(moment)
            await story.stage.kill_bot()
            await story.stage.start_bot()
        await ended(story)
        vmi = await story.vmi(namespace, name)
        assert (vmi["status"]["nodeName"], vmi["status"]["phase"]) == ("worker-04", "Running")
        assert await story.migrations(namespace) == 0


@pytest.mark.parametrize("strategy", VMS)
async def test_a_cold_move_survives_a_kill_after_every_single_write(tmp_path: Path, strategy: str) -> None:
    """Each write that the cluster has got is followed by a kill, whether the bot has heard of it or not."""
    namespace, name = VMS[strategy]
    async with scene(tmp_path) as story:
        await confirm(story, f"/vm-migrate {namespace}/{name} worker-04 --cold")
        seen = kills = 0
        while kills < MOST_KILLS and await story.written(name, seen + 1):
            await story.stage.kill_bot()
            seen, kills = await story.writes(name), kills + 1
            await story.stage.start_bot()
        await ended(story)
        assert kills >= WRITES[strategy]
        vmi = await story.vmi(namespace, name)
        assert (vmi["status"]["nodeName"], vmi["status"]["phase"]) == ("worker-04", "Running")
