"""RBAC mode: tokens, roles, and the 401 and 403 of a real server."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from tests.sandbox_cluster.conftest import Json, kubevirt_path, migration

BOT = "system:serviceaccount:vms:bot"


@pytest.fixture
async def guarded() -> AsyncIterator[ClusterSandbox]:
    running = ClusterSandbox(rbac=True)
    await running.start()
    yield running
    await running.stop()


def session(sandbox: ClusterSandbox, user: str) -> aiohttp.ClientSession:
    token = sandbox.kubeconfig(user)["users"][0]["user"]["token"]
    return aiohttp.ClientSession(sandbox.url, headers={"Authorization": f"Bearer {token}"})


def binding(kind: str, name: str, role: str) -> Json:
    return {
        "metadata": {"name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "bot", "namespace": "vms"}],
        "roleRef": {"kind": kind, "name": role, "apiGroup": "rbac.authorization.k8s.io"},
    }


async def test_a_user_without_a_role_may_not_read_vms(guarded: ClusterSandbox) -> None:
    async with session(guarded, BOT) as http, http.get(kubevirt_path("virtualmachines", "web-01")) as response:
        assert response.status == 403
        assert (await response.json())["message"] == (
            'virtualmachines.kubevirt.io "web-01" is forbidden: User "system:serviceaccount:vms:bot" cannot get '
            'resource "virtualmachines" in API group "kubevirt.io" in the namespace "production"'
        )


async def test_an_unknown_token_is_401(guarded: ClusterSandbox) -> None:
    headers = {"Authorization": "Bearer nobody"}
    async with aiohttp.ClientSession(guarded.url, headers=headers) as http, http.get("/api/v1/nodes") as response:
        assert response.status == 401


async def test_a_role_binding_counts_in_its_namespace_only(guarded: ClusterSandbox) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/production/rolebindings"
    async with session(guarded, "kubernetes-admin") as admin:
        assert (await admin.post(path, json=binding("ClusterRole", "bot", "kubevirt.io:migrate"))).status == 201
    async with session(guarded, BOT) as http:
        vmims = kubevirt_path("virtualmachineinstancemigrations")
        assert (await http.post(vmims, json=migration("m1", "web-01"))).status == 201
        assert (await http.get(kubevirt_path("virtualmachineinstancemigrations", namespace="vms"))).status == 403
        assert (await http.get("/apis/kubevirt.io/v1/virtualmachineinstancemigrations")).status == 403


async def test_the_access_review_speaks_of_subresources_too(guarded: ClusterSandbox) -> None:
    rules = [{"apiGroups": ["subresources.kubevirt.io"], "resources": ["virtualmachines/stop"], "verbs": ["update"]}]
    async with session(guarded, "kubernetes-admin") as admin:
        base = "/apis/rbac.authorization.k8s.io/v1"
        await admin.post(f"{base}/clusterroles", json={"metadata": {"name": "stopper"}, "rules": rules})
        await admin.post(f"{base}/clusterrolebindings", json=binding("ClusterRole", "stopper", "stopper"))
    answers = {}
    async with session(guarded, BOT) as http:
        for verb in ("start", "stop"):
            attributes = {
                "verb": "update",
                "group": "subresources.kubevirt.io",
                "resource": "virtualmachines",
                "subresource": verb,
                "namespace": "production",
            }
            review = {"spec": {"resourceAttributes": attributes}}
            async with http.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=review) as response:
                answers[verb] = (await response.json())["status"]["allowed"]
        stopped = await http.put("/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/web-01/stop")
    assert answers == {"start": False, "stop": True}
    assert stopped.status == 202
