"""The life of a VMIM: phases and fields in the recorded order, its ends, its limits."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.resources import VMIM
from bot.sandbox.cluster.store import Change
from tests.sandbox_cluster.conftest import Json, kubevirt_path, migration

VMIMS = kubevirt_path("virtualmachineinstancemigrations")
PHASES = ["Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running", "Succeeded"]


async def events_of(response: aiohttp.ClientResponse, until: str) -> list[Json]:
    """The watch events up to the first of that type."""
    found: list[Json] = []
    async for line in response.content:
        found.append(json.loads(line))
        if found[-1]["type"] == until:
            break
    return found


@asynccontextmanager
async def watching(http: aiohttp.ClientSession, path: str, **params: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with http.get(path, params={"watch": "true", **params}) as response:
        assert response.status == 200
        yield response


async def get(http: aiohttp.ClientSession, path: str) -> Json:
    async with http.get(path) as response:
        body: Json = await response.json()
        return body


async def create(http: aiohttp.ClientSession, body: Json) -> Json:
    async with http.post(VMIMS, json=body) as response:
        assert response.status == 201, await response.text()
        created: Json = await response.json()
        return created


def phases(job: Json) -> list[str]:
    return [entry["phase"] for entry in job["status"]["phaseTransitionTimestamps"]]


async def test_a_new_vmim_has_label_and_finalizer_but_no_status(http: aiohttp.ClientSession) -> None:
    created = await create(http, migration("m1", "web-01"))
    assert created["metadata"]["labels"] == {"kubevirt.io/vmi-name": "web-01"}
    assert created["metadata"]["finalizers"] == ["kubevirt.io/migrationJobFinalize"]
    assert "status" not in created


async def test_a_targeted_move_passes_every_phase_and_lands_on_the_node(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    await create(http, migration("m1", "web-01", "worker-05"))
    await sandbox.advance(12)
    job = await get(http, f"{VMIMS}/m1")
    assert phases(job) == PHASES
    assert "finalizers" not in job["metadata"]
    vmi = await get(http, kubevirt_path("virtualmachineinstances", "web-01"))
    assert vmi["status"]["nodeName"] == "worker-05"
    assert job["status"]["migrationState"]["migrationUid"] == job["metadata"]["uid"]


async def test_a_watcher_sees_the_end_as_three_events(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    await create(http, migration("m1", "web-01"))
    async with watching(http, VMIMS, resourceVersion=str(sandbox.store.version)) as response:
        await sandbox.advance(12)
        await http.delete(f"{VMIMS}/m1")
        seen = [
            e["object"] for e in await asyncio.wait_for(events_of(response, "DELETED"), 10) if e["type"] == "MODIFIED"
        ]
    last = [o for o in seen if o.get("status", {}).get("phase") == "Succeeded"]
    assert len(last) == 3
    assert "completed" not in last[0]["status"]["migrationState"]
    assert last[1]["status"]["migrationState"]["completed"] is True
    assert "finalizers" in last[1]["metadata"]
    assert "finalizers" not in last[2]["metadata"]


async def test_the_node_changes_before_the_vmim_succeeds(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    await create(http, migration("m1", "web-01", "worker-05"))
    order: list[str] = []

    def note(change: Change) -> None:
        obj = change.obj
        moved = obj["kind"] == "VirtualMachineInstance" and obj["status"].get("nodeName") == "worker-05"
        order.append("moved" if moved else obj.get("status", {}).get("phase", ""))

    sandbox.store.subscribe(note)
    await sandbox.advance(12)
    assert order.index("moved") < order.index("Succeeded")


async def test_the_vm_says_migrating_only_while_the_copy_runs(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    await create(http, migration("m1", "web-01"))
    path = kubevirt_path("virtualmachines", "web-01")
    await sandbox.advance(1.5)
    assert (await get(http, path))["status"]["printableStatus"] == "Running"
    await sandbox.advance(3)
    assert (await get(http, path))["status"]["printableStatus"] == "Migrating"
    await sandbox.advance(8)
    assert (await get(http, path))["status"]["printableStatus"] == "Running"


async def test_ready_drops_for_a_moment_after_the_move(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    await create(http, migration("m1", "web-01"))
    reasons: list[str] = []

    def note(change: Change) -> None:
        obj = change.obj
        if obj["kind"] == "VirtualMachine":
            reasons.extend(c.get("reason", "") for c in obj["status"]["conditions"] if c["type"] == "Ready")

    sandbox.store.subscribe(note)
    await sandbox.advance(12)
    assert "ReadinessGatesNotReady" in reasons
    assert reasons[-1] == ""


async def test_a_cancel_while_scheduling_fails_and_removes_the_vmim_at_once(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    await create(http, migration("m1", "web-01"))
    await sandbox.advance(0.5)
    async with watching(http, VMIMS, resourceVersion=str(sandbox.store.version)) as response:
        async with http.delete(f"{VMIMS}/m1") as deleted:
            assert deleted.status == 200
        await sandbox.advance(0.3)
        seen = await asyncio.wait_for(events_of(response, "DELETED"), 5)
    assert [e["object"]["status"]["phase"] for e in seen] == ["Scheduling", "Failed", "Failed"]
    assert [c["type"] for c in seen[-1]["object"]["status"]["conditions"]] == ["migrationAbortRequested"]


async def test_a_cancel_while_running_aborts_on_the_source(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    await create(http, migration("m1", "web-01"))
    await sandbox.advance(5)
    async with http.delete(f"{VMIMS}/m1") as deleted:
        assert (await deleted.json())["status"]["phase"] == "Running"
    await sandbox.advance(1)
    vmi = await get(http, kubevirt_path("virtualmachineinstances", "web-01"))
    state = vmi["status"]["migrationState"]
    assert (state["abortRequested"], state["abortStatus"], state["failed"]) == (True, "Succeeded", True)
    assert state["failureReason"] == "Live migration has been aborted"
    assert vmi["status"]["nodeName"] == "worker-01"
    assert (await get(http, f"{VMIMS}/m1"))["code"] == 404


async def test_an_unschedulable_target_fails_after_five_minutes_without_a_reason(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    await create(http, migration("m1", "web-01", "worker-06"))
    await sandbox.advance(299)
    assert (await get(http, f"{VMIMS}/m1"))["status"]["phase"] == "Scheduling"
    await sandbox.advance(3)
    job = await get(http, f"{VMIMS}/m1")
    assert phases(job) == ["Pending", "Scheduling", "Failed"]
    assert list(job["status"]["migrationState"]) == ["sourcePod"]
    assert "conditions" not in job["status"]


async def test_the_sixth_of_six_migrations_waits_in_pending_without_a_word(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    movable = {"vms": ["cache-01", "evict-01", "win-01"], "production": ["web-01", "web-02", "web-03"]}
    for namespace, names in movable.items():
        for name in names:
            path = kubevirt_path("virtualmachineinstancemigrations", namespace=namespace)
            async with http.post(path, json=migration(f"m-{name}", name, namespace=namespace)) as response:
                assert response.status == 201
    await sandbox.advance(3)
    listed = await get(http, "/apis/kubevirt.io/v1/virtualmachineinstancemigrations")
    found = {i["metadata"]["name"]: i["status"] for i in listed["items"]}
    waiting = [s for s in found.values() if s["phase"] == "Pending"]
    assert len(waiting) == 1
    assert "conditions" not in waiting[0]
    await sandbox.advance(30)
    listed = await get(http, "/apis/kubevirt.io/v1/virtualmachineinstancemigrations")
    assert {i["status"]["phase"] for i in listed["items"]} == {"Succeeded"}


async def test_only_five_finished_vmims_are_kept(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    for number in range(7):
        await create(http, migration(f"m{number}", "web-01"))
        await sandbox.advance(15)
    listed = await get(http, VMIMS)
    assert [i["metadata"]["name"] for i in listed["items"]] == ["m2", "m3", "m4", "m5", "m6"]


async def test_stopping_a_vm_takes_all_its_vmims_along(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    await create(http, migration("m1", "web-01"))
    await sandbox.advance(15)
    path = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/web-01/stop"
    async with http.put(path) as response:
        assert response.status == 202
    await sandbox.advance(5)
    assert (await get(http, VMIMS))["items"] == []


async def test_a_migration_without_its_target_pod_fails_and_the_guest_stays(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    await create(http, migration("m1", "web-01"))
    await sandbox.advance(4)
    pods = await get(http, "/api/v1/namespaces/production/pods?labelSelector=kubevirt.io/migrationJobUID")
    target = pods["items"][0]["metadata"]["name"]
    async with http.delete(f"/api/v1/namespaces/production/pods/{target}?gracePeriodSeconds=0") as response:
        assert response.status == 200
    await sandbox.advance(2)
    assert (await get(http, f"{VMIMS}/m1"))["status"]["phase"] == "Failed"
    vmi = await get(http, kubevirt_path("virtualmachineinstances", "web-01"))
    assert vmi["status"]["migrationState"]["failureReason"] == "Target pod is down"
    assert (vmi["status"]["phase"], vmi["status"]["nodeName"]) == ("Running", "worker-01")
    vm = await get(http, kubevirt_path("virtualmachines", "web-01"))
    assert vm["status"]["printableStatus"] == "Running"


async def test_of_two_simultaneous_jobs_the_second_fails(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    """The webhook looks at a list; a job that slipped past it loses (sourced: kubevirt migration.go)."""
    await create(http, migration("m1", "web-01"))
    second = migration("m2", "web-01")
    second["metadata"] |= {
        "labels": {"kubevirt.io/vmi-name": "web-01"},
        "finalizers": ["kubevirt.io/migrationJobFinalize"],
    }
    await sandbox.advance(0.05)
    sandbox.store.create(VMIM, second)
    await sandbox.advance(12)
    assert (await get(http, f"{VMIMS}/m2"))["status"]["phase"] == "Failed"
    assert (await get(http, f"{VMIMS}/m1"))["status"]["phase"] == "Succeeded"
