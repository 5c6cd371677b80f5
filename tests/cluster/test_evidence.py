"""What is shown of a migration that went wrong, and what is left out where we may not look."""

from k8s.client import KubeCluster
from k8s.snapshots import Ref, TargetPod
from tests.cluster.api import EVENTS, PODS, VMIS, VMS, Answer, Api, Json, load, merged, status

VM = Ref("production", "database-01")
MIGRATION = Ref("production", "mig-live-unschedulable")
FORBIDDEN = Answer(403, status(403, 'x is forbidden: User "bot" cannot list resource "things"', reason="Forbidden"))


def put_recording(api: Api) -> str:
    """The recorded unschedulable migration; returns the VMIM's uid."""
    pod = load("pod-unschedulable")
    api.put(PODS, pod)
    for event in load("events-unschedulable")["items"]:
        api.put(EVENTS, event)
    return str(pod["metadata"]["labels"]["kubevirt.io/migrationJobUID"])


async def test_the_schedulers_words_and_all_events_in_order(api: Api, cluster: KubeCluster) -> None:
    evidence = await cluster.evidence(VM, MIGRATION, put_recording(api))
    (pod,) = evidence.pods
    assert pod.scheduled is not None
    assert "4 node(s) didn't match" in pod.scheduled.message
    assert [event.reason for event in evidence.events] == [
        *("SuccessfulCreate", "migrationTargetPodUnschedulable", "FailedScheduling"),
        *("SuccessfulDelete", "FailedMigration"),
    ]
    assert (evidence.vmi, evidence.migration, evidence.unread) == (None, None, ())


async def test_without_a_uid_the_pod_is_found_by_the_migrations_name(api: Api, cluster: KubeCluster) -> None:
    uid = put_recording(api)
    other = load("pod-unschedulable")
    other["metadata"]["name"] = "another"
    other["metadata"]["annotations"]["kubevirt.io/migrationJobName"] = "mig-other"
    api.put(PODS, other)
    evidence = await cluster.evidence(VM, MIGRATION, "")
    assert [pod.migration_uid for pod in evidence.pods] == [uid]


async def test_what_may_not_be_read_is_left_out_and_named(api: Api, cluster: KubeCluster) -> None:
    uid = put_recording(api)
    api.plan("GET", EVENTS, FORBIDDEN, FORBIDDEN)
    api.plan("GET", PODS, FORBIDDEN)
    evidence = await cluster.evidence(VM, MIGRATION, uid)
    assert (evidence.pods, evidence.events) == ((), ())
    assert evidence.unread == ("pods", "events")


async def test_gathering_is_two_calls_deep(api: Api, cluster: KubeCluster) -> None:
    uid = put_recording(api)
    api.waves.append({"GET database-01", "GET mig-live-unschedulable", "GET pods", "GET events"})
    evidence = await cluster.evidence(VM, MIGRATION, uid)
    assert len(evidence.events) == 5
    assert len(api.requests) == 6


def a_launcher(name: str, owner: str, *, phase: str = "Running", labels: dict[str, str] | None = None) -> Json:
    """A launcher pod whose labels lie: only the owner tells whose it is."""
    kept = {"kubevirt.io": "virt-launcher", "vm.kubevirt.io/name": "a-hostname", **(labels or {})}
    owners = [{"kind": "VirtualMachineInstance", "name": owner, "uid": "u1"}]
    return {
        "metadata": {"name": name, "namespace": "production", "labels": kept, "ownerReferences": owners},
        "spec": {"nodeName": "worker-01"},
        "status": {"phase": phase},
    }


async def test_launchers_are_the_pods_that_the_vmi_owns_and_that_have_not_ended(api: Api, cluster: KubeCluster) -> None:
    api.put(PODS, a_launcher("one", VM.name))
    api.put(PODS, a_launcher("two", VM.name, phase="Succeeded"))
    api.put(PODS, a_launcher("three", "web-01", labels={"kubevirt.io/vm": VM.name}))
    api.put(
        PODS, merged(a_launcher("four", VM.name), {"metadata": {"ownerReferences": [{"kind": "X", "name": VM.name}]}})
    )
    assert await cluster.launchers(VM) == (TargetPod("one", "Running", "worker-01"),)


async def test_of_a_start_everything_is_shown_with_the_events_of_its_pods(api: Api, cluster: KubeCluster) -> None:
    api.put(PODS, a_launcher("one", "web-01", phase="Pending"))
    api.put(VMS, load("vm-always"))
    api.put(VMIS, load("vmi-rwx-live-migratable"))
    for minute, (kind, name) in enumerate([("Pod", "one"), ("VirtualMachineInstance", "web-01"), ("Pod", "other")]):
        about = {"kind": kind, "name": name}
        metadata = {"name": f"event-{minute}", "namespace": "production"}
        at = f"2026-11-22T20:0{minute}:00Z"
        api.put(EVENTS, {"metadata": metadata, "involvedObject": about, "reason": kind, "lastTimestamp": at})
    evidence = await cluster.start_evidence(Ref("production", "web-01"))
    assert evidence.vm is not None
    assert evidence.vmi is not None
    assert [pod.name for pod in evidence.pods] == ["one"]
    assert [(event.reason, event.name) for event in evidence.events] == [
        ("Pod", "one"),
        ("VirtualMachineInstance", "web-01"),
    ]


async def test_of_a_start_what_may_not_be_read_is_named(api: Api, cluster: KubeCluster) -> None:
    api.plan("GET", PODS, FORBIDDEN)
    api.plan("GET", EVENTS, FORBIDDEN, FORBIDDEN)
    evidence = await cluster.start_evidence(VM)
    assert (evidence.vm, evidence.vmi, evidence.pods, evidence.events) == (None, None, (), ())
    assert evidence.unread == ("pods", "events")
