"""Faults by annotation and by the loopback endpoint, the request log, the state for a live view."""

import asyncio
import json

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from tests.sandbox_cluster.conftest import Json, kubevirt_path, migration

VMIMS = kubevirt_path("virtualmachineinstancemigrations")


async def fault(http: aiohttp.ClientSession, **asked: object) -> None:
    async with http.post("/sandbox/faults", json=asked) as response:
        assert response.status == 200, await response.text()


async def on_vm(http: aiohttp.ClientSession, **faults: str) -> None:
    await fault(
        http, annotate={"kind": "VirtualMachine", "namespace": "production", "name": "web-01", "faults": faults}
    )


async def migrate(sandbox: ClusterSandbox, http: aiohttp.ClientSession, seconds: float) -> Json:
    async with http.post(VMIMS, json=migration("m1", "web-01")) as response:
        assert response.status == 201
    await sandbox.advance(seconds)
    async with http.get(f"{VMIMS}/m1") as response:
        job: Json = await response.json()
        return job


@pytest.mark.parametrize("phase", ["Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running"])
async def test_a_migration_can_hang_in_any_phase(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession, phase: str
) -> None:
    await on_vm(http, hang=phase)
    assert (await migrate(sandbox, http, 60))["status"]["phase"] == phase


@pytest.mark.parametrize("phase", ["Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running"])
async def test_a_migration_can_fail_in_any_phase(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession, phase: str
) -> None:
    await on_vm(http, fail=f"{phase}: no luck")
    job = await migrate(sandbox, http, 30)
    phases = [e["phase"] for e in job["status"]["phaseTransitionTimestamps"]]
    assert phases[-2:] == [phase, "Failed"]
    async with http.get(kubevirt_path("virtualmachineinstances", "web-01")) as response:
        assert (await response.json())["status"]["nodeName"] == "worker-01"


async def test_a_slow_copy_takes_its_time(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    await on_vm(http, **{"copy-seconds": "100"})
    assert (await migrate(sandbox, http, 90))["status"]["phase"] == "Running"
    await sandbox.advance(20)
    async with http.get(f"{VMIMS}/m1") as response:
        assert (await response.json())["status"]["phase"] == "Succeeded"


async def test_a_target_pod_that_never_starts_fails_after_fifteen_minutes(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    await on_vm(http, **{"target-pod": "never-ready"})
    assert (await migrate(sandbox, http, 895))["status"]["phase"] == "Scheduling"
    await sandbox.advance(10)
    async with http.get(f"{VMIMS}/m1") as response:
        assert (await response.json())["status"]["phase"] == "Failed"


async def test_an_ignored_abort_lets_the_copy_succeed(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    await on_vm(http, abort="ignored")
    await migrate(sandbox, http, 5)
    await http.delete(f"{VMIMS}/m1")
    await sandbox.advance(10)
    async with http.get(kubevirt_path("virtualmachineinstances", "web-01")) as response:
        vmi = await response.json()
    assert vmi["status"]["nodeName"] != "worker-01"
    assert vmi["status"]["migrationState"]["abortRequested"] is True


async def test_a_guest_that_fails_to_start_crash_loops_and_recovers(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    base = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/web-01"
    await http.put(f"{base}/stop")
    await sandbox.advance(6)
    await on_vm(http, start="fail")
    await http.put(f"{base}/start")
    await sandbox.advance(8)
    async with http.get(kubevirt_path("virtualmachines", "web-01")) as response:
        assert (await response.json())["status"]["printableStatus"] == "CrashLoopBackOff"
    await fault(
        http,
        annotate={"kind": "VirtualMachine", "namespace": "production", "name": "web-01", "faults": {"start": None}},
    )
    await sandbox.advance(40)
    async with http.get(kubevirt_path("virtualmachines", "web-01")) as response:
        assert (await response.json())["status"]["printableStatus"] == "Running"


async def test_admission_can_refuse_with_any_words(http: aiohttp.ClientSession) -> None:
    await on_vm(http, **{"refuse-migration": "not today"})
    async with http.post(VMIMS, json=migration("m1", "web-01")) as response:
        assert response.status == 400
        assert (await response.json())["message"].endswith("denied the request: not today")


async def test_the_next_answers_can_be_chosen(http: aiohttp.ClientSession) -> None:
    await fault(http, next=[429, 503, "reset"])
    assert [(await http.get("/api/v1/nodes")).status for _ in range(2)] == [429, 503]
    with pytest.raises(aiohttp.ClientError):
        await http.post(VMIMS, json=migration("m1", "web-01"))
    assert (await http.get("/api/v1/nodes")).status == 200


async def test_without_virt_api_writes_fail_and_reads_work(http: aiohttp.ClientSession) -> None:
    await fault(http, virtApiDown=True)
    async with http.post(VMIMS, json=migration("m1", "web-01")) as response:
        assert response.status == 500
        assert "failed calling webhook" in (await response.json())["message"]
    assert (await http.get(kubevirt_path("virtualmachines"))).status == 200
    await fault(http, clear=True)
    assert (await http.post(VMIMS, json=migration("m1", "web-01"))).status == 201


async def test_an_expired_watch_is_an_error_event_on_an_ok_answer(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    async with http.get(VMIMS, params={"watch": "1", "resourceVersion": str(sandbox.store.version)}) as response:
        await fault(http, expireWatches=True)
        event = json.loads(await response.content.readline())
        assert response.status == 200
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
        assert await response.content.readline() == b""
    async with http.get(VMIMS, params={"watch": "1", "resourceVersion": "1001"}) as response:
        assert json.loads(await response.content.readline())["object"]["reason"] == "Expired"


async def test_a_cut_watch_breaks_off(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    async with http.get(VMIMS, params={"watch": "1", "resourceVersion": str(sandbox.store.version)}) as response:
        await fault(http, cutWatches=True)
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(response.content.read(), 5)


async def test_the_api_comes_back_after_its_outage(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    await fault(http, downSeconds=30)
    with pytest.raises(aiohttp.ClientError):
        await http.post(VMIMS, json=migration("m1", "web-01"))
    async with http.post("/sandbox/clock", json={"advance": 31}) as response:
        assert response.status == 200
    assert (await http.get("/api/v1/nodes")).status == 200


async def test_the_request_log_counts_reads(http: aiohttp.ClientSession) -> None:
    await http.delete("/sandbox/requests")
    await http.get("/api/v1/nodes", params={"limit": "500"}, headers={"User-Agent": "bot/1"})
    async with http.get("/sandbox/requests") as response:
        (entry,) = await response.json()
    assert (entry["verb"], entry["path"], entry["query"]) == ("list", "/api/v1/nodes", {"limit": "500"})
    assert (entry["user_agent"], entry["in_flight"]) == ("bot/1", 1)


async def test_the_state_shows_nodes_vms_and_migrations(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    await migrate(sandbox, http, 4)
    async with http.get("/sandbox/state") as response:
        state = await response.json()
    assert [m["phase"] for m in state["migrations"]] == ["Running"]
    assert "production/web-01" in next(n for n in state["nodes"] if n["name"] == "worker-01")["vms"]
    assert {"name": "web-01", "status": "Migrating"}.items() <= next(
        v for v in state["vms"] if v["name"] == "web-01"
    ).items()


async def test_unknown_faults_are_refused_with_the_list_of_known_ones(http: aiohttp.ClientSession) -> None:
    async with http.post("/sandbox/faults", json={"explode": True}) as response:
        assert response.status == 400
        assert "latency" in (await response.json())["error"]


async def test_a_running_clock_moves_with_real_time(http: aiohttp.ClientSession, sandbox: ClusterSandbox) -> None:
    before = sandbox.clock.now
    sandbox.speed = 1000.0
    async with http.post(VMIMS, json=migration("m1", "web-01")) as response:
        assert response.status == 201
    async with asyncio.timeout(10):
        while True:
            async with http.get(f"{VMIMS}/m1") as response:
                if (await response.json()).get("status", {}).get("phase") == "Succeeded":
                    break
    assert sandbox.clock.now > before + 8
