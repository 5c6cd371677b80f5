"""Copies that take too long or stand still."""

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.resources import VMI
from tests.sandbox_cluster.conftest import Json, kubevirt_path, migration

VMIMS = kubevirt_path("virtualmachineinstancemigrations")
MERGE = {"Content-Type": "application/merge-patch+json"}


async def slow_migration(sandbox: ClusterSandbox, seconds: float, faults: Json, config: Json) -> Json:
    """Migrate web-01 (2 GiB are 2.1 GB, so 450 s by default) and look at its VMI ``seconds`` after the request."""
    async with aiohttp.ClientSession(sandbox.url) as http:
        kubevirt = "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/kubevirt"
        await http.patch(kubevirt, json={"spec": {"configuration": {"migrations": config}}}, headers=MERGE)
        target = {"kind": "VirtualMachine", "namespace": "production", "name": "web-01", "faults": faults}
        await http.post("/sandbox/faults", json={"annotate": target})
        await http.post(VMIMS, json=migration("m1", "web-01"))
        await sandbox.advance(seconds)
        async with http.get(kubevirt_path("virtualmachineinstances", "web-01")) as response:
            vmi: Json = await response.json()
            return vmi


async def test_a_copy_over_its_budget_is_aborted(sandbox: ClusterSandbox) -> None:
    vmi = await slow_migration(sandbox, 440, {"copy-seconds": "1000"}, {})
    assert "endTimestamp" not in vmi["status"]["migrationState"]
    await sandbox.advance(30)
    now = sandbox.store.get(VMI, "production", "web-01")
    assert now is not None
    state = now["status"]["migrationState"]
    assert (state["failed"], state["failureReason"]) == (True, "Live migration has been aborted")


@pytest.mark.parametrize(
    ("faults", "text"),
    [
        ({"hang": "Running"}, "Live migration stuck for 150 seconds and has been aborted"),
        ({"copy-seconds": "1000"}, "Live migration is not completed after 450 seconds and has been aborted"),
    ],
)
async def test_before_1_9_the_reason_says_which_limit_it_was(faults: Json, text: str) -> None:
    sandbox = ClusterSandbox(version="v1.8.0")
    await sandbox.start()
    vmi = await slow_migration(sandbox, 470, faults, {})
    assert vmi["status"]["migrationState"]["failureReason"] == text
    assert vmi["status"]["phase"] == "Running"
    await sandbox.stop()


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"allowPostCopy": True, "allowWorkloadDisruption": True}, "PostCopy"),
        ({"allowWorkloadDisruption": True}, "Paused"),
    ],
)
async def test_with_leave_to_disturb_the_guest_a_slow_copy_ends_soon_after_its_budget(
    sandbox: ClusterSandbox, config: Json, mode: str
) -> None:
    vmi = await slow_migration(sandbox, 455, {"copy-seconds": "1000"}, config)
    assert vmi["status"]["migrationState"]["mode"] == mode
    vmi = await slow_migration(sandbox, 10, {}, config)
    assert vmi["status"]["nodeName"] != "worker-01"
