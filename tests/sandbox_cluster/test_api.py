"""Verbs and forms of the API that no recording shows: preconditions, collections, status writes, partial objects."""

import json

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from tests.sandbox_cluster.conftest import Json, kubevirt_path, migration

VMIMS = kubevirt_path("virtualmachineinstancemigrations")
VM = kubevirt_path("virtualmachines", "web-01")
QUOTAS = "/api/v1/namespaces/vms/resourcequotas"


async def get(http: aiohttp.ClientSession, path: str, accept: str = "application/json", **params: str) -> Json:
    async with http.get(path, params=params, headers={"Accept": accept}) as response:
        body: Json = await response.json()
        return body


async def test_a_put_with_a_stale_version_is_a_conflict(http: aiohttp.ClientSession) -> None:
    first = await get(http, VM)
    changed = first | {"metadata": first["metadata"] | {"labels": {"a": "1"}}}
    async with http.put(VM, json=changed) as response:
        assert response.status == 200
    async with http.put(VM, json=first) as response:
        assert (response.status, (await response.json())["reason"]) == (409, "Conflict")


async def test_a_put_does_not_write_the_status_and_a_status_put_nothing_else(http: aiohttp.ClientSession) -> None:
    vm = await get(http, VM)
    forged = vm | {"status": {"printableStatus": "Forged"}, "spec": vm["spec"] | {"runStrategy": "Manual"}}
    async with http.put(VM, json=forged) as response:
        answer = await response.json()
    assert (answer["spec"]["runStrategy"], answer["status"]["printableStatus"]) == ("Manual", "Running")
    forged = answer | {"status": {"printableStatus": "Forged"}, "spec": vm["spec"]}
    async with http.put(f"{VM}/status", json=forged) as response:
        answer = await response.json()
    assert (answer["spec"]["runStrategy"], answer["status"]["printableStatus"]) == ("Manual", "Forged")


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
async def test_a_delete_with_a_failed_precondition_is_a_conflict(http: aiohttp.ClientSession, field: str) -> None:
    async with http.delete(VM, json={"preconditions": {field: "other"}}) as response:
        assert response.status == 409
    assert "deletionTimestamp" not in (await get(http, VM))["metadata"]


async def test_a_collection_can_be_deleted_by_label(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        quota = {"metadata": {"name": name, "labels": {"app": label}}, "spec": {"hard": {"pods": "9"}}}
        assert (await http.post(QUOTAS, json=quota)).status == 201
    assert (await http.delete(QUOTAS, params={"labelSelector": "app=x"})).status == 200
    assert [q["metadata"]["name"] for q in (await get(http, QUOTAS))["items"]] == ["c"]


async def test_the_orphans_of_a_deleted_vm_stay(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    await http.patch(
        VM, json={"metadata": {"finalizers": None}}, headers={"Content-Type": "application/merge-patch+json"}
    )
    async with http.delete(VM, json={"propagationPolicy": "Orphan"}) as response:
        assert (await response.json())["status"] == "Success"
    await sandbox.advance(10)
    assert (await get(http, kubevirt_path("virtualmachineinstances", "web-01")))["status"]["phase"] == "Running"


async def test_a_quota_counts_what_runs(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"requests.memory": "100Gi", "pods": "50"}}}
    await http.post(QUOTAS, json=quota)
    await sandbox.advance(1)
    used = (await get(http, f"{QUOTAS}/q"))["status"]["used"]
    running = [
        p for p in (await get(http, "/api/v1/namespaces/vms/pods"))["items"] if p["status"]["phase"] == "Running"
    ]
    assert used["pods"] == str(len(running))


async def test_partial_objects_and_tables_on_request(http: aiohttp.ClientSession) -> None:
    partial = await get(http, VM, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
    assert set(partial) == {"kind", "apiVersion", "metadata"}
    listed = await get(http, "/api/v1/nodes", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
    assert listed["kind"] == "PartialObjectMetadataList"
    table = await get(http, "/api/v1/nodes", "application/json;as=Table;g=meta.k8s.io;v=v1,application/json")
    assert [c["name"] for c in table["columnDefinitions"]][:2] == ["Name", "Status"]


async def test_a_watch_list_ends_its_beginning_with_a_bookmark(http: aiohttp.ClientSession) -> None:
    params = {"watch": "1", "sendInitialEvents": "true", "allowWatchBookmarks": "true", "timeoutSeconds": "1"}
    async with http.get("/api/v1/nodes", params=params) as response:
        events = [json.loads(line) async for line in response.content]
    assert [e["type"] for e in events[:10]] == ["ADDED"] * 9 + ["BOOKMARK"]
    assert events[9]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert events[-1]["type"] == "BOOKMARK"


async def test_the_older_version_of_a_kind_is_served_too(http: aiohttp.ClientSession) -> None:
    body = await get(http, VM.replace("/v1/", "/v1alpha3/"))
    assert body["apiVersion"] == "kubevirt.io/v1alpha3"


async def test_field_and_label_selectors_narrow_a_list(http: aiohttp.ClientSession) -> None:
    pods = await get(
        http,
        "/api/v1/pods",
        fieldSelector="spec.nodeName=worker-01,status.phase!=Failed",
        labelSelector="kubevirt.io in (virt-launcher)",
    )
    assert {p["spec"]["nodeName"] for p in pods["items"]} == {"worker-01"}
    assert all(p["metadata"]["labels"]["kubevirt.io"] == "virt-launcher" for p in pods["items"])


async def test_events_are_found_by_the_object_they_are_about(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    await http.post(VMIMS, json=migration("m1", "web-01"))
    await sandbox.advance(12)
    selector = "involvedObject.kind=VirtualMachineInstanceMigration,involvedObject.name=m1"
    events = await get(http, "/api/v1/namespaces/production/events", fieldSelector=selector)
    assert {e["reason"] for e in events["items"]} == {"SuccessfulCreate", "SuccessfulHandOver", "SuccessfulMigration"}


async def test_two_vms_of_one_name_do_not_meet(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    path = kubevirt_path("virtualmachineinstancemigrations", namespace="vms")
    await http.post(path, json=migration("m1", "cache-01", namespace="vms"))
    await sandbox.advance(12)
    assert (await get(http, kubevirt_path("virtualmachineinstances", "cache-01", "vms")))["status"]["migrationState"]
    other = await get(http, kubevirt_path("virtualmachineinstances", "cache-01", "dev"))
    assert "migrationState" not in other["status"]


async def test_a_vm_with_a_long_name_runs_and_moves(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    name = "a-virtual-machine-with-a-rather-long-name-for-its-team-01"
    path = kubevirt_path("virtualmachineinstancemigrations", namespace="dev")
    async with http.post(path, json=migration("m1", name, namespace="dev")) as response:
        assert response.status == 201
    await sandbox.advance(12)
    assert (await get(http, f"{path}/m1"))["status"]["phase"] == "Succeeded"
