"""The composition root: settings in, a running bot out. It holds no decision about moves.

Start: open the store (which also makes sure that no other bot owns it), prove the tokens, connect, take up what an
earlier process left, begin the sweeps. Stop, on SIGTERM or SIGINT: take no more from Slack, finish the write under
way, let go. A plan that was not finished is taken up by the next start. A connection to Slack that does not come back
ends the process, so that its supervisor starts a fresh one.
"""

import asyncio
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from pydantic import SecretStr

from bot.audit import JsonLines
from bot.authority import Authority
from bot.executor import Executor, Limits
from bot.jobs import Jobs
from bot.listen import CannotListen
from bot.orphans import Orphans
from bot.policyfile import BadPolicy, Rules
from bot.ports import Clock, StoreAway, Watching
from bot.review import Reviews
from bot.service import Service
from bot.settings import Settings
from bot.store import BadDatabase, DatabaseInUse, DatabaseTooNew, SqlLeases, SqlStore, close_engine, open_engine
from bot.throttle import Most, Throttle
from bot.timetable import Timetable
from bot.transitions import Narrator
from handlers.desk import Desk
from handlers.groups import Groups
from handlers.identity import Access, Identity, Installation
from handlers.notifier import SlackNotifier
from handlers.register import make_app, register
from handlers.requesturl import RequestUrl
from handlers.socket import Connection, ConnectionLost, SlackRefused, installation
from handlers.tasks import Tasks
from handlers.webclient import make_client
from k8s import rights
from k8s.client import KubeCluster
from k8s.errors import Unauthorized
from k8s.names import OUR_PREFIX

if TYPE_CHECKING:
    from bot.metrics import Metrics

log = logging.getLogger(__name__)

PLAN_ID_BYTES = 4
"""Random bytes in a plan's id: short enough to read aloud; the store refuses the same one twice."""

WATCH_EVERY = 5.0
"""Seconds between two looks at the connection to Slack."""

LEAVE_WITHIN = 9.0
"""Seconds for an orderly end; supervisors kill after ten or more."""

REPLICA_NAME = 40
"""Characters of the machine's name in that of a replica."""

PATIENCE = 4.0
"""Seconds for writes under way at the end, and for messages after them."""


class CannotStart(Exception):
    """A word to the operator; no stack trace is needed to understand it."""


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """This moment."""
        return datetime.now(UTC)


class Parts(NamedTuple):
    """A bot put together, not yet connected."""

    connection: Connection | RequestUrl
    executor: Executor
    notifier: SlackNotifier
    tasks: Tasks
    rules: Rules
    timetable: Timetable
    reviews: Reviews


async def run(settings: Settings, announce: Callable[[str], None]) -> int:
    """Serve until stopped; the exit code. `announce` gets one line once the bot takes commands."""
    stop = asyncio.Event()
    with stop_signals(stop.set):
        serving = asyncio.create_task(_run(settings, announce, stop))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await asyncio.wait({serving}, timeout=LEAVE_WITHIN)
        stopping.cancel()
        if not serving.done():  # it was still being connected: nothing has begun that would have to be finished
            serving.cancel()
            await asyncio.wait({serving})
            return 0
        return serving.result()


async def _run(settings: Settings, announce: Callable[[str], None], stop: asyncio.Event) -> int:
    clock = SystemClock()
    metrics = _metrics(settings, clock)
    watching: list[Watching] = [Narrator(), *([metrics] if metrics else [])]
    async with (
        opened_store(settings, clock, watching) as (store, leases),
        _connected_cluster(settings, metrics) as kube,
        AsyncExitStack() as pages,
    ):
        parts = await assemble(settings, store, leases, kube, clock, metrics)
        if metrics:
            await pages.enter_async_context(_operations(settings, parts.connection, store, kube, metrics))
        executor = parts.executor
        waits = [parts.timetable.sweep, parts.reviews.sweep, Orphans(store, kube, leases).sweep]
        sweeps = [executor.keep, *waits, executor.sweep, parts.notifier.sweep, parts.rules.sweep]
        jobs = Jobs(clock, sweeps)
        await _connect(parts.connection)
        await parts.executor.resume()
        jobs.start()
        announce("vm-migrate-bot is connected and serving")
        try:
            return await _serve(parts.connection, clock, stop)
        finally:
            await jobs.stop()
            await _close(parts)


async def assemble(
    settings: Settings,
    store: SqlStore,
    leases: SqlLeases,
    kube: KubeCluster,
    clock: Clock,
    metrics: "Metrics | None" = None,
) -> Parts:
    """Put the bot together. Raises CannotStart when Slack does not accept the bot's token."""
    try:
        called = metrics.slack_called if metrics else None
        client = make_client(secret("SLACK_BOT_TOKEN", settings.slack_bot_token), settings.slack_api_url, called)
        app_token, signing_secret = proof_of_origin(settings)
        installed: Installation = await installation(client)
    except (ValueError, SlackRefused) as refused:
        raise CannotStart(str(refused)) from refused
    notifier = SlackNotifier(client, store, clock, installed, leases)
    limits = Limits(settings.plan_valid, settings.approved_valid, settings.live_limit, settings.start_answer)
    rules = _rules(settings)
    access = Access(settings.allow_guests, settings.allow_shared_channels)
    groups = Groups(client, clock)
    identity = Identity(client, clock, installed, access=access, groups=groups, named=lambda: rules.current.groups)
    authority = Authority(rules, identity, JsonLines(settings.audit, clock))
    executor = Executor(
        store=store,
        cluster=kube,
        notifier=notifier,
        clock=clock,
        limits=limits,
        authority=authority,
        leases=leases,
    )
    service = _service(settings, store, kube, notifier, clock, executor, authority)
    tasks = Tasks()
    app = make_app(client, installed, signing_secret or None)
    register(app, Desk(service, notifier, identity, tasks, client), installed)
    connection = RequestUrl(app, settings.slack_listen) if signing_secret else Connection(app, app_token)
    timetable = Timetable(
        store=store, cluster=kube, notifier=notifier, runner=executor, authority=authority, leases=leases
    )
    return Parts(connection, executor, notifier, tasks, rules, timetable, Reviews(store, notifier, leases))


def _service(
    settings: Settings,
    store: SqlStore,
    kube: KubeCluster,
    notifier: SlackNotifier,
    clock: Clock,
    executor: Executor,
    authority: Authority,
) -> Service:
    return Service(
        store=store,
        cluster=kube,
        notifier=notifier,
        clock=clock,
        valid_for=settings.plan_valid,
        remind_after=settings.pin_reminder,
        live_limit=settings.live_limit,
        late_start=settings.late_start,
        audit_channel=settings.audit_channel,
        new_id=lambda delivery: (delivery or secrets.token_hex(PLAN_ID_BYTES))[: 2 * PLAN_ID_BYTES],
        runner=executor,
        authority=authority,
        namespaces=settings.namespace_by_channel,
        throttle=Throttle(
            Most(settings.requests_per_minute, settings.channel_requests_per_minute, settings.open_plans)
        ),
    )


def proof_of_origin(settings: Settings) -> tuple[str, str]:
    """App token and signing secret: the one that this way of taking payloads needs. Raises CannotStart without it."""
    if settings.slack_listen:
        return "", secret("SLACK_SIGNING_SECRET", settings.slack_signing_secret)
    return secret("SLACK_APP_TOKEN", settings.slack_app_token), ""


@asynccontextmanager
async def cluster(settings: Settings, metrics: "Metrics | None" = None) -> AsyncIterator[KubeCluster]:
    """The cluster that the settings name. Raises k8s.errors.Unauthorized without usable credentials."""
    connected = await KubeCluster.connect(
        settings.kubeconfig,
        namespaces=settings.namespace_names,
        called=metrics.cluster_called if metrics else None,
    )
    try:
        yield connected
    finally:
        await connected.close()


@contextmanager
def stop_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` on SIGTERM and SIGINT, for as long as the context lasts."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _rules(settings: Settings) -> Rules:
    try:
        return Rules(settings.policy_file)
    except BadPolicy as bad:
        raise CannotStart(str(bad)) from bad


@asynccontextmanager
async def opened_store(
    settings: Settings, clock: Clock, watching: Sequence[Watching] = ()
) -> AsyncIterator[tuple[SqlStore, SqlLeases]]:
    """The store with its tables up to date, and this process's share in its runs. Raises CannotStart."""
    try:
        engine, lock = await open_engine(settings.database_url)
    except (BadDatabase, DatabaseInUse, DatabaseTooNew) as reason:
        raise CannotStart(str(reason)) from reason
    replica = f"{socket.gethostname()[:REPLICA_NAME]}-{secrets.token_hex(4)}"
    leases = SqlLeases(engine, replica)
    try:
        await leases.join()
        yield SqlStore(engine, clock, watching, "" if leases.alone else replica), leases
    finally:
        with suppress(StoreAway):  # then the others wait until the leases have ended
            await leases.leave()
        await close_engine(engine)
        if lock:
            lock.release()


@asynccontextmanager
async def _connected_cluster(settings: Settings, metrics: "Metrics | None") -> AsyncIterator[KubeCluster]:
    try:
        async with cluster(settings, metrics) as kube:
            yield kube
    except Unauthorized as reason:
        raise CannotStart(f"no usable credentials for the cluster: {reason.message}") from reason


def _metrics(settings: Settings, clock: Clock) -> "Metrics | None":
    """Only where somebody reads them: the library takes a tenth of a second to load."""
    if not settings.operations_listen:
        return None
    from bot.metrics import Metrics  # noqa: PLC0415

    return Metrics(clock, version(OUR_PREFIX))


@asynccontextmanager
async def _operations(
    settings: Settings, connection: Connection | RequestUrl, store: SqlStore, kube: KubeCluster, metrics: "Metrics"
) -> AsyncIterator[None]:
    from bot.operations import Operations  # noqa: PLC0415

    async def stores() -> bool:
        await store.prove_writable()
        return True

    async def answers() -> bool:
        # Any authenticated caller may ask it, so it fails where the API server is away or refuses our credentials.
        await kube.access(*rights.NEEDED[0])
        return True

    parts = {"slack": connection.connected, "store": stores, "cluster": answers}
    try:
        async with Operations(settings.operations_listen, parts, metrics, store) as pages:
            log.info("/healthz, /readyz and /metrics are on port %s", pages.port)
            yield
    except CannotListen as taken:
        raise CannotStart(f"VM_MIGRATE_OPERATIONS_LISTEN: {taken}") from taken


async def _connect(connection: Connection | RequestUrl) -> None:
    try:
        await connection.connect()
    except SlackRefused as refused:
        raise CannotStart(str(refused)) from refused
    except CannotListen as taken:
        raise CannotStart(f"VM_MIGRATE_SLACK_LISTEN: {taken}") from taken


async def _serve(connection: Connection | RequestUrl, clock: Clock, stop: asyncio.Event) -> int:
    """Look after the connection until told to stop."""
    while not stop.is_set():
        try:
            await connection.watch(clock.now())
        except ConnectionLost as lost:
            log.error("%s; ending, so that a fresh process can take over", lost)
            return 1
        try:
            async with asyncio.timeout(WATCH_EVERY):
                await stop.wait()
        except TimeoutError:
            continue
    return 0


async def _close(parts: Parts) -> None:
    await parts.connection.close()
    await parts.executor.close(PATIENCE)
    try:
        async with asyncio.timeout(PATIENCE):
            await parts.tasks.drain()
            await parts.notifier.drain()
    except TimeoutError:
        log.warning("some messages were not sent; they will be after the next start")


def secret(name: str, value: SecretStr) -> str:
    """A secret that has to be there. Raises CannotStart."""
    if not value.get_secret_value():
        raise CannotStart(f"{name} is not set")
    return value.get_secret_value()
