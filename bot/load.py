"""What nodes carry and will carry: the VMs on them, and how much of them is given away.

Two measures, never mixed. `NodeLoad` is what people plan with: vCPUs and memory of the guests, against the node's
capacity; it may go over 100 %. `free` is what the scheduler goes by: the requests of all pods, against what is
allocatable; a VM whose requests are more does not get in.
"""

from collections.abc import Iterable
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from bot.request import MoveType
from k8s.amounts import CPU, MEMORY, PODS, total
from k8s.snapshots import Amounts, Facts, Guest, Instance, Node, Pod, Survey


class NodeLoad(BaseModel):
    """What the VMs on a node have been given."""

    model_config = ConfigDict(frozen=True)

    vms: int
    vcpus: int
    memory: int


class Shift(BaseModel):
    """A node before and after a move."""

    model_config = ConfigDict(frozen=True)

    node: str
    cpus: int
    """Its capacity, in whole CPUs."""
    memory: int
    """Its capacity, in bytes."""
    before: NodeLoad
    after: NodeLoad

    @property
    def overcommitted(self) -> bool:
        """Whether more is given away afterwards than there is, and more than before."""
        grows = self.after.vms > self.before.vms
        return grows and (self.after.vcpus > self.cpus or self.after.memory > self.memory)


def shift(survey: Survey, node: Node, *, leaves: Instance | None = None, arrives: Guest | None = None) -> Shift | None:
    """The node before and after; None where it is not known what it carries, or what it has."""
    carried = survey.instances.get(node.name)
    cpus, memory = node.capacity.get(CPU, 0) // 1000, node.capacity.get(MEMORY, 0)
    if carried is None or not cpus or not memory:
        return None
    staying = [each.guest for each in carried if leaves is None or each.ref != leaves.ref]
    after = [*staying, arrives] if arrives else staying
    before = _sum(each.guest for each in carried)
    return Shift(node=node.name, cpus=cpus, memory=memory, before=before, after=_sum(after))


def shifts(facts: Facts) -> tuple[Shift, ...]:
    """Both nodes of a move, the source first, as far as they are known. A VM that is stopped leaves no node."""
    guest = facts.vmi.guest if facts.vmi else facts.vm.guest
    found = [
        shift(facts.survey, facts.source, leaves=facts.vmi) if facts.source and facts.target else None,
        shift(facts.survey, facts.target, arrives=guest) if facts.target else None,
    ]
    return tuple(each for each in found if each)


def _sum(guests: Iterable[Guest]) -> NodeLoad:
    listed = list(guests)
    return NodeLoad(
        vms=len(listed), vcpus=sum(each.vcpus for each in listed), memory=sum(each.memory_bytes for each in listed)
    )


def free(survey: Survey, node: Node) -> Amounts | None:
    """What pods may still request there, resource by resource; None where the node's pods are not known."""
    pods = survey.pods.get(node.name)
    if pods is None or not node.allocatable:
        return None
    used = {**total(pod.requests for pod in pods), PODS: len(pods)}
    return {name: most - used.get(name, 0) for name, most in node.allocatable.items()}


def requested(facts: Facts, type_: MoveType) -> Amounts:
    """What the launcher pod will request.

    The running pod says it exactly; a cold start adds what the template has grown by since that pod was made. Without a
    pod it is at least the guest's memory and its share of CPUs, without what KubeVirt adds.
    """
    if facts.vmi is None or facts.launcher is None:
        return _least(facts.vm.guest if type_ is MoveType.COLD or facts.vmi is None else facts.vmi.guest, facts)
    now = facts.launcher.requests
    if type_ is MoveType.LIVE or not facts.vm.guest.memory_bytes:
        return now
    then, before = (_least(guest, facts) for guest in (facts.vm.guest, facts.vmi.guest))
    return {name: now.get(name, 0) + max(then.get(name, 0) - before.get(name, 0), 0) for name in {**now, **then}}


def _least(guest: Guest, facts: Facts) -> Amounts:
    """A guest's own part of the requests (pkg/virt-controller/services/renderresources.go). Huge pages take the place
    of as much of the memory."""
    memory = guest.requests.get(MEMORY, guest.memory_bytes * 100 // facts.capabilities.memory_overcommit)
    share = 1 if guest.dedicated_cpus else facts.capabilities.cpu_ratio
    least = {CPU: guest.vcpus * 1000 // share if share else 0, **guest.requests, MEMORY: memory}
    if guest.hugepages:
        paged = min(memory, guest.memory_bytes)
        least |= {f"hugepages-{guest.hugepages}": paged, MEMORY: memory - paged}
    return {**least, **{name: guest.devices.count(name) for name in guest.devices}}


class Seat(BaseModel):
    """A move that is planned already: what it takes from one node to another."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    target: str
    instance: Instance
    launcher: Pod | None


def with_moves(survey: Survey, moves: Iterable[Seat]) -> Survey:
    """The survey as it will be when these moves are done, for whoever plans the next one."""
    for move in moves:
        pods, instances = dict(survey.pods), dict(survey.instances)
        source = move.instance.node
        if source in instances:
            instances[source] = tuple(each for each in instances[source] if each.ref != move.instance.ref)
        if move.target in instances:
            instances[move.target] = (*instances[move.target], replace(move.instance, node=move.target))
        if move.launcher and source in pods:
            pods[source] = tuple(each for each in pods[source] if each.ref != move.launcher.ref)
        if move.launcher and move.target in pods:
            pods[move.target] = (*pods[move.target], replace(move.launcher, node=move.target))
        survey = replace(survey, pods=pods, instances=instances)
    return survey
