"""kubectl works against the sandbox with nothing but the kubeconfig."""

import json
from collections.abc import Awaitable, Callable

import pytest

from bot.sandbox.cluster import ClusterSandbox
from tests.sandbox_cluster.conftest import Output, migration

Kubectl = Callable[..., Awaitable[Output]]

pytestmark = pytest.mark.timeout(120)


async def test_get_prints_the_tables_of_the_real_printers(kubectl: Kubectl) -> None:
    nodes = await kubectl("get", "nodes")
    assert nodes.text.splitlines()[0].split() == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert "Ready,SchedulingDisabled" in nodes.text
    vms = await kubectl("get", "vm", "-A")
    assert "vms          stopped-01" in vms.text
    one = await kubectl("get", "vm", "web-01", "-n", "production", "-o", "json")
    assert json.loads(one.text)["status"]["printableStatus"] == "Running"


async def test_create_watch_and_wait_follow_a_migration(kubectl: Kubectl) -> None:
    body = json.dumps(migration("m1", "web-01", "worker-05"))
    created = await kubectl("create", "-f", "-", "--validate=strict", stdin=body)
    assert created.text == "virtualmachineinstancemigration.kubevirt.io/m1 created\n"
    waited = await kubectl(
        *("wait", "vmim/m1", "-n", "production", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=20s"),
        advance=0.5,
    )
    assert "condition met" in waited.text, waited.errors
    vmi = await kubectl("get", "vmi", "web-01", "-n", "production", "-o", "jsonpath={.status.nodeName}")
    assert vmi.text == "worker-05"
    deleted = await kubectl("delete", "vmim", "m1", "-n", "production")
    assert "deleted" in deleted.text


async def test_get_w_shows_each_change(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=json.dumps(migration("m1", "web-01")))
    watched = await kubectl(
        *("get", "vmim", "-n", "production", "-w", "--request-timeout=5s", "--no-headers"), advance=0.5
    )
    phases = [line.split()[1] for line in watched.text.splitlines() if len(line.split()) == 3]
    assert phases[-1] == "Succeeded"
    assert "Running" in phases


async def test_label_cordon_uncordon_and_taint_change_nodes(kubectl: Kubectl) -> None:
    assert "labeled" in (await kubectl("label", "node", "worker-01", "rack=a1")).text
    assert "cordoned" in (await kubectl("cordon", "worker-01")).text
    assert "tainted" in (await kubectl("taint", "node", "worker-01", "dedicated=x:NoSchedule")).text
    node = json.loads((await kubectl("get", "node", "worker-01", "-o", "json")).text)
    assert node["metadata"]["labels"]["rack"] == "a1"
    assert node["spec"]["unschedulable"] is True
    assert "dedicated" in [t["key"] for t in node["spec"]["taints"]]
    await kubectl("uncordon", "worker-01")
    assert "untainted" in (await kubectl("taint", "node", "worker-01", "dedicated-")).text
    node = json.loads((await kubectl("get", "node", "worker-01", "-o", "json")).text)
    assert "unschedulable" not in node["spec"]


async def test_patch_types_of_a_vm(kubectl: Kubectl) -> None:
    vm = ("patch", "vm", "web-01", "-n", "production")
    assert (await kubectl(*vm, "--type=merge", "-p", '{"metadata":{"annotations":{"a":"b"}}}')).code == 0
    operations = (
        '[{"op":"test","path":"/metadata/annotations/a","value":"b"},{"op":"remove","path":"/metadata/annotations/a"}]'
    )
    assert (await kubectl(*vm, "--type=json", "-p", operations)).code == 0
    assert "request is invalid" in (await kubectl(*vm, "--type=json", "-p", operations)).errors
    strategic = await kubectl(*vm, "--type=strategic", "-p", "{}")
    assert "unknown format" in strategic.errors or "strategic merge patch is not supported" in strategic.errors


async def test_describe_shows_pods_and_events(kubectl: Kubectl) -> None:
    node = await kubectl("describe", "node", "worker-02")
    assert "virt-launcher-web-02" in node.text
    vm = await kubectl("describe", "vm", "web-01", "-n", "production")
    assert "Printable Status:" in vm.text


async def test_auth_can_i_answers_from_the_access_review(kubectl: Kubectl) -> None:
    assert (await kubectl("auth", "can-i", "create", "vmim", "-n", "production")).text == "yes\n"


async def test_small_create_commands_send_protobuf(kubectl: Kubectl) -> None:
    quota = await kubectl("create", "quota", "q", "--hard=requests.memory=3Gi,pods=5", "-n", "vms")
    assert quota.text == "resourcequota/q created\n", quota.errors
    stored = json.loads((await kubectl("get", "quota", "q", "-n", "vms", "-o", "json")).text)
    assert stored["spec"]["hard"] == {"requests.memory": "3Gi", "pods": "5"}
    assert (await kubectl("create", "sa", "bot", "-n", "vms")).code == 0
    assert (await kubectl("create", "token", "bot", "-n", "vms")).text.startswith("sandbox-")
    assert "kubernetes-admin" in (await kubectl("auth", "whoami")).text


async def test_apply_creates_and_changes(kubectl: Kubectl) -> None:
    spec = {"runStrategy": "Halted", "template": {"spec": {"domain": {"memory": {"guest": "1Gi"}}}}}
    vm = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "new", "namespace": "dev"}}
    assert "created" in (await kubectl("apply", "-f", "-", stdin=json.dumps(vm | {"spec": spec}))).text
    spec["runStrategy"] = "Manual"
    assert "configured" in (await kubectl("apply", "-f", "-", stdin=json.dumps(vm | {"spec": spec}))).text
    stored = json.loads((await kubectl("get", "vm", "new", "-n", "dev", "-o", "json")).text)
    assert stored["spec"]["runStrategy"] == "Manual"


async def test_drain_migrates_the_vm_that_asks_for_it(sandbox: ClusterSandbox, kubectl: Kubectl) -> None:
    drained = await kubectl(
        *("drain", "worker-05", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=40s"),
        "--pod-selector=vm.kubevirt.io/name=evict-01",
        advance=0.5,
    )
    assert "Eviction triggered evacuation of VMI" in drained.errors
    assert drained.code == 0, drained.errors
    vmi = await kubectl("get", "vmi", "evict-01", "-n", "vms", "-o", "jsonpath={.status.nodeName}")
    assert vmi.text not in {"", "worker-05"}
