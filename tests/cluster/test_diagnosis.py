"""What the simulated KubeVirt shows of each failure is recognised: its code is not ours, only HTTP stands between."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

from bot.diagnosis import diagnose, diagnose_start, say_after, stuck
from bot.executor import explain
from bot.plan import Move, build
from bot.request import MoveRequest, MoveType
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.resources import NODE, PV, QUOTA, VM, VMI
from k8s.cluster import Question
from k8s.names import LABEL_PLAN
from k8s.snapshots import NewMigration, Node, Ref
from k8s.steps import start_migration
from tests.cluster.simulated import Shaky, cause, edit

WEB = Ref("production", "web-01")
VMIM = Ref("production", "move-1")

Act = Callable[[ClusterSandbox, Shaky], Awaitable[object]]


async def nothing(sandbox: ClusterSandbox, kube: Shaky) -> None:
    """The world as it is."""


def annotate(kind: str, name: str, **faults: str | None) -> Act:
    async def act(sandbox: ClusterSandbox, kube: Shaky) -> None:
        where = {"kind": kind, "namespace": "" if kind == "Node" else WEB.namespace, "name": name}
        await cause(
            sandbox, annotate={**where, "faults": {word.replace("_", "-"): how for word, how in faults.items()}}
        )

    return act


async def fill_the_quota(sandbox: ClusterSandbox, kube: Shaky) -> None:
    sandbox.store.create(
        QUOTA, {"metadata": {"name": "small", "namespace": "production"}, "spec": {"hard": {"pods": "1"}}}
    )


async def cancel(sandbox: ClusterSandbox, kube: Shaky) -> None:
    await sandbox.advance(5)
    await kube.delete_migration(VMIM, "")


async def fill_the_target(sandbox: ClusterSandbox, kube: Shaky) -> None:
    def shrink(node: dict[str, dict[str, dict[str, str]]]) -> None:
        node["status"]["allocatable"] |= {"memory": "1Gi"}

    sandbox.store.modify(NODE, "", "worker-05", shrink)


async def ask_for_another_zone(sandbox: ClusterSandbox, kube: Shaky) -> None:
    edit(sandbox, WEB, lambda vm: vm["spec"]["template"]["spec"].update(nodeSelector={"zone": "nowhere"}))
    await sandbox.advance(5)


async def take_kvm_away(sandbox: ClusterSandbox, kube: Shaky) -> None:
    room = {"devices.kubevirt.io/kvm": "0"}
    sandbox.store.modify(NODE, "", "worker-05", lambda node: node["status"]["allocatable"].update(room))


async def silence_the_handler(sandbox: ClusterSandbox, kube: Shaky) -> None:
    """After five minutes without its heartbeat KubeVirt takes the node out."""
    await annotate("Node", "worker-05", handler="silent")(sandbox, kube)
    await sandbox.advance(400)


async def another_cpu(sandbox: ClusterSandbox, kube: Shaky) -> None:
    model = "cpu-model-migration.node.kubevirt.io/Skylake-Server"
    sandbox.store.modify(NODE, "", "worker-05", lambda node: node["metadata"]["labels"].pop(model))


async def a_replica_there(sandbox: ClusterSandbox, kube: Shaky) -> None:
    """The VMs of dev on worker-05 are to be apart from it."""
    term = {"topologyKey": "kubernetes.io/hostname", "namespaces": ["dev", "vms"], "labelSelector": {}}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    edit(sandbox, WEB, lambda vm: vm["spec"]["template"]["spec"].update(affinity=apart))
    await sandbox.advance(5)


async def a_volume_elsewhere(sandbox: ClusterSandbox, kube: Shaky) -> None:
    rack = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["rack-a"]}
    only = {"required": {"nodeSelectorTerms": [{"matchExpressions": [rack]}]}}
    sandbox.store.modify(PV, "", "pv-production-web-01", lambda pv: pv["spec"].update(nodeAffinity=only))


async def delete_the_vm(sandbox: ClusterSandbox, kube: Shaky) -> None:
    await sandbox.advance(4)
    sandbox.store.delete(VM, WEB.namespace, WEB.name)


async def drain_the_source(sandbox: ClusterSandbox, kube: Shaky) -> None:
    """The mark of a drain; its owner takes our migration away."""
    await sandbox.advance(4)
    sandbox.store.modify(VMI, WEB.namespace, WEB.name, lambda vmi: vmi["status"].update(evacuationNodeName="worker-01"))
    await kube.delete_migration(VMIM, "")


async def kill_the_source(sandbox: ClusterSandbox, kube: Shaky) -> None:
    await sandbox.advance(4)
    await annotate("Node", "worker-01", down="true")(sandbox, kube)


class Case(NamedTuple):
    before: Act = nothing
    meanwhile: Act = nothing
    target: str = "worker-05"
    seconds: float = 400.0


FAILURES = {
    "no-kvm": Case(take_kvm_away),
    "virt-handler": Case(silence_the_handler),
    "neighbours": Case(a_replica_there),
    "volume-node": Case(a_volume_elsewhere),
    "guest-gone": Case(meanwhile=delete_the_vm, seconds=10),
    "source-not-ready": Case(meanwhile=kill_the_source, seconds=120),
    "drained": Case(meanwhile=drain_the_source, seconds=5),
    "pod-pending": Case(annotate("VirtualMachine", "web-01", target_pod="never-ready"), seconds=1000),
    "target-cordoned": Case(target="worker-06"),
    "taint": Case(target="worker-07"),
    "capacity": Case(fill_the_target),
    "target-not-ready": Case(annotate("Node", "worker-05", down="true")),
    "selector": Case(ask_for_another_zone),
    "image": Case(annotate("VirtualMachine", "web-01", target_pod="image-pull"), seconds=100),
    "network-attachment": Case(annotate("VirtualMachine", "web-01", target_pod="network"), seconds=100),
    "volume-attach": Case(annotate("VirtualMachine", "web-01", target_pod="volume"), seconds=100),
    "unschedulable": Case(annotate("Node", "worker-05", volumes="full")),
    "canceled": Case(meanwhile=cancel),
    "stalled": Case(annotate("VirtualMachine", "web-01", hang="Running")),
    "did-not-converge": Case(annotate("VirtualMachine", "web-01", copy_seconds="5000"), seconds=1000),
    "target-pod": Case(annotate("VirtualMachine", "web-01", fail="PreparingTarget")),
    "failed-in-copy": Case(annotate("VirtualMachine", "web-01", fail="Running: out of luck")),
    "cpu-model": Case(annotate("VirtualMachine", "web-01", fail="Running: guest CPU doesn't match specification")),
}


async def the_move(kube: Shaky, target: Node, type_: MoveType) -> Move:
    request = MoveRequest(vm=WEB.name, namespace=WEB.namespace, target=target.name, type=type_)
    question = Question(vm=WEB.name, namespace=WEB.namespace, target=target.name, dry_run=False)
    return build(request, await kube.facts(question)).moves[0]


async def begin(sandbox: ClusterSandbox, kube: Shaky, case: Case) -> tuple[Move, str]:
    target = {node.name: node for node in await kube.nodes()}[case.target]
    move = await the_move(kube, target, MoveType.LIVE)
    await case.before(sandbox, kube)
    await sandbox.advance(2)
    uid = (await start_migration(kube, NewMigration(VMIM, WEB.name, target.hostname, labels={LABEL_PLAN: "p1"}))).uid
    await case.meanwhile(sandbox, kube)
    await sandbox.advance(case.seconds)
    return move, uid


async def test_a_cpu_that_the_target_lacks_is_recognised_while_the_pod_waits(
    sandbox: ClusterSandbox, kube: Shaky
) -> None:
    move, uid = await begin(sandbox, kube, Case(another_cpu, seconds=40))
    found = stuck(await explain.with_nodes(kube, move, await kube.evidence(WEB, VMIM, uid)), "Scheduling")
    assert found is not None
    assert found.code == "cpu-model", found


async def test_who_fills_the_limit_is_read_with_the_evidence(sandbox: ClusterSandbox, kube: Shaky) -> None:
    """Two move away from worker-01 already, which is KubeVirt's limit for one node."""
    for namespace, name in (("production", "database-01"), ("dev", "dev-01")):
        slow = {"kind": "VirtualMachine", "namespace": namespace, "name": name, "faults": {"copy-seconds": "900"}}
        await cause(sandbox, annotate=slow)
        await kube.create_migration(NewMigration(Ref(namespace, f"m-{name}"), name, None))
    await sandbox.advance(10)
    move, uid = await begin(sandbox, kube, Case(seconds=40))
    seen = await explain.with_nodes(kube, move, await kube.evidence(WEB, VMIM, uid))
    queue = await kube.queue(WEB)
    assert queue is not None
    assert [vmi.node for vmi in queue.running] == ["worker-01", "worker-01"]
    found = stuck(replace(seen, queue=queue), "Pending")
    assert found is not None
    assert "2 run away from worker-01, and 2 may" in found.what


@pytest.mark.parametrize("code", FAILURES)
async def test_a_failure_of_the_simulated_cluster_is_recognised(
    code: str, sandbox: ClusterSandbox, kube: Shaky
) -> None:
    move, uid = await begin(sandbox, kube, FAILURES[code])
    found = diagnose(await explain.with_nodes(kube, move, await kube.evidence(WEB, VMIM, uid)))
    assert found.code == code, found


WAITS = {
    "quota": ("Pending", Case(fill_the_quota, seconds=40)),
    "queued": ("Pending", Case(annotate("VirtualMachine", "web-01", hang="Pending"), seconds=40)),
    "capacity": ("Scheduling", Case(fill_the_target, seconds=40)),
    "slow-copy": ("Running", Case(annotate("VirtualMachine", "web-01", copy_seconds="5000"), seconds=70)),
}


@pytest.mark.parametrize("code", WAITS)
async def test_what_a_migration_waits_for_is_recognised_while_it_waits(
    code: str, sandbox: ClusterSandbox, kube: Shaky
) -> None:
    phase, case = WAITS[code]
    move, uid = await begin(sandbox, kube, case)
    patience = say_after(phase)
    assert patience is not None
    assert patience.total_seconds() < case.seconds
    found = stuck(await explain.with_nodes(kube, move, await kube.evidence(WEB, VMIM, uid)), phase)
    assert found is not None
    assert found.code == code, found


class Start(NamedTuple):
    before: Act
    node: str = "worker-05"
    strategy: str = "Always"
    """Once keeps a VMI that has failed, and so its pod; the others make a new one (KubeVirt watch/vm/vm.go)."""


STARTS = {
    "no-kvm": Start(take_kvm_away),
    "virt-handler": Start(silence_the_handler),
    "neighbours": Start(a_replica_there),
    "volume-node": Start(a_volume_elsewhere),
    "target-cordoned": Start(nothing, "worker-06"),
    "taint": Start(nothing, "worker-07"),
    "capacity": Start(fill_the_target),
    "image": Start(annotate("VirtualMachine", "web-01", start="image-pull")),
    "network-attachment": Start(annotate("VirtualMachine", "web-01", start="network")),
    "volume-attach": Start(annotate("VirtualMachine", "web-01", start="volume")),
    "out-of-memory": Start(annotate("VirtualMachine", "web-01", start="out-of-memory"), strategy="Once"),
    "unschedulable": Start(annotate("Node", "worker-05", volumes="full")),
    "guest-crashes": Start(annotate("VirtualMachine", "web-01", start="fail")),
}


@pytest.mark.parametrize("code", STARTS)
async def test_a_vm_that_does_not_come_up_is_recognised(code: str, sandbox: ClusterSandbox, kube: Shaky) -> None:
    before, name, strategy = STARTS[code]
    target = {node.name: node for node in await kube.nodes()}[name]
    await before(sandbox, kube)

    def restart_there(vm: dict[str, dict[str, object]]) -> None:
        vm["spec"]["runStrategy"] = "Halted"

    edit(sandbox, WEB, restart_there)
    await sandbox.advance(60)
    edit(
        sandbox,
        WEB,
        lambda vm: (
            vm["spec"].update(runStrategy=strategy),
            vm["spec"]["template"]["spec"].update(nodeSelector={"kubernetes.io/hostname": target.hostname}),
        ),
    )
    await sandbox.advance(30)
    node = {node.name: node for node in await kube.nodes()}[name]
    found = diagnose_start(await kube.start_evidence(WEB), node)
    assert found.code == code, (found, sandbox.store.require(VM, WEB.namespace, WEB.name)["status"])
