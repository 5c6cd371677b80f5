"""For every VM and every node: what the checks say beforehand is what the simulated cluster then does.

The scheduler, the admission and the quota of the simulation are asked directly, in this process; its code shares
nothing with the checks. The second world holds what the first lacks: other CPUs, replicas that keep apart, a zone that
must be shared, tolerations, a full node and a quota.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import checks
from bot.checks import Severity
from bot.ranking import rank
from bot.request import MoveType
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.admission import admit_create
from bot.sandbox.cluster.errors import ApiError
from bot.sandbox.cluster.launcher import launcher_pods, render_pod, render_target_pod
from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.pods import check_quota
from bot.sandbox.cluster.resources import NODE, POD, QUOTA, VM, VMI, VMIM
from bot.sandbox.cluster.scheduler import Attempt, reasons_against
from bot.sandbox.cluster.vmi_template import render_vmi
from bot.sandbox.cluster.world import World, load_world
from k8s import placement
from k8s.cluster import Question
from k8s.snapshots import Facts, NewMigration, Node, Ref
from tests.cluster.simulated import Shaky

LIVE, COLD = MoveType.LIVE, MoveType.COLD
REQUIRED = placement.REQUIRED


def by_app(app: str, key: str = "kubernetes.io/hostname") -> list[Obj]:
    return [{"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}}]


def rich() -> World:
    """The usual world, with more to stumble over."""
    world = load_world()
    nodes = {node["name"]: node for node in world["nodes"]}
    nodes["worker-03"]["cpuModel"] = "Cascadelake-Server"
    nodes["worker-04"]["labels"] = {"host-model-required-features.node.kubevirt.io/avx512": "true"}
    nodes["worker-05"]["labels"] = {"cpu-feature.node.kubevirt.io/avx512": "true", "kubevirt.io/cpumanager": "true"}
    nodes["worker-03"]["labels"] = {"node-labeller.kubevirt.io/obsolete-host-model": "true"}
    nodes["worker-02"]["labels"] = {"node-role.kubernetes.io/infra": ""}
    world["vms"]["dev"] += [
        {"name": "batch-01", "node": "worker-05", "tolerations": [{"key": "dedicated", "operator": "Exists"}]},
        {"name": "heavy-01", "node": "worker-05", "memory": "50Gi", "cores": 4},
    ]
    return world


def spread_out(sandbox: ClusterSandbox) -> None:
    """Rules about other pods, a named CPU and a quota, on what runs already: as if it had been started with them."""
    apart = {"podAntiAffinity": {REQUIRED: by_app("web")}}
    together = {"podAffinity": {REQUIRED: by_app("database", "topology.kubernetes.io/zone")}}
    for name in ("web-01", "web-02", "web-03"):
        give(sandbox, Ref("production", name), lambda spec: spec.update(affinity=apart))
    give(sandbox, Ref("production", "app-vm"), lambda spec: spec.update(affinity=together))
    give(sandbox, Ref("vms", "manual-01"), lambda spec: spec["domain"]["cpu"].update(model="Cascadelake-Server"))
    give(sandbox, Ref("vms", "evict-01"), lambda spec: spec["domain"]["cpu"].update(features=[{"name": "avx512"}]))
    give(sandbox, Ref("vms", "rerun-01"), lambda spec: spec["domain"]["cpu"].update(dedicatedCpuPlacement=True))
    anywhere = {"podAntiAffinity": {REQUIRED: [{**by_app("web")[0], "namespaceSelector": {}}]}}
    give(sandbox, Ref("dev", "cache-01"), lambda spec: spec.update(affinity=anywhere))
    give(sandbox, Ref("vms", "once-01"), lambda spec: spec["domain"]["machine"].update(type="pc-i440fx"))
    hard = {"requests.memory": "28Gi"}
    sandbox.store.create(QUOTA, {"metadata": {"name": "small", "namespace": "production"}, "spec": {"hard": hard}})


def as_it_is(sandbox: ClusterSandbox) -> None:
    """Nothing to add."""


def give(sandbox: ClusterSandbox, ref: Ref, change: Callable[[Any], None]) -> None:
    """Change a VM's template, its VMI and its pod alike."""
    sandbox.store.modify(VM, ref.namespace, ref.name, lambda vm: change(vm["spec"]["template"]["spec"]))
    vmi = sandbox.store.peek(VMI, ref.namespace, ref.name)
    assert vmi is not None
    sandbox.store.modify(VMI, ref.namespace, ref.name, lambda new: change(new["spec"]))
    rendered = render_pod(sandbox.store.peek(VMI, ref.namespace, ref.name) or {})["spec"]
    kept = {key: rendered[key] for key in ("affinity", "nodeSelector", "containers")}
    for pod in launcher_pods(sandbox.store, vmi):
        sandbox.store.modify(POD, ref.namespace, pod["metadata"]["name"], lambda new: new["spec"].update(kept))


WORLDS: dict[str, tuple[Callable[[], World], Callable[[ClusterSandbox], object]]] = {
    "usual": (load_world, as_it_is),
    "rich": (rich, spread_out),
}


@asynccontextmanager
async def opened(name: str, folder: Path) -> AsyncIterator[tuple[ClusterSandbox, Shaky]]:
    make, change = WORLDS[name]
    sandbox = ClusterSandbox(world=make(), start_time=1_766_000_000.0)
    await sandbox.start()
    change(sandbox)
    await sandbox.advance(5)
    kube = await Shaky.reach(sandbox, folder)
    try:
        yield sandbox, kube
    finally:
        await kube.close()
        await sandbox.stop()


def cluster_lets(sandbox: ClusterSandbox, ref: Ref, node: Node, type_: MoveType) -> list[str]:
    """Why the simulated cluster would not do it; nothing where it would."""
    pod = _live_pod(sandbox, ref, node) if type_ is LIVE else _cold_pod(sandbox, ref, node)
    if isinstance(pod, str):
        return [pod]
    new = sandbox.store.prepare(POD, pod)
    if type_ is LIVE:
        try:
            check_quota(sandbox.store, new)
        except ApiError as refused:
            return [str(refused)]
    attempt = Attempt(sandbox.store, new, {})
    if type_ is COLD and (vmi := sandbox.store.peek(VMI, ref.namespace, ref.name)):
        gone = {each["metadata"]["uid"] for each in launcher_pods(sandbox.store, vmi)}
        for name, pods in attempt.pods_by_node.items():
            attempt.pods_by_node[name] = [each for each in pods if each["metadata"]["uid"] not in gone]
    real = sandbox.store.peek(NODE, "", node.name)
    assert real is not None
    return reasons_against(attempt, real)


def _live_pod(sandbox: ClusterSandbox, ref: Ref, node: Node) -> Obj | str:
    job: Obj = {
        "metadata": {"name": "trial", "namespace": ref.namespace},
        "spec": {"vmiName": ref.name, "addedNodeSelector": {"kubernetes.io/hostname": node.hostname}},
    }
    try:
        admit_create(sandbox.context, VMIM, job)
    except ApiError as refused:
        return str(refused)
    vmi = sandbox.store.peek(VMI, ref.namespace, ref.name)
    assert vmi is not None
    return render_target_pod(sandbox.store, vmi, sandbox.store.prepare(VMIM, job))


def _cold_pod(sandbox: ClusterSandbox, ref: Ref, node: Node) -> Obj | str:
    vm = sandbox.store.get(VM, ref.namespace, ref.name)
    assert vm is not None
    spec = vm["spec"]["template"]["spec"]
    spec["affinity"] = placement.pin(spec.get("affinity"), node.hostname)
    return render_pod(sandbox.store.prepare(VMI, render_vmi(vm, "trial", sandbox.clock)))


def blocks(facts: Facts, type_: MoveType) -> list[str]:
    return [each.code for each in checks.run(facts, type_) if each.severity is Severity.BLOCK]


@pytest.mark.parametrize("world", WORLDS)
async def test_what_passes_every_check_is_what_the_cluster_does(world: str, tmp_path: Path) -> None:
    compared = 0
    async with opened(world, tmp_path) as (sandbox, kube):
        survey = await kube.survey()
        for ref in await kube.vm_names(None):
            facts = await kube.facts(Question(ref.name, ref.namespace, None))
            for node in survey.nodes:
                for type_ in (LIVE, COLD):
                    if type_ is COLD and facts.vmi and facts.vmi.node == node.name:
                        continue  # the bot refuses what would change nothing
                    ours = blocks(replace(facts, target=node, survey=survey), type_)
                    theirs = cluster_lets(sandbox, ref, node, type_)
                    compared += 1
                    assert bool(ours) == bool(theirs), f"{ref} {type_} to {node.name}: {ours} but {theirs}"
    assert compared > 400


async def test_the_worlds_hold_what_they_are_for(tmp_path: Path) -> None:
    """Else the matrix would agree about nothing."""
    seen: set[str] = set()
    async with opened("rich", tmp_path) as (_, kube):
        survey = await kube.survey()
        for ref in await kube.vm_names(None):
            facts = await kube.facts(Question(ref.name, ref.namespace, None))
            for node in survey.nodes:
                for type_ in (LIVE, COLD):
                    seen |= set(blocks(replace(facts, target=node, survey=survey), type_))
    assert seen >= {
        "affinity",
        "anti-affinity",
        "cpu-model",
        "disk-not-shared",
        "disk-unreachable",
        "machine-type",
        "no-cpu-manager",
        "no-room",
        "not-live-migratable",
        "quota",
        "rules-contradict",
        "taint",
        "target-cordoned",
        "target-not-schedulable",
        "vm-stopped",
    }


async def test_the_best_node_of_a_ranking_really_takes_the_vm(tmp_path: Path) -> None:
    """One after the other, all that can move live: each lands where the ranking said."""
    async with opened("usual", tmp_path) as (sandbox, kube):
        moved = 0
        for ref in await kube.vm_names(None):
            facts = await kube.facts(Question(ref.name, ref.namespace, None))
            best = rank(facts, await kube.survey(), LIVE).best
            if best is None or blocks(replace(facts, target=best.node), LIVE):
                continue
            new = NewMigration(Ref(ref.namespace, f"best-{moved}"), ref.name, best.node.hostname)
            await kube.create_migration(new)
            await sandbox.advance(30)
            vmi = await kube.instance(ref)
            assert vmi is not None
            assert vmi.node == best.name, ref
            moved += 1
        assert moved > 10
