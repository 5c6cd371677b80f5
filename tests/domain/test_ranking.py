"""Which node: the list agrees with the checks, the order says why, and what is planned already counts."""

from dataclasses import replace
from typing import Any

import pytest

from bot.load import Seat, with_moves
from bot.ranking import Ranking, rank
from bot.request import MoveType
from bot.sandbox.gallery.facts import GIB, survey
from k8s.snapshots import Facts, Guest, Instance, Node, Placement, Ref, Survey
from tests.facts import facts, node, with_vmi

HOME = node("worker-01")
SMALL = {"cpu": 4000, "memory": 4 * GIB, "pods": 110, "devices.kubevirt.io/kvm": 1000}


def guest_on(name: str, on: str, gib: int = 2, vcpus: int = 2, **changes: object) -> Instance:
    vmi = with_vmi().vmi
    assert vmi is not None
    made = replace(
        vmi, ref=Ref("production", name), uid=name, node=on, guest=Guest(memory_bytes=gib * GIB, vcpus=vcpus)
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def ranked(*others: Node, vmis: tuple[Instance, ...] = (), world: Facts | None = None) -> Ranking:
    world = world or facts()
    assert world.vmi is not None
    return rank(world, survey(HOME, *others, vmis=(world.vmi, *vmis), whole=True), MoveType.LIVE)


def names(ranking: Ranking) -> list[str]:
    return [each.name for each in ranking.candidates]


def test_the_node_with_the_most_room_left_comes_first() -> None:
    full = guest_on("big", "worker-02", gib=32, vcpus=8)
    ranking = ranked(node("worker-02"), node("worker-03"), vmis=(full,))
    assert names(ranking) == ["worker-03", "worker-02"]
    assert ranking.best is not None
    assert ranking.best.reasons[0] == "16 CPU and 64 GiB free"


def test_the_scarcer_resource_counts() -> None:
    cpus = guest_on("cpus", "worker-02", gib=1, vcpus=14)
    memory = guest_on("memory", "worker-03", gib=40, vcpus=1)
    assert names(ranked(node("worker-02"), node("worker-03"), vmis=(cpus, memory))) == ["worker-03", "worker-02"]


def test_a_warning_weighs_more_than_room() -> None:
    asked = {"key": "batch", "effect": "PreferNoSchedule"}
    busy = guest_on("big", "worker-03", gib=32, vcpus=8)
    ranking = ranked(node("worker-02", taints=(asked,)), node("worker-03"), vmis=(busy,))
    assert names(ranking) == ["worker-03", "worker-02"]
    assert "batch" in ranking.candidates[1].reasons[-1]


def test_what_would_be_overcommitted_comes_last_and_says_so() -> None:
    full = guest_on("full", "worker-02", gib=2, vcpus=15)
    ranking = ranked(node("worker-02"), node("worker-03"), vmis=(full,))
    last = ranking.candidates[-1]
    assert (last.name, [each.code for each in last.warnings]) == ("worker-02", ["overcommit"])
    assert last.shift is not None
    assert (last.shift.before.vcpus, last.shift.after.vcpus, last.shift.cpus) == (15, 17, 16)


def test_equals_are_ordered_by_name() -> None:
    assert names(ranked(node("worker-03"), node("worker-02"))) == ["worker-02", "worker-03"]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (node("x", cordoned=True), "cordoned"),
        (node("x", ready=False), "not Ready"),
        (node("x", labels={"kubevirt.io/schedulable": "false"}), "no VMs there"),
        (node("x", taints=({"key": "a", "effect": "NoSchedule"},)), "taint"),
        (node("x", allocatable={**SMALL, "memory": GIB}), "no room"),
        (node("x", ready=False, cordoned=True), "not Ready, cordoned"),
    ],
)
def test_an_excluded_node_has_its_reason(other: Node, why: str) -> None:
    ranking = ranked(other)
    assert [(each.name, each.why) for each in ranking.excluded] == [("worker-01", "it is there now"), ("x", why)]
    assert ranking.best is None


def test_what_may_not_be_read_excludes_nothing_and_is_said() -> None:
    ranking = rank(facts(), Survey((HOME, node("worker-02")), whole=True), MoveType.LIVE)
    (only,) = ranking.candidates
    assert (only.free_cpu, only.free_memory, only.shift) == (None, None, None)
    assert only.reasons == ("its room is not known",)


def test_the_same_zone_is_told() -> None:
    zone = {"topology.kubernetes.io/zone": "rack-a"}
    world = facts(source=node("worker-01", labels=zone))
    ranking = ranked(node("worker-02", labels=zone), world=world)
    assert ranking.candidates[0].reasons[1] == "in the same zone as now (rack-a)"


def seat(world: Facts, target: str) -> Seat:
    assert world.vmi is not None
    return Seat(target=target, instance=world.vmi, launcher=world.launcher)


def test_what_earlier_moves_of_a_plan_bring_counts() -> None:
    first = facts()
    assert first.vmi is not None
    second = guest_on("web-02", "worker-01")
    before = survey(HOME, node("worker-02"), node("worker-03"), vmis=(first.vmi, second), whole=True)
    follower = replace(first, vm=replace(first.vm, ref=second.ref), vmi=second, survey=before)
    assert names(rank(follower, before, MoveType.LIVE)) == ["worker-02", "worker-03"]
    after = with_moves(before, [seat(first, "worker-02")])
    assert names(rank(follower, after, MoveType.LIVE)) == ["worker-03", "worker-02"]
    assert [len(after.pods[name]) for name in ("worker-01", "worker-02", "worker-03")] == [2, 2, 1]


def test_replicas_that_keep_apart_do_so_within_a_plan() -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
    apart = Placement(affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
    alike: dict[str, Any] = {"placement": apart, "guest": Guest(memory_bytes=GIB, vcpus=1, labels={"app": "web"})}
    first, second = with_vmi(**alike), guest_on("web-02", "worker-04", **alike)
    assert first.vmi is not None
    nodes = (HOME, node("worker-02"), node("worker-03"), node("worker-04"))
    before = survey(*nodes, vmis=(first.vmi, second), whole=True)
    after = with_moves(before, [seat(first, "worker-02")])
    follower = replace(first, vm=replace(first.vm, ref=second.ref), vmi=second, survey=after)
    ranking = rank(follower, after, MoveType.LIVE)
    assert names(ranking) == ["worker-01", "worker-03"]
    assert ("worker-02", "anti-affinity") in [(each.name, each.why) for each in ranking.excluded]
