"""Two bots as processes on one PostgreSQL: one is killed, stopped, cut off or replaced while moves are carried out."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import aiohttp
import pytest
from sqlalchemy.engine import make_url

from bot.store.leases import TERM
from tests.postgres import Postgres, needs_postgres
from tests.stories.processes import Command, Ground, Json, People, ground, people_of, until

pytestmark = [pytest.mark.stories, needs_postgres]

TAKE_OVER = 20.0
"""Seconds within which the other bot has finished, of which the lease is 15."""

VMS = "/apis/kubevirt.io/v1/namespaces/production"
LIVE = "/vm-migrate web-01 worker-05"
COLD = "/vm-migrate app-vm worker-04 --cold"
BATCH = "/vm-migrate web-01, web-02, app-vm to worker-05"
"""Two live moves and a cold one, one after the other."""


class Cable:
    """The way to the database, which can be cut: a socket that leads to the server's."""

    def __init__(self, server: Postgres, folder: Path) -> None:
        self.folder = folder
        self._far = str(server.folder / ".s.PGSQL.5432")
        self._near = folder / ".s.PGSQL.5432"
        self._ends: set[asyncio.StreamWriter] = set()
        self._listening: asyncio.Server | None = None

    async def plug_in(self) -> None:
        self._listening = await asyncio.start_unix_server(self._carry, self._near)

    async def cut(self) -> None:
        """Nothing goes through any more, and nothing new is accepted."""
        assert self._listening is not None
        self._listening.close()
        self._near.unlink(missing_ok=True)
        for end in self._ends:
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._far)
        self._ends |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer), return_exceptions=True)
        for end in (writer, far_writer):
            end.close()
            self._ends.discard(end)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


class Pair:
    """Two bots, the people, and what the database and the cluster say."""

    def __init__(self, place: Ground, people: People, api: aiohttp.ClientSession, server: Postgres, name: str) -> None:
        self.place = place
        self.people = people
        self._api = api
        self._server = server
        self._name = name
        self.bots: dict[str, Command] = {}
        """By the name that a bot has in the database."""
        self.settings: dict[str, str] = {}

    async def start(self, settings: dict[str, str]) -> str:
        """Start one more."""
        known = set(self._replicas())
        bot = await self.place.bot(settings)
        (name,) = set(self._replicas()) - known
        self.bots[name] = bot
        return name

    def _replicas(self) -> list[str]:
        there = self.sql("SELECT to_regclass('replicas') IS NOT NULL") == "t"
        return self.sql("SELECT id FROM replicas").splitlines() if there else []

    def sql(self, statement: str) -> str:
        return self._server.sql(statement, self._name)

    def log(self) -> list[str]:
        return self.sql("SELECT kind FROM log ORDER BY seq").splitlines()

    async def logged(self, kind: str, times: int = 1) -> None:
        async def look() -> bool | None:
            return self.log().count(kind) >= times or None

        await until(look, 60, f"{kind} is not in the log {times} times")

    async def replace(self, old: str) -> None:
        """As a rolling update does: one that serves comes before the old one leaves."""
        await self.start(self.settings)
        assert await self.bots.pop(old).stop() == 0

    def owner(self) -> str:
        """Of the one run."""
        return self.sql("SELECT replica FROM leases WHERE name NOT LIKE '@%'")

    async def confirmed(self, command: str) -> Json:
        """A plan that Ravi has confirmed: its card."""
        await self.people.say("dana", command)
        card = await self.people.sees("dana", "Confirm")
        await self.people.click("ravi", card, "Confirm")
        return card

    async def quiet(self) -> None:
        """Wait until all that has happened stands in the chat."""

        async def look() -> bool | None:
            return self.sql("SELECT count(*) FROM plans WHERE version != shown_version") == "0" or None

        await until(look, 30, "not everything is shown")

    async def written(self, vm: str) -> tuple[list[str], str, Json, Json]:
        """All that the bots have written about the one plan and its VM."""
        found = await self.read(f"{VMS}/virtualmachines/{vm}")
        version = self.sql("SELECT version FROM plans")
        return self.log(), version, found["spec"], found["metadata"].get("annotations", {})

    async def read(self, path: str) -> Json:
        async with self._api.get(path) as answer:
            found: Json = await answer.json()
            return found

    async def migrations(self) -> int:
        return len((await self.read(f"{VMS}/virtualmachineinstancemigrations"))["items"])

    async def node(self, vm: str) -> str:
        return str((await self.read(f"{VMS}/virtualmachineinstances/{vm}"))["status"]["nodeName"])


@asynccontextmanager
async def opened(folder: Path, server: Postgres, url: str, speed: int, first_url: str = "") -> AsyncIterator[Pair]:
    async with ground(folder) as place, aiohttp.ClientSession() as http:
        (_, tokens), (_, address) = await asyncio.gather(place.slack(), place.cluster(speed=speed))
        async with aiohttp.ClientSession(address) as api:
            pair = Pair(place, people_of(http, tokens), api, server, str(make_url(url).database))
            settings = {**place.settings(tokens)}
            await pair.start({**settings, "VM_MIGRATE_DATABASE_URL": first_url or url})
            pair.settings = {**settings, "VM_MIGRATE_DATABASE_URL": url}
            await pair.start(pair.settings)
            yield pair


async def test_the_owner_is_killed_and_the_other_finishes_within_seconds(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    async with opened(tmp_path, postgres, postgres_url, speed=2) as pair:
        card = await pair.confirmed(LIVE)
        await pair.logged("created")
        begun = monotonic()
        await pair.bots[pair.owner()].kill()
        await pair.people.sees("dana", "Move succeeded", "worker-05", thread=card, within=TAKE_OVER)
        assert monotonic() - begun < TAKE_OVER
        assert (await pair.node("web-01"), await pair.migrations()) == ("worker-05", 1)
        assert pair.log().count("created") == 1
        assert pair.log().count("succeeded") == 1


async def test_an_owner_that_was_stopped_past_its_lease_writes_nothing_when_it_wakes(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    async with opened(tmp_path, postgres, postgres_url, speed=2) as pair:
        card = await pair.confirmed(COLD)
        await pair.logged("stopping")
        owner = pair.bots[pair.owner()]
        owner.process.send_signal(signal.SIGSTOP)
        await pair.people.sees("dana", "succeeded", "worker-04", thread=card, within=TERM + 90)
        await pair.quiet()
        before = await pair.written("app-vm")
        owner.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(3)  # nothing is to happen, so there is nothing to wait for
        assert await pair.written("app-vm") == before
        assert pair.log().count("starting") == 1
        assert await pair.node("app-vm") == "worker-04"
        assert await owner.stop() == 0


async def test_an_owner_that_is_cut_from_the_database_is_followed_by_the_other(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a socket's path has 107 characters at most
        cable = Cable(postgres, Path(folder))
        await cable.plug_in()
        through = postgres_url.replace(str(postgres.folder), folder)
        try:
            async with opened(tmp_path, postgres, postgres_url, speed=2, first_url=through) as pair:
                await _cut(pair, cable)
        finally:
            await cable.cut()


async def _cut(pair: Pair, cable: Cable) -> None:
    first, second = pair.bots
    card = await pair.confirmed(LIVE)
    await pair.logged("created")
    was_first = pair.owner() == first
    await cable.cut()
    await pair.people.sees("dana", "Move succeeded", "worker-05", thread=card, within=TAKE_OVER + TERM)
    assert pair.log().count("created") == 1
    assert await pair.migrations() == 1
    assert not was_first or pair.sql(f"SELECT count(*) FROM leases WHERE replica = '{second}'") != "0"
    await cable.plug_in()
    assert [await bot.stop() for bot in pair.bots.values()] == [0, 0]


async def test_bots_are_replaced_one_by_one_in_the_middle_of_a_move(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    async with opened(tmp_path, postgres, postgres_url, speed=1) as pair:
        card = await pair.confirmed(LIVE)
        await pair.logged("created")
        for old in list(pair.bots):
            await pair.replace(old)
        await pair.people.sees("dana", "Move succeeded", "worker-05", thread=card, within=TAKE_OVER)
        assert (pair.log().count("created"), await pair.migrations()) == (1, 1)


async def test_bots_are_replaced_one_by_one_in_the_middle_of_a_batch(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    async with opened(tmp_path, postgres, postgres_url, speed=2) as pair:
        card = await pair.confirmed(BATCH)
        for times, old in enumerate(list(pair.bots), start=1):
            await pair.logged("created", times)
            await pair.replace(old)
        await pair.people.sees("dana", "Batch done", "3 of 3", thread=card, within=90)
        assert [await pair.node(vm) for vm in ("web-01", "web-02", "app-vm")] == ["worker-05"] * 3
        log = pair.log()
        assert [log.count(kind) for kind in ("created", "stopping", "starting")] == [2, 1, 1]
        assert (await pair.migrations(), log.count("succeeded")) == (2, 3)
