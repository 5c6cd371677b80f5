"""Watches that last: order, resume, outages, and nobody who listens for nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from k8s.client import KubeCluster
from k8s.client.feed import LONGEST_PAUSE, REREAD_SECONDS, WATCH_SECONDS, pause_after
from k8s.errors import Forbidden
from k8s.snapshots import Ref, View
from tests.cluster.api import VMIMS, VMIS, VMS, Answer, Api, HandTime, Json, Stream, load, merged, replay, status

VM = Ref("production", "web-01")
MIGRATION = Ref("production", "mig-live-ok")
EXPIRED = {"type": "ERROR", "object": status(410, "too old resource version: 1 (3497)", reason="Expired")}


def vmim(phase: str, *, version: str, uid: str = "u1", name: str = "mig-live-ok") -> Json:
    return {
        "metadata": {"name": name, "namespace": "production", "uid": uid, "resourceVersion": version},
        "spec": {"vmiName": "web-01"},
        "status": {"phase": phase},
    }


def modified(raw: Json) -> Json:
    return {"type": "MODIFIED", "object": raw}


def phase(view: View) -> str | None:
    return view.migration.phase if view.migration else None


async def until(views: AsyncIterator[View], wanted: str | None) -> list[str | None]:
    """Phases of the views up to the wanted one."""
    seen = []
    async for view in views:
        seen.append(phase(view))
        if seen[-1] == wanted:
            return seen
    raise AssertionError("the views ended")


@pytest.fixture
def world(api: Api) -> Api:
    api.put(VMIS, load("vmi-rwx-live-migratable"))
    api.put(VMIMS, vmim("Scheduling", version="1"))
    return api


async def test_the_first_view_is_what_is_there(world: Api, cluster: KubeCluster) -> None:
    async with cluster.follow(VM, MIGRATION) as views:
        view = await anext(views)
    assert view.vmi is not None
    assert (view.vmi.node, phase(view)) == ("worker-01", "Scheduling")
    assert view.last_seen == view.migration


async def test_a_whole_recorded_migration_arrives_state_by_state(api: Api, cluster: KubeCluster) -> None:
    events = [e for e in replay("live-ok") if e["kind"].startswith("VirtualMachineInstance")]
    api.put(VMIS, events[0]["object"])
    async with cluster.follow(VM, MIGRATION) as views:
        assert phase(await anext(views)) is None
        for event in events[1:]:
            collection = VMIMS if event["kind"].endswith("Migration") else VMIS
            api.push(collection, {"type": event["type"], "object": event["object"]})
        seen = [await anext(views) for _ in events[1:]]
    phases = [view.migration.phase for view in seen if view.migration]
    assert list(dict.fromkeys(phases)) == [
        *("", "Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running", "Succeeded"),
    ]
    last = seen[-1]
    assert last.vmi is not None
    assert last.migration is not None
    assert last.migration.state is not None
    assert (last.vmi.node, last.migration.state.completed) == ("worker-04", True)


async def test_a_cancelled_migration_is_seen_to_fail_and_kept_as_last_seen(api: Api, cluster: KubeCluster) -> None:
    events = [
        e["object"] | {"_": e["type"]} for e in replay("live-cancelled-running") if e["kind"].endswith("Migration")
    ]
    async with cluster.follow(VM, Ref("production", "mig-live-cancelled")) as views:
        await anext(views)
        for raw in events:
            api.push(VMIMS, {"type": raw["_"], "object": raw})
        assert (await until(views, "Failed"))[-2] == "Running"
        while (view := await anext(views)).migration is not None:
            pass
    assert view.last_seen is not None
    assert view.last_seen.state is not None
    assert (view.last_seen.phase, view.last_seen.state.abort_status) == ("Failed", "Succeeded")


async def test_other_objects_of_the_namespace_make_no_views(world: Api, cluster: KubeCluster) -> None:
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        world.push(VMIMS, modified(vmim("Failed", version="2", name="another")))
        world.push(VMIMS, modified(vmim("Running", version="3")))
        assert phase(await anext(views)) == "Running"


async def test_all_followers_of_a_namespace_share_one_watch_per_kind(world: Api, cluster: KubeCluster) -> None:
    world.put(VMIMS, vmim("Pending", version="1", name="second"))
    async with cluster.follow(VM, MIGRATION) as one, cluster.follow(VM, Ref("production", "second")) as other:
        assert phase(await anext(one)) == "Scheduling"
        assert phase(await anext(other)) == "Pending"
        await world.until_seen(1, "GET", VMIMS, watch=True)
    assert len(world.seen("GET", VMIMS)) == 1
    assert len(world.seen("GET", VMIMS, watch=True)) == 1


async def test_the_watch_stops_with_its_last_follower_and_starts_again(world: Api, cluster: KubeCluster) -> None:
    before = asyncio.all_tasks()
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        assert len({t for t in asyncio.all_tasks() - before if t.get_name().startswith("watch ")}) == 2
    assert not {t for t in asyncio.all_tasks() if t.get_name().startswith("watch ")}
    async with cluster.follow(VM, MIGRATION) as views:
        assert phase(await anext(views)) == "Scheduling"


async def test_a_watch_that_ends_goes_on_from_the_last_version(world: Api, cluster: KubeCluster) -> None:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "777"}}}
    world.streams[VMIMS].append(Stream([modified(vmim("Scheduled", version="500")), bookmark], ends=True))
    async with cluster.follow(VM, MIGRATION) as views:
        await until(views, "Scheduled")
        first, second = await world.until_seen(2, "GET", VMIMS, watch=True)
        world.push(VMIMS, modified(vmim("Running", version="778")))
        await until(views, "Running")
    assert first.query["allowWatchBookmarks"] == "true"
    assert int(first.query["timeoutSeconds"]) == WATCH_SECONDS
    assert second.query["resourceVersion"] == "777"
    assert len(world.seen("GET", VMIMS)) == 1


async def test_an_expired_watch_lists_again_at_once_and_tells_what_changed(
    world: Api, cluster: KubeCluster, timing: HandTime
) -> None:
    world.streams[VMIMS].append(Stream([EXPIRED], ends=True))
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        world.put(VMIMS, vmim("Running", version="2"))
        world.plan("GET", VMIMS)
        await until(views, "Running")
    assert timing.slept == []


async def test_a_migration_that_vanished_during_an_outage_is_reported_with_its_last_state(
    world: Api, cluster: KubeCluster
) -> None:
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        del world.objects[f"{VMIMS}/mig-live-ok"]
        world.push(VMIMS, EXPIRED)
        view = await anext(views)
    assert view.migration is None
    assert view.last_seen is not None
    assert view.last_seen.phase == "Scheduling"


async def test_a_name_in_use_again_is_first_gone_and_then_new(world: Api, cluster: KubeCluster) -> None:
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        world.put(VMIMS, vmim("Pending", version="9", uid="u2"))
        world.push(VMIMS, EXPIRED)
        assert phase(await anext(views)) is None
        view = await anext(views)
    assert view.migration is not None
    assert (view.migration.uid, view.migration.phase) == ("u2", "Pending")


async def test_an_outage_is_waited_out_with_growing_pauses(world: Api, cluster: KubeCluster, timing: HandTime) -> None:
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        await world.until_seen(1, "GET", VMIMS, watch=True)
        world.plan("GET", VMIMS, *[Answer(503)] * 9)
        world.push(VMIMS, {"type": "ERROR", "object": status(500, "etcdserver: leader changed")})
        await world.until_seen(10, "GET", VMIMS, watch=True)
        world.push(VMIMS, modified(vmim("Running", version="900")))
        await until(views, "Running")
    assert timing.slept[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(timing.slept) == LONGEST_PAUSE


def test_the_pause_stops_growing_however_long_the_outage() -> None:
    assert pause_after(10_000) == LONGEST_PAUSE


async def test_a_busy_server_is_given_the_pause_that_it_asks_for(
    world: Api, cluster: KubeCluster, timing: HandTime
) -> None:
    world.plan("GET", VMIMS, Answer(429, status(429, "storage is (re)initializing"), {"Retry-After": "7"}))
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
    assert timing.slept == [7.0]


async def test_an_outage_is_told_for_as_long_as_it_lasts(world: Api, cluster: KubeCluster, timing: HandTime) -> None:
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        await world.until_seen(1, "GET", VMIMS, watch=True)
        assert cluster.outage() is None
        world.waves.append({"never"})
        world.push(VMIMS, {"type": "ERROR", "object": status(500, "etcdserver: leader changed")})
        await world.until_seen(2, "GET", VMIMS, watch=True)
        timing.time += 60
        outage = cluster.outage()
        assert outage is not None
        assert outage >= 60
        world.release()
        world.push(VMIMS, modified(vmim("Running", version="900")))
        await until(views, "Running")
        assert cluster.outage() is None


async def test_an_outage_is_over_with_the_next_open_watch_even_if_nothing_happens(
    world: Api, cluster: KubeCluster
) -> None:
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        await world.until_seen(1, "GET", VMIMS, watch=True)
        world.waves.append({"never"})
        world.push(VMIMS, {"type": "ERROR", "object": status(500, "etcdserver: leader changed")})
        await world.until_seen(2, "GET", VMIMS, watch=True)
        assert cluster.outage() is not None
        world.release()
        for _ in range(10_000):
            await asyncio.sleep(0)
            if cluster.outage() is None:
                break
        assert cluster.outage() is None


async def test_a_server_that_ends_watches_at_once_is_listed_with_pauses(
    world: Api, cluster: KubeCluster, timing: HandTime
) -> None:
    world.streams[VMIMS].extend([Stream(ends=True)] * 4)
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        await world.until_seen(5, "GET", VMIMS, watch=True)
    assert timing.slept == [0.5, 1.0, 2.0, 4.0]
    assert len(world.seen("GET", VMIMS)) == 5


async def test_a_cut_connection_goes_on_where_it_was(world: Api, cluster: KubeCluster) -> None:
    world.streams[VMIMS].append(Stream([modified(vmim("Scheduled", version="500"))], cut=True))
    async with cluster.follow(VM, MIGRATION) as views:
        await until(views, "Scheduled")
        _, second = await world.until_seen(2, "GET", VMIMS, watch=True)
    assert second.query["resourceVersion"] == "500"


async def test_a_watch_that_outlives_its_time_is_taken_for_lost(
    world: Api, cluster: KubeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8s.client.feed.WATCH_SECONDS", 1)
    monkeypatch.setattr("k8s.client.feed.SILENCE_GRACE", -0.95)
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        first, second = (await world.until_seen(2, "GET", VMIMS, watch=True))[:2]
    assert first.query["resourceVersion"] == second.query["resourceVersion"]


async def test_a_silent_watch_is_made_good_by_the_slow_reread(
    world: Api, cluster: KubeCluster, timing: HandTime
) -> None:
    world.streams[VMIMS].append(Stream([modified(vmim("Scheduled", version="500"))]))
    async with cluster.follow(VM, MIGRATION) as views:
        await until(views, "Scheduled")
        world.put(VMIMS, vmim("Running", version="501"))
        timing.time += REREAD_SECONDS
        world.push(VMIMS, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "600"}}})
        await until(views, "Running")
    assert len(world.seen("GET", VMIMS)) == 2


async def test_the_last_watch_before_a_reread_is_a_short_one(
    world: Api, cluster: KubeCluster, timing: HandTime
) -> None:
    world.streams[VMIMS].append(Stream([modified(vmim("Scheduled", version="500"))]))
    async with cluster.follow(VM, MIGRATION) as views:
        await until(views, "Scheduled")
        timing.time += REREAD_SECONDS - 20
        world.push(VMIMS, {"type": "ERROR", "object": status(500, "restart")})
        _, second = await world.until_seen(2, "GET", VMIMS, watch=True)
    assert int(second.query["timeoutSeconds"]) == 20


async def test_a_missing_right_is_told_instead_of_a_first_view(world: Api, cluster: KubeCluster) -> None:
    denied = status(
        403, 'x is forbidden: User "bot" cannot list resource "virtualmachineinstances"', reason="Forbidden"
    )
    world.plan("GET", VMIS, Answer(403, denied))
    async with cluster.follow(VM, MIGRATION) as views:
        with pytest.raises(Forbidden) as caught:
            await anext(views)
    assert caught.value.verb == "list"


async def test_a_right_that_is_granted_later_is_noticed_by_the_next_follower(world: Api, cluster: KubeCluster) -> None:
    denied = status(
        403, 'x is forbidden: User "bot" cannot list resource "virtualmachineinstances"', reason="Forbidden"
    )
    world.plan("GET", VMIS, Answer(403, denied))
    async with cluster.follow(VM, MIGRATION) as first, cluster.follow(VM, MIGRATION) as second:
        with pytest.raises(Forbidden):
            await anext(first)
        await world.until_seen(1, "GET", VMIS, watch=True)
        assert phase(await anext(second)) == "Scheduling"


async def test_a_list_that_expires_between_its_pages_is_begun_again(world: Api, cluster: KubeCluster) -> None:
    page = {"metadata": {"resourceVersion": "5", "continue": "more"}, "items": []}
    expired = status(410, "The provided continue parameter is too old", reason="Expired")
    world.plan("GET", VMIMS, Answer(200, page), Answer(410, expired))
    async with cluster.follow(VM, MIGRATION) as views:
        assert phase(await anext(views)) == "Scheduling"


async def test_a_list_that_makes_no_sense_is_loud(world: Api, cluster: KubeCluster) -> None:
    world.plan("GET", VMIMS, Answer(200, {"items": [{"no": "metadata"}]}))
    async with cluster.follow(VM, MIGRATION) as views:
        with pytest.raises(KeyError):
            await anext(views)


async def test_a_cluster_that_is_down_at_first_is_waited_for(world: Api, cluster: KubeCluster) -> None:
    world.plan("GET", VMIS, Answer(503), Answer(503))
    async with cluster.follow(VM, MIGRATION) as views:
        assert phase(await anext(views)) == "Scheduling"


async def test_a_vmi_that_goes_away_is_none(world: Api, cluster: KubeCluster) -> None:
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        world.push(VMIS, {"type": "DELETED", "object": merged(load("vmi-rwx-live-migratable"), {"status": {}})})
        view = await anext(views)
    assert view.vmi is None
    assert phase(view) == "Scheduling"


async def test_a_broken_feed_is_loud(world: Api, cluster: KubeCluster) -> None:
    async with cluster.follow(VM, MIGRATION) as views:
        await anext(views)
        world.push(VMIMS, {"type": "MODIFIED", "object": {"no": "metadata"}})
        with pytest.raises(KeyError):
            await anext(views)


async def test_a_vm_is_followed_together_with_what_runs(world: Api, cluster: KubeCluster) -> None:
    vm, vmi = load("vm-always"), world.objects[f"{VMIS}/web-01"]
    world.put(VMS, vm)
    halted = merged(vm, {"metadata": {"resourceVersion": "900"}, "spec": {"runStrategy": "Halted"}})
    async with cluster.follow_vm(VM) as views:
        first = await anext(views)
        world.push(VMS, modified(halted))
        second = await anext(views)
        world.push(VMIS, {"type": "DELETED", "object": vmi})
        third = await anext(views)
        world.push(VMS, {"type": "DELETED", "object": halted})
        last = await anext(views)
    assert first.vm is not None
    assert second.vm is not None
    assert (first.vm.run_strategy, second.vm.run_strategy) == ("Always", "Halted")
    assert first.vmi == second.vmi is not None
    assert (third.vm, third.vmi) == (second.vm, None)
    assert (last.vm, last.vmi) == (None, None)


async def test_a_vm_that_may_not_be_followed_is_said_to_be(world: Api, cluster: KubeCluster) -> None:
    denied = status(403, 'x is forbidden: User "bot" cannot list resource "virtualmachines"', reason="Forbidden")
    world.plan("GET", VMS, Answer(403, denied))
    async with cluster.follow_vm(VM) as views:
        with pytest.raises(Forbidden):
            await anext(views)
