"""The official asynchronous client: reads, watches, dry run, patches, raw subresource calls."""

import asyncio

import pytest
from kubernetes import aio

from bot.sandbox.cluster import ClusterSandbox
from tests.sandbox_cluster.conftest import GROUP, Json, migration

VMIMS = "virtualmachineinstancemigrations"


async def until_watched(sandbox: ClusterSandbox) -> None:
    while not sandbox._server.watches:  # noqa: ASYNC110 - the client offers no event to wait for
        await asyncio.sleep(0.01)


async def test_parallel_reads(client: aio.client.ApiClient) -> None:
    custom, core = aio.client.CustomObjectsApi(client), aio.client.CoreV1Api(client)
    vm, vmi, nodes, pods = await asyncio.gather(
        custom.get_namespaced_custom_object(*GROUP, "production", "virtualmachines", "web-01"),
        custom.get_namespaced_custom_object(*GROUP, "production", "virtualmachineinstances", "web-01"),
        core.list_node(),
        core.list_pod_for_all_namespaces(field_selector="spec.nodeName=worker-01", label_selector="kubevirt.io"),
    )
    assert vm["status"]["printableStatus"] == "Running"
    assert vmi["status"]["nodeName"] == "worker-01"
    assert len(nodes.items) == 9
    assert {p.spec.node_name for p in pods.items} == {"worker-01"}


async def test_a_strict_dry_run_stores_nothing(client: aio.client.ApiClient) -> None:
    custom = aio.client.CustomObjectsApi(client)
    answer = await custom.create_namespaced_custom_object(
        *GROUP, "production", VMIMS, migration("m1", "web-01", "worker-05"), dry_run="All", field_validation="Strict"
    )
    assert answer["spec"]["addedNodeSelector"] == {"kubernetes.io/hostname": "worker-05"}
    assert "resourceVersion" not in answer["metadata"]
    with pytest.raises(aio.client.ApiException) as refused:
        await custom.get_namespaced_custom_object(*GROUP, "production", VMIMS, "m1")
    assert refused.value.status == 404


async def test_a_watch_of_one_object_ends_with_its_deletion(
    sandbox: ClusterSandbox, client: aio.client.ApiClient
) -> None:
    custom = aio.client.CustomObjectsApi(client)
    await custom.create_namespaced_custom_object(*GROUP, "production", VMIMS, migration("m1", "web-01"))
    seen: list[tuple[str, str]] = []

    async def follow() -> None:
        async with aio.watch.Watch() as watch:
            stream = watch.stream(
                custom.list_namespaced_custom_object, *GROUP, "production", VMIMS, field_selector="metadata.name=m1"
            )
            async for event in stream:
                seen.append((event["type"], event["object"].get("status", {}).get("phase", "")))
                if event["type"] == "DELETED":
                    return

    following = asyncio.create_task(follow())
    async with asyncio.timeout(5):
        await until_watched(sandbox)
    await sandbox.advance(4)
    await custom.delete_namespaced_custom_object(*GROUP, "production", VMIMS, "m1")
    await sandbox.advance(1)
    await asyncio.wait_for(following, 5)
    assert seen[0] == ("ADDED", "")
    assert ("MODIFIED", "Running") in seen
    assert seen[-1] == ("DELETED", "Failed")


async def test_merge_and_json_patch(client: aio.client.ApiClient) -> None:
    custom = aio.client.CustomObjectsApi(client)
    where = (*GROUP, "production", "virtualmachines", "web-01")
    patched = await custom.patch_namespaced_custom_object(*where, {"metadata": {"annotations": {"a": "1"}}})
    assert patched["metadata"]["annotations"]["a"] == "1"
    lock = [
        {"op": "test", "path": "/metadata/annotations/lock", "value": None},
        {"op": "add", "path": "/metadata/annotations/lock", "value": "mine"},
    ]
    kind = {"_content_type": "application/json-patch+json"}
    assert (await custom.patch_namespaced_custom_object(*where, lock, **kind))["metadata"]["annotations"][
        "lock"
    ] == "mine"
    with pytest.raises(aio.client.ApiException) as refused:
        await custom.patch_namespaced_custom_object(*where, lock, **kind)
    assert refused.value.status == 422


@pytest.mark.parametrize(("accept", "status"), [("application/json", 406), ("application/json, */*", 202)])
async def test_a_subresource_put_wants_any_content_type(client: aio.client.ApiClient, accept: str, status: int) -> None:
    path = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/web-01/stop"
    parameters = await client.param_serialize("PUT", path, header_params={"Accept": accept})
    answer = await client.call_api(*parameters)
    assert answer.status == status


async def test_pages_hold_everything_once(client: aio.client.ApiClient) -> None:
    custom = aio.client.CustomObjectsApi(client)
    names: list[str] = []
    position = ""
    while True:
        page: Json = await custom.list_cluster_custom_object(
            *GROUP, "virtualmachines", limit=7, **({"_continue": position} if position else {})
        )
        names += [f"{i['metadata']['namespace']}/{i['metadata']['name']}" for i in page["items"]]
        position = page["metadata"]["continue"]
        if not position:
            break
    assert len(names) == len(set(names)) == 25
