"""Every check in three cases: what it is for, where all is well, and where its facts are missing.

A missing fact never blocks: the check is silent where it can tell nothing, or says that it was not made.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from bot import checks, obstacles
from bot.checks import NOT_CHECKED, Check, Finding, Severity, cpu, storage
from bot.load import requested
from bot.request import MoveType
from bot.sandbox.gallery.facts import GIB, launcher, survey
from k8s.note import Note
from k8s.snapshots import (
    Admission,
    Capabilities,
    Claim,
    Condition,
    Facts,
    Guest,
    Instance,
    Json,
    Migration,
    Node,
    Placement,
    Pod,
    Quota,
    Ref,
    Survey,
    VirtualMachine,
    Volume,
)
from tests.facts import facts, node, with_vmi

LIVE, COLD = MoveType.LIVE, MoveType.COLD
ACTIVE = Migration(Ref("production", "m"), "uid-m", "web-01", "Running")
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def vm(**changes: object) -> Facts:
    return facts(vm=replace(facts().vm, **changes))  # type: ignore[arg-type]


def vm_condition(kind: str, message: str = "") -> Facts:
    return vm(conditions=(Condition(kind, "True", message=message),))


def target(**changes: object) -> Facts:
    return facts(target=node(**changes))  # type: ignore[arg-type]


def guest(**changes: object) -> Facts:
    """Both the template and what runs describe this machine."""
    machine = Guest(memory_bytes=2 * GIB, vcpus=2, **changes)  # type: ignore[arg-type]
    world = with_vmi(guest=machine)
    return replace(world, vm=replace(world.vm, guest=machine))


def carried(*pods: Pod, vmis: tuple[Instance, ...] = (), **changes: object) -> Facts:
    """With more on the target."""
    world = facts(**changes)
    assert world.vmi is not None
    assert world.target is not None
    assert world.source is not None
    known = survey(world.source, world.target, vmis=(world.vmi, *vmis))
    on_target = {"worker-05": (*known.pods["worker-05"], *pods)}
    return replace(world, survey=replace(known, pods={**known.pods, **on_target}))


def unread(world: Facts | None = None) -> Facts:
    """Pods and VMIs of all namespaces, and quotas, may not be read."""
    world = world or facts()
    return replace(world, survey=Survey(world.survey.nodes), quotas=None, migrating=None)


def pod(name: str = "other", memory: int = 0, **changes: object) -> Pod:
    return replace(Pod(Ref("production", name), "worker-05", requests={"memory": memory}), **changes)  # type: ignore[arg-type]


def instance(name: str, on: str, vcpus: int = 2, gib: int = 2) -> Instance:
    vmi = facts().vmi
    assert vmi is not None
    return replace(vmi, ref=Ref("dev", name), uid=name, node=on, guest=Guest(memory_bytes=gib * GIB, vcpus=vcpus))


def affinity(kind: str, term: Json) -> Placement:
    return Placement(affinity={kind: {REQUIRED: [term]}})


def by_app(app: str, key: str = "kubernetes.io/hostname", **more: object) -> Json:
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}, **more}


def handler(*, ready: bool, on: str = "worker-05") -> Facts:
    world = facts()
    ill = Pod(Ref("kubevirt", "h"), on, requests={}, labels={"kubevirt.io": "virt-handler"}, ready=ready)
    return replace(world, survey=replace(world.survey, pods={**world.survey.pods, on: (ill,)}))


def launched(selector: dict[str, str], **changes: object) -> Facts:
    """The launcher pod has this nodeSelector."""
    world = facts(**changes)
    assert world.vmi is not None
    own = replace(launcher(world.vmi), placement=Placement(node_selector=selector))
    others = [each for each in world.survey.pods["worker-01"] if not each.vmi]
    return replace(world, survey=replace(world.survey, pods={**world.survey.pods, "worker-01": (own, *others)}))


def quota(hard: dict[str, int], used: dict[str, int] | None = None, *, scoped: bool = False) -> Facts:
    return facts(quotas=(Quota("small", hard, used or {}, scoped),))


def noted() -> VirtualMachine:
    note = Note("p0", 1, "Always", None, None, "worker-02")
    return replace(
        facts().vm, placement=Placement(affinity=note.pinned()), annotations={"vm-migrate-bot/note": note.text()}
    )


BY_TIER = {"matchLabels": {"tier": "web"}}
SCHEDULABLE = {"kubevirt.io/schedulable": "true"}
PINNED_HERE = Placement(node_selector={"kubernetes.io/hostname": "worker-01"})
PINNED_THERE = Placement(node_selector={"kubernetes.io/hostname": "worker-05"})
HOST_MODEL = "host-model-cpu.node.kubevirt.io/"
FROM_MODEL = "cpu-model-migration.node.kubevirt.io/"
MACHINE = "machine-type.node.kubevirt.io/"
VENDOR = "cpu-vendor.node.kubevirt.io/"
KVM = "devices.kubevirt.io/kvm"
STAGED = Capabilities("v1.9.0", added_node_selector=True, rollout_strategy="Stage")
OLD = Capabilities("v1.5.0", added_node_selector=False, rollout_strategy="Stage")
HERE_ONLY: Json = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "Exists"}]}]}


def heartbeats(lag: timedelta | None) -> Facts:
    silent = None if lag is None else NOW - lag
    return facts(source=node("worker-01", heartbeat=NOW), target=node(heartbeat=silent))


class Case(NamedTuple):
    """A check's code, a world in which it speaks, and worlds in which it does not."""

    speaks: Callable[[], Facts]
    severity: Severity
    silent: Callable[[], Facts]
    missing: Callable[[], Facts]
    type_: MoveType = LIVE


BLOCK, WARN, INFO = Severity

CASES: dict[str, Case] = {
    "vm-deleting": Case(lambda: vm(deleting=True), BLOCK, facts, lambda: facts(vmi=None)),
    "vm-stopped": Case(lambda: facts(vmi=None), BLOCK, facts, lambda: with_vmi(conditions=())),
    "vm-not-ready": Case(lambda: with_vmi(phase="Scheduling"), BLOCK, facts, lambda: facts(vmi=None), COLD),
    "waits-for-a-node": Case(
        lambda: replace(with_vmi(phase="Scheduling", node=""), source=None), WARN, facts, lambda: facts(vmi=None), COLD
    ),
    "paused": Case(
        lambda: with_vmi(conditions=(Condition("Paused", "True"),)), WARN, facts, lambda: with_vmi(conditions=()), COLD
    ),
    "snapshot-running": Case(lambda: vm(snapshot="before"), BLOCK, facts, lambda: facts(vmi=None), COLD),
    "restore-running": Case(lambda: vm(restore="after"), BLOCK, facts, lambda: facts(vmi=None), COLD),
    "backup-running": Case(lambda: with_vmi(backup=True), BLOCK, facts, lambda: facts(vmi=None)),
    "recovery-required": Case(
        lambda: vm_condition("ManualRecoveryRequired", "volumes are torn"),
        BLOCK,
        facts,
        lambda: vm(conditions=()),
        COLD,
    ),
    "restart-required": Case(lambda: vm_condition("RestartRequired"), WARN, facts, lambda: vm(conditions=()), COLD),
    "run-strategy": Case(
        lambda: vm(run_strategy="WaitAsReceiver"), BLOCK, facts, lambda: vm(run_strategy=None, running=True), COLD
    ),
    "disk-not-shared": Case(
        lambda: with_vmi(claims={"web-01-rootdisk": ("ReadWriteOnce",)}),
        BLOCK,
        lambda: with_vmi(claims={"web-01-rootdisk": ("ReadOnlyMany",)}),
        lambda: with_vmi(claims={"web-01-rootdisk": ()}),
    ),
    "not-live-migratable": Case(
        lambda: with_vmi(conditions=(Condition("LiveMigratable", "False", "SEVNotLiveMigratable", "VMI uses SEV"),)),
        BLOCK,
        facts,
        lambda: with_vmi(conditions=()),
    ),
    "disk-missing": Case(
        lambda: facts(claims=()),
        BLOCK,
        facts,
        lambda: facts(claims=(), vm=replace(facts().vm, claims=()), vmi=None),
        COLD,
    ),
    "disk-lost": Case(
        lambda: facts(claims=(Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteMany",), "Lost"),)),
        WARN,
        facts,
        lambda: facts(claims=(Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteMany",)),)),
    ),
    "disk-unreachable": Case(
        lambda: facts(volumes=(Volume("pv", HERE_ONLY),)),
        BLOCK,
        lambda: facts(volumes=(Volume("pv", HERE_ONLY),), target=node(labels={"disk": "x"})),
        lambda: facts(claims=(Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteMany",), volume="pv"),)),
    ),
    "in-flight": Case(
        lambda: facts(migrations=(ACTIVE,)),
        BLOCK,
        lambda: facts(migrations=(replace(ACTIVE, phase="Failed"),)),
        lambda: facts(migrations=()),
    ),
    "drained": Case(lambda: with_vmi(evacuation_node="worker-01"), WARN, facts, lambda: facts(vmi=None)),
    "would-wait": Case(
        lambda: facts(migrating=tuple(instance(f"m{n}", "worker-09") for n in range(5))),
        INFO,
        lambda: facts(migrating=tuple(instance(f"m{n}", "worker-09") for n in range(4))),
        unread,
    ),
    "no-migrations": Case(
        lambda: facts(capabilities=replace(facts().capabilities, migrations_at_once=0)),
        BLOCK,
        facts,
        unread,
    ),
    "no-named-target": Case(
        lambda: facts(capabilities=OLD), BLOCK, facts, lambda: facts(capabilities=OLD, target=None)
    ),
    "rollout-stage": Case(
        lambda: facts(capabilities=OLD), INFO, facts, lambda: facts(capabilities=OLD, vmi=None), COLD
    ),
    "source-not-ready": Case(
        lambda: facts(source=node("worker-01", ready=False)), BLOCK, facts, lambda: facts(source=None)
    ),
    "single-node": Case(
        lambda: facts(target=None, survey=survey(node("worker-01"), whole=True)),
        BLOCK,
        lambda: facts(target=None, survey=survey(node("worker-01"), node(), whole=True)),
        lambda: facts(target=None, survey=Survey()),
    ),
    "no-node": Case(
        lambda: facts(target=None, survey=survey(node("worker-01"), node(cordoned=True), whole=True)),
        BLOCK,
        lambda: facts(
            target=None, capabilities=OLD, survey=survey(node("worker-01"), node(hostname=""), node("x"), whole=True)
        ),
        lambda: facts(target=None, survey=Survey(nodes=(node("worker-01"), node()), whole=True)),
    ),
    "already-there": Case(lambda: target(name="worker-01"), BLOCK, facts, lambda: facts(vmi=None)),
    "no-hostname": Case(
        lambda: target(hostname=""),
        BLOCK,
        lambda: target(name="worker-06", hostname="worker-06.example.internal"),
        lambda: facts(target=None),
    ),
    "target-not-ready": Case(lambda: target(ready=False), BLOCK, facts, lambda: facts(target=None)),
    "target-cordoned": Case(lambda: target(cordoned=True), BLOCK, facts, lambda: facts(target=None)),
    "target-pressure": Case(
        lambda: target(conditions=(Condition("DiskPressure", "True"),)),
        WARN,
        lambda: target(conditions=(Condition("DiskPressure", "False"),)),
        lambda: target(conditions=()),
    ),
    "target-not-schedulable": Case(
        lambda: target(labels={"kubevirt.io/schedulable": "false"}), BLOCK, facts, lambda: facts(target=None)
    ),
    "target-silent": Case(
        lambda: heartbeats(timedelta(minutes=5)),
        WARN,
        lambda: heartbeats(timedelta(minutes=2)),
        lambda: heartbeats(None),
    ),
    "no-virt-handler": Case(
        lambda: facts(
            survey=replace(facts().survey, pods={"worker-01": facts().survey.pods["worker-01"], "worker-05": ()})
        ),
        WARN,
        facts,
        unread,
    ),
    "virt-handler-not-ready": Case(lambda: handler(ready=False), BLOCK, lambda: handler(ready=True), unread),
    "target-no-kvm": Case(
        lambda: target(allocatable={"cpu": 16_000, "memory": 64 * GIB, "pods": 110}),
        BLOCK,
        facts,
        lambda: target(allocatable={}),
    ),
    "target-control-plane": Case(
        lambda: target(labels={"node-role.kubernetes.io/control-plane": ""}), WARN, facts, lambda: facts(target=None)
    ),
    "taint": Case(
        lambda: target(taints=({"key": "a", "value": "b", "effect": "NoSchedule"},)),
        BLOCK,
        lambda: replace(
            with_vmi(placement=Placement(tolerations=({"key": "a", "operator": "Exists"},))),
            target=node(taints=({"key": "a", "value": "b", "effect": "NoSchedule"},)),
        ),
        lambda: target(taints=()),
    ),
    "taint-soft": Case(
        lambda: target(taints=({"key": "a", "effect": "PreferNoSchedule"},)), WARN, facts, lambda: target(taints=())
    ),
    "anti-affinity": Case(
        lambda: carried(
            pod(labels={"app": "web"}), vmi=with_vmi(placement=affinity("podAntiAffinity", by_app("web"))).vmi
        ),
        BLOCK,
        lambda: carried(
            pod(labels={"app": "db"}), vmi=with_vmi(placement=affinity("podAntiAffinity", by_app("web"))).vmi
        ),
        unread,
    ),
    "affinity": Case(
        lambda: carried(vmi=with_vmi(placement=affinity("podAffinity", by_app("web"))).vmi),
        BLOCK,
        lambda: carried(pod(labels={"app": "web"}), vmi=with_vmi(placement=affinity("podAffinity", by_app("web"))).vmi),
        lambda: unread(carried(vmi=with_vmi(placement=affinity("podAffinity", by_app("web"))).vmi)),
    ),
    "older-pin": Case(lambda: facts(vm=noted()), INFO, facts, lambda: vm(annotations={}), COLD),
    "own-pin": Case(
        lambda: facts(vm=noted(), vmi=with_vmi(placement=noted().placement).vmi, capabilities=STAGED),
        BLOCK,
        facts,
        lambda: vm(annotations={}),
    ),
    "foreign-pin": Case(lambda: with_vmi(placement=PINNED_THERE), WARN, facts, lambda: vm(placement=Placement())),
    "rules-contradict": Case(
        lambda: with_vmi(placement=Placement(node_selector={"rack": "a"})),
        BLOCK,
        lambda: replace(with_vmi(placement=Placement(node_selector={"rack": "a"})), target=node(labels={"rack": "a"})),
        lambda: facts(target=None),
    ),
    "cpu-model": Case(
        lambda: facts(source=node("worker-01", labels={f"{HOST_MODEL}Icelake": "true"})),
        BLOCK,
        facts,
        lambda: facts(source=replace(node("worker-01"), labels={})),
    ),
    "cpu-vendor": Case(
        lambda: facts(source=node("worker-01", labels={f"{VENDOR}Intel": "true"})),
        BLOCK,
        lambda: facts(
            source=node("worker-01", labels={"cpu-vendor.node.kubevirt.io/Intel": "true"}),
            target=node(labels={"cpu-vendor.node.kubevirt.io/Intel": "true"}),
        ),
        lambda: facts(source=None),
    ),
    "cpu-passthrough": Case(
        lambda: replace(
            guest(cpu_model="host-passthrough"),
            target=replace(node(), labels={**SCHEDULABLE, f"{HOST_MODEL}EPYC": "true"}),
        ),
        WARN,
        lambda: guest(cpu_model="host-passthrough"),
        lambda: replace(guest(cpu_model="host-passthrough"), source=None),
    ),
    "machine-type": Case(
        lambda: replace(guest(machine="q35"), source=node("worker-01", labels={f"{MACHINE}q35": "true"})),
        BLOCK,
        lambda: replace(guest(machine="q35"), target=node(labels={f"{MACHINE}q35": "true"})),
        lambda: guest(machine="q35"),
    ),
    "architecture": Case(
        lambda: replace(guest(architecture="arm64"), target=node(labels={"kubernetes.io/arch": "amd64"})),
        BLOCK,
        lambda: replace(guest(architecture="amd64"), target=node(labels={"kubernetes.io/arch": "amd64"})),
        guest,
    ),
    "no-cpu-manager": Case(
        lambda: guest(dedicated_cpus=True),
        BLOCK,
        lambda: replace(guest(dedicated_cpus=True), target=node(labels={"kubevirt.io/cpumanager": "true"})),
        guest,
    ),
    "node-feature": Case(
        lambda: launched({"hyperv.node.kubevirt.io/vpindex": "true"}),
        BLOCK,
        lambda: launched(
            {"hyperv.node.kubevirt.io/vpindex": "true"},
            target=node(labels={"hyperv.node.kubevirt.io/vpindex": "true"}),
        ),
        unread,
    ),
    "no-room": Case(lambda: carried(pod(memory=63 * GIB)), BLOCK, lambda: carried(pod(memory=61 * GIB)), unread),
    "overcommit": Case(
        lambda: carried(vmis=(instance("big", "worker-05", vcpus=15),)),
        WARN,
        lambda: carried(vmis=(instance("big", "worker-05", vcpus=14),)),
        unread,
    ),
    "quota": Case(
        lambda: quota({"requests.memory": 4 * GIB}, {"requests.memory": 2 * GIB}),
        BLOCK,
        lambda: quota({"requests.memory": 5 * GIB}, {"requests.memory": 2 * GIB}),
        unread,
    ),
    "quota-scoped": Case(
        lambda: quota({"pods": 1}, {"pods": 1}, scoped=True),
        WARN,
        lambda: quota({"pods": 2}, {"pods": 1}, scoped=True),
        unread,
    ),
    "owned": Case(lambda: vm(owners=("VirtualMachinePool web",)), WARN, facts, lambda: vm(owners=()), COLD),
    "gitops": Case(
        lambda: vm(labels={"argocd.argoproj.io/instance": "shop"}),
        WARN,
        facts,
        lambda: vm(labels={}, annotations={}),
        COLD,
    ),
    "admission": Case(
        lambda: facts(admission=Admission(accepted=False, code=400, message="no")),
        BLOCK,
        lambda: facts(admission=Admission(accepted=True)),
        lambda: facts(admission=None),
    ),
}


def said(world: Facts, type_: MoveType, code: str) -> list[Finding]:
    return [finding for finding in checks.run(world, type_) if finding.code == code]


@pytest.mark.parametrize("code", CASES)
def test_a_check_speaks_of_what_it_is_for(code: str) -> None:
    case = CASES[code]
    (finding, *_) = said(case.speaks(), case.type_, code)
    assert finding.severity is case.severity
    assert finding.text.endswith(".")
    assert finding.source
    assert finding.remedy or finding.severity is not BLOCK


@pytest.mark.parametrize("code", CASES)
def test_a_check_is_silent_where_all_is_well(code: str) -> None:
    case = CASES[code]
    assert said(case.silent(), case.type_, code) == []


@pytest.mark.parametrize("code", CASES)
def test_a_check_without_its_facts_blocks_nothing(code: str) -> None:
    case = CASES[code]
    assert said(case.missing(), case.type_, code) == []


def test_every_check_has_its_cases() -> None:
    """Each check of the table speaks in some case above, or stands among those that only say what was not checked."""
    speaking = {check.passed for case in CASES.values() for check in _speaking(case)}
    assert [check.passed for check in checks.CHECKS if check.passed not in speaking | _ONLY_SAY] == []


_ONLY_SAY = {
    "a target is named",
    "the scheduler has no spread constraints to count",
    "the CPU that the guest carries along is known",
    "the guest may have the target's CPU",
    "what the nodes' VMs have been given is known",
    "the VM is in no transition",
    "virt-handler is ready on its node",
}
"""Told in the tests below, and in test_checks.py."""


def _speaking(case: Case) -> list[Check]:
    world = case.speaks()
    return [check for check in checks.CHECKS if check.findings(world, case.type_)]


def not_checked(world: Facts, type_: MoveType = LIVE) -> list[str]:
    return [finding.text for finding in checks.run(world, type_) if finding.code == NOT_CHECKED]


def test_a_bot_that_may_read_little_says_what_it_has_not_looked_at_and_blocks_nothing() -> None:
    found = checks.run(unread(), LIVE)
    assert {finding.severity for finding in found} == {INFO}
    assert "Not checked: room on worker-05 (I may not read its pods)." in not_checked(unread())
    assert len(not_checked(unread())) == 7


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (lambda: guest(spread=True), "topologySpreadConstraints"),
        (lambda: facts(source=replace(node("worker-01"), labels={})), "the guest's CPU"),
        (lambda: facts(claims=(Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteMany",), volume="pv"),)), "pv"),
        (
            lambda: carried(
                pod(labels={"app": "web"}),
                vmi=with_vmi(placement=affinity("podAffinity", by_app("web", namespaceSelector=BY_TIER))).vmi,
            ),
            "the pods that it wants near",
        ),
        (
            lambda: carried(
                pod(labels={"app": "web"}),
                vmi=with_vmi(placement=affinity("podAntiAffinity", by_app("web", namespaceSelector=BY_TIER))).vmi,
            ),
            "whether a pod keeps it away",
        ),
        (lambda: facts(vmi=None, vm=replace(facts().vm, guest=Guest())), "an instance type may"),
    ],
)
def test_what_is_beyond_a_check_is_said(world: Callable[[], Facts], words: str) -> None:
    type_ = COLD if world().vmi is None else LIVE
    assert any(words in text for text in not_checked(world(), type_))
    assert {each.severity for each in checks.run(world(), type_)} == {INFO}


def test_a_live_move_needs_virt_handler_on_both_nodes() -> None:
    for node_name in ("worker-01", "worker-05"):
        (finding,) = said(handler(ready=False, on=node_name), LIVE, "virt-handler-not-ready")
        assert node_name in finding.text
    assert said(handler(ready=False, on="worker-01"), COLD, "virt-handler-not-ready") == []


def test_a_check_passes_with_words_of_its_own() -> None:
    found, passed = checks.judge(facts(), LIVE)
    assert found == ()
    assert len(passed) == len(set(passed)) > 30
    assert "the target has KVM" in passed
    assert not any("owner" in words for words in passed), "a live move changes no VM"


def test_checks_of_a_target_are_not_counted_without_one() -> None:
    _, passed = checks.judge(facts(target=None), LIVE)
    assert not any("target" in words for words in passed)
    assert "another node can take it" in passed
    assert "another node can take it" not in checks.judge(facts(), LIVE)[1]


# CPU


def test_a_guest_that_has_moved_takes_its_first_cpu_along() -> None:
    """Its pod inherited the model; where it is now does not count (KubeVirt watch/migration)."""
    world = launched({f"{FROM_MODEL}Haswell": "true"}, target=node(labels={f"{FROM_MODEL}Haswell": "true"}))
    assert checks.run(world, LIVE) == ()
    (finding,) = said(launched({f"{FROM_MODEL}Haswell": "true"}), LIVE, "cpu-model")
    assert "Haswell" in finding.text


def test_features_that_the_sources_model_requires_are_asked_for() -> None:
    here = node("worker-01", labels={"host-model-required-features.node.kubevirt.io/avx512": "true"})
    (finding,) = said(facts(source=here), LIVE, "cpu-model")
    assert "avx512" in finding.text
    there = node(labels={"cpu-feature.node.kubevirt.io/avx512": "true"})
    assert said(facts(source=here, target=there), LIVE, "cpu-model") == []


def test_a_cold_start_takes_the_new_nodes_cpu() -> None:
    assert said(facts(source=node("worker-01", labels={f"{HOST_MODEL}Icelake": "true"})), COLD, "cpu-model") == []


@pytest.mark.parametrize("type_", [LIVE, COLD])
def test_a_named_model_and_its_features_are_asked_for_in_any_move(type_: MoveType) -> None:
    world = guest(cpu_model="Cascadelake", cpu_features=("vmx",))
    assert {finding.text for finding in said(world, type_, "cpu-model")} == {
        "worker-05 has no CPU of model Cascadelake.",
        "worker-05's CPU lacks the feature vmx.",
    }
    labels = {"cpu-model.node.kubevirt.io/Cascadelake": "true", "cpu-feature.node.kubevirt.io/vmx": "true"}
    assert said(replace(world, target=node(labels=labels)), type_, "cpu-model") == []


@pytest.mark.parametrize("type_", [LIVE, COLD])
@pytest.mark.parametrize(
    ("model", "default", "blocks"),
    [
        ("", "", True),
        ("host-model", "Haswell", True),
        ("", "Haswell", False),
        ("Haswell", "", False),
        ("host-passthrough", "", False),
    ],
)
def test_an_obsolete_cpu_is_no_target_for_a_guest_that_would_get_it(
    type_: MoveType, model: str, default: str, *, blocks: bool
) -> None:
    """Of guests with a model of their own KubeVirt asks nothing of the kind (setNodeAffinityForHostModelCpuModel)."""
    capabilities = replace(facts().capabilities, cpu_model=default)
    labels = {cpu.OBSOLETE: "true", "cpu-model.node.kubevirt.io/Haswell": "true"}
    world = replace(guest(cpu_model=model), capabilities=capabilities, target=node(labels=labels))
    assert bool(said(world, type_, "cpu-model")) is blocks


@pytest.mark.parametrize("type_", [LIVE, COLD])
def test_a_feature_that_the_guest_forbids_keeps_it_away(type_: MoveType) -> None:
    world = replace(guest(cpu_forbidden=("svm",)), target=node(labels={"cpu-feature.node.kubevirt.io/svm": "true"}))
    (finding,) = said(world, type_, "cpu-model")
    assert "svm, which it forbids" in finding.text
    assert said(guest(cpu_forbidden=("svm",)), type_, "cpu-model") == []


def test_a_guest_that_asks_for_features_passes_them_on_and_no_model() -> None:
    """KubeVirt takes its pod's features for those of an earlier move (prepareNodeSelectorForHostCpuModel)."""
    feature = {"cpu-feature.node.kubevirt.io/vmx": "true"}
    here = node("worker-01", labels={f"{HOST_MODEL}Icelake": "true"})
    assert said(launched(feature, source=here, target=node(labels=feature)), LIVE, "cpu-model") == []


@pytest.mark.parametrize("model", ["", "Haswell", "host-passthrough"])
def test_no_running_guest_goes_on_with_another_vendors_cpu(model: str) -> None:
    machine = guest(cpu_model=model)
    world = replace(
        machine,
        source=node("worker-01", labels={f"{VENDOR}Intel": "true"}),
        target=node(labels={f"{VENDOR}AMD": "true", "cpu-model.node.kubevirt.io/Haswell": "true"}),
    )
    assert [each.code for each in checks.run(world, LIVE) if each.severity is BLOCK] == ["cpu-vendor"]
    assert said(world, COLD, "cpu-vendor") == []


@pytest.mark.parametrize(
    "key",
    ["kubevirt.io/sev", "scheduling.node.kubevirt.io/tsc-frequency-2600000000", "node-role.kubernetes.io/worker"],
)
def test_what_else_the_pod_asks_of_its_node_is_asked_again(key: str) -> None:
    """But for what a migration has added: that was for once."""
    world = launched({key: "true", "kubernetes.io/hostname": "worker-01", "kubevirt.io/schedulable": "true"})
    (finding,) = (each for each in checks.run(world, COLD) if each.severity is BLOCK)
    assert (finding.code, key in finding.text) == ("node-feature", True)


def test_the_selector_that_kubevirt_gives_all_pods_is_asked_for_unless_the_vm_says_otherwise() -> None:
    world = facts(capabilities=replace(facts().capabilities, node_selectors={"virt": "yes"}))
    (finding,) = said(world, LIVE, "node-feature")
    assert "virt=yes" in finding.text
    assert said(replace(world, target=node(labels={"virt": "yes"})), LIVE, "node-feature") == []
    own = with_vmi(placement=Placement(node_selector={"virt": "no"}))
    there = replace(own, capabilities=world.capabilities, target=node(labels={"virt": "no"}))
    assert checks.run(there, LIVE) == ()


def test_a_running_guests_machine_type_is_the_one_that_it_got() -> None:
    world = with_vmi(machine="pc-q35-9.6", guest=Guest(memory_bytes=GIB, machine="q35"))
    world = replace(world, source=node("worker-01", labels={f"{MACHINE}pc-q35-9.6": "true"}))
    assert [key for key in cpu.demanded(world, LIVE) if key.startswith(MACHINE)] == [f"{MACHINE}pc-q35-9.6"]


# neighbours


def test_rules_of_the_pods_that_are_there_count_too() -> None:
    jealous = pod("jealous", placement=affinity("podAntiAffinity", by_app("web")))
    world = carried(jealous, vmi=with_vmi(guest=Guest(memory_bytes=GIB, labels={"app": "web"})).vmi)
    (finding,) = said(world, LIVE, "anti-affinity")
    assert "jealous" in finding.text
    assert said(carried(replace(jealous, ref=Ref("dev", "jealous")), vmi=world.vmi), LIVE, "anti-affinity") == []


def test_a_pod_that_keeps_away_from_all_vms_keeps_a_cold_one_away_too() -> None:
    """Its new pod will have KubeVirt's labels, which stand in no template."""
    shy = affinity(
        "podAntiAffinity", {**by_app("x"), "labelSelector": {"matchLabels": {"kubevirt.io": "virt-launcher"}}}
    )
    world = carried(pod("shy", placement=shy))
    assert said(world, COLD, "anti-affinity")
    assert said(world, LIVE, "anti-affinity")


def test_three_nodes_that_cannot_take_it_are_told_and_the_rest_are_counted() -> None:
    others = [node(f"worker-{number:02}", cordoned=True) for number in range(10, 15)]
    world = facts(target=None, survey=survey(node("worker-01"), *others, whole=True))
    (finding,) = said(world, LIVE, "no-node")
    assert finding.text.count("is cordoned") == 3
    assert finding.text.endswith("Nor can 2 more.")


def test_in_a_zone_the_vms_own_pod_keeps_it_away_live_and_not_cold() -> None:
    """The source pod is still there while the target pod looks for a place."""
    zone = {"zone": "a"}
    machine = Guest(memory_bytes=GIB, vcpus=1, labels={"app": "web"})
    apart = affinity("podAntiAffinity", by_app("web", key="zone"))
    running = with_vmi(placement=apart, guest=machine).vmi
    template = replace(facts().vm, placement=apart, guest=machine)
    world = carried(vm=template, vmi=running, source=node("worker-01", labels=zone), target=node(labels=zone))
    assert said(world, LIVE, "anti-affinity")
    assert said(world, COLD, "anti-affinity") == []


def test_what_a_failed_migration_left_on_the_target_keeps_its_vm_from_no_second_try() -> None:
    """KubeVirt keeps the pods of one VMI apart, and a target pod that has lost its migration takes a moment to end."""
    apart = affinity(
        "podAntiAffinity", {**by_app("x"), "labelSelector": {"matchLabels": {"kubevirt.io": "virt-launcher"}}}
    )
    left = pod("virt-launcher-web-01-left", placement=apart, vmi="web-01")
    assert said(carried(left), LIVE, "anti-affinity") == said(carried(left), COLD, "anti-affinity") == []
    assert said(carried(replace(left, vmi="web-02")), LIVE, "anti-affinity")


def test_the_first_of_its_kind_may_be_alone() -> None:
    """A pod that wants its own kind near is let in where there is none anywhere."""
    machine = Guest(memory_bytes=GIB, labels={"app": "web"})
    rule = affinity("podAffinity", by_app("web"))
    template = replace(facts().vm, placement=rule, guest=machine)
    running = with_vmi(placement=rule, guest=machine).vmi
    world = carried(vm=template, vmi=running)
    assert said(world, COLD, "affinity") == []
    assert said(world, LIVE, "affinity"), "its own pod still stands, and elsewhere"


# disks


def test_state_that_kubevirt_keeps_for_a_tpm_is_no_obstacle_to_a_live_move() -> None:
    """KubeVirt makes a second PVC for the target where that one is not shared (pkg/storage/backend-storage)."""
    name, local = "persistent-state-for-web-01-x7", Volume("local-pv", HERE_ONLY)
    state = Claim(Ref("production", name), ("ReadWriteOnce",), "Bound", "local-pv")
    disks = {"web-01-rootdisk": ("ReadWriteMany",), name: ("ReadWriteOnce",)}
    world = replace(with_vmi(claims=disks), volumes=(local,))
    world = replace(world, claims=(*world.claims, state))
    assert storage.choose_type(world, None)[0] is LIVE
    assert checks.run(world, LIVE) == ()
    assert said(world, COLD, "disk-unreachable"), "there it is needed again"


@pytest.mark.parametrize("claims", [(), (Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteMany",), "Lost"),)])
def test_nothing_that_runs_is_stopped_to_start_without_its_disk(claims: tuple[Claim, ...]) -> None:
    running, stopped = facts(claims=claims), facts(claims=claims, vmi=None)
    assert [each.severity for each in checks.run(running, COLD)] == [BLOCK]
    assert [each.severity for each in checks.run(running, LIVE)] == [WARN]
    assert [each.severity for each in checks.run(stopped, COLD)] == [WARN]


def test_a_disk_that_can_only_be_read_is_not_shared_unless_kubevirt_says_so() -> None:
    world = with_vmi(claims={"web-01-rootdisk": ("ReadOnlyMany",)}, conditions=())
    assert said(world, LIVE, "disk-not-shared")


# pins


def test_a_pin_to_the_vms_own_node_leaves_a_live_move_nowhere_to_go() -> None:
    world = replace(with_vmi(placement=PINNED_HERE), target=None)
    (finding,) = said(world, LIVE, "foreign-pin")
    assert finding.severity is BLOCK


def test_our_own_pin_is_not_called_somebody_elses() -> None:
    assert said(facts(vm=noted(), vmi=with_vmi(placement=noted().placement).vmi), LIVE, "foreign-pin") == []


# taints


@pytest.mark.parametrize(
    ("taint", "node_is", "blocks"),
    [
        ({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}, {"cordoned": True}, ["target-cordoned"]),
        ({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}, {"ready": False}, ["target-not-ready"]),
        ({"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}, {}, []),
        ({"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}, {}, ["taint"]),
        ({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}, {}, []),
    ],
)
def test_a_taint_that_says_what_is_said_already_is_not_said_twice(
    taint: Json, node_is: dict[str, bool], blocks: list[str]
) -> None:
    found = checks.run(target(taints=(taint,), **node_is), LIVE)
    assert [finding.code for finding in found if finding.severity is BLOCK] == blocks


@pytest.mark.parametrize(
    ("toleration", "holds"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "a", "value": "b"}, True),
        ({"key": "a", "value": "c"}, False),
        ({"key": "a", "value": "b", "effect": "NoExecute"}, False),
        ({"key": "b", "operator": "Exists"}, False),
        ({"value": "b"}, False),
    ],
)
def test_what_a_toleration_covers(toleration: Json, *, holds: bool) -> None:
    world = with_vmi(placement=Placement(tolerations=(toleration,)))
    tainted: Node = node(taints=({"key": "a", "value": "b", "effect": "NoSchedule"},))
    assert (said(replace(world, target=tainted), LIVE, "taint") == []) is holds


def test_two_nodes_with_one_hostname_are_no_target() -> None:
    """A VMIM and a pin know nodes by that label alone."""
    world = target(hostname="localhost")
    assert world.target is not None
    twins = replace(world, survey=replace(world.survey, nodes=(world.target, node("worker-09", hostname="localhost"))))
    (finding,) = said(twins, LIVE, "no-hostname")
    assert "worker-09" in finding.text


# whose, why, how much


@pytest.mark.parametrize(
    ("migration", "words"),
    [
        (replace(ACTIVE, annotations={"kubevirt.io/evacuationMigration": "worker-01"}), "drain"),
        (replace(ACTIVE, annotations={"kubevirt.io/workloadUpdateMigration": ""}), "update of KubeVirt"),
        (replace(ACTIVE, labels={"vm-migrate-bot/plan": "p7"}), "plan p7"),
        (ACTIVE, "somebody else"),
    ],
)
def test_a_migration_that_runs_already_says_whose_it_is(migration: Migration, words: str) -> None:
    (finding,) = said(facts(migrations=(migration,)), LIVE, "in-flight")
    assert words in finding.text


@pytest.mark.parametrize("reason", obstacles.REASONS)
def test_every_reason_of_kubevirt_is_told_in_words_and_quoted(reason: str) -> None:
    condition = Condition("LiveMigratable", "False", reason, "its own words")
    (finding,) = said(with_vmi(conditions=(condition,)), LIVE, "not-live-migratable")
    assert "its own words" in finding.text
    assert reason in finding.text
    assert finding.remedy


def test_an_unknown_reason_is_quoted() -> None:
    (finding,) = said(
        with_vmi(conditions=(Condition("LiveMigratable", "False", "New", "moon"),)), LIVE, "not-live-migratable"
    )
    assert finding.text == "It cannot move live: moon (New)."


def test_a_full_node_limit_would_wait_too() -> None:
    (finding,) = said(facts(migrating=(instance("a", "worker-01"), instance("b", "worker-01"))), LIVE, "would-wait")
    assert "2 migrations run away from worker-01, and 2 may" in finding.text


@pytest.mark.parametrize(
    ("hard", "used", "blocks"),
    [
        ({"pods": 1}, {"pods": 1}, True),
        ({"count/pods": 2}, {"count/pods": 1}, False),
        ({"cpu": 300}, {"cpu": 200}, True),
        ({"requests.cpu": 400}, {"requests.cpu": 200}, False),
        ({"memory": 1}, {}, True),
        ({"limits.memory": 1}, {}, False),
        ({"persistentvolumeclaims": 1}, {"persistentvolumeclaims": 1}, False),
    ],
)
def test_quotas_count_the_second_pod_under_their_own_names(
    hard: dict[str, int], used: dict[str, int], *, blocks: bool
) -> None:
    assert bool(said(quota(hard, used), LIVE, "quota")) is blocks
    assert said(quota(hard, used), COLD, "quota") == []


def test_a_quota_that_is_overdrawn_counts_only_for_what_the_pod_asks_for() -> None:
    """It may have been lowered since. Of what it does not ask for a pod is admitted all the same."""
    assert checks.run(quota({"limits.cpu": 1, "services": 1}, {"limits.cpu": 4, "services": 2}), LIVE) == ()


def test_a_cold_move_under_a_quota_that_was_lowered_would_not_start_again() -> None:
    (finding,) = said(quota({"requests.memory": 2 * GIB}, {"requests.memory": 5 * GIB}), COLD, "quota")
    assert "start again" in finding.text
    assert said(quota({"requests.memory": 2 * GIB}, {"requests.memory": 2 * GIB}), COLD, "quota") == []


def test_room_counts_devices_and_pods_too() -> None:
    room = {"cpu": 16_000, "memory": 64 * GIB, "pods": 1, KVM: 1000}
    (finding,) = said(target(allocatable=room), LIVE, "no-room")
    assert "1 pods" in finding.text


def test_a_vm_without_a_pod_is_measured_by_the_least_that_it_needs() -> None:
    machine = Guest(memory_bytes=65 * GIB, vcpus=4)
    world = facts(vm=replace(facts().vm, guest=machine), vmi=None)
    assert [each.code for each in checks.run(world, COLD) if each.severity is BLOCK] == ["no-room"]


def test_huge_pages_take_the_place_of_memory() -> None:
    """A guest on huge pages also states its memory as a request, and its pod asks for it once (renderresources.go)."""
    machine = Guest(memory_bytes=4 * GIB, hugepages="2Mi", requests={"memory": 5 * GIB})
    world = facts(vm=replace(facts().vm, guest=machine), vmi=None)
    assert requested(world, COLD) == {"cpu": 100, "memory": GIB, "hugepages-2Mi": 4 * GIB}


@pytest.mark.parametrize(
    ("setting", "name", "amount"),
    [
        ({"cpu_ratio": 0}, "cpu", 0),
        ({"cpu_ratio": 4}, "cpu", 500),
        ({"memory_overcommit": 200}, "memory", GIB),
    ],
)
def test_what_a_guest_requests_follows_the_clusters_ratios(setting: dict[str, Any], name: str, amount: int) -> None:
    assert requested(facts(vmi=None, capabilities=replace(facts().capabilities, **setting)), COLD)[name] == amount


def test_a_cold_start_asks_for_what_the_template_has_grown_to() -> None:
    """More memory waits for a restart: the pod that runs does not have it yet."""
    world = facts()
    world = replace(world, vm=replace(world.vm, guest=Guest(memory_bytes=64 * GIB, vcpus=2)))
    assert said(world, COLD, "no-room")
    assert said(world, LIVE, "no-room") == []


def test_the_figures_of_an_overcommit_are_in_it() -> None:
    big = instance("big", "worker-05", vcpus=18, gib=63)
    (finding,) = said(carried(vmis=(big,)), LIVE, "overcommit")
    assert "CPU 125 % (20 vCPUs on 16 CPUs)" in finding.text
    assert "memory 102 % (65 of 64 GiB)" in finding.text


def test_a_lost_disk_is_no_reason_against_a_choice_of_type() -> None:
    assert storage.choose_type(facts(claims=()), None)[0] is LIVE
