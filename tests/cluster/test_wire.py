"""One request: what is sent, and what becomes of every way to fail."""

import asyncio
from pathlib import Path

import pytest

from k8s.client import KubeCluster
from k8s.cluster import Cluster, Question
from k8s.errors import Forbidden, Invalid, NotFound, TooMany, Unauthorized, Unreachable
from k8s.snapshots import Ref
from tests.cluster.api import NODES, VMIS, VMS, Answer, Api, HandTime, load, merged, status

WEB = Ref("production", "web-01")


async def test_kube_cluster_is_a_cluster(cluster: KubeCluster) -> None:
    port: Cluster = cluster
    assert port.outage() is None


async def test_a_request_carries_the_token_and_our_name_and_no_proxy(api: Api, cluster: KubeCluster) -> None:
    assert await cluster.instance(WEB) is None
    (request,) = api.requests
    assert request.headers["Authorization"] == "Bearer secret-token"
    assert request.headers["User-Agent"].startswith("vm-migrate-bot/")


async def test_proxy_settings_of_the_environment_do_not_catch_loopback(
    api: Api, cluster: KubeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await cluster.instance(WEB) is None


async def test_a_vmi_is_read_and_parsed(api: Api, cluster: KubeCluster) -> None:
    api.put(VMIS, load("vmi-rwx-live-migratable"))
    vmi = await cluster.instance(WEB)
    assert vmi is not None
    assert vmi.node == "worker-01"


async def test_no_vmi_is_none_but_a_404_from_elsewhere_is_an_error(api: Api, cluster: KubeCluster) -> None:
    assert await cluster.instance(WEB) is None
    api.plan("GET", f"{VMIS}/web-01", Answer(404, "404 page not found"))
    with pytest.raises(Invalid):
        await cluster.instance(WEB)


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "%2e%2e"])
async def test_a_name_cannot_lead_to_another_path(api: Api, cluster: KubeCluster, name: str) -> None:
    with pytest.raises(Invalid, match="cannot be the name"):
        await cluster.instance(Ref("production", name))
    assert api.requests == []


async def test_nobody_listens(tmp_path: Path) -> None:
    api = Api()
    await api.start()
    config = api.kubeconfig(tmp_path)
    await api.stop()
    cluster = await KubeCluster.connect(config)
    with pytest.raises(Unreachable) as caught:
        await cluster.instance(WEB)
    assert "127.0.0.1" not in caught.value.message
    await cluster.close()


async def test_the_server_hangs_up(api: Api, cluster: KubeCluster) -> None:
    api.plan("GET", f"{VMIS}/web-01", *[Answer(0, cut=True)] * 2)
    with pytest.raises(Unreachable):
        await cluster.instance(WEB)


async def test_a_server_that_says_nothing_is_not_waited_for_for_ever(
    api: Api, cluster: KubeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8s.client.rest.READ_SECONDS", 0.05)
    api.waves.append({"never"})
    with pytest.raises(Unreachable, match="in time"):
        await cluster.instance(WEB)
    api.release()


@pytest.mark.parametrize("body", ["<html>", "[1]", '{"cut'])
async def test_an_answer_that_is_no_object_is_an_outage(api: Api, cluster: KubeCluster, body: str) -> None:
    api.plan("GET", f"{VMIS}/web-01", Answer(200, body))
    with pytest.raises(Unreachable):
        await cluster.instance(WEB)


async def test_429_has_the_servers_own_pause(api: Api, cluster: KubeCluster) -> None:
    busy = Answer(429, status(429, "storage is (re)initializing"), {"Retry-After": "4"})
    api.plan("GET", f"{VMIS}/web-01", busy)
    with pytest.raises(TooMany) as caught:
        await cluster.instance(WEB)
    assert caught.value.retry_after == 4.0


async def test_refused_credentials_are_loaded_again_once(
    api: Api, cluster: KubeCluster, timing: HandTime, tmp_path: Path
) -> None:
    timing.time += 60
    path = tmp_path / "kubeconfig"
    path.write_text(path.read_text().replace("secret-token", "fresh-token"))
    api.plan("GET", f"{VMIS}/web-01", Answer(401, status(401, "Unauthorized")))
    assert await cluster.instance(WEB) is None
    assert [r.headers["Authorization"] for r in api.requests] == ["Bearer secret-token", "Bearer fresh-token"]


async def test_credentials_that_stay_refused_are_an_error_and_are_not_loaded_each_time(
    api: Api, cluster: KubeCluster, timing: HandTime
) -> None:
    timing.time += 60
    api.plan("GET", f"{VMIS}/web-01", *[Answer(401, status(401, "Unauthorized"))] * 3)
    for _ in range(2):
        with pytest.raises(Unauthorized):
            await cluster.instance(WEB)
    assert len(api.requests) == 3


@pytest.mark.parametrize("content", [None, "", "{}", "clusters: [", "just text"])
async def test_a_kubeconfig_that_cannot_be_used_says_so_without_its_path(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Unauthorized) as caught:
        await KubeCluster.connect(str(path))
    assert str(tmp_path) not in caught.value.message


async def test_outside_of_a_pod_there_is_no_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Unauthorized, match="service account"):
        await KubeCluster.connect(None)


async def test_long_lists_come_in_pages(api: Api, cluster: KubeCluster) -> None:
    first = {"metadata": {"continue": "more"}, "items": [load("node")]}
    second = {"metadata": {}, "items": [merged(load("node"), {"metadata": {"name": "worker-02"}})]}
    api.plan("GET", NODES, Answer(200, first), Answer(200, second))
    assert [node.name for node in await cluster.nodes()] == ["worker-01", "worker-02"]
    assert [request.query.get("continue") for request in api.requests] == [None, "more"]
    assert all(int(request.query["limit"]) > 0 for request in api.requests)


async def test_names_are_asked_for_without_the_objects(api: Api, cluster: KubeCluster) -> None:
    api.put(VMS, load("vm-always"))
    assert await cluster.vm_names("production") == (Ref("production", "web-01"),)
    assert await cluster.vm_names(None) == (Ref("production", "web-01"),)
    assert all("PartialObjectMetadataList" in request.headers["Accept"] for request in api.requests)


async def test_namespaces_that_may_not_be_listed_are_no_error(api: Api, cluster: KubeCluster) -> None:
    denied = status(403, 'namespaces is forbidden: User "bot" cannot list resource "namespaces"', reason="Forbidden")
    api.plan("GET", "/api/v1/namespaces", Answer(403, denied))
    assert await cluster.namespaces() == ()


async def test_an_access_review_asks_for_exactly_that_right(api: Api, cluster: KubeCluster) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    api.plan("POST", path, Answer(201, {"status": {"allowed": True}}), Answer(201, {"status": {"allowed": False}}))
    assert await cluster.access(
        "update", "subresources.kubevirt.io", "virtualmachines", "start", namespace="production"
    )
    assert not await cluster.access("list", "", "nodes")
    assert [request.body["spec"]["resourceAttributes"] for request in api.requests] == [
        {
            "verb": "update",
            "group": "subresources.kubevirt.io",
            "resource": "virtualmachines",
            "subresource": "start",
            "namespace": "production",
        },
        {"verb": "list", "resource": "nodes"},
    ]


async def test_one_failing_call_of_several_is_raised_as_itself(api: Api, cluster: KubeCluster) -> None:
    denied = status(
        403, 'nodes "x" is forbidden: User "bot" cannot get resource "nodes" in API group ""', reason="Forbidden"
    )
    api.put(VMS, load("vm-always"))
    api.plan("GET", f"{NODES}/worker-05", Answer(403, denied))
    with pytest.raises(Forbidden):
        await cluster.facts(Question("web-01", "production", "worker-05"))


async def test_reads_do_not_wait_for_each_other(api: Api, cluster: KubeCluster) -> None:
    api.waves.append({"GET a", "GET b"})
    await asyncio.gather(cluster.instance(Ref("production", "a")), cluster.instance(Ref("production", "b")))


async def test_a_missing_node_is_named(cluster: KubeCluster, api: Api) -> None:
    api.put(VMS, load("vm-always"))
    with pytest.raises(NotFound) as caught:
        await cluster.facts(Question("web-01", "production", "worker-99"))
    assert (caught.value.kind, caught.value.name) == ("Node", "worker-99")
