"""Every row of the diagnosis tables is recognised by its own signs, and nothing is invented where no row fits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import runbooks
from bot.diagnosis import (
    Cause,
    WayOn,
    diagnose,
    diagnose_refusal,
    diagnose_start,
    live,
    refusal,
    say_after,
    start,
    stuck,
)
from k8s import errors as k8s
from k8s.snapshots import (
    ClusterEvent,
    Condition,
    CopyLimits,
    Evidence,
    Instance,
    Migration,
    MigrationState,
    Node,
    Placement,
    Queue,
    Ref,
    StartEvidence,
    TargetPod,
    VirtualMachine,
)
from tests.facts import NOW, facts, node, with_vmi

UID = "vmim-uid"
LIMITS = CopyLimits(seconds_per_gib=150, stalled_seconds=150)
SCHEDULER = "0/8 nodes are available: "


def event(message: str, reason: str = "FailedMigration") -> ClusterEvent:
    return ClusterEvent("VirtualMachineInstanceMigration", "m", reason, message, warning=True, count=1, last_at=NOW)


def pod(message: str = "", **changes: Any) -> TargetPod:
    scheduled = Condition("PodScheduled", "False", "Unschedulable", message) if message else None
    return TargetPod("virt-launcher-web-01", "Pending", "", scheduled, **changes)


def evidence(*texts: str, state: MigrationState | None = None, phase: str = "Failed", **changes: Any) -> Evidence:
    migration = Migration(Ref("production", "m"), UID, "web-01", phase, state=state)
    made = Evidence(UID, facts().vmi, migration, events=tuple(event(text) for text in texts), target=node())
    return replace(made, **changes)


def failed(reason: str, seconds: int = 0) -> MigrationState:
    """The copy of a guest of 2 GiB, which are 2.1 GB and have 450 s."""
    ended = NOW + timedelta(seconds=seconds)
    return MigrationState(UID, started_at=NOW, ended_at=ended, failed=True, failure_reason=reason, limits=LIMITS)


TAINTED = node(taints=({"key": "virtualization", "effect": "NoSchedule"},))
MIGRATIONS: dict[str, Evidence] = {
    "drained": evidence("Migration failed due to being canceled", vmi=with_vmi(evacuation_node="worker-01").vmi),
    "canceled": evidence("Migration failed due to being canceled"),
    "source-not-ready": evidence("Target pod is down", source=node("worker-01", ready=False)),
    "quota": evidence('Error creating pod: pods "x" is forbidden: exceeded quota: small'),
    "target-not-ready": evidence("anything", target=node(ready=False)),
    "no-kvm": evidence(pods=(pod(f"{SCHEDULER}1 Insufficient devices.kubevirt.io/kvm."),)),
    "capacity": evidence(pods=(pod(f"{SCHEDULER}1 Insufficient memory, 7 node(s) had untolerated taint(s)."),)),
    "target-cordoned": evidence(pods=(pod(f"{SCHEDULER}1 node(s) were unschedulable."),), target=node(cordoned=True)),
    "taint": evidence(pods=(pod(f"{SCHEDULER}1 node(s) had untolerated taint {{x}}."),), target=TAINTED),
    "virt-handler": evidence("nothing telling", target=node(labels={"kubevirt.io/schedulable": "false"})),
    "volume-node": evidence(pods=(pod(f"{SCHEDULER}1 node(s) had volume node affinity conflict."),)),
    "selector": evidence(pods=(pod(f"{SCHEDULER}8 node(s) didn't match Pod's node affinity/selector."),)),
    "neighbours": evidence(pods=(pod(f"{SCHEDULER}1 node(s) didn't match pod anti-affinity rules."),)),
    "cpu-model": evidence(state=failed("guest CPU doesn't match specification: missing features: avx512")),
    "network-attachment": evidence('network-attachment-definition "blue" not found'),
    "image": evidence(pods=(pod(waiting=("ImagePullBackOff",)),)),
    "volume-attach": evidence('Multi-Attach error for volume "pvc-1"'),
    "out-of-memory": evidence(pods=(pod(ended=("OOMKilled",)),)),
    "guest-gone": evidence("Migration failed vmi shutdown during migration."),
    "target-pod": evidence("Migration failed because target pod shutdown during migration"),
    "stalled": evidence(state=failed("Live migration has been aborted", 151)),
    "did-not-converge": evidence(state=failed("Live migration has been aborted", 450)),
    "unschedulable": evidence("Deleting unschedulable pod x as its timeout period exceeded"),
    "pod-pending": evidence("Deleting pending pod x as its timeout period exceeded"),
    "failed-in-copy": evidence(state=failed("internal error: qemu said no")),
    "unexplained": evidence(),
}


@pytest.mark.parametrize("code", MIGRATIONS)
def test_a_failed_migration_is_explained(code: str) -> None:
    assert diagnose(MIGRATIONS[code]).code == code


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Live migration stuck for 150 seconds and has been aborted", "stalled"),
        ("Live migration is not completed after 300 seconds and has been aborted", "did-not-converge"),
    ],
)
def test_older_versions_say_themselves_why_they_aborted(reason: str, code: str) -> None:
    assert diagnose(evidence(state=failed(reason))).code == code


def test_an_abort_without_known_limits_is_only_quoted() -> None:
    state = replace(failed("Live migration has been aborted", 300), limits=None)
    assert diagnose(evidence(state=state)).code == "failed-in-copy"


def test_the_state_of_an_older_migration_counts_for_nothing() -> None:
    old = replace(failed("guest CPU doesn't match"), uid="older")
    assert diagnose(evidence(state=old)).code == "unexplained"


def test_what_the_scheduler_says_of_other_nodes_is_not_said_of_the_target() -> None:
    words = f"{SCHEDULER}1 node(s) were unschedulable, 1 node(s) had untolerated taint(s)."
    assert diagnose(evidence(pods=(pod(words),))).code == "unexplained"


NO_MATCH = pod(f"{SCHEDULER}8 node(s) didn't match Pod's node affinity/selector.")
OTHER_CPU = node("worker-01", labels={"host-model-cpu.node.kubevirt.io/Icelake": "true"})
MORE_SIGNS: dict[str, tuple[Evidence, str]] = {
    "1.34's words about a volume": (
        evidence(pods=(pod(f"{SCHEDULER}1 node(s) didn't match PersistentVolume's node affinity."),)),
        "volume-node",
    ),
    "a CPU that no node has": (
        replace(evidence(), events=(event("no node is suitable", "NoSuitableNodesForHostModelMigration"),)),
        "cpu-model",
    ),
    "a CPU that the target lacks": (evidence(pods=(NO_MATCH,), source=OTHER_CPU), "cpu-model"),
    "a VM that is deleted meanwhile": (
        evidence("target pod shutdown during migration", vmi=with_vmi(deleting=True).vmi),
        "guest-gone",
    ),
    "a VM that is gone": (evidence("target pod shutdown during migration", vmi=None), "guest-gone"),
    "rules about pods near": (
        evidence(pods=(pod(f"{SCHEDULER}1 node(s) didn't match pod affinity rules, 7 node(s) were unschedulable."),)),
        "neighbours",
    ),
    "a target that lacks what no row knows": (
        evidence(
            "Deleting unschedulable pod x as its timeout period exceeded",
            pods=(
                pod(
                    f"{SCHEDULER}1 node(s) exceed max volume count, 7 node(s) didn't match Pod's node affinity/selector"
                ),
            ),
        ),
        "unschedulable",
    ),
    "a network that KubeVirt cannot find": (
        evidence("failed to render launch manifest: failed to locate network attachment definition production/blue"),
        "network-attachment",
    ),
    "a network whose device is missing": (
        evidence(
            '[production/x/1:blue]: error adding container to network "blue": failed to lookup "br1": Link not found'
        ),
        "network-attachment",
    ),
    "an older version's time-out": (evidence("Migration exceeded timeout: 150s per GiB"), "did-not-converge"),
}


@pytest.mark.parametrize("case", MORE_SIGNS)
def test_a_cause_has_more_than_one_sign(case: str) -> None:
    found, code = MORE_SIGNS[case]
    assert diagnose(found).code == code


def test_the_rule_that_the_target_does_not_meet_is_named() -> None:
    held = with_vmi(placement=Placement(node_selector={"rack": "a"})).vmi
    cause = diagnose(evidence(pods=(NO_MATCH,), vmi=held, source=OTHER_CPU))
    assert (cause.code, cause.evidence[0]) == ("selector", "worker-05 does not meet: nodeSelector rack=a")


def test_a_refusal_is_told_in_plain_words_with_kubevirts_own_quoted() -> None:
    words = "Cannot migrate VMI, Reason: HostDeviceNotLiveMigratable, Message: VMI uses a PCI host devices"
    cause = diagnose_refusal(k8s.Refused(words))
    assert "a device of its node" in cause.what
    assert cause.evidence == (words,)
    other = diagnose_refusal(k8s.Refused("Cannot migrate VMI, Reason: Moonlight, Message: x"))
    assert other.what == "KubeVirt says that this VM cannot move live."


def between(name: str, on: str) -> Instance:
    vmi = with_vmi(node=on).vmi
    assert vmi is not None
    return replace(vmi, ref=Ref("production", name))


@pytest.mark.parametrize(
    ("running", "pods", "words"),
    [
        ((), ("old", "new"), "an older virt-launcher pod of this VM is gone: new, old"),
        (tuple(between(f"m{n}", "worker-09") for n in range(5)), (), "5 run in the cluster, and 5 may"),
        ((between("a", "worker-01"), between("b", "worker-01")), (), "2 run away from worker-01, and 2 may"),
        ((), (), "other migrations fill"),
    ],
)
def test_what_a_migration_queues_for_is_told_with_numbers(
    running: tuple[Instance, ...], pods: tuple[str, ...], words: str
) -> None:
    queue = Queue(running, 5, 2, tuple(TargetPod(name, "Running", "worker-01") for name in pods))
    cause = stuck(evidence(phase="Pending", queue=queue), "Pending")
    assert cause is not None
    assert cause.code == "queued"
    assert words in cause.what


def test_the_proof_is_quoted_first_and_nothing_twice() -> None:
    cause = diagnose(evidence("something else", "Target pod is down", "Target pod is down"))
    assert cause.evidence[0] == "Target pod is down"
    assert len(set(cause.evidence)) == len(cause.evidence)


def starting(status: str = "Starting", *texts: str, **changes: Any) -> StartEvidence:
    vm: VirtualMachine = replace(facts().vm, printable_status=status)
    return StartEvidence(vm, None, events=tuple(event(text) for text in texts), **changes)


STARTS: dict[str, tuple[StartEvidence, Node]] = {
    "vm-deleting": (starting("Terminating"), node()),
    "storage-missing": (starting("ErrorPvcNotFound"), node()),
    "storage-not-ready": (starting("WaitingForVolumeBinding"), node()),
    "quota": (starting("Starting", "pods is forbidden: exceeded quota: small"), node()),
    "capacity": (starting("ErrorUnschedulable", pods=(pod("1 Insufficient cpu."),)), node()),
    "taint": (starting("ErrorUnschedulable", pods=(pod("8 node(s) had untolerated taint(s)"),)), TAINTED),
    "volume-node": (starting("ErrorUnschedulable", pods=(pod("volume node affinity conflict"),)), node()),
    "image": (starting("ErrImagePull", pods=(pod(waiting=("ErrImagePull",)),)), node()),
    "volume-attach": (starting("Starting", "AttachVolume.Attach failed for volume x"), node()),
    "guest-crashes": (starting("CrashLoopBackOff"), node()),
    "unschedulable": (starting("ErrorUnschedulable"), node()),
    "starts-slowly": (starting(), node()),
    "start-unexplained": (starting("Unknown"), node()),
}


@pytest.mark.parametrize("code", STARTS)
def test_a_vm_that_does_not_start_is_explained(code: str) -> None:
    assert diagnose_start(*STARTS[code]).code == code


def test_a_start_of_which_nothing_can_be_read_says_so() -> None:
    assert "not readable" in diagnose_start(StartEvidence(None, None), None).what


REFUSALS = {
    "disk-not-shared": "Cannot migrate VMI, Reason: DisksNotLiveMigratable, Message: PVC x is not shared",
    "not-live-migratable": "Cannot migrate VMI, Reason: HostDeviceNotLiveMigratable, Message: VMI uses a host device",
    "in-flight": "in-flight migration detected. Active migration job (1-2) is currently already in progress",
    "vm-stopped": 'the VMI "web-01" does not exist under the cluster',
    "quota": 'pods "x" is forbidden: exceeded quota: small',
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_explained_and_quoted(code: str) -> None:
    cause = diagnose_refusal(k8s.Refused(REFUSALS[code], code=400))
    assert (cause.code, cause.evidence) == (code, (REFUSALS[code],))


def test_a_refusal_that_no_row_knows_keeps_the_clusters_words() -> None:
    assert "a new rule" in diagnose_refusal(k8s.Refused("a new rule", code=400)).what


def waiting(phase: str, *texts: str, conditions: tuple[Condition, ...] = (), **changes: Any) -> Evidence:
    made = evidence(*texts, phase=phase, **changes)
    assert made.migration is not None
    return replace(made, migration=replace(made.migration, conditions=conditions))


@pytest.mark.parametrize(
    ("seen", "phase", "code"),
    [
        (waiting("Pending"), "Pending", "queued"),
        (waiting("Pending", "exceeded quota: small"), "Pending", "quota"),
        (waiting("Pending", conditions=(Condition("migrationBlockedByBackup", "True"),)), "Pending", "backup-running"),
        (
            waiting("Pending", conditions=(Condition("migrationBlockedByUtilityVolumes", "True"),)),
            "Pending",
            "utility-volumes",
        ),
        (waiting("Scheduling", pods=(pod("1 Insufficient memory."),)), "Scheduling", "capacity"),
        (waiting("Scheduling"), "Scheduling", "slow-phase"),
        (waiting("Running", state=MigrationState(UID, started_at=NOW, limits=LIMITS)), "Running", "slow-copy"),
    ],
)
def test_a_migration_that_does_not_come_on_is_explained(seen: Evidence, phase: str, code: str) -> None:
    found = stuck(seen, phase)
    assert found is not None
    assert found.code == code
    assert say_after(phase) is not None


def test_nothing_is_said_of_a_phase_that_has_passed_or_of_a_copy_without_known_limits() -> None:
    assert stuck(waiting("Scheduled"), "Scheduling") is None
    assert stuck(waiting("Running"), "Running") is None
    assert say_after("Succeeded") is None


def test_a_slow_copy_names_its_time_and_what_happens_then() -> None:
    def remedy(limits: CopyLimits) -> str:
        found = stuck(waiting("Running", state=MigrationState(UID, started_at=NOW, limits=limits)), "Running")
        assert found is not None
        return found.remedy

    assert "7 min 30 s (150 s per GB of memory); then it is aborted" in remedy(LIMITS)
    assert "post-copy" in remedy(replace(LIMITS, post_copy=True))
    assert "paused" in remedy(replace(LIMITS, may_pause=True))


SAID_ELSEWHERE = ("stopping-abandoned", "starting-abandoned", "changed-meanwhile", "wrong-node", "no-permission")
WITHOUT_RUNBOOK = ("unexplained", "start-unexplained")


def test_every_row_has_a_runbook_that_a_message_can_hold() -> None:
    rules = [*live.RULES, *start.RULES]
    for code in {*(row.code for row in rules), *(row.code for row in refusal.TEXTS), *SAID_ELSEWHERE}:
        found = runbooks.find(code)
        assert found is not None, code
        assert found.title
        assert 0 < len(found.text) < 2000


def test_no_row_is_untested_and_what_is_unknown_has_no_runbook() -> None:
    assert {row.code for row in live.RULES} <= set(MIGRATIONS)
    assert {row.code for row in refusal.TEXTS} == set(REFUSALS)
    assert all(runbooks.find(code) is None for code in WITHOUT_RUNBOOK)


@pytest.mark.parametrize("code", ["../__init__", "", "nonsense", "a/b"])
def test_a_code_that_is_no_runbook_finds_none(code: str) -> None:
    assert runbooks.find(code) is None


def test_a_cause_from_before_there_were_ways_can_still_be_read() -> None:
    assert Cause.model_validate({"code": "x", "what": "w", "remedy": "r"}).ways == (WayOn.AGAIN,)
