"""Everything but Slack, in one process: the real client over HTTP, a cluster whose time a test moves."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import pytest
import yaml

from bot.audit import JsonLines
from bot.authority import Authority
from bot.executor import Executor, Limits
from bot.policyfile import Rules
from bot.record import Record
from bot.request import MoveRequest
from bot.review import Reviews
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.stage import BOT_USER
from bot.service import Service
from bot.store import SqlLeases, SqlStore, close_engine, open_engine
from bot.throttle import Most, Throttle
from bot.timetable import Timetable
from k8s.client import KubeCluster
from k8s.client.timing import RealTime
from k8s.snapshots import Migration, Ref
from tests.clocks import Numbers, StandingClock
from tests.facts import DANA, OPS, RAVI, Acquaintances

if TYPE_CHECKING:
    from bot.metrics import Metrics

ROLES = Path(__file__).parents[2] / "manifests" / "base" / "clusterrole.yaml"

T = TypeVar("T")

LOOKS = 10
"""At most, at the plan between two steps of time, so that what the step caused reaches the bot."""
ALIKE = 3
"""Looks that show the same before the next step: nothing is on its way any more."""

VALID = timedelta(minutes=30)
LIMITS = Limits(
    plan_valid=VALID,
    approved_valid=timedelta(minutes=10),
    live=timedelta(minutes=10),
    start_answer=timedelta(minutes=5),
)


class Hasty(RealTime):
    """Waits between two tries of the client are cut short; how long they are is its own tests' business."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


class Changes:
    """Implements `bot.ports.Notifier`: remembers what was to be shown."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def changed(self, plan_id: str) -> None:
        self.seen.append(plan_id)


class App:
    """The application, and the hands of a test on its clock and cluster."""

    def __init__(
        self,
        sandbox: ClusterSandbox,
        cluster: KubeCluster,
        store: SqlStore,
        leases: SqlLeases,
        clock: StandingClock,
        audit: Path,
    ) -> None:
        self._audit = audit
        self.sandbox = sandbox
        self.cluster = cluster
        self.store = store
        self.leases = leases
        self.clock = clock
        self.changes = Changes()
        self.people = Acquaintances()
        self.rules = Rules()
        self.authority = Authority(self.rules, self.people, JsonLines(str(audit), clock))
        self.executor = Executor(
            store=store,
            cluster=cluster,
            notifier=self.changes,
            clock=clock,
            limits=LIMITS,
            authority=self.authority,
            leases=leases,
        )
        self.reviews = Reviews(store, self.changes, leases)
        self.timetable = Timetable(
            store=store,
            cluster=cluster,
            notifier=self.changes,
            runner=self.executor,
            authority=self.authority,
            leases=leases,
        )
        self.service = Service(
            store=store,
            cluster=cluster,
            notifier=self.changes,
            clock=clock,
            valid_for=VALID,
            remind_after=timedelta(hours=24),
            live_limit=LIMITS.live,
            late_start=timedelta(minutes=15),
            audit_channel="C0AUDIT",
            new_id=Numbers(),
            runner=self.executor,
            authority=self.authority,
            throttle=Throttle(Most()),
        )

    async def plan(self, plan_id: str = "p1") -> Record:
        found = await self.store.get(plan_id)
        assert found is not None
        return found

    def audited(self, *fields: str) -> list[tuple[Any, ...]]:
        """These fields of each line of the audit, oldest first."""
        lines = map(json.loads, self._audit.read_text().splitlines())  # a test's own file
        return [tuple(line[field] for field in fields) for line in lines]

    async def fault(self, **faults: object) -> None:
        """Ask the simulated cluster for trouble, see `bot.sandbox.cluster.admin`."""
        await self.call("POST", "/sandbox/faults", faults)

    async def trouble(self, **annotations: str | None) -> None:
        """Trouble with web-01, see `bot.sandbox.cluster.faults`."""
        named = {name.replace("_", "-"): text for name, text in annotations.items()}
        target = {"kind": "VirtualMachine", "namespace": "production", "name": "web-01", "faults": named}
        await self.fault(annotate=target)

    async def call(self, verb: str, path: str, body: object = None) -> Any:
        """A call to the cluster's API as an admin makes it."""
        kind = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        headers = {"Content-Type": kind, "Accept": "application/json, */*"}
        async with (
            aiohttp.ClientSession() as http,
            http.request(verb, f"{self.sandbox.url}{path}", json=body, headers=headers) as answer,
        ):
            assert answer.status < 400, await answer.text()
            return await answer.json(content_type=None)

    async def cordon(self, node: str) -> None:
        """Let the node take no new pods."""
        await self.call("PATCH", f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})

    async def begin(self) -> None:
        """Plan and confirm the move of web-01 to worker-05."""
        await self.service.propose(MoveRequest(vm="web-01", target="worker-05"), DANA, OPS)
        await self.service.confirm("p1", 1, RAVI)

    async def created(self) -> None:
        """Wait until the VMIM is created, without letting the cluster's time pass."""
        for _ in range(1000):
            if await self.migrations():
                return
            await asyncio.sleep(0.002)
        raise AssertionError("no migration was created")

    async def phase(self, name: str) -> None:
        """Wait until the bot has noted that phase."""
        await self.until(lambda plan: name in [phase.name for phase in plan.runs[0].phases])

    async def migrations(self) -> tuple[Migration, ...]:
        """VMIMs of web-01."""
        return await self.cluster.migrations(Ref("production", "web-01"))

    async def meanwhile(self, doing: Coroutine[Any, Any, T]) -> T:
        """Let the cluster's time pass while something waits for it."""
        task = asyncio.ensure_future(doing)
        while not task.done():
            await self.sandbox.advance(0.05)
            await asyncio.wait({task}, timeout=0.005)
        return await task

    async def until(
        self, holds: Callable[[Record], bool], plan_id: str = "p1", *, seconds: float = 60, step: float = 0.5
    ) -> Record:
        """Let the cluster's time and the bot's pass, and the sweeps run, until it holds of the plan."""
        for _ in range(int(seconds / step)):
            async for current in self._looks(plan_id):
                if holds(current):
                    return current
            await self.sandbox.advance(step)
            await self.executor.sweep(self.clock.advance(step))
        raise AssertionError(f"{seconds} s passed: {current.state} {current.runs} {await self.store.log(plan_id)}")

    async def _looks(self, plan_id: str) -> AsyncIterator[Record]:
        """The plan, until neither it nor the cluster changes any more."""
        seen: list[tuple[Record, tuple[int, int]]] = []
        for _ in range(LOOKS):
            current = await self.plan(plan_id)
            yield current
            seen = [*seen[1 - ALIKE :], (current, self.sandbox.activity)]
            if len(seen) == ALIKE and all(look == seen[0] for look in seen):
                return
            await asyncio.sleep(0.001)


@asynccontextmanager
async def opened(
    folder: Path,
    sandbox: ClusterSandbox,
    clock: StandingClock,
    metrics: "Metrics | None" = None,
    *,
    url: str = "",
    replica: str = "only",
) -> AsyncIterator[App]:
    """The application on a cluster, with a file of its own or the database of that URL; leaving it is an orderly
    stop."""
    kubeconfig = folder / "kubeconfig"
    sandbox.write_kubeconfig(kubeconfig, BOT_USER)
    engine, lock = await open_engine(url or f"sqlite+aiosqlite:///{folder / 'bot.db'}")
    called = metrics.cluster_called if metrics else None
    cluster = await KubeCluster.connect(str(kubeconfig), timing=Hasty(), called=called)
    leases = SqlLeases(engine, replica)
    await leases.join()
    app = App(
        sandbox, cluster, SqlStore(engine, clock, [metrics] if metrics else []), leases, clock, folder / "audit.jsonl"
    )
    try:
        yield app
    finally:
        await app.executor.close()
        await leases.leave()
        await cluster.close()
        await close_engine(engine)
        if lock:
            lock.release()


@pytest.fixture
async def sandbox() -> AsyncIterator[ClusterSandbox]:
    """A cluster that lets the bot do what manifests/ allow, and tells when it wanted more."""
    running = ClusterSandbox(rbac=True, hands=True)
    running.grant(BOT_USER, yaml.safe_load_all(ROLES.read_text()))
    await running.start()
    yield running
    await running.stop()
    assert running.wanted(BOT_USER, allowed=False) == frozenset()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def app(tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock) -> AsyncIterator[App]:
    async with opened(tmp_path, sandbox, clock) as running:
        yield running
