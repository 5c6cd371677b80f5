"""Many moves at once, followed by one bot: what it needs between events, and how fast it has them again after a kill.

The moves are begun by the bot's own service and executor in this process, without Slack, which would take two messages
a second; then the bot takes them over as after a restart. The cluster lets few migrations run at once, as KubeVirt
does, and the rest wait; with its clock stopped nothing happens, and what the bot still does is what following costs.
"""

import asyncio
import os
import secrets
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import aiohttp
from sqlalchemy import update

from bot.audit import JsonLines
from bot.authority import Authority
from bot.executor import Executor, Limits
from bot.policyfile import Rules
from bot.record import Place
from bot.request import MoveRequest
from bot.service import Service
from bot.store import SqlLeases, SqlStore, open_engine
from bot.store.schema import plans
from bot.throttle import Most, Throttle
from bot.wiring import SystemClock
from k8s.client import KubeCluster
from tests.bench import big_cluster, calls
from tests.bench.rounds import Figure
from tests.facts import DANA, RAVI, Acquaintances
from tests.stories.processes import OPS, Command, Ground, until

FOLLOWED, KILLED, KILLS = 500, 100, 4
HOURS = timedelta(hours=3)
AT_ONCE = 8
BUILT_WITHIN, OWNED_WITHIN, EXPLAINED_WITHIN = 300.0, 120.0, 180.0
WINDOW = 10.0
"""Seconds in which is measured."""

TICK = os.sysconf("SC_CLK_TCK")
MOST_MB, MOST_CORE, MOST_CONNECTIONS, MOST_CALLS, MOST_SECONDS = 200.0, 25.0, 16.0, 3.0, 5.0
"""Connections and calls are to be constant: some for each kind of object, however many moves."""


class Silent:
    """Implements `bot.ports.Notifier` where nobody looks."""

    def changed(self, plan_id: str) -> None:
        """Nothing is shown."""


async def measure(place: Ground, tokens: Mapping[str, str]) -> list[Figure]:
    """Kill with some in flight; then follow many."""
    database = place.folder / "crowd.db"
    settings = {**place.settings(tokens), "VM_MIGRATE_LIVE_LIMIT_MINUTES": "180"}
    settings["VM_MIGRATE_DATABASE_URL"] = f"sqlite+aiosqlite:///{database}"
    async with many_vms(place, FOLLOWED) as api:
        await begin(place, range(KILLED), database)
        found = [await _recovery(place, settings, database), await _extra(api)]
        await begin(place, range(KILLED, FOLLOWED), database)
        bot = await place.bot(settings)
        await _owned(database, FOLLOWED, 2)
        found += await _cost(bot, api, database)
        await bot.kill()
    return found


async def _cost(bot: Command, api: aiohttp.ClientSession, database: Path) -> list[Figure]:
    await _explained(database)
    memory, core, sockets, asked = [], [], [], []
    for _ in range(3):
        await calls.forget(api)
        spent = _cpu_seconds(bot)
        await asyncio.sleep(WINDOW)
        core.append(100 * (_cpu_seconds(bot) - spent) / WINDOW)
        asked.append(float(await calls.count(api)))
        memory.append(_resident_mb(bot))
        sockets.append(float(_sockets(bot)))
    what = f"{FOLLOWED} moves followed"
    return [
        Figure(f"{what}, memory", "MB", tuple(memory), MOST_MB),
        Figure(f"{what}, CPU between events", "% of a core", tuple(core), MOST_CORE),
        Figure(f"{what}, open connections", "", tuple(sockets), MOST_CONNECTIONS),
        Figure(f"{what}, API calls between events", f"in {WINDOW:.0f} s", tuple(asked), MOST_CALLS),
    ]


async def _recovery(place: Ground, settings: Mapping[str, str], database: Path) -> Figure:
    took = []
    for owner in range(2, 2 + KILLS):
        started = perf_counter()
        bot = await place.bot(settings)
        await _owned(database, KILLED, owner)
        took.append(perf_counter() - started)
        await bot.kill()
    return Figure(f"kill -9 with {KILLED} moves, start to all taken up", "s", tuple(took[1:]), MOST_SECONDS)


@asynccontextmanager
async def many_vms(place: Ground, vms: int) -> AsyncIterator[aiohttp.ClientSession]:
    """A cluster with so many, whose time stands."""
    program = [sys.executable, "-m", big_cluster.__name__, str(vms), str(place.kubeconfig)]
    command = await place.program(program, {})
    address = (await command.until(big_cluster.READY, BUILT_WITHIN)).removeprefix(big_cluster.READY)
    async with aiohttp.ClientSession(address) as api:
        yield api
    await command.kill()


async def begin(place: Ground, numbers: range, database: Path, *, shown: bool = True) -> None:
    """Have these VMs migrating, in a store that knows of it; `shown` says that nothing is to be sent about them."""
    engine, lock = await open_engine(f"sqlite+aiosqlite:///{database}")
    clock, leases = SystemClock(), SqlLeases(engine, "bench")
    await leases.join()
    store, kube = SqlStore(engine, clock), await KubeCluster.connect(str(place.kubeconfig))
    authority = Authority(Rules(), Acquaintances(), JsonLines("", clock))
    executor = Executor(
        store=store,
        cluster=kube,
        notifier=Silent(),
        clock=clock,
        limits=Limits(HOURS, HOURS, HOURS, HOURS),
        authority=authority,
        leases=leases,
    )
    service = _service(store, kube, clock, executor, authority)
    await asyncio.gather(*(_confirm(service, numbers[first::AT_ONCE]) for first in range(AT_ONCE)))

    async def created() -> bool | None:
        return all(each.runs[0].intent and each.runs[0].intent.uid for each in await store.open_plans()) or None

    await until(created, BUILT_WITHIN, "not all migrations were created")
    await executor.close()
    async with engine.begin() as connection:
        await connection.execute(update(plans).values(shown_version=plans.c.version if shown else 0))
    await kube.close()
    await engine.dispose()
    assert lock is not None
    lock.release()


def _service(
    store: SqlStore, kube: KubeCluster, clock: SystemClock, executor: Executor, authority: Authority
) -> Service:
    return Service(
        store=store,
        cluster=kube,
        notifier=Silent(),
        clock=clock,
        valid_for=HOURS,
        remind_after=HOURS,
        live_limit=HOURS,
        late_start=HOURS,
        audit_channel="",
        new_id=lambda _: secrets.token_hex(4),
        runner=executor,
        authority=authority,
        throttle=Throttle(Most(10**6, 10**6, 10**6)),
    )


async def _confirm(service: Service, numbers: range) -> None:
    for number in numbers:
        request = MoveRequest(
            vm=big_cluster.name(number), namespace=big_cluster.NAMESPACE, target=big_cluster.target(number)
        )
        made = await service.propose(request, DANA, Place(channel=OPS))
        await service.confirm(made.id, made.revision, RAVI)


async def _owned(database: Path, moves: int, epoch: int) -> None:
    """Wait until all runs have their owner of that number."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as beside:

        async def look() -> bool | None:
            found = beside.execute("select count(*) from leases where epoch >= ?", (epoch,)).fetchone()[0]
            return found >= moves or None

        await until(look, OWNED_WITHIN, "not all runs were taken up")


async def _explained(database: Path) -> None:
    """Wait until of every move it is known why it waits: the bot asks the cluster once it has waited for a while."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as beside:

        async def look() -> bool | None:
            found = beside.execute("select count(distinct plan_id) from log where kind = 'held up'").fetchone()[0]
            return found >= FOLLOWED or None

        await until(look, EXPLAINED_WITHIN, "it is not said of all moves why they wait")


async def _extra(api: aiohttp.ClientSession) -> Figure:
    path = f"/apis/kubevirt.io/v1/namespaces/{big_cluster.NAMESPACE}/virtualmachineinstancemigrations"
    async with api.get(path) as answer:
        extra = float(len((await answer.json())["items"]) - KILLED)
    return Figure(f"migrations too many after a kill with {KILLED} moves", "", (extra,), 0)


def _resident_mb(bot: Command) -> float:
    status = Path(f"/proc/{bot.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _cpu_seconds(bot: Command) -> float:
    spent = Path(f"/proc/{bot.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(spent[11]) + int(spent[12])) / TICK


def _sockets(bot: Command) -> int:
    return sum(1 for fd in Path(f"/proc/{bot.process.pid}/fd").iterdir() if str(fd.readlink()).startswith("socket:"))
