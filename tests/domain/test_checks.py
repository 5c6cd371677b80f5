"""Each check finds what it is for, stays silent otherwise, and stands missing facts."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot import checks
from bot.checks import Severity
from bot.request import MoveType
from k8s.snapshots import Admission, Capabilities, Claim, Condition, Facts, Migration, Ref
from tests.facts import WEB, facts, node, with_vmi

RUNNING = Migration(Ref("production", "kubevirt-evacuation-x"), "uid-m", "web-01", "Running")
DONE = Migration(Ref("production", "old"), "uid-o", "web-01", "Succeeded")
RWO = (Claim(Ref("production", "data"), ("ReadWriteOnce",)),)


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


def test_a_cold_move_is_told_to_come_later() -> None:
    assert codes(facts(), MoveType.COLD) == ["cold-not-yet"]


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
