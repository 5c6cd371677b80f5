"""The real client against the simulated cluster: KubeVirt's rules on one side, ours on the other, HTTP between them."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from k8s.client import KubeCluster
from k8s.cluster import Question
from k8s.errors import Ambiguous, Forbidden, InFlight, NotFound, Refused, Unreachable
from k8s.rights import NEEDED, NEEDED_COLD
from k8s.snapshots import Facts, Migration, NewMigration, Ref, View
from k8s.steps import LATE_SECONDS, Intent, Trace, settle, start_migration
from tests.cluster.simulated import Shaky, cause

WEB = Ref("production", "web-01")
MOVE = Ref("production", "move-1")
PHASES = ["Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running"]


@pytest.fixture
def cluster(kube: Shaky) -> KubeCluster:
    return kube


def new(hostname: str | None = "worker-05") -> NewMigration:
    return NewMigration(MOVE, "web-01", hostname, labels={"vm-migrate-bot/plan": "p1"})


def intent(facts: Facts) -> Intent:
    assert facts.vmi is not None
    return Intent(vm=WEB, migration=MOVE, vmi_uid=facts.vmi.uid, source=facts.vmi.node)


async def until_final(views: AsyncIterator[View]) -> list[str]:
    """Phases up to the moment at which the VMIM is final or gone, each once."""
    seen: list[str] = []
    async for view in views:
        last = view.last_seen
        if last is not None and last.phase not in {"", *seen[-1:]}:
            seen.append(last.phase)
        if last is not None and last.final:
            return seen
    raise AssertionError("the views ended")


async def the_migration(cluster: KubeCluster) -> Migration:
    found = await cluster.migration(MOVE)
    assert found is not None
    return found


async def test_a_live_move_to_a_named_node(sandbox: ClusterSandbox, cluster: KubeCluster) -> None:
    async with cluster.follow(WEB, MOVE) as views:
        assert (await anext(views)).migration is None
        started = await start_migration(cluster, new())
        await sandbox.advance(60)
        assert await until_final(views) == [*PHASES, "Succeeded"]
    vmi = await cluster.instance(WEB)
    assert vmi is not None
    assert vmi.migration is not None
    assert (vmi.node, vmi.migration.uid, vmi.migration.completed) == ("worker-05", started.uid, True)


async def test_the_hostname_label_is_what_selects_not_the_nodes_name(
    sandbox: ClusterSandbox, cluster: KubeCluster
) -> None:
    facts = await cluster.facts(Question("web-01", "production", "worker-04"))
    assert facts.target is not None
    assert facts.target.hostname == "worker-04.example.internal"
    await start_migration(cluster, new(facts.target.hostname))
    await sandbox.advance(60)
    vmi = await cluster.instance(WEB)
    assert vmi is not None
    assert vmi.node == "worker-04"


async def test_starting_twice_starts_once(sandbox: ClusterSandbox, cluster: KubeCluster) -> None:
    first = await start_migration(cluster, new())
    assert (await start_migration(cluster, new())).uid == first.uid
    await sandbox.advance(60)
    assert (await start_migration(cluster, new())).uid == first.uid
    assert len(await cluster.migrations(WEB)) == 1


async def test_somebody_elses_migration_is_in_the_way(sandbox: ClusterSandbox, cluster: KubeCluster) -> None:
    theirs = await cluster.create_migration(NewMigration(Ref("production", "theirs"), "web-01", None))
    with pytest.raises(InFlight) as caught:
        await start_migration(cluster, new())
    assert caught.value.uid == theirs.uid


async def test_a_cancelled_move_is_seen_to_fail_although_it_vanishes(
    sandbox: ClusterSandbox, cluster: KubeCluster
) -> None:
    async with cluster.follow(WEB, MOVE) as views:
        await anext(views)
        started = await start_migration(cluster, new())
        await sandbox.advance(5)
        await cluster.delete_migration(MOVE, started.uid)
        await sandbox.advance(30)
        assert await until_final(views) == [*PHASES, "Failed"]
    assert await cluster.migration(MOVE) is None


@pytest.mark.parametrize("fault", ["cutWatches", "expireWatches"])
async def test_a_move_is_followed_through_broken_watches(
    sandbox: ClusterSandbox, cluster: KubeCluster, fault: str
) -> None:
    async with cluster.follow(WEB, MOVE) as views:
        await anext(views)
        await start_migration(cluster, new())
        await sandbox.advance(5)
        await cause(sandbox, **{fault: True})
        await sandbox.advance(60)
        assert (await until_final(views))[-1] == "Succeeded"


async def test_an_unschedulable_target_shows_the_schedulers_words(
    sandbox: ClusterSandbox, cluster: KubeCluster
) -> None:
    await start_migration(cluster, new("worker-06"))
    await sandbox.advance(10)
    started = await the_migration(cluster)
    evidence = await cluster.evidence(WEB, MOVE, started.uid)
    (pod,) = evidence.pods
    assert pod.scheduled is not None
    assert (pod.phase, pod.scheduled.reason) == ("Pending", "Unschedulable")
    assert "nodes are available" in pod.scheduled.message
    assert {"SuccessfulCreate", "FailedScheduling"} <= {event.reason for event in evidence.events}


async def test_an_old_kubevirt_refuses_the_target_and_nothing_moves(tmp_path: Path) -> None:
    old = ClusterSandbox(version="v1.5.2", start_time=1_766_000_000.0)
    await old.start()
    cluster = await Shaky.reach(old, tmp_path)
    found = await cluster.capabilities()
    assert (found.kubevirt_version, found.added_node_selector, found.rollout_strategy) == ("v1.5.2", False, "Stage")
    with pytest.raises(Refused):
        await cluster.create_migration(new())
    await old.advance(30)
    assert await cluster.migrations(WEB) == ()
    await cluster.close()
    await old.stop()


async def test_the_facts_of_a_move_are_fifteen_requests_in_a_cluster_of_many_vms(
    sandbox: ClusterSandbox, cluster: KubeCluster
) -> None:
    facts = await cluster.facts(Question("web-01", None, "worker-05"))
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.url}/sandbox/requests") as answer:
        requests = await answer.json()
    assert facts.admission is not None
    assert facts.admission.accepted
    assert len(requests) == 15


async def test_what_cannot_migrate_is_refused_in_the_clusters_words(cluster: KubeCluster) -> None:
    admission = (await cluster.facts(Question("app-vm", None, "worker-05"))).admission
    assert admission is not None
    assert (admission.accepted, admission.code) == (False, 400)
    assert admission.message.startswith("Cannot migrate VMI, Reason: DisksNotLiveMigratable")


async def test_an_ambiguous_name_and_unknown_ones(cluster: KubeCluster) -> None:
    with pytest.raises(Ambiguous) as ambiguous:
        await cluster.facts(Question("cache-01", None, None))
    assert {ref.namespace for ref in ambiguous.value.matches} == {"dev", "vms"}
    for question, kind in [
        (Question("web-99", None, None), "VirtualMachine"),
        (Question("web-99", "production", None), "VirtualMachine"),
        (Question("web-01", "prodution", None), "Namespace"),
        (Question("web-01", None, "worker-99"), "Node"),
    ]:
        with pytest.raises(NotFound) as missing:
            await cluster.facts(question)
        assert missing.value.kind == kind


async def test_settling_tells_what_became_of_a_lost_attempt(sandbox: ClusterSandbox, cluster: KubeCluster) -> None:
    noted = intent(await cluster.facts(Question("web-01", "production", "worker-05")))
    assert await settle(cluster, noted, age=LATE_SECONDS) is Trace.ABSENT
    started = await start_migration(cluster, new())
    assert await settle(cluster, noted, age=1) is Trace.PRESENT
    await sandbox.advance(5)
    await cluster.delete_migration(MOVE, started.uid)
    await sandbox.advance(30)
    assert await settle(cluster, noted, age=36) is Trace.ENDED


async def test_settling_finds_a_move_that_succeeded_and_was_cleared_away(
    sandbox: ClusterSandbox, cluster: KubeCluster
) -> None:
    noted = intent(await cluster.facts(Question("web-01", "production", "worker-05")))
    started = await start_migration(cluster, new())
    await sandbox.advance(60)
    await cluster.delete_migration(MOVE, started.uid)
    await sandbox.advance(5)
    assert await cluster.migration(MOVE) is None
    assert await settle(cluster, noted, age=66) is Trace.MOVED


async def test_virt_api_down_fails_the_write_and_not_the_reads(sandbox: ClusterSandbox, cluster: KubeCluster) -> None:
    await cause(sandbox, virtApiDown=True)
    with pytest.raises(Unreachable, match="failed calling webhook"):
        await cluster.create_migration(new())
    assert await cluster.instance(WEB) is not None


async def test_a_user_without_rights_is_told_which_one_is_missing(tmp_path: Path) -> None:
    guarded = ClusterSandbox(rbac=True, start_time=1_766_000_000.0)
    await guarded.start()
    stranger = await Shaky.reach(guarded, tmp_path, "system:serviceaccount:default:stranger")
    with pytest.raises(Forbidden) as caught:
        await stranger.facts(Question("web-01", None, None))
    assert (caught.value.verb, caught.value.resource) in [(right.verb, right.resource) for right in NEEDED]
    assert not any(
        [await stranger.access(*right) for right in (*NEEDED, *NEEDED_COLD) if right.resource != "kubevirts"]
    )
    await stranger.close()
    admin = await Shaky.reach(guarded, tmp_path)
    assert all([await admin.access(*right) for right in (*NEEDED, *NEEDED_COLD)])
    await admin.close()
    await guarded.stop()
