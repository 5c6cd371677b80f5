"""What a running bot tells operators over HTTP: that it lives, what works, what it has counted."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot import metrics as metrics_module
from bot.listen import CannotListen
from bot.metrics import Metrics
from bot.operations import Operations
from bot.ports import StoreAway
from bot.request import MoveRequest
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.gallery import batch as batch_gallery
from bot.store import SqlStore
from k8s.client import KubeCluster
from k8s.cluster import Question
from tests.bot.conftest import App, opened
from tests.clocks import StandingClock
from tests.facts import DANA, OPS, RAVI, proposed

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


@pytest.fixture
def metrics(clock: StandingClock) -> Metrics:
    return Metrics(clock, "1.2.3")


async def fine() -> bool:
    return True


async def broken() -> bool:
    raise OSError("https://10.0.0.1:6443 with a token")


async def get(pages: Operations, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{pages.port}{path}") as answer:
        return answer.status, await answer.text()


@asynccontextmanager
async def serving(app: App, metrics: Metrics, **parts: object) -> AsyncIterator[Operations]:
    proofs = {name: fine if works else broken for name, works in parts.items()}
    async with Operations("127.0.0.1:0", proofs, metrics, app.store) as pages:
        yield pages


def samples(text: str) -> dict[tuple[str, str], float]:
    return {(name, labels): float(value) for name, labels, value in SAMPLE.findall(text)}


async def test_a_bot_of_which_every_part_works_is_ready(app: App, metrics: Metrics) -> None:
    async with serving(app, metrics, slack=True, store=True) as pages:
        assert await get(pages, "/healthz") == (200, "ok\n")
        assert await get(pages, "/readyz") == (200, "ok   slack\nok   store\n")


async def test_a_part_that_fails_is_named_without_its_words_and_the_bot_still_lives(app: App, metrics: Metrics) -> None:
    async with serving(app, metrics, slack=True, cluster=False) as pages:
        assert await get(pages, "/readyz") == (503, "ok   slack\nFAIL cluster\n")
        assert (await get(pages, "/healthz"))[0] == 200
        found = samples((await get(pages, "/metrics"))[1])
    assert found["vm_migrate_ready", 'part="cluster"'] == 0
    assert found["vm_migrate_ready", 'part="slack"'] == 1


async def test_metrics_are_told_as_far_as_they_are_known_while_the_database_is_away(app: App, metrics: Metrics) -> None:
    await app.service.propose(MoveRequest(vm="web-01", target="worker-05"), DANA, OPS)
    metrics.slack_called("chat.update", "ok")
    async with serving(app, metrics, slack=True, store=False) as pages:
        assert "vm_migrate_open_plans{" in (await get(pages, "/metrics"))[1]
        async with away(app.store):
            status, text = await get(pages, "/metrics")
        found = samples(text)
        assert status == 200
        assert found["vm_migrate_ready", 'part="store"'] == 0
        assert found["vm_migrate_slack_calls_total", 'method="chat.update",result="ok"'] == 1
        assert not [name for name, _ in found if name.startswith("vm_migrate_open_")]
        assert "vm_migrate_open_plans{" in (await get(pages, "/metrics"))[1]


def test_moves_of_a_paused_batch_are_open_moves(metrics: Metrics) -> None:
    found = samples(metrics.render([batch_gallery.batch_paused_by_somebody()], {}).decode())
    assert found["vm_migrate_open_moves", 'state="running"'] == 1
    assert found["vm_migrate_open_moves", 'state="waiting"'] == 1


def test_what_another_bot_shows_is_not_waited_for_without_end(metrics: Metrics, clock: StandingClock) -> None:
    metrics.changed(None, proposed())
    clock.advance(metrics_module.LONGEST_LAG.total_seconds() + 1)
    metrics.shown("p1")
    metrics.changed(None, proposed().model_copy(update={"id": "p3"}))
    clock.advance(metrics_module.LONGEST_LAG.total_seconds() + 1)
    metrics.changed(None, proposed().model_copy(update={"id": "p3"}))
    metrics.changed(None, proposed().model_copy(update={"id": "p2"}))
    clock.advance(2)
    metrics.shown("p2")
    found = samples(metrics.render((), {}).decode())
    assert found["vm_migrate_phase_lag_seconds_count", ""] == 1
    assert found["vm_migrate_phase_lag_seconds_sum", ""] == 2


async def test_an_address_that_is_taken_is_named(app: App, metrics: Metrics) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        with pytest.raises(CannotListen, match=re.escape(taken)):
            await Operations(taken, {}, metrics, app.store).__aenter__()


async def test_a_move_is_counted_from_its_plan_to_its_end(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, metrics: Metrics
) -> None:
    async with opened(tmp_path, sandbox, clock, metrics) as app:
        await app.service.propose(MoveRequest(vm="web-01", target="worker-05"), DANA, OPS)
        async with serving(app, metrics) as pages:
            waiting = samples((await get(pages, "/metrics"))[1])
            await app.service.confirm("p1", 1, RAVI)
            await app.until(lambda plan: not plan.open)
            clock.advance(1.5)
            await app.store.shown("p1", 99)
            text = (await get(pages, "/metrics"))[1]
    assert waiting["vm_migrate_open_plans", 'state="proposed"'] == 1
    found = samples(text)
    assert found["vm_migrate_open_plans", 'state="proposed"'] == 0
    for state in ("proposed", "approved", "running", "succeeded"):
        assert found["vm_migrate_plans_total", f'state="{state}"'] == 1
    assert found["vm_migrate_moves_total", 'result="succeeded",type="live"'] == 1
    assert found["vm_migrate_move_seconds_count", 'result="succeeded",type="live"'] == 1
    assert found["vm_migrate_phase_lag_seconds_count", ""] == 1
    assert found["vm_migrate_phase_lag_seconds_sum", ""] > 1.5
    created = 'code="ok",resource="virtualmachineinstancemigrations",verb="create"'
    assert found["vm_migrate_cluster_calls_total", created] >= 1
    assert found["vm_migrate_cluster_calls_total", 'code="ok",resource="virtualmachineinstances",verb="watch"'] >= 1
    assert found["vm_migrate_bot_info", 'version="1.2.3"'] == 1
    assert "web-01" not in text
    assert "worker-05" not in text


async def test_a_cold_move_is_counted_with_its_downtime(
    tmp_path: Path, sandbox: ClusterSandbox, clock: StandingClock, metrics: Metrics
) -> None:
    async with opened(tmp_path, sandbox, clock, metrics) as app:
        await app.service.propose(MoveRequest(vm="app-vm", target="worker-05"), DANA, OPS)
        await app.service.confirm("p1", 1, RAVI)
        await app.until(lambda plan: plan.runs[0].result is not None)
    found = samples(metrics.render((), {}).decode())
    assert found["vm_migrate_moves_total", 'result="succeeded",type="cold"'] == 1
    assert found["vm_migrate_downtime_seconds_count", ""] == 1
    assert found["vm_migrate_downtime_seconds_sum", ""] > 0


async def test_calls_that_fail_are_counted_by_what_the_server_said(
    tmp_path: Path, sandbox: ClusterSandbox, metrics: Metrics
) -> None:
    sandbox.write_kubeconfig(tmp_path / "config")
    cluster = await KubeCluster.connect(str(tmp_path / "config"), called=metrics.cluster_called)
    with pytest.raises(Exception, match="not found"):
        await cluster.facts(Question("no-such-vm", "production", None))
    await sandbox.stop()
    with pytest.raises(Exception, match="cannot be reached"):
        await cluster.nodes()
    await cluster.close()
    found = samples(metrics.render((), {}).decode())
    assert found["vm_migrate_cluster_calls_total", 'code="404",resource="virtualmachines",verb="get"'] == 1
    assert found["vm_migrate_cluster_calls_total", 'code="none",resource="nodes",verb="get"'] == 1


async def test_a_store_that_cannot_be_written_is_found_and_a_good_one_is_left_as_it_was(app: App) -> None:
    await app.store.prove_writable()
    assert await app.store.holder("(probe)") is None
    await read_only(app.store, "ON")
    with pytest.raises(StoreAway, match="readonly"):
        await app.store.prove_writable()
    await read_only(app.store, "OFF")
    await app.store.prove_writable()


@asynccontextmanager
async def away(store: SqlStore) -> AsyncIterator[None]:
    """A table that is read at each scrape is not there."""
    async with store._engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE plans RENAME TO elsewhere")
    yield
    async with store._engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO plans")


async def read_only(store: SqlStore, on: str) -> None:
    """Past SQLAlchemy, which would begin a transaction for writing first."""
    async with store._engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute(f"PRAGMA query_only={on}")
