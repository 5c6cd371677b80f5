"""What one move is judged on, and that it takes three calls one after the other at most.

The server holds each request until all of its wave have come: a client that asks for one thing after the other instead
of side by side would wait for ever.
"""

from collections.abc import Callable

import pytest

from k8s.client import KubeCluster
from k8s.client.capabilities import KEEP_SECONDS
from k8s.cluster import Question
from k8s.errors import Ambiguous, NotFound, Unreachable
from k8s.snapshots import Admission, Facts, Ref, Volume
from tests.cluster.api import (
    CLAIMS,
    CRD,
    KUBEVIRTS,
    NODES,
    VMIMS,
    VMIS,
    VMS,
    Answer,
    Api,
    HandTime,
    Json,
    load,
    merged,
    status,
)

ANYWHERE = Question("web-01", None, "worker-05")
HERE = Question("web-01", "production", "worker-05")
VOLUMES = "/api/v1/persistentvolumes"
PV = str(load("pvc-rwx")["spec"]["volumeName"])
LOCAL = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}
PODS = "/api/v1/pods"
QUOTAS = "/api/v1/namespaces/production/resourcequotas"
ALL_VMIS = "/apis/kubevirt.io/v1/virtualmachineinstances"
CARRIED = {"GET pods", "GET virtualmachineinstances"}
"""What the nodes carry; in the first step the VMIs are those that migrate."""
FIRST = {"GET worker-05", "GET kubevirts", "GET virtualmachineinstancemigrations.kubevirt.io", *CARRIED}
VMIMS_READ = "GET virtualmachineinstancemigrations"
DENIED = Answer(403, status(403, 'x is forbidden: User "bot" cannot get resource "things"', reason="Forbidden"))


def crd(*fields: str) -> Json:
    schema: Json = {"properties": {"spec": {"properties": {field: {"type": "object"} for field in fields}}}}
    version = {"name": "v1", "schema": {"openAPIV3Schema": schema}}
    return {"metadata": {"name": CRD.rsplit("/", 1)[-1]}, "spec": {"versions": [version]}}


@pytest.fixture
def world(api: Api) -> Api:
    """web-01 runs on worker-01, with a disk, a hotplugged disk and an older migration."""
    hotplug = {
        "name": "data",
        "persistentVolumeClaimInfo": {"claimName": "web-01-data", "accessModes": ["ReadWriteMany"]},
    }
    vmi = load("vmi-rwx-live-migratable")
    vmi["status"]["volumeStatus"].append(hotplug)
    vmim = merged(load("vmim-succeeded"), {"metadata": {"labels": {"kubevirt.io/vmi-name": "web-01"}}})
    api.put(VMS, load("vm-always"))
    api.put(VMIS, vmi)
    api.put(VMIMS, vmim)
    api.put(CLAIMS, load("pvc-rwx"))
    api.put(CLAIMS, merged(load("pvc-rwx"), {"metadata": {"name": "web-01-data"}, "spec": {"volumeName": "pv-data"}}))
    api.put(NODES, load("node"))
    api.put(
        NODES, merged(load("node"), {"metadata": {"name": "worker-05", "labels": {"kubernetes.io/hostname": "w5"}}})
    )
    api.put("/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts", load("kubevirt"))
    api.put(CRD.rpartition("/")[0], crd("vmiName", "addedNodeSelector"))
    return api


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (ANYWHERE, {"GET virtualmachines web-01", "GET virtualmachineinstances web-01"}),
        (HERE, {"GET web-01"}),
    ],
    ids=["anywhere", "here"],
)
async def test_everything_is_read_in_three_steps(
    world: Api, cluster: KubeCluster, question: Question, found: set[str]
) -> None:
    claims = {"GET web-01-rootdisk", "GET web-01-data"}
    rest = {VMIMS_READ, "GET resourcequotas", "GET worker-01", "POST virtualmachineinstancemigrations"}
    world.put(VOLUMES, {"metadata": {"name": PV}, "spec": {"nodeAffinity": {"required": LOCAL}}})
    world.put(VOLUMES, {"metadata": {"name": "pv-data"}})
    world.waves.extend([{*found, *FIRST}, {*rest, *claims, *CARRIED}, {f"GET {PV}", "GET pv-data"}])
    facts = await cluster.facts(question)
    assert len(world.requests) == 17
    assert facts.vm.ref == Ref("production", "web-01")
    assert facts.vmi is not None
    assert facts.source is not None
    assert facts.target is not None
    assert (facts.source.name, facts.target.name) == ("worker-01", "worker-05")
    assert [claim.ref.name for claim in facts.claims] == ["web-01-rootdisk", "web-01-data"]
    assert facts.volumes == (Volume(PV, LOCAL), Volume("pv-data"))
    assert [migration.ref.name for migration in facts.migrations] == ["live-limit-web-05"]
    assert facts.capabilities.kubevirt_version == "v1.9.0"
    assert facts.capabilities.added_node_selector
    assert facts.admission == Admission(accepted=True)


async def test_both_ways_read_the_same(world: Api, cluster: KubeCluster) -> None:
    assert await cluster.facts(ANYWHERE) == await cluster.facts(HERE)


@pytest.mark.parametrize("answer", [DENIED, None])
async def test_a_volume_that_cannot_be_read_is_left_out(
    world: Api, cluster: KubeCluster, answer: Answer | None
) -> None:
    if answer:
        world.plan("GET", f"{VOLUMES}/{PV}", answer)
    facts = await cluster.facts(HERE)
    assert facts.volumes == ()
    assert {claim.volume for claim in facts.claims} == {PV, "pv-data"}


def pod(name: str, node: str, *, memory: str = "1Gi", owner: str = "", phase: str = "Running") -> Json:
    owners = [{"kind": "VirtualMachineInstance", "name": owner}] if owner else []
    containers = [{"name": "compute", "resources": {"requests": {"memory": memory, "cpu": "100m"}}}]
    return {
        "metadata": {"name": name, "namespace": "production", "ownerReferences": owners},
        "spec": {"nodeName": node, "containers": containers},
        "status": {"phase": phase},
    }


@pytest.fixture
def carried(world: Api) -> Api:
    """Pods on three nodes, one of which has ended, and another VM on the target."""
    for each in (
        pod("virt-launcher-web-01-x", "worker-01", owner="web-01"),
        pod("agent", "worker-05", memory="3Gi"),
        pod("ended", "worker-05", phase="Succeeded"),
        pod("far", "worker-07"),
    ):
        world.put("/api/v1/namespaces/production/pods", each)
    other = {"metadata": {"name": "web-02", "labels": {"kubevirt.io/nodeName": "worker-05"}}}
    world.put(VMIS, merged(load("vmi-rwx-live-migratable"), other | {"status": {"nodeName": "worker-05"}}))
    return world


@pytest.mark.parametrize("question", [ANYWHERE, HERE], ids=["anywhere", "here"])
async def test_source_and_target_come_with_what_they_carry(
    carried: Api, cluster: KubeCluster, question: Question
) -> None:
    facts = await cluster.facts(question)
    assert {node.name for node in facts.survey.nodes} == {"worker-01", "worker-05"}
    on = {name: [pod.ref.name for pod in pods] for name, pods in facts.survey.pods.items()}
    assert on == {"worker-01": ["virt-launcher-web-01-x"], "worker-05": ["agent"]}
    assert {name: [vmi.ref.name for vmi in found] for name, found in facts.survey.instances.items()} == {
        "worker-01": ["web-01"],
        "worker-05": ["web-02"],
    }
    assert facts.launcher is not None
    assert facts.launcher.requests == {"memory": 1024**3, "cpu": 100}


async def test_without_a_target_all_nodes_are_read(carried: Api, cluster: KubeCluster) -> None:
    facts = await cluster.facts(Question("web-01", "production", None))
    assert facts.survey.whole
    assert [node.name for node in facts.survey.nodes] == ["worker-01", "worker-05"]
    assert facts.source is facts.survey.nodes[0]
    assert list(facts.survey.pods) == ["worker-01"]


@pytest.mark.parametrize(
    ("kind", "key"), [("podAntiAffinity", "topology.kubernetes.io/zone"), ("podAffinity", "kubernetes.io/hostname")]
)
async def test_a_rule_about_more_than_the_node_needs_the_whole_cluster(
    carried: Api, cluster: KubeCluster, kind: str, key: str
) -> None:
    term = {"topologyKey": key, "labelSelector": {"matchLabels": {"app": "web"}}}
    affinity = {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    carried.put(VMIS, merged(load("vmi-rwx-live-migratable"), {"spec": {"affinity": affinity}}))
    survey = (await cluster.facts(HERE)).survey
    assert survey.whole
    assert set(survey.pods) == {"worker-01", "worker-05"}


async def test_the_survey_of_a_cluster_is_one_list_of_each_kind(carried: Api, cluster: KubeCluster) -> None:
    carried.waves.append({"GET nodes", *CARRIED})
    survey = await cluster.survey()
    assert len(carried.requests) == 3
    assert survey.whole
    assert {name: len(pods) for name, pods in survey.pods.items()} == {"worker-01": 1, "worker-05": 1}
    assert {name: len(found) for name, found in survey.instances.items()} == {"worker-01": 1, "worker-05": 1}


@pytest.mark.parametrize(
    ("path", "calls", "unknown"),
    [
        (PODS, 2, lambda facts: not facts.survey.pods and facts.launcher is None),
        (ALL_VMIS, 2, lambda facts: not facts.survey.instances and facts.migrating is None),
        (QUOTAS, 1, lambda facts: facts.quotas is None),
    ],
)
async def test_what_may_not_be_read_is_not_known(
    carried: Api, cluster: KubeCluster, path: str, calls: int, unknown: Callable[[Facts], bool]
) -> None:
    carried.plan("GET", path, *[DENIED] * calls)
    assert unknown(await cluster.facts(HERE))
    assert not unknown(await cluster.facts(HERE))


async def test_a_namespace_without_quota_is_known_to_have_none(world: Api, cluster: KubeCluster) -> None:
    assert (await cluster.facts(HERE)).quotas == ()


async def test_capabilities_are_read_again_only_when_they_are_old(
    world: Api, cluster: KubeCluster, timing: HandTime
) -> None:
    await cluster.facts(HERE)
    await cluster.facts(HERE)
    assert len(world.seen("GET", KUBEVIRTS)) == 1
    timing.time += KEEP_SECONDS
    await cluster.facts(HERE)
    assert len(world.seen("GET", KUBEVIRTS)) == 2


async def test_the_trial_asks_for_the_targets_hostname_label_and_stores_nothing(
    world: Api, cluster: KubeCluster
) -> None:
    await cluster.facts(HERE)
    (trial,) = world.seen("POST", VMIMS)
    assert trial.query == {"dryRun": "All", "fieldValidation": "Strict"}
    assert trial.body["spec"] == {"vmiName": "web-01", "addedNodeSelector": {"kubernetes.io/hostname": "w5"}}
    assert await cluster.migration(Ref("production", trial.body["metadata"]["name"])) is None


async def test_an_old_kubevirt_is_not_asked_for_what_it_does_not_know(world: Api, cluster: KubeCluster) -> None:
    world.put(CRD.rpartition("/")[0], crd("vmiName"))
    facts = await cluster.facts(HERE)
    assert not facts.capabilities.added_node_selector
    (trial,) = world.seen("POST", VMIMS)
    assert trial.body["spec"] == {"vmiName": "web-01"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(400, status(400, "Cannot migrate VMI, Reason: DisksNotLiveMigratable")), "DisksNotLiveMigratable"),
        (DENIED, "cannot get resource"),
    ],
)
async def test_what_the_cluster_refuses_is_a_fact_too(
    world: Api, cluster: KubeCluster, answer: Answer, words: str
) -> None:
    world.plan("POST", VMIMS, answer)
    admission = (await cluster.facts(HERE)).admission
    assert admission is not None
    assert (admission.accepted, admission.code) == (False, answer.status)
    assert words in admission.message


async def test_an_outage_of_admission_is_no_answer(world: Api, cluster: KubeCluster) -> None:
    world.plan("POST", VMIMS, Answer(500, status(500, "failed calling webhook")))
    with pytest.raises(Unreachable):
        await cluster.facts(HERE)


async def test_a_stopped_vm_has_no_source_and_no_trial(world: Api, cluster: KubeCluster) -> None:
    del world.objects[f"{VMIS}/web-01"]
    facts = await cluster.facts(ANYWHERE)
    assert (facts.vmi, facts.source, facts.admission) == (None, None, None)
    assert [claim.ref.name for claim in facts.claims] == ["web-01-rootdisk"]


@pytest.mark.parametrize("question", [ANYWHERE, HERE], ids=["anywhere", "here"])
async def test_a_guest_that_has_ended_does_not_run(world: Api, cluster: KubeCluster, question: Question) -> None:
    """Of a VM that is not started again by itself the VMI stays as it ended."""
    world.put(VMIS, merged(load("vmi-rwx-live-migratable"), {"status": {"phase": "Succeeded"}}))
    facts = await cluster.facts(question)
    assert (facts.vmi, facts.source, facts.admission) == (None, None, None)
    assert (await cluster.fleet([facts.vm.ref])).instances == {}


async def test_no_trial_when_none_was_asked_for(world: Api, cluster: KubeCluster) -> None:
    assert (await cluster.facts(Question("web-01", None, None, dry_run=False))).admission is None
    assert world.seen("POST", VMIMS) == []


async def test_a_source_node_that_was_deleted_is_none(world: Api, cluster: KubeCluster) -> None:
    del world.objects[f"{NODES}/worker-01"]
    assert (await cluster.facts(HERE)).source is None


async def test_a_move_to_the_node_where_the_vm_is_reads_it_once(world: Api, cluster: KubeCluster) -> None:
    facts = await cluster.facts(Question("web-01", "production", "worker-01"))
    assert facts.source is facts.target
    assert len(world.seen("GET", f"{NODES}/worker-01")) == 1


async def test_an_unknown_vm(world: Api, cluster: KubeCluster) -> None:
    world.put("/api/v1/namespaces", {"metadata": {"name": "production"}})
    for namespace in (None, "production"):
        with pytest.raises(NotFound) as caught:
            await cluster.facts(Question("web-99", namespace, None))
        assert (caught.value.kind, caught.value.name) == ("VirtualMachine", "web-99")


async def test_an_unknown_namespace(world: Api, cluster: KubeCluster) -> None:
    with pytest.raises(NotFound) as caught:
        await cluster.facts(Question("web-01", "prodution", None))
    assert (caught.value.kind, caught.value.name) == ("Namespace", "prodution")


async def test_a_namespace_that_may_not_be_read_is_not_called_missing(world: Api, cluster: KubeCluster) -> None:
    world.plan("GET", "/api/v1/namespaces/hidden", DENIED)
    with pytest.raises(NotFound) as caught:
        await cluster.facts(Question("web-01", "hidden", None))
    assert caught.value.kind == "VirtualMachine"


async def test_a_name_in_two_namespaces_is_ambiguous(world: Api, cluster: KubeCluster) -> None:
    twin = merged(load("vm-always"), {"metadata": {"namespace": "dev"}})
    world.put(VMS.replace("production", "dev"), twin)
    with pytest.raises(Ambiguous) as caught:
        await cluster.facts(ANYWHERE)
    assert set(caught.value.matches) == {Ref("production", "web-01"), Ref("dev", "web-01")}


async def test_a_name_is_one_value_of_the_selector(world: Api, cluster: KubeCluster) -> None:
    with pytest.raises(NotFound):
        await cluster.facts(Question("web-01,metadata.namespace=dev", None, None))
    (listed,) = world.seen("GET", "/apis/kubevirt.io/v1/virtualmachines")
    assert listed.query["fieldSelector"] == r"metadata.name=web-01\,metadata.namespace\=dev"


async def test_a_bot_of_some_namespaces_looks_only_there(
    world: Api, timing: HandTime, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = world.kubeconfig(tmp_path_factory.mktemp("config"))
    cluster = await KubeCluster.connect(config, namespaces=("dev", "production"), timing=timing)
    assert (await cluster.facts(ANYWHERE)).vm.ref.namespace == "production"
    assert world.seen("GET", "/apis/kubevirt.io/v1/virtualmachines") == []
    assert await cluster.namespaces() == ("dev", "production")
    await cluster.close()


async def test_without_rights_to_the_crd_the_published_schema_answers(world: Api, cluster: KubeCluster) -> None:
    schema = {
        "properties": {"spec": {"properties": {"addedNodeSelector": {}}}},
        "x-kubernetes-group-version-kind": [{"kind": "VirtualMachineInstanceMigration"}],
    }
    world.plan("GET", CRD, DENIED)
    world.plan(
        "GET", "/openapi/v3/apis/kubevirt.io/v1", Answer(200, {"components": {"schemas": {"io.kubevirt.v1.X": schema}}})
    )
    assert (await cluster.capabilities()).added_node_selector


async def test_without_rights_to_the_cr_the_version_endpoint_answers(world: Api, cluster: KubeCluster) -> None:
    world.plan("GET", KUBEVIRTS, DENIED)
    world.plan("GET", "/apis/subresources.kubevirt.io/v1/version", Answer(200, {"gitVersion": "v1.7.1"}))
    found = await cluster.capabilities()
    assert (found.kubevirt_version, found.rollout_strategy) == ("v1.7.1", "Stage")


async def test_a_vm_whose_name_fits_no_label_has_no_migrations(world: Api, cluster: KubeCluster) -> None:
    assert await cluster.migrations(Ref("production", "x" * 64)) == ()
    assert world.requests == []


@pytest.mark.parametrize("stopped", [1, 20])
async def test_vms_that_do_not_run_take_no_call_each(world: Api, cluster: KubeCluster, stopped: int) -> None:
    names = [f"stopped-{number}" for number in range(stopped)]
    for name in names:
        world.put(VMS, merged(load("vm-halted"), {"metadata": {"name": name}}))
    fleet = await cluster.fleet([Ref("production", name) for name in ["web-01", *names]])
    assert len(world.requests) == 12
    assert len(fleet.vms) == stopped + 1
    assert set(fleet.instances) == {Ref("production", "web-01")}


async def test_disks_of_many_vms_that_may_not_be_listed_are_read_by_name(world: Api, cluster: KubeCluster) -> None:
    world.put(VOLUMES, {"metadata": {"name": PV}, "spec": {"nodeAffinity": {"required": LOCAL}}})
    for path in (CLAIMS, VOLUMES):
        world.plan("GET", path, DENIED)
    ref = Ref("production", "web-01")
    facts = (await cluster.fleet([ref])).facts(ref, None)
    assert [claim.ref.name for claim in facts.claims] == ["web-01-rootdisk", "web-01-data"]
    assert facts.volumes == (Volume(PV, LOCAL),)
