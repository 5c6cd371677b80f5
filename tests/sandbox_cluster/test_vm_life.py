"""Run strategies, stop and start, printable status, live update of placement."""

from typing import Any

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from tests.sandbox_cluster.conftest import Json, kubevirt_path

MERGE = {"Content-Type": "application/merge-patch+json"}


def pin(node: str) -> Json:
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return {"spec": {"template": {"spec": {"affinity": {"nodeAffinity": required}}}}}


class VM:
    """One VM over HTTP."""

    def __init__(self, http: aiohttp.ClientSession, name: str, namespace: str = "production") -> None:
        self._http = http
        self._name = name
        self._namespace = namespace

    async def get(self, plural: str = "virtualmachines") -> Json:
        async with self._http.get(kubevirt_path(plural, self._name, self._namespace)) as response:
            body: Json = await response.json()
            return body

    async def vmi(self) -> Json:
        return await self.get("virtualmachineinstances")

    async def patch(self, body: Json) -> Json:
        path = kubevirt_path("virtualmachines", self._name, self._namespace)
        async with self._http.patch(path, json=body, headers=MERGE) as response:
            answer: Json = await response.json()
            assert response.status == 200, answer
            return answer

    async def put(self, verb: str, body: Any = None) -> tuple[int, str]:
        base = f"/apis/subresources.kubevirt.io/v1/namespaces/{self._namespace}/virtualmachines"
        async with self._http.put(f"{base}/{self._name}/{verb}", json=body) as response:
            return response.status, await response.text()


async def test_stop_turns_always_into_halted_and_start_turns_it_back(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    vm = VM(http, "web-01")
    assert await vm.put("stop") == (202, "")
    await sandbox.advance(1)
    assert (await vm.get())["status"]["printableStatus"] == "Stopping"
    await sandbox.advance(1.3)
    assert (await vm.get())["status"]["printableStatus"] == "Stopped"
    assert (await vm.vmi())["status"]["phase"] == "Succeeded"
    await sandbox.advance(3)
    stopped = await vm.get()
    assert stopped["spec"]["runStrategy"] == "Halted"
    assert (await vm.vmi())["code"] == 404
    assert "created" not in stopped["status"]
    assert "ready" not in stopped["status"]
    assert {c["type"] for c in stopped["status"]["conditions"]} >= {"Ready", "LiveMigratable"}
    assert await vm.put("start") == (202, "")
    await sandbox.advance(4)
    started = await vm.get()
    assert started["spec"]["runStrategy"] == "Always"
    assert started["status"]["ready"] is True


@pytest.mark.parametrize("name", ["manual-01", "rerun-01"])
async def test_manual_and_rerunonfailure_keep_their_strategy(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession, name: str
) -> None:
    vm = VM(http, name, "vms")
    before = (await vm.get())["spec"]["runStrategy"]
    await vm.put("stop")
    assert [r["action"] for r in (await vm.get())["status"]["stateChangeRequests"]] == ["Stop"]
    await sandbox.advance(8)
    assert (await vm.get())["status"]["printableStatus"] == "Stopped"
    await vm.put("start")
    await sandbox.advance(8)
    now = await vm.get()
    assert (now["status"]["printableStatus"], now["spec"]["runStrategy"]) == ("Running", before)
    assert "stateChangeRequests" not in now["status"]


async def test_once_is_lost_through_the_endpoints_but_survives_two_patches(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    vm = VM(http, "once-01", "vms")
    await vm.patch({"spec": {"runStrategy": "Halted"}})
    await sandbox.advance(6)
    await vm.patch({"spec": {"runStrategy": "Once"}})
    await sandbox.advance(6)
    assert (await vm.get())["status"]["ready"] is True
    assert (await vm.get())["spec"]["runStrategy"] == "Once"
    await vm.put("stop")
    await sandbox.advance(6)
    await vm.put("start")
    assert (await vm.get())["spec"]["runStrategy"] == "Always"


async def test_a_running_field_is_flipped_and_never_becomes_a_strategy(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    vm = VM(http, "dev-01", "dev")
    await vm.put("stop")
    spec = (await vm.get())["spec"]
    assert spec["running"] is False
    assert "runStrategy" not in spec
    await sandbox.advance(6)
    await vm.put("start")
    await sandbox.advance(6)
    assert (await vm.get())["spec"]["running"] is True
    assert (await vm.get())["status"]["runStrategy"] == "Always"


async def test_halted_to_manual_does_not_start_by_itself(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    vm = VM(http, "stopped-01", "vms")
    await vm.patch({"spec": {"runStrategy": "Manual"}})
    await sandbox.advance(8)
    assert (await vm.vmi())["code"] == 404
    await vm.patch({"spec": {"runStrategy": "RerunOnFailure"}})
    await sandbox.advance(8)
    assert (await vm.vmi())["status"]["phase"] == "Running"


async def test_restart_moves_a_pinned_vm_and_gives_it_a_new_vmi(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    vm = VM(http, "web-01")
    old = (await vm.vmi())["metadata"]["uid"]
    await vm.patch(pin("worker-03"))
    await sandbox.advance(1)
    assert (await vm.vmi())["spec"]["affinity"] == pin("worker-03")["spec"]["template"]["spec"]["affinity"]
    assert (await vm.vmi())["status"]["nodeName"] == "worker-01"
    await vm.put("restart")
    assert [r["action"] for r in (await vm.get())["status"]["stateChangeRequests"]] == ["Stop", "Start"]
    assert (await vm.put("restart"))[0] == 500
    await sandbox.advance(10)
    vmi = await vm.vmi()
    assert vmi["metadata"]["uid"] != old
    assert vmi["status"]["nodeName"] == "worker-03"


async def test_observed_generation_lags_while_a_pin_is_set(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    vm = VM(http, "web-01")
    await vm.patch(pin("worker-03"))
    await sandbox.advance(1)
    status = (await vm.get())["status"]
    assert status["observedGeneration"] < status["desiredGeneration"]
    await vm.patch({"spec": {"template": {"spec": {"affinity": None}}}})
    await sandbox.advance(1)
    status = (await vm.get())["status"]
    assert status["observedGeneration"] == status["desiredGeneration"]
    assert "affinity" not in (await vm.vmi())["spec"]


async def test_an_impossible_start_is_unschedulable_and_stop_patch_start_recovers_it(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    vm = VM(http, "web-01")
    await vm.put("stop")
    await sandbox.advance(6)
    await vm.patch(pin("worker-06"))
    await vm.put("start")
    await sandbox.advance(1)
    assert (await vm.get())["status"]["printableStatus"] == "ErrorUnschedulable"
    await vm.patch(pin("worker-03"))
    await sandbox.advance(15)
    assert (await vm.get())["status"]["printableStatus"] == "ErrorUnschedulable"
    await vm.put("stop")
    await sandbox.advance(0.5)
    assert (await vm.vmi())["code"] == 404
    await vm.put("start")
    await sandbox.advance(4)
    assert (await vm.vmi())["status"]["nodeName"] == "worker-03"


async def test_restarting_an_unschedulable_vm_goes_through_a_crash_loop(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    vm = VM(http, "web-01")
    await vm.put("stop")
    await sandbox.advance(6)
    await vm.patch(pin("worker-06"))
    await vm.put("start")
    await sandbox.advance(1)
    await vm.patch(pin("worker-03"))
    await sandbox.advance(1)
    await vm.put("restart")
    await sandbox.advance(2)
    status = (await vm.get())["status"]
    assert status["printableStatus"] == "CrashLoopBackOff"
    assert status["startFailure"]["consecutiveFailCount"] == 1
    await sandbox.advance(25)
    status = (await vm.get())["status"]
    assert status["printableStatus"] == "Running"
    assert "startFailure" not in status


async def test_a_stuck_guest_ends_with_a_shorter_grace_period(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    vm = VM(http, "win-01", "vms")
    await vm.patch({"metadata": {"annotations": {"sandbox.vm-migrate/stop": "stuck"}}})
    await vm.put("stop")
    await sandbox.advance(60)
    assert (await vm.get())["status"]["printableStatus"] == "Stopping"
    assert (await vm.put("stop"))[0] == 409
    assert (await vm.put("stop", {"gracePeriod": 0}))[0] == 202
    await sandbox.advance(2)
    assert (await vm.vmi())["code"] == 404
    assert (await vm.get())["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 3600


async def test_a_deleted_vm_goes_after_its_vmi(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    vm = VM(http, "web-01")
    async with http.delete(kubevirt_path("virtualmachines", "web-01")) as response:
        assert response.status == 200
    await sandbox.advance(1)
    assert (await vm.get())["status"]["printableStatus"] == "Terminating"
    await sandbox.advance(5)
    assert (await vm.get())["code"] == 404
    assert (await vm.vmi())["code"] == 404
