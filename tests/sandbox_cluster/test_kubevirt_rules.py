"""Rules that depend on KubeVirt's version or configuration, on the VM's devices, or on what other people do."""

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.world import load_world
from tests.sandbox_cluster.conftest import Json, kubevirt_path, migration

VMIMS = kubevirt_path("virtualmachineinstancemigrations")


async def get(http: aiohttp.ClientSession, path: str) -> Json:
    async with http.get(path) as response:
        body: Json = await response.json()
        return body


def condition(obj: Json, type_: str) -> Json:
    return next((c for c in obj["status"]["conditions"] if c["type"] == type_), {})


@pytest.mark.parametrize(
    ("namespace", "name", "reason"),
    [
        ("production", "app-vm", "DisksNotLiveMigratable"),
        ("vms", "gpu-01", "HostDeviceNotLiveMigratable"),
        ("dev", "bridged-01", "InterfaceNotLiveMigratable"),
    ],
)
async def test_what_cannot_move_says_why_and_is_refused(
    http: aiohttp.ClientSession, namespace: str, name: str, reason: str
) -> None:
    vmi = await get(http, kubevirt_path("virtualmachineinstances", name, namespace))
    assert condition(vmi, "LiveMigratable")["reason"] == reason
    path = kubevirt_path("virtualmachineinstancemigrations", namespace=namespace)
    async with http.post(path, json=migration("m1", name, namespace=namespace)) as response:
        assert response.status == 400
        assert f"Cannot migrate VMI, Reason: {reason}" in (await response.json())["message"]


async def test_a_vm_without_pvc_is_migrated_with_its_blocks(http: aiohttp.ClientSession) -> None:
    vmi = await get(http, kubevirt_path("virtualmachineinstances", "ephemeral-01", "dev"))
    assert condition(vmi, "LiveMigratable")["status"] == "True"
    assert vmi["status"]["migrationMethod"] == "BlockMigration"


async def test_before_1_6_the_target_is_pruned_without_a_word() -> None:
    sandbox = ClusterSandbox(version="v1.5.2")
    await sandbox.start()
    async with aiohttp.ClientSession(sandbox.url) as http:
        async with http.post(
            VMIMS, params={"fieldValidation": "Ignore"}, json=migration("m1", "web-01", "worker-05")
        ) as response:
            assert (await response.json())["spec"] == {"vmiName": "web-01"}
        async with http.post(
            VMIMS, params={"fieldValidation": "Strict"}, json=migration("m2", "web-02", "worker-05")
        ) as response:
            assert response.status == 400
        crd = await get(
            http,
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/virtualmachineinstancemigrations.kubevirt.io",
        )
        spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        assert "addedNodeSelector" not in spec
        openapi = await get(http, "/openapi/v3/apis/kubevirt.io/v1")
        schema = openapi["components"]["schemas"]["io.kubevirt.v1.VirtualMachineInstanceMigration"]
        assert "addedNodeSelector" not in schema["properties"]["spec"]["properties"]
    await sandbox.stop()


async def test_a_pin_reaches_a_migration_under_live_update_on_an_old_kubevirt() -> None:
    sandbox = ClusterSandbox(version="v1.5.2")
    await sandbox.start()
    async with aiohttp.ClientSession(sandbox.url) as http:
        merge = {"Content-Type": "application/merge-patch+json"}
        kubevirt = "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/kubevirt"
        pin = {"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": "worker-03"}}}}}
        vm = kubevirt_path("virtualmachines", "web-01")
        await http.patch(vm, json=pin, headers=merge)
        await sandbox.advance(1)
        assert condition(await get(http, vm), "RestartRequired")["status"] == "True"
        await http.patch(vm, json={"spec": {"template": {"spec": {"nodeSelector": None}}}}, headers=merge)
        await http.patch(kubevirt, json={"spec": {"configuration": {"vmRolloutStrategy": "LiveUpdate"}}}, headers=merge)
        await sandbox.advance(1)
        await http.patch(vm, json=pin, headers=merge)
        await sandbox.advance(1)
        await http.post(VMIMS, json=migration("m1", "web-01"))
        await sandbox.advance(12)
        vmi = await get(http, kubevirt_path("virtualmachineinstances", "web-01"))
    assert vmi["status"]["nodeName"] == "worker-03"
    await sandbox.stop()


@pytest.mark.parametrize(
    ("version", "text"),
    [("v1.9.0", "Live migration has been aborted"), ("v1.8.0", "operation aborted"), ("v1.2.0", None)],
)
async def test_an_abort_reads_as_that_version_words_it(version: str, text: str | None) -> None:
    sandbox = ClusterSandbox(version=version)
    await sandbox.start()
    async with aiohttp.ClientSession(sandbox.url) as http:
        await http.post(VMIMS, json=migration("m1", "web-01"))
        await sandbox.advance(5)
        await http.delete(f"{VMIMS}/m1")
        await sandbox.advance(1)
        vmi = await get(http, kubevirt_path("virtualmachineinstances", "web-01"))
    reason = vmi["status"]["migrationState"].get("failureReason")
    assert reason is None if text is None else text in reason
    await sandbox.stop()


async def test_a_missing_claim_keeps_a_vm_from_starting(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    base = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/web-01"
    await http.put(f"{base}/stop")
    await sandbox.advance(6)
    claim = "/api/v1/namespaces/production/persistentvolumeclaims/web-01-rootdisk"
    await http.patch(
        claim, json={"metadata": {"finalizers": None}}, headers={"Content-Type": "application/merge-patch+json"}
    )
    await http.delete(claim)
    await http.put(f"{base}/start")
    await sandbox.advance(3)
    assert (await get(http, kubevirt_path("virtualmachines", "web-01")))["status"][
        "printableStatus"
    ] == "ErrorPvcNotFound"


async def test_the_huge_vm_fits_nowhere_else(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    path = kubevirt_path("virtualmachineinstancemigrations", namespace="vms")
    world = load_world()
    world["nodes"] = [n for n in world["nodes"] if n["name"] in {"worker-04", "worker-08"}]
    world["vms"] = {"vms": [vm for vm in world["vms"]["vms"] if vm["name"] == "huge-01"]}
    small = ClusterSandbox(world=world)
    await small.start()
    async with aiohttp.ClientSession(small.url) as session:
        await session.post(path, json=migration("m1", "huge-01", namespace="vms"))
        await small.advance(1)
        pods = await get(session, "/api/v1/namespaces/vms/pods?labelSelector=kubevirt.io/migrationJobUID")
    await small.stop()
    message = condition(pods["items"][0], "PodScheduled")["message"]
    assert "2 Insufficient memory" in message
    assert "2 No preemption victims found for incoming pod" in message


async def test_a_matchfields_pin_counts_like_a_label(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    """worker-04's hostname label is not its name: a pin by name finds it all the same."""
    base = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachines/web-01"
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["worker-04"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    body = {"spec": {"template": {"spec": {"affinity": {"nodeAffinity": required}}}}}
    merge = {"Content-Type": "application/merge-patch+json"}
    await http.patch(kubevirt_path("virtualmachines", "web-01"), json=body, headers=merge)
    await http.put(f"{base}/restart")
    await sandbox.advance(10)
    vmi = await get(http, kubevirt_path("virtualmachineinstances", "web-01"))
    assert vmi["status"]["nodeName"] == "worker-04"
    node = await get(http, "/api/v1/nodes/worker-04")
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "worker-04.example.internal"


async def test_a_second_migration_inherits_the_cpu_of_the_first(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    for name in ("m1", "m2"):
        await http.post(VMIMS, json=migration(name, "web-01"))
        await sandbox.advance(15)
    pods = await get(http, "/api/v1/namespaces/production/pods?labelSelector=vm.kubevirt.io/name=web-01")
    selectors = [p["spec"]["nodeSelector"] for p in pods["items"] if p["status"]["phase"] == "Running"]
    assert selectors[0]["cpu-model-migration.node.kubevirt.io/Skylake-Server"] == "true"
    assert len(pods["items"]) == 3


async def test_pause_and_unpause(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    base = "/apis/subresources.kubevirt.io/v1/namespaces/production/virtualmachineinstances/web-01"
    assert (await http.put(f"{base}/pause")).status == 202
    await sandbox.advance(1)
    vm = await get(http, kubevirt_path("virtualmachines", "web-01"))
    assert vm["status"]["printableStatus"] == "Paused"
    assert (await http.put(f"{base}/pause")).status == 409
    assert (await http.put(f"{base}/unpause")).status == 202
    await sandbox.advance(1)
    vm = await get(http, kubevirt_path("virtualmachines", "web-01"))
    assert (vm["status"]["printableStatus"], vm["status"]["ready"]) == ("Running", True)


async def test_a_dead_node_shows_after_fifty_seconds_and_nothing_restarts(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession
) -> None:
    fault = {"annotate": {"kind": "Node", "name": "worker-01", "faults": {"down": "true"}}}
    await http.post("/sandbox/faults", json=fault)
    await sandbox.advance(45)
    assert condition(await get(http, "/api/v1/nodes/worker-01"), "Ready")["status"] == "True"
    await sandbox.advance(15)
    assert condition(await get(http, "/api/v1/nodes/worker-01"), "Ready")["status"] == "Unknown"
    vm = await get(http, kubevirt_path("virtualmachines", "web-01"))
    assert vm["status"]["printableStatus"] == "Running"
    assert condition(vm, "Ready")["status"] == "False"
    assert "reason" not in condition(vm, "Ready")
    await sandbox.advance(400)
    node = await get(http, "/api/v1/nodes/worker-01")
    assert node["metadata"]["labels"]["kubevirt.io/schedulable"] == "false"
    assert (await get(http, kubevirt_path("virtualmachines", "web-01")))["status"]["printableStatus"] == "Running"


@pytest.mark.parametrize(
    ("how", "phase", "status"), [("crash", "Failed", "Stopped"), ("shutdown", "Succeeded", "Stopped")]
)
async def test_a_guest_that_ends_by_itself_stays_down_under_once(
    sandbox: ClusterSandbox, http: aiohttp.ClientSession, how: str, phase: str, status: str
) -> None:
    fault = {"annotate": {"kind": "VirtualMachine", "namespace": "vms", "name": "once-01", "faults": {"guest": how}}}
    await http.post("/sandbox/faults", json=fault)
    await sandbox.advance(10)
    vmi = await get(http, kubevirt_path("virtualmachineinstances", "once-01", "vms"))
    assert vmi["status"]["phase"] == phase
    vm = await get(http, kubevirt_path("virtualmachines", "once-01", "vms"))
    assert vm["status"]["printableStatus"] == status


async def test_always_restarts_a_guest_that_crashed(sandbox: ClusterSandbox, http: aiohttp.ClientSession) -> None:
    before = (await get(http, kubevirt_path("virtualmachineinstances", "web-01")))["metadata"]["uid"]
    target = {
        "kind": "VirtualMachineInstance",
        "namespace": "production",
        "name": "web-01",
        "faults": {"guest": "crash"},
    }
    await http.post("/sandbox/faults", json={"annotate": target})
    await sandbox.advance(10)
    vmi = await get(http, kubevirt_path("virtualmachineinstances", "web-01"))
    assert vmi["metadata"]["uid"] != before
    assert vmi["status"]["phase"] == "Running"
