"""Starting a migration once however often it is tried, and settling what became of one."""

from dataclasses import replace
from typing import Any

import pytest

from k8s.client import KubeCluster
from k8s.errors import AlreadyExists, InFlight, Refused, Unreachable
from k8s.snapshots import NewMigration, Ref
from k8s.steps import EVENT_SECONDS, LATE_SECONDS, LOOKS, Intent, Trace, settle, start_migration
from tests.cluster.api import EVENTS, PODS, VMIMS, VMIS, Answer, Api, HandTime, Json, merged, replay, status

NEW = NewMigration(Ref("production", "move-1"), "web-01", "w5", labels={"vm-migrate-bot/plan": "p1"})
FLIGHT = Answer(
    400,
    status(400, "in-flight migration detected. Active migration job (u9) is currently already in progress for VMI x."),
)
TAKEN = Answer(409, status(409, reason="AlreadyExists"))


def vmim(**labels: str) -> Json:
    return {
        "metadata": {"name": "move-1", "namespace": "production", "uid": "u1", "labels": labels},
        "spec": {"vmiName": "web-01", "addedNodeSelector": {"kubernetes.io/hostname": "w5"}},
        "status": {"phase": "Scheduling"},
    }


OURS = {"vm-migrate-bot/plan": "p1"}


async def test_a_migration_is_created(api: Api, cluster: KubeCluster) -> None:
    started = await start_migration(cluster, NEW)
    assert started.ref == NEW.ref
    assert [request.method for request in api.requests] == ["POST"]


@pytest.mark.parametrize("answer", [TAKEN, FLIGHT])
async def test_our_own_one_from_an_earlier_try_is_accepted(api: Api, cluster: KubeCluster, answer: Answer) -> None:
    api.put(VMIMS, vmim(**OURS))
    api.plan("POST", VMIMS, answer)
    assert (await start_migration(cluster, NEW)).uid == "u1"


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"labels": {"vm-migrate-bot/plan": "p2"}}},
        {"metadata": {"labels": None}},
        {"spec": {"vmiName": "web-02"}},
        {"spec": {"addedNodeSelector": {"kubernetes.io/hostname": "w4"}}},
    ],
)
@pytest.mark.parametrize(("answer", "error"), [(TAKEN, AlreadyExists), (FLIGHT, InFlight)])
async def test_one_that_is_not_ours_is_not(
    api: Api, cluster: KubeCluster, answer: Answer, error: type[Exception], change: Json
) -> None:
    api.put(VMIMS, merged(vmim(**OURS), change))
    api.plan("POST", VMIMS, answer)
    with pytest.raises(error):
        await start_migration(cluster, NEW)


async def test_a_name_that_is_free_again_is_not_posted_a_second_time(api: Api, cluster: KubeCluster) -> None:
    api.plan("POST", VMIMS, TAKEN)
    with pytest.raises(AlreadyExists):
        await start_migration(cluster, NEW)
    assert len(api.seen("POST", VMIMS)) == 1


async def test_an_answer_that_was_lost_is_found_by_looking(api: Api, cluster: KubeCluster, timing: HandTime) -> None:
    api.plan("POST", VMIMS, Answer(0, cut=True))
    api.plan("GET", f"{VMIMS}/move-1", Answer(503))
    assert (await start_migration(cluster, NEW, sleep=timing.sleep)).ref == NEW.ref
    assert timing.slept == list(LOOKS[:2])
    assert len(api.seen("POST", VMIMS)) == 1


async def test_a_create_that_never_arrived_stays_open(api: Api, cluster: KubeCluster, timing: HandTime) -> None:
    api.plan("POST", VMIMS, Answer(504))
    with pytest.raises(Unreachable) as caught:
        await start_migration(cluster, NEW, sleep=timing.sleep)
    assert caught.value.code == 504
    assert timing.slept == list(LOOKS)


async def test_a_refusal_is_no_reason_to_look(api: Api, cluster: KubeCluster) -> None:
    api.plan("POST", VMIMS, Answer(400, status(400, "Cannot migrate VMI in finalized state.")))
    with pytest.raises(Refused):
        await start_migration(cluster, NEW)
    assert len(api.requests) == 1


async def test_a_migration_without_the_plans_label_could_never_be_recognised(cluster: KubeCluster) -> None:
    with pytest.raises(ValueError, match="needs the label"):
        await start_migration(cluster, replace(NEW, labels={}))


# --- settle -----------------------------------------------------------------------------------------------------------

FORBIDDEN = Answer(403, status(403, 'x is forbidden: User "bot" cannot list resource "events"', reason="Forbidden"))
LATER = LATE_SECONDS + 1


def after(scenario: str, api: Api, *, events: bool = True, pods: bool = True) -> Intent:
    """Put the end of a recorded scenario into the API, without its VMIM; return what was noted before its start."""
    last: dict[str, Json] = {}
    first: dict[str, Json] = {}
    for entry in replay(scenario):
        if entry["kind"] == "Event":
            if events:
                api.put(EVENTS, entry["object"])
        else:
            first.setdefault(entry["kind"], entry["object"])
            last[entry["kind"]] = entry["object"]
    vmi, migration = last["VirtualMachineInstance"], last["VirtualMachineInstanceMigration"]
    api.put(VMIS, vmi)
    if pods:
        api.put(PODS, launcher(migration["metadata"]["name"], migration["metadata"]["uid"]))
    before = first["VirtualMachineInstance"]
    return Intent(
        vm=Ref("production", vmi["metadata"]["name"]),
        migration=Ref("production", migration["metadata"]["name"]),
        vmi_uid=vmi["metadata"]["uid"],
        source=before["status"]["nodeName"],
        previous_uid=(before["status"].get("migrationState") or {}).get("migrationUid", ""),
    )


def launcher(migration: str, uid: str) -> Json:
    return {
        "metadata": {
            "name": f"virt-launcher-{uid}",
            "namespace": "production",
            "uid": f"pod-{uid}",
            "labels": {"kubevirt.io/migrationJobUID": uid},
            "annotations": {"kubevirt.io/migrationJobName": migration},
        }
    }


def uid_of(scenario: str) -> str:
    return next(str(e["uid"]) for e in replay(scenario) if e["kind"].endswith("Migration"))


def untouched(api: Api) -> Intent:
    """A VM that nobody migrated, and an intent to."""
    vmi = next(e["object"] for e in replay("live-ok") if e["kind"] == "VirtualMachineInstance")
    api.put(VMIS, vmi)
    return Intent(
        Ref("production", "web-01"), Ref("production", "move-1"), vmi["metadata"]["uid"], vmi["status"]["nodeName"]
    )


def change_vmi(api: Api, change: Json) -> None:
    path = next(path for path in api.objects if path.startswith(VMIS))
    api.objects[path] = merged(api.objects[path], change)


ENDINGS = [("live-ok", Trace.MOVED), ("live-failed", Trace.ENDED), ("live-cancelled-running", Trace.ENDED)]


@pytest.mark.parametrize(("scenario", "trace"), ENDINGS)
async def test_a_recorded_end_is_told_with_the_uid(api: Api, cluster: KubeCluster, scenario: str, trace: Trace) -> None:
    intent = replace(after(scenario, api, events=False, pods=False), migration_uid=uid_of(scenario))
    assert await settle(cluster, intent, age=1) is trace


@pytest.mark.parametrize("source", ["events", "pods"])
@pytest.mark.parametrize(("scenario", "trace"), ENDINGS)
async def test_a_recorded_end_is_told_without_the_uid_by_pods_or_events(
    api: Api, cluster: KubeCluster, scenario: str, trace: Trace, source: str
) -> None:
    intent = after(scenario, api, events=source == "events", pods=source == "pods")
    assert await settle(cluster, intent, age=1) is trace


async def test_without_the_uid_and_its_traces_a_hand_over_could_be_anybodys(api: Api, cluster: KubeCluster) -> None:
    intent = after("live-ok", api, events=False, pods=False)
    assert await settle(cluster, intent, age=LATER) is Trace.UNKNOWN


async def test_one_that_is_there_is_to_be_followed(api: Api, cluster: KubeCluster) -> None:
    intent = untouched(api)
    api.put(VMIMS, vmim(**OURS))
    assert await settle(cluster, intent, age=1) is Trace.PRESENT
    assert await settle(cluster, replace(intent, migration_uid="u1"), age=1) is Trace.PRESENT


async def test_another_one_of_that_name_is_not_ours(api: Api, cluster: KubeCluster) -> None:
    intent = untouched(api)
    api.put(VMIMS, vmim(**OURS))
    assert await settle(cluster, replace(intent, migration_uid="u0"), age=1) is Trace.UNKNOWN
    api.put(VMIMS, merged(vmim(**OURS), {"spec": {"vmiName": "web-02"}}))
    assert await settle(cluster, intent, age=1) is Trace.UNKNOWN


async def test_one_that_arrives_while_we_look_is_to_be_followed(api: Api, cluster: KubeCluster) -> None:
    intent = untouched(api)
    api.put(VMIMS, vmim(**OURS))
    missing = status(404, reason="NotFound", details={"name": "move-1", "kind": "virtualmachineinstancemigrations"})
    api.plan("GET", f"{VMIMS}/move-1", Answer(404, missing))
    assert await settle(cluster, intent, age=LATER) is Trace.PRESENT


async def test_a_create_that_left_no_trace_never_was(api: Api, cluster: KubeCluster) -> None:
    assert await settle(cluster, untouched(api), age=LATER) is Trace.ABSENT


@pytest.mark.parametrize("path", [EVENTS, PODS])
async def test_no_trace_proves_nothing_to_who_may_not_look(api: Api, cluster: KubeCluster, path: str) -> None:
    intent = untouched(api)
    api.plan("GET", path, *[FORBIDDEN] * 3)
    assert await settle(cluster, intent, age=LATER) is Trace.UNKNOWN


async def test_a_create_may_still_arrive_for_a_while(api: Api, cluster: KubeCluster) -> None:
    assert await settle(cluster, untouched(api), age=LATE_SECONDS - 1) is Trace.UNKNOWN


async def test_when_the_events_have_expired_the_vm_has_still_not_moved(api: Api, cluster: KubeCluster) -> None:
    intent = untouched(api)
    assert await settle(cluster, intent, age=EVENT_SECONDS + 1) is Trace.ENDED
    change_vmi(api, {"status": {"nodeName": "worker-09"}})
    assert await settle(cluster, intent, age=EVENT_SECONDS + 1) is Trace.UNKNOWN


async def test_one_that_ended_before_the_hand_over_is_known_by_its_events(api: Api, cluster: KubeCluster) -> None:
    intent = untouched(api)
    involved = {"kind": "VirtualMachineInstanceMigration", "name": "move-1", "uid": "u1"}
    api.put(EVENTS, {"metadata": {"name": "e1"}, "involvedObject": involved, "reason": "FailedMigration"})
    assert await settle(cluster, intent, age=1) is Trace.ENDED


async def test_a_name_used_twice_cannot_be_told(api: Api, cluster: KubeCluster) -> None:
    intent = untouched(api)
    for uid in ("u1", "u2"):
        api.put(PODS, launcher("move-1", uid))
    assert await settle(cluster, intent, age=LATER) is Trace.UNKNOWN


async def test_ours_and_then_another_ones_hand_over_cannot_be_told(api: Api, cluster: KubeCluster) -> None:
    intent = replace(untouched(api), migration_uid="u1")
    change_vmi(api, {"status": {"migrationState": {"migrationUid": "u2", "completed": True}}})
    assert await settle(cluster, intent, age=LATER) is Trace.UNKNOWN


async def test_a_vm_that_another_one_moved_meanwhile_is_no_place_to_start_again(api: Api, cluster: KubeCluster) -> None:
    intent = untouched(api)
    change_vmi(api, {"status": {"nodeName": "worker-03", "migrationState": {"migrationUid": "u7", "completed": True}}})
    assert await settle(cluster, intent, age=LATER) is Trace.UNKNOWN


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"uid": "restarted"}},
        {"status": {"phase": "Failed"}},
        {"status": {"migrationState": {"completed": False}}},
        {"status": {"nodeName": "worker-09"}},
    ],
)
async def test_a_vmi_that_does_not_fit_the_story_cannot_be_told(
    api: Api, cluster: KubeCluster, change: dict[str, Any]
) -> None:
    intent = replace(after("live-ok", api), migration_uid=uid_of("live-ok"))
    change_vmi(api, change)
    assert await settle(cluster, intent, age=LATER) is Trace.UNKNOWN


async def test_a_stopped_vm_takes_the_story_with_it(api: Api, cluster: KubeCluster) -> None:
    intent = untouched(api)
    api.objects.clear()
    assert await settle(cluster, intent, age=LATER) is Trace.UNKNOWN


async def test_an_outage_is_no_verdict(api: Api, cluster: KubeCluster) -> None:
    intent = untouched(api)
    api.plan("GET", f"{VMIMS}/move-1", Answer(503))
    with pytest.raises(Unreachable):
        await settle(cluster, intent, age=LATER)
