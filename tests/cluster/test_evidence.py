"""What is shown of a migration that went wrong, and what is left out where we may not look."""

from k8s.client import KubeCluster
from k8s.snapshots import Ref
from tests.cluster.api import EVENTS, PODS, Answer, Api, load, status

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
