"""Room: for the launcher pod on the target, for a second pod under the namespace's quota, and for the guests' CPUs."""

from collections.abc import Iterator

from bot.checks.finding import Check, Finding, block, not_checked, warn
from bot.checks.node import KVM
from bot.load import Shift, free, requested, shifts
from bot.request import MoveType
from k8s.amounts import CPU, MEMORY, PODS
from k8s.snapshots import Amounts, Facts, Quota

_GIB = 1024**3


def room(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """The scheduler counts requests, not use (pkg/scheduler NodeResourcesFit). Of a VM without a pod only the least is
    known that it will request."""
    node = facts.target
    if node is None or (facts.vmi and facts.vmi.node == node.name):
        return
    left = free(facts.survey, node)
    if left is None:
        yield not_checked(f"room on {node.name}", "I may not read its pods")
        return
    wanted = requested(facts, type_)
    if not any(wanted.get(name) for name in wanted if name != CPU):
        yield not_checked(f"room on {node.name}", "the VM does not state its memory; an instance type may")
    for name, amount in {**wanted, PODS: 1}.items():
        if amount and name != KVM and amount > left.get(name, 0):
            yield block(
                "no-room",
                f"{node.name} has no room: the VM requests {said(name, amount)}, and {_rest(name, left)} of "
                f"{said(name, node.allocatable.get(name, 0))} is free.",
                "Choose a node with more room, or move something else away first.",
                f"Node {node.name}, allocatable; requests of its pods",
            )


def said(name: str, amount: int) -> str:
    """An amount for people."""
    if name.endswith(CPU):
        return f"{amount / 1000:g} CPU"
    if name.endswith(MEMORY) or "storage" in name or "hugepages" in name:
        return f"{amount / _GIB:.1f} GiB of {name.removeprefix('requests.').removeprefix('limits.')}"
    return f"{amount} {name}"


def _rest(name: str, left: Amounts) -> str:
    rest = max(left.get(name, 0), 0)
    if name == CPU:
        return f"{rest / 1000:g}"
    return f"{rest / _GIB:.1f}" if name == MEMORY or "storage" in name or "hugepages" in name else str(rest)


def overcommitted(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Guests may be given more CPUs than a node has, and feel it when all want them."""
    for each in shifts(facts):
        if each.overcommitted:
            yield warn(
                "overcommit",
                f"{each.node} would be overcommitted: {'; '.join(_over(each))}.",
                "Guests there may be slowed down, or killed when memory runs out. A node with more room is better.",
                "VMIs on the node; Node, capacity",
            )


def _over(each: Shift) -> Iterator[str]:
    if each.after.vcpus > each.cpus:
        yield f"CPU {percent(each.after.vcpus, each.cpus)} ({each.after.vcpus} vCPUs on {each.cpus} CPUs)"
    if each.after.memory > each.memory:
        given, there = (f"{value / _GIB:.0f}" for value in (each.after.memory, each.memory))
        yield f"memory {percent(each.after.memory, each.memory)} ({given} of {there} GiB)"


def percent(part: int, whole: int) -> str:
    """A share in whole percent."""
    return f"{round(100 * part / whole)} %"


def known_load(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Whether the nodes' load can be told at all."""
    if facts.target and facts.target.name not in facts.survey.instances:
        yield not_checked("how much the VMs on the nodes have been given", "I may not read all VMIs")


def quota(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A live move has two pods for a while; without room for the second it stays Pending (recorded: live-quota). A cold
    move gives back what its pod had, and does not start again where that is more than the quota now allows."""
    if facts.quotas is None:
        yield not_checked("the namespace's quota", "I may not read ResourceQuotas")
        return
    if facts.launcher is None:
        if facts.quotas:
            yield not_checked("the namespace's quota", "its launcher pod is not known")
        return
    wanted = _counted(requested(facts, type_), facts.launcher.limits)
    back = _counted(facts.launcher.requests, facts.launcher.limits) if type_ is MoveType.COLD else {}
    for each in facts.quotas:
        for name in sorted(each.hard):
            left = max(each.hard[name] - each.used.get(name, 0) + back.get(name, 0), 0)
            if wanted.get(name, 0) > left:
                yield _exceeded(each, name, f"it needs {said(name, wanted[name])}, and {said(name, left)}", type_)


def _exceeded(each: Quota, name: str, figures: str, type_: MoveType) -> Finding:
    """A quota with a scope may not count this pod at all: then nothing is certain."""
    live = type_ is MoveType.LIVE
    what = "for the second pod of a live move" if live else "for it to start again"
    text = f"Quota {each.name} has no room {what}: {figures} is left."
    source = f"ResourceQuota {each.name}, {name}"
    if each.scoped:
        return warn("quota-scoped", f"{text} It counts only some pods; perhaps not this one.", "", source)
    instead = "; a cold move needs no second pod" if live else " before it is stopped"
    return block("quota", text, f"Free some quota or have it raised{instead}.", source)


def _counted(requests: Amounts, limits: Amounts) -> dict[str, int]:
    """A pod under the names that quotas use (kubernetes.io/docs/concepts/policy/resource-quotas)."""
    counted = {f"requests.{name}": amount for name, amount in requests.items()}
    counted |= {f"limits.{name}": amount for name, amount in limits.items()}
    plain = (name for name in requests if name in (CPU, MEMORY, "ephemeral-storage") or name.startswith("hugepages-"))
    return counted | {name: requests[name] for name in plain} | {"pods": 1, "count/pods": 1}


CHECKS = (
    Check("the target has room for its launcher pod", room, of_target=True),
    Check("no node is overcommitted", overcommitted, of_target=True),
    Check("what the nodes' VMs have been given is known", known_load, of_target=True),
    Check("the namespace's quota has room for its launcher pod", quota),
)
