"""Creating and deleting a VMIM, also when the server drops the target or the caller leaves."""

import asyncio

import pytest

from k8s.client import KubeCluster
from k8s.client.writes import DELETE_TRIES
from k8s.errors import AlreadyExists, Conflict, InFlight, NotFound, Refused
from k8s.snapshots import NewMigration, Ref
from tests.cluster.api import VMIMS, VMS, Answer, Api, HandTime, Json, load, status

REF = Ref("production", "move-1")
NEW = NewMigration(REF, "web-01", "w5", labels={"vm-migrate-bot/plan": "p1"}, annotations={"note": "x"})


def pruned(uid: str = "u1") -> Json:
    return {"metadata": {"name": "move-1", "namespace": "production", "uid": uid}, "spec": {"vmiName": "web-01"}}


async def test_a_vmim_is_created_strictly_with_its_target_and_labels(api: Api, cluster: KubeCluster) -> None:
    created = await cluster.create_migration(NEW)
    (request,) = api.requests
    assert request.query == {"fieldValidation": "Strict"}
    assert request.body == {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceMigration",
        "metadata": {
            "name": "move-1",
            "namespace": "production",
            "labels": {"vm-migrate-bot/plan": "p1"},
            "annotations": {"note": "x"},
        },
        "spec": {"vmiName": "web-01", "addedNodeSelector": {"kubernetes.io/hostname": "w5"}},
    }
    assert (created.ref, created.phase) == (REF, "")
    assert created.uid


async def test_without_a_target_the_scheduler_decides(api: Api, cluster: KubeCluster) -> None:
    await cluster.create_migration(NewMigration(REF, "web-01", None))
    assert api.requests[0].body["spec"] == {"vmiName": "web-01"}


async def test_a_vmim_that_lost_its_target_is_deleted_at_once(api: Api, cluster: KubeCluster) -> None:
    api.put(VMIMS, pruned())
    api.plan("POST", VMIMS, Answer(201, pruned()))
    with pytest.raises(Refused, match="ignores the target node"):
        await cluster.create_migration(NEW)
    assert await cluster.migration(REF) is None
    (deletion,) = api.seen("DELETE", f"{VMIMS}/move-1")
    assert deletion.body["preconditions"] == {"uid": "u1"}


async def test_a_trial_that_lost_its_target_is_refused_and_deletes_nothing(api: Api, cluster: KubeCluster) -> None:
    api.plan("POST", VMIMS, Answer(201, pruned()))
    with pytest.raises(Refused):
        await cluster.create_migration(NEW, dry_run=True)
    assert [request.method for request in api.requests] == ["POST"]


async def test_taking_back_is_tried_again(api: Api, cluster: KubeCluster, timing: HandTime) -> None:
    api.put(VMIMS, pruned())
    api.plan("POST", VMIMS, Answer(201, pruned()))
    api.plan("DELETE", f"{VMIMS}/move-1", Answer(500), Answer(503))
    with pytest.raises(Refused, match="nothing was moved"):
        await cluster.create_migration(NEW)
    assert len(timing.slept) == 2
    assert await cluster.migration(REF) is None


async def test_a_vmim_that_could_not_be_taken_back_is_named(api: Api, cluster: KubeCluster) -> None:
    api.plan("POST", VMIMS, Answer(201, pruned()))
    api.plan("DELETE", f"{VMIMS}/move-1", *[Answer(500)] * DELETE_TRIES)
    with pytest.raises(Refused, match="production/move-1 could not be deleted"):
        await cluster.create_migration(NEW)


async def test_a_taken_name_and_a_running_migration_are_told_apart(api: Api, cluster: KubeCluster) -> None:
    flight = "in-flight migration detected. Active migration job (u9) is currently already in progress for VMI web-01."
    api.plan("POST", VMIMS, Answer(409, status(409, reason="AlreadyExists")), Answer(400, status(400, flight)))
    with pytest.raises(AlreadyExists):
        await cluster.create_migration(NEW)
    with pytest.raises(InFlight) as caught:
        await cluster.create_migration(NEW)
    assert caught.value.uid == "u9"


async def test_a_create_goes_on_when_its_caller_has_left(api: Api, cluster: KubeCluster) -> None:
    api.waves.extend([{"POST virtualmachineinstancemigrations", "GET gate"}, {"DELETE move-1"}])
    api.put(VMIMS, pruned())
    api.plan("POST", VMIMS, Answer(201, pruned()))
    caller = asyncio.create_task(cluster.create_migration(NEW))
    await api.until_seen(1, "POST", VMIMS)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await cluster.instance(Ref("production", "gate"))
    await cluster.close()
    assert f"{VMIMS}/move-1" not in api.objects, "the guard ran to its end"


async def test_deleting_what_is_gone_is_fine(api: Api, cluster: KubeCluster) -> None:
    await cluster.delete_migration(REF, "u1")


async def test_deleting_spares_another_one_of_that_name(api: Api, cluster: KubeCluster) -> None:
    api.put(VMIMS, pruned("u2"))
    await cluster.delete_migration(REF, "u1")
    assert f"{VMIMS}/move-1" in api.objects


async def test_any_other_conflict_of_a_delete_is_raised(api: Api, cluster: KubeCluster) -> None:
    api.plan("DELETE", f"{VMIMS}/move-1", Answer(409, status(409, "the object has been modified", reason="Conflict")))
    with pytest.raises(Conflict):
        await cluster.delete_migration(REF, "u1")


CALLS = VMS.replace("/kubevirt.io/", "/subresources.kubevirt.io/")
WEB = Ref("production", "web-01")
OPERATIONS: list[Json] = [{"op": "test", "path": "/spec/runStrategy", "value": "Always"}]


async def test_a_vm_is_patched_with_json_patch_and_deprecations_are_only_words(api: Api, cluster: KubeCluster) -> None:
    deprecated = {"Warning": '299 - "spec.running is deprecated, please use spec.runStrategy instead."'}
    api.plan("PATCH", f"{VMS}/web-01", Answer(200, load("vm-running-true"), deprecated))
    patched = await cluster.patch_vm(WEB, OPERATIONS)
    (request,) = api.requests
    assert request.headers["Content-Type"] == "application/json-patch+json"
    assert (request.body, patched.running) == (OPERATIONS, True)


async def test_a_failed_test_is_a_conflict(api: Api, cluster: KubeCluster) -> None:
    words = "the server rejected our request due to an error in our request"
    api.plan("PATCH", f"{VMS}/web-01", Answer(422, status(422, words, reason="Invalid", details={})))
    with pytest.raises(Conflict):
        await cluster.patch_vm(WEB, OPERATIONS)


@pytest.mark.parametrize("body", [None, {"gracePeriod": 0}])
async def test_a_call_accepts_the_empty_answer_of_virt_api(api: Api, cluster: KubeCluster, body: Json | None) -> None:
    api.plan("PUT", f"{CALLS}/web-01/stop", Answer(202, ""))
    await cluster.call_vm(WEB, "stop", body)
    (request,) = api.requests
    assert (request.headers["Accept"], request.body) == ("application/json, */*", body)


async def test_a_call_that_the_state_does_not_allow_is_a_conflict_in_kubevirts_words(
    api: Api, cluster: KubeCluster
) -> None:
    words = 'Operation cannot be fulfilled on virtualmachine.kubevirt.io "web-01": VM is already running'
    details = {"name": "web-01", "group": "kubevirt.io", "kind": "virtualmachine"}
    api.plan("PUT", f"{CALLS}/web-01/start", Answer(409, status(409, words, reason="Conflict", details=details)))
    with pytest.raises(Conflict, match="already running"):
        await cluster.call_vm(WEB, "start")
    missing = status(404, reason="NotFound", details=details)
    api.plan("PUT", f"{CALLS}/web-01/start", Answer(404, missing))
    with pytest.raises(NotFound) as caught:
        await cluster.call_vm(WEB, "start")
    assert (caught.value.kind, caught.value.name) == ("VirtualMachine", "web-01")
