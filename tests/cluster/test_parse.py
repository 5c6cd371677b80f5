"""Real objects become snapshots; what is missing becomes the empty value."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s import parse
from k8s.amounts import quantity
from k8s.snapshots import Condition, Ref, Volume
from tests.cluster.api import Json, load, merged, replay


def test_a_vm_keeps_its_strategy_placement_and_claims() -> None:
    vm = parse.virtual_machine(load("vm-nodeselector"))
    assert vm.ref == Ref("production", "pinned-01")
    assert (vm.run_strategy, vm.running, vm.printable_status) == ("Always", None, "Running")
    assert vm.placement.node_selector == {"kubernetes.io/hostname": "worker-02"}
    assert vm.claims == ("pinned-01-rootdisk",)


def test_an_absent_affinity_is_not_an_empty_one() -> None:
    for template, affinity in (({}, None), ({"affinity": {}}, {})):
        assert parse.virtual_machine({"spec": {"template": {"spec": template}}}).placement.affinity == affinity


def test_a_vm_tells_what_it_was_asked_for_and_has_not_done_yet() -> None:
    asked = [{"action": "Stop", "uid": "u1"}, {"action": "Start"}]
    vm = parse.virtual_machine({"status": {"stateChangeRequests": asked}})
    assert vm.state_changes == ("Stop", "Start")
    assert parse.virtual_machine(load("vm-manual")).state_changes == ()


@pytest.mark.parametrize(("spec", "seconds"), [({}, 30), ({"terminationGracePeriodSeconds": 0}, 0)])
def test_a_vmi_has_a_grace_period_even_of_no_seconds(spec: Json, seconds: int) -> None:
    assert parse.instance({"spec": spec}).grace_seconds == seconds


def test_a_local_volume_names_its_nodes_and_a_shared_one_none() -> None:
    selector = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]}
    local = {"metadata": {"name": "pv-1"}, "spec": {"nodeAffinity": {"required": selector}}}
    assert parse.volume(local) == Volume("pv-1", selector)
    assert parse.volume({"metadata": {"name": "pv-2"}, "spec": {}}) == Volume("pv-2", None)


def test_a_vm_with_the_old_running_field_has_no_strategy_in_its_spec() -> None:
    vm = parse.virtual_machine(load("vm-running-true"))
    assert (vm.run_strategy, vm.running) == (None, True)


def test_a_halted_vm_still_shows_its_claims() -> None:
    vm = parse.virtual_machine(load("vm-halted"))
    assert vm.run_strategy == "Halted"
    assert vm.claims


def test_claims_come_from_every_kind_of_volume_once() -> None:
    volumes = [
        {"name": "a", "persistentVolumeClaim": {"claimName": "pvc"}},
        {"name": "b", "dataVolume": {"name": "dv"}},
        {"name": "c", "ephemeral": {"persistentVolumeClaim": {"claimName": "base"}}},
        {"name": "d", "memoryDump": {"claimName": "dump"}},
        {"name": "e", "containerDisk": {"image": "x"}},
        {"name": "f", "persistentVolumeClaim": {"claimName": "pvc"}},
    ]
    vm = parse.virtual_machine({"spec": {"template": {"spec": {"volumes": volumes}}}})
    assert vm.claims == ("pvc", "dv", "base", "dump")


def test_a_running_vmi_has_node_size_and_claims_with_modes() -> None:
    vmi = parse.instance(load("vmi-rwx-live-migratable"))
    assert (vmi.node, vmi.phase) == ("worker-01", "Running")
    assert (vmi.memory_bytes, vmi.vcpus) == (2 * 1024**3, 2)
    assert vmi.claims == {"web-01-rootdisk": ("ReadWriteMany",)}
    assert vmi.condition("LiveMigratable") == Condition("LiveMigratable", "True")
    assert vmi.migration is None


def test_a_vmi_that_cannot_move_says_why() -> None:
    condition = parse.instance(load("vmi-rwo-not-migratable")).condition("LiveMigratable")
    assert condition is not None
    assert (condition.status, condition.reason) == ("False", "DisksNotLiveMigratable")
    assert "not shared" in condition.message


def test_backend_storage_and_utility_volumes_are_claims_of_a_vmi() -> None:
    change = {
        "spec": {"utilityVolumes": [{"name": "u", "claimName": "utility"}]},
        "status": {
            "volumeStatus": [
                {
                    "name": "persistent-state-for-this-vm",
                    "persistentVolumeClaimInfo": {"claimName": "state", "accessModes": ["ReadWriteOnce"]},
                }
            ]
        },
    }
    vmi = parse.instance(merged(load("vmi-rwx-live-migratable"), change))
    assert vmi.claims == {"web-01-rootdisk": (), "utility": (), "state": ("ReadWriteOnce",)}
    assert vmi.backup, "a migration waits for the utility volume to go"


@pytest.mark.parametrize(
    ("domain", "memory", "vcpus"),
    [
        ({"memory": {"guest": "1Gi"}, "resources": {"requests": {"memory": "2Gi"}}}, 1024**3, 1),
        ({"resources": {"requests": {"memory": "512M"}}}, 512 * 10**6, 1),
        ({"cpu": {"sockets": 2, "cores": 3, "threads": 2}}, 0, 12),
        ({"cpu": {"sockets": 4}}, 0, 4),
    ],
)
def test_the_size_of_a_guest(domain: Json, memory: int, vcpus: int) -> None:
    vmi = parse.instance({"spec": {"domain": domain}})
    assert (vmi.memory_bytes, vmi.vcpus) == (memory, vcpus)


def test_a_guest_tells_which_features_it_wants_and_which_it_must_not_have() -> None:
    features = [{"name": "a"}, {"name": "b", "policy": "require"}, {"name": "c", "policy": "forbid"}]
    others = [{"name": "d", "policy": "optional"}, {"name": "e", "policy": "disable"}]
    guest = parse.instance({"spec": {"domain": {"cpu": {"features": features + others}}}}).guest
    assert (guest.cpu_features, guest.cpu_forbidden) == (("a", "b"), ("c",))


def test_a_finished_vmim_has_its_phases_and_the_copied_state() -> None:
    migration = parse.migration(load("vmim-succeeded"))
    assert migration.final
    assert migration.vmi_name == "web-05"
    assert [phase for phase, _ in migration.phase_times] == [
        *("Pending", "Scheduling", "Scheduled", "PreparingTarget", "TargetReady", "Running", "Succeeded"),
    ]
    assert migration.phase_times[0][1] == datetime(2026, 11, 22, 20, 46, 24, tzinfo=UTC)
    assert migration.state is not None
    assert (migration.state.uid, migration.state.target_node) == (migration.uid, "worker-05")
    assert (migration.state.completed, migration.state.failed) == (True, False)


def test_a_vmim_just_created_has_no_phase_and_no_state() -> None:
    created = next(e["object"] for e in replay("live-ok") if e["kind"].endswith("Migration"))
    migration = parse.migration(created)
    assert (migration.phase, migration.state, migration.final) == ("", None, False)


def test_the_last_state_of_a_cancelled_vmim_tells_of_the_abort() -> None:
    last = [e for e in replay("live-cancelled-running") if e["kind"].endswith("Migration")][-1]
    assert last["type"] == "DELETED"
    migration = parse.migration(last["object"])
    assert (migration.phase, migration.deleting) == ("Failed", True)
    assert migration.state is not None
    assert (migration.state.abort_status, migration.state.failed) == ("Succeeded", True)


def test_a_node_is_known_by_its_hostname_label_not_by_its_name() -> None:
    raw = merged(load("node"), {"metadata": {"labels": {"kubernetes.io/hostname": "w1.example"}}})
    node = parse.node(raw)
    assert (node.name, node.hostname, node.ready, node.cordoned) == ("worker-01", "w1.example", True, False)
    assert node.allocatable["memory"] == 64 * 1024**3


def test_a_lost_node_is_not_ready() -> None:
    raw = merged(load("node"), {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
    assert not parse.node(raw).ready


def test_a_bound_claim_has_the_modes_of_its_volume_and_an_unbound_one_those_it_asks_for() -> None:
    bound = merged(load("pvc-rwx"), {"spec": {"accessModes": ["ReadWriteOnce"]}})
    assert parse.claim(bound).access_modes == ("ReadWriteMany",)
    assert parse.claim(merged(bound, {"status": None})).access_modes == ("ReadWriteOnce",)


def test_an_unschedulable_target_pod_quotes_the_scheduler() -> None:
    pod = parse.target_pod(load("pod-unschedulable"))
    assert (pod.phase, pod.node, pod.migration_name) == ("Pending", "", "mig-live-unschedulable")
    assert pod.scheduled is not None
    assert pod.scheduled.message.startswith("0/5 nodes are available")


def test_waiting_containers_give_their_reasons() -> None:
    waiting = [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}, {"state": {"running": {}}}]
    assert parse.target_pod({"status": {"containerStatuses": waiting}}).waiting == ("ImagePullBackOff",)


def test_events_of_both_recorders_have_a_time_and_a_count() -> None:
    events = [parse.event(raw) for raw in load("events-unschedulable")["items"]]
    scheduler = next(e for e in events if e.reason == "FailedScheduling")
    assert (scheduler.kind, scheduler.warning, scheduler.count) == ("Pod", True, 1)
    assert scheduler.last_at == datetime(2026, 11, 22, 20, 41, 8, 321897, tzinfo=UTC)
    assert all(e.last_at is not None for e in events)


def test_a_series_counts_and_dates_itself() -> None:
    event = parse.event({"series": {"count": 7, "lastObservedTime": "2026-11-22T20:41:08Z"}, "lastTimestamp": None})
    assert (event.count, event.last_at) == (7, datetime(2026, 11, 22, 20, 41, 8, tzinfo=UTC))


@pytest.mark.parametrize(
    ("version", "configuration", "strategy"),
    [
        ("v1.9.0", {}, "LiveUpdate"),
        ("v1.6.0-rc.1", {}, "LiveUpdate"),
        ("v1.5.2", {}, "Stage"),
        ("v1.5.2", {"vmRolloutStrategy": "LiveUpdate"}, "LiveUpdate"),
        ("v1.4.0", {"vmRolloutStrategy": "LiveUpdate"}, "Stage"),
        (
            "v1.4.0",
            {
                "vmRolloutStrategy": "LiveUpdate",
                "developerConfiguration": {"featureGates": ["VMLiveUpdateFeatures"]},
            },
            "LiveUpdate",
        ),
        ("v1.9.0", {"vmRolloutStrategy": "Stage"}, "Stage"),
        ("devel", {}, "Stage"),
    ],
)
def test_the_rollout_strategy_depends_on_the_version(version: str, configuration: Json, strategy: str) -> None:
    raw = {"spec": {"configuration": configuration}}
    assert parse.capabilities(raw, version=version, added_node_selector=True).rollout_strategy == strategy


def test_without_a_kubevirt_cr_the_strategy_is_the_one_that_promises_less() -> None:
    assert parse.capabilities(None, version="v1.9.0", added_node_selector=True).rollout_strategy == "Stage"


def test_a_cr_tells_what_guests_get_and_request_by_default() -> None:
    developer = {"cpuAllocationRatio": 0, "memoryOvercommit": 150}
    limits = {"parallelMigrationsPerCluster": 0}
    raw = {
        "spec": {
            "configuration": {"cpuModel": "Haswell", "developerConfiguration": developer, "migrations": limits},
        }
    }
    for cr, told in ((raw, ("Haswell", 0, 150, 0)), ({}, ("", 10, 100, 5))):
        found = parse.capabilities(cr, version="v1.9.0", added_node_selector=True)
        assert (found.cpu_model, found.cpu_ratio, found.memory_overcommit, found.migrations_at_once) == told


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2Gi", 2**31),
        ("1k", 1000),
        ("1500m", 2),
        ("1e3", 1000),
        ("1E", 10**18),
        ("0.5Ki", 512),
        ("100", 100),
        ("1n", 1),
    ],
)
def test_quantities(text: str, value: int) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize("text", ["", "Gi", "1.2.3", "1Zi", "1 Gi", "ten"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(text)


@given(st.integers(0, 2**40), st.sampled_from(["Ki", "Mi", "Gi"]))
def test_binary_quantities_are_exact(number: int, suffix: str) -> None:
    assert quantity(f"{number}{suffix}") == number * 1024 ** (["Ki", "Mi", "Gi"].index(suffix) + 1)


PARSERS: list[Callable[[Json], Any]] = [
    parse.virtual_machine,
    parse.instance,
    parse.migration,
    parse.node,
    parse.claim,
    parse.target_pod,
    parse.event,
]
RECORDED = ["vm-always", "vmi-rwx-live-migratable", "vmim-succeeded", "node", "pvc-rwo", "pod-unschedulable"]


@pytest.mark.parametrize("parser", PARSERS)
def test_an_empty_object_is_no_error(parser: Callable[[Json], Any]) -> None:
    assert parser({}) == parser({"metadata": None, "spec": None, "status": None})


@given(st.data(), st.sampled_from(PARSERS), st.sampled_from(RECORDED))
def test_a_recorded_object_with_anything_missing_or_null_is_still_parsed(
    data: st.DataObject, parser: Callable[[Json], Any], name: str
) -> None:
    parser(_thinned(data, load(name)))


def _thinned(data: st.DataObject, raw: Json) -> Json:
    kept: Json = {}
    for key, value in raw.items():
        fate = data.draw(st.sampled_from(["keep", "keep", "deeper", "null", "drop"]))
        if fate == "deeper" and isinstance(value, dict) and value:
            kept[key] = _thinned(data, value)
        elif fate != "drop":
            kept[key] = None if fate == "null" else value
    return kept
