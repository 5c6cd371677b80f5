"""What the simulated KubeVirt shows of each failure is recognised: its code is not ours, only HTTP stands between."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from bot.diagnosis import diagnose, diagnose_start, say_after, stuck
from bot.executor import explain
from bot.plan import Move, build
from bot.request import MoveRequest, MoveType
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.resources import NODE, QUOTA, VM
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


class Case(NamedTuple):
    before: Act = nothing
    meanwhile: Act = nothing
    target: str = "worker-05"
    seconds: float = 400.0


FAILURES = {
    "target-cordoned": Case(target="worker-06"),
    "taint": Case(target="worker-07"),
    "capacity": Case(fill_the_target),
    "target-not-ready": Case(annotate("Node", "worker-05", down="true")),
    "selector": Case(ask_for_another_zone),
    "image": Case(annotate("VirtualMachine", "web-01", target_pod="image-pull"), seconds=100),
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


STARTS = {
    "target-cordoned": ("worker-06", nothing),
    "taint": ("worker-07", nothing),
    "capacity": ("worker-05", fill_the_target),
    "image": ("worker-05", annotate("VirtualMachine", "web-01", start="image-pull")),
    "guest-crashes": ("worker-05", annotate("VirtualMachine", "web-01", start="fail")),
}


@pytest.mark.parametrize("code", STARTS)
async def test_a_vm_that_does_not_come_up_is_recognised(code: str, sandbox: ClusterSandbox, kube: Shaky) -> None:
    name, before = STARTS[code]
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
            vm["spec"].update(runStrategy="Always"),
            vm["spec"]["template"]["spec"].update(nodeSelector={"kubernetes.io/hostname": target.hostname}),
        ),
    )
    await sandbox.advance(30)
    node = {node.name: node for node in await kube.nodes()}[name]
    found = diagnose_start(await kube.start_evidence(WEB), node)
    assert found.code == code, (found, sandbox.store.require(VM, WEB.namespace, WEB.name)["status"])
