"""Each check finds what it is for, stays silent otherwise, and stands missing facts."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot import checks
from bot.checks import Severity
from bot.request import MoveType
from k8s.note import Note
from k8s.snapshots import Admission, Capabilities, Claim, Condition, Facts, Migration, Placement, Ref, Volume
from tests.facts import WEB, facts, node, with_vmi

RUNNING = Migration(Ref("production", "kubevirt-evacuation-x"), "uid-m", "web-01", "Running")
DONE = Migration(Ref("production", "old"), "uid-o", "web-01", "Succeeded")
RWO = (*facts().claims, Claim(Ref("production", "data"), ("ReadWriteOnce",)))


def codes(world: Facts, type_: MoveType = MoveType.LIVE) -> list[str]:
    return [finding.code for finding in checks.run(world, type_) if finding.severity is Severity.BLOCK]


def test_a_healthy_vm_to_a_free_node_has_no_findings() -> None:
    assert checks.run(facts(), MoveType.LIVE) == ()


@pytest.mark.parametrize(
    ("world", "code"),
    [
        (lambda: facts(vm=replace(facts().vm, deleting=True)), "vm-deleting"),
        (lambda: facts(vmi=None), "vm-stopped"),
        (lambda: with_vmi(phase="Scheduling"), "vm-not-ready"),
        (lambda: with_vmi(deleting=True), "vm-not-ready"),
        (lambda: facts(claims=RWO), "disk-not-shared"),
        (lambda: with_vmi(claims={"web-01-rootdisk": ("ReadWriteOnce",)}), "disk-not-shared"),
        (
            lambda: with_vmi(
                conditions=(Condition("LiveMigratable", "False", "HostDeviceNotLiveMigratable", "has a GPU"),)
            ),
            "not-live-migratable",
        ),
        (lambda: facts(migrations=(DONE, RUNNING)), "in-flight"),
        (lambda: facts(source=node("worker-01", ready=False)), "source-not-ready"),
        (lambda: facts(target=node(ready=False)), "target-not-ready"),
        (lambda: facts(target=node(cordoned=True)), "target-cordoned"),
        (
            lambda: facts(capabilities=Capabilities("v1.5.0", added_node_selector=False, rollout_strategy="Stage")),
            "no-named-target",
        ),
        (lambda: facts(admission=Admission(accepted=False, code=400, message="no")), "admission"),
    ],
)
def test_what_stands_in_the_way_blocks(world: Callable[[], Facts], code: str) -> None:
    assert codes(world()) == [code]


@pytest.mark.parametrize(
    "world",
    [
        lambda: facts(migrations=(DONE,)),
        lambda: facts(claims=(), vmi=with_vmi(claims={}).vmi),
        lambda: with_vmi(conditions=()),
        lambda: facts(source=None),
        lambda: facts(target=None),
        lambda: facts(
            target=None, capabilities=Capabilities("v1.5.0", added_node_selector=False, rollout_strategy="Stage")
        ),
        lambda: facts(admission=Admission(accepted=True)),
    ],
)
def test_what_is_harmless_or_not_known_does_not_block(world: Callable[[], Facts]) -> None:
    assert codes(world()) == []


def test_the_clusters_refusal_is_left_out_where_our_own_words_say_it() -> None:
    refused = Admission(accepted=False, code=400, message="in-flight migration detected")
    assert codes(facts(migrations=(RUNNING,), admission=refused)) == ["in-flight"]


def test_a_disk_that_cannot_be_shared_is_named() -> None:
    (finding,) = checks.run(facts(claims=RWO), MoveType.LIVE)
    assert "data" in finding.text
    assert "cold" in finding.remedy.lower()


def test_a_paused_vm_is_mentioned_and_may_move() -> None:
    world = with_vmi(conditions=(Condition("Paused", "True"),))
    assert [finding.severity for finding in checks.run(world, MoveType.LIVE)] == [Severity.INFO]


UNREADABLE = replace(with_vmi(conditions=(), claims={}), claims=())
"""Its PVC is named in the template, but cannot be read."""
RACK_A = Placement(node_selector={"rack": "a"})
LOCAL = Volume(
    name="pv-1",
    required={"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["here"]}]}]},
)


def noted(hostname: str) -> Facts:
    """The VM as an earlier cold move has left it."""
    note = Note("p0", 1, "Always", None, None, hostname)
    placement = Placement(affinity=note.pinned())
    return facts(vm=replace(facts().vm, placement=placement, annotations={"vm-migrate-bot/note": note.text()}))


@pytest.mark.parametrize(
    ("world", "code"),
    [
        (lambda: facts(target=None), "no-target"),
        (lambda: with_vmi(phase="Scheduling"), "vm-not-ready"),
        (lambda: facts(vm=replace(facts().vm, placement=RACK_A)), "rules-contradict"),
        (lambda: facts(volumes=(LOCAL,)), "disk-unreachable"),
        (lambda: facts(migrations=(RUNNING,)), "in-flight"),
        (lambda: facts(target=node(cordoned=True)), "target-cordoned"),
    ],
)
def test_what_stands_in_the_way_of_a_cold_move_blocks(world: Callable[[], Facts], code: str) -> None:
    assert codes(world(), MoveType.COLD) == [code]


@pytest.mark.parametrize(
    "world",
    [
        facts,
        lambda: facts(vmi=None),
        lambda: facts(claims=RWO),
        lambda: facts(volumes=(Volume(name="pv-2"),)),
        lambda: facts(volumes=(LOCAL,), target=node(labels={"disk": "here"})),
        lambda: facts(vm=replace(facts().vm, placement=RACK_A), target=node(labels={"rack": "a"})),
        lambda: facts(source=node("worker-01", ready=False)),
        lambda: noted("worker-01"),
        lambda: facts(admission=Admission(accepted=False, code=400, message="no")),
    ],
)
def test_what_does_not_stand_in_the_way_of_a_cold_move(world: Callable[[], Facts]) -> None:
    assert codes(world(), MoveType.COLD) == []


def test_rules_that_are_to_be_replaced_are_named_and_do_not_block() -> None:
    world = facts(vm=replace(facts().vm, placement=RACK_A))
    (finding,) = checks.run(world, MoveType.COLD, replace_rules=True)
    assert (finding.code, finding.severity) == ("rules-replaced", Severity.WARN)
    assert "nodeSelector rack=a" in finding.text
    assert checks.run(facts(), MoveType.COLD, replace_rules=True) == ()


def test_a_live_move_replaces_no_rules() -> None:
    found = checks.run(with_vmi(placement=RACK_A), MoveType.LIVE, replace_rules=True)
    assert [finding.code for finding in found] == ["rules-contradict"]


def test_an_older_pin_of_ours_is_told() -> None:
    assert [finding.code for finding in checks.run(noted("worker-01"), MoveType.COLD)] == ["older-pin"]


def test_before_a_live_move_an_older_pin_of_ours_goes_first_where_the_guest_follows_at_once() -> None:
    world = noted("worker-02")
    pinned = replace(world, vmi=with_vmi(placement=world.vm.placement).vmi)
    assert [finding.code for finding in checks.run(pinned, MoveType.LIVE)] == ["older-pin"]
    assert checks.frees_pin(pinned, MoveType.LIVE)
    held = replace(pinned, vm=replace(pinned.vm, conditions=(Condition("RestartRequired", "True"),)))
    assert codes(held) == ["own-pin"]
    assert not checks.frees_pin(held, MoveType.LIVE)


def test_a_vm_that_cannot_leave_its_older_pin_at_home_goes_nowhere_even_without_a_target() -> None:
    world = noted("worker-01")
    held = replace(
        world,
        target=None,
        vmi=with_vmi(placement=world.vm.placement).vmi,
        vm=replace(world.vm, conditions=(Condition("RestartRequired", "True"),)),
    )
    assert codes(held) == ["own-pin"]


def test_what_stands_beside_our_pin_still_blocks_a_live_move() -> None:
    world = noted("worker-02")
    both = replace(world.vm.placement, node_selector={"rack": "a"})
    pinned = replace(world, vm=replace(world.vm, placement=both), vmi=with_vmi(placement=both).vmi)
    assert codes(pinned) == ["rules-contradict"]


def test_rules_of_the_running_vmi_block_a_live_move() -> None:
    assert codes(with_vmi(placement=RACK_A)) == ["rules-contradict"]
    (finding,) = checks.run(with_vmi(placement=RACK_A), MoveType.LIVE)
    assert "nodeSelector rack=a" in finding.text


def test_a_paused_vm_is_warned_of_before_a_cold_move() -> None:
    world = with_vmi(conditions=(Condition("Paused", "True"),))
    assert [finding.severity for finding in checks.run(world, MoveType.COLD)] == [Severity.WARN]


@pytest.mark.parametrize(
    ("world", "asked", "wanted"),
    [
        (facts(), None, MoveType.LIVE),
        (facts(), MoveType.COLD, MoveType.COLD),
        (facts(claims=RWO), None, MoveType.COLD),
        (facts(claims=RWO), MoveType.LIVE, MoveType.LIVE),
        (facts(claims=(), vmi=with_vmi(claims={}).vmi), None, MoveType.LIVE),
        (with_vmi(conditions=(Condition("LiveMigratable", "False", "X"),)), None, MoveType.COLD),
    ],
)
def test_the_type_follows_from_what_is_asked_and_the_disks(
    world: Facts, asked: MoveType | None, wanted: MoveType
) -> None:
    assert checks.choose_type(world, asked)[0] is wanted


def test_blocks_come_first() -> None:
    world = with_vmi(conditions=(Condition("Paused", "True"),))
    found = checks.run(replace(world, target=node(cordoned=True)), MoveType.LIVE)
    assert [finding.severity for finding in found] == [Severity.BLOCK, Severity.INFO]


def test_the_name_in_a_finding_is_the_vms() -> None:
    (finding,) = checks.run(facts(vmi=None), MoveType.LIVE)
    assert WEB.name in finding.text


def test_a_type_that_neither_kubevirt_nor_the_disks_tell_is_left_to_people() -> None:
    (finding,) = checks.undecided(UNREADABLE, None)
    assert (finding.code, finding.severity) == (checks.TYPE_UNDECIDED, Severity.BLOCK)
    assert "I cannot tell whether it can move live" in finding.text
    assert "web-01-rootdisk" in finding.text


@pytest.mark.parametrize(
    ("world", "asked"),
    [
        (UNREADABLE, MoveType.LIVE),
        (UNREADABLE, MoveType.COLD),
        (replace(UNREADABLE, vmi=None), None),
        (replace(UNREADABLE, claims=RWO), None),
        (replace(UNREADABLE, vm=replace(UNREADABLE.vm, claims=())), None),
        (with_vmi(conditions=()), None),
        (with_vmi(conditions=(), claims={"web-01-rootdisk": ()}), None),
        (facts(claims=(), vmi=with_vmi(claims={}).vmi), None),
    ],
)
def test_a_type_that_is_asked_for_or_can_be_told_is_decided(world: Facts, asked: MoveType | None) -> None:
    assert checks.undecided(world, asked) == ()


def test_a_disk_whose_access_modes_cannot_be_read_is_not_said_to_be_unshared() -> None:
    assert checks.unshared_claims(UNREADABLE) == ()
    assert codes(UNREADABLE) == []
    assert checks.choose_type(facts(claims=(), vmi=with_vmi(claims={}).vmi), None) == (
        MoveType.LIVE,
        "KubeVirt says that it can",
    )
