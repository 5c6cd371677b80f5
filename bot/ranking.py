"""Which node? All nodes for one VM, from the best to those that cannot take it, each with its reason.

The checks decide who is a candidate, so that a node on the list is one that the plan will accept. Among candidates the
order is: fewest warnings, then the most room left afterwards in whatever is scarcer there, CPU or memory. For several
VMs in one plan the caller passes a survey that holds what earlier moves bring (`load.with_moves`): replicas then keep
apart, and loads add up.
"""

from dataclasses import replace
from typing import NamedTuple

from bot import checks
from bot.checks import Finding, Severity
from bot.load import Shift, free, shift
from bot.request import MoveType
from k8s.amounts import CPU, MEMORY
from k8s.snapshots import Facts, Node, Survey

_GIB = 1024**3


class Candidate(NamedTuple):
    """A node that can take the VM."""

    node: Node
    reasons: tuple[str, ...]
    """What speaks for it, and what people should know; the most telling first."""
    warnings: tuple[Finding, ...]
    shift: Shift | None
    """What its VMs have been given, before and after; None where that is not known."""
    free_cpu: int | None
    """Thousandths of a CPU that no pod requests now; None where that is not known."""
    free_memory: int | None
    """Bytes, likewise."""

    @property
    def name(self) -> str:
        """The node's."""
        return self.node.name


class Excluded(NamedTuple):
    """A node that cannot take the VM."""

    node: Node
    why: str
    """In few words."""
    findings: tuple[Finding, ...]
    free_cpu: int | None
    free_memory: int | None

    @property
    def name(self) -> str:
        """The node's."""
        return self.node.name


class Ranking(NamedTuple):
    """All nodes for one VM."""

    candidates: tuple[Candidate, ...]
    """The best first."""
    excluded: tuple[Excluded, ...]
    """By name; the VM's own node is one of them."""

    @property
    def best(self) -> Candidate | None:
        """The one to suggest."""
        return self.candidates[0] if self.candidates else None


def rank(facts: Facts, survey: Survey, type_: MoveType, *, replace_rules: bool = False) -> Ranking:
    """Judge every node of the survey for this VM and this way of moving it."""
    candidates: list[Candidate] = []
    excluded: list[Excluded] = []
    for node in survey.nodes:
        there = replace(facts, target=node, survey=survey)
        found = checks.of_target(there, type_, replace_rules=replace_rules)
        blocks = tuple(each for each in found if each.severity is Severity.BLOCK)
        if blocks:
            excluded.append(Excluded(node, _why(blocks), blocks, *_free(survey, node)))
        else:
            candidates.append(_candidate(there, node, found))
    ordered = sorted(candidates, key=_order)
    return Ranking(tuple(ordered), tuple(sorted(excluded, key=lambda each: each.name)))


def _candidate(facts: Facts, node: Node, found: tuple[Finding, ...]) -> Candidate:
    guest = facts.vmi.guest if facts.vmi else facts.vm.guest
    warnings = tuple(each for each in found if each.severity is Severity.WARN)
    cpu, memory = _free(facts.survey, node)
    return Candidate(
        node=node,
        reasons=tuple(_reasons(facts, node, warnings, cpu, memory)),
        warnings=warnings,
        shift=shift(facts.survey, node, arrives=guest),
        free_cpu=cpu,
        free_memory=memory,
    )


def _order(candidate: Candidate) -> tuple[int, float, str]:
    return len(candidate.warnings), -_left(candidate), candidate.name


def _left(candidate: Candidate) -> float:
    """The share that is left of the scarcer resource once the VM is there; by requests where guests are not known."""
    if given := candidate.shift:
        return min(1 - given.after.vcpus / given.cpus, 1 - given.after.memory / given.memory)
    room = candidate.node.allocatable
    if candidate.free_cpu is None or candidate.free_memory is None or not room.get(CPU) or not room.get(MEMORY):
        return 0.0
    return min(candidate.free_cpu / room[CPU], candidate.free_memory / room[MEMORY])


def _free(survey: Survey, node: Node) -> tuple[int | None, int | None]:
    left = free(survey, node)
    return (None, None) if left is None else (max(left.get(CPU, 0), 0), max(left.get(MEMORY, 0), 0))


def _reasons(facts: Facts, node: Node, warnings: tuple[Finding, ...], cpu: int | None, memory: int | None) -> list[str]:
    said = [room_words(cpu, memory)] if cpu is not None and memory is not None else ["its room is not known"]
    zone = "topology.kubernetes.io/zone"
    here = facts.source.labels.get(zone) if facts.source else None
    if here and node.labels.get(zone) == here:
        said.append(f"in the same zone as now ({here})")
    return [*said, *(each.text.rstrip(".") for each in warnings)]


def room_words(cpu: int, memory: int) -> str:
    """What is free on a node, for a list."""
    return f"{cpu / 1000:.3g} CPU and {memory / _GIB:.0f} GiB free"


_SHORT = {
    "already-there": "it is there now",
    "no-hostname": "no hostname of its own",
    "target-not-ready": "not Ready",
    "target-cordoned": "cordoned",
    "target-not-schedulable": "no VMs there",
    "target-no-kvm": "no KVM",
    "virt-handler-not-ready": "virt-handler not ready",
    "rules-contradict": "the VM's own rules",
    "own-pin": "my older pin",
    "taint": "taint",
    "anti-affinity": "anti-affinity",
    "affinity": "affinity",
    "disk-unreachable": "disk out of reach",
    "cpu-model": "other CPU",
    "cpu-vendor": "other CPU vendor",
    "machine-type": "other machine type",
    "architecture": "other architecture",
    "no-cpu-manager": "no CPU manager",
    "node-feature": "lacks a CPU feature",
    "no-room": "no room",
    "no-named-target": "KubeVirt too old",
}


def _why(blocks: tuple[Finding, ...]) -> str:
    """The VM's own node needs no other reason, nor does one on which KubeVirt does not run."""
    codes = dict.fromkeys(each.code for each in blocks)
    for telling in ("already-there", "target-not-schedulable"):
        if telling in codes:
            return _SHORT[telling]
    return ", ".join(_SHORT.get(code, code) for code in codes)
