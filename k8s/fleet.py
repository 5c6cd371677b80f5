"""Many VMs as one reading: what a plan of several moves is judged on, and a finder for those that it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from k8s.names import LABEL_MIGRATING_TO
from k8s.snapshots import (
    Admission,
    Capabilities,
    Claim,
    Facts,
    Instance,
    Migration,
    Node,
    Quota,
    Ref,
    Survey,
    VirtualMachine,
    Volume,
)


@dataclass(frozen=True, slots=True)
class Fleet:
    """VMs with everything around them, read together. What does not exist is not in it."""

    vms: Mapping[Ref, VirtualMachine]
    instances: Mapping[Ref, Instance]
    """Every VMI that the bot may see: they are what the nodes carry."""
    migrations: tuple[Migration, ...]
    nodes: Mapping[str, Node]
    claims: Mapping[Ref, Claim]
    volumes: Mapping[str, Volume]
    capabilities: Capabilities
    survey: Survey = field(default_factory=Survey)
    """All nodes with what they carry, as far as that may be read."""
    quotas: Mapping[str, tuple[Quota, ...] | None] = field(default_factory=dict)
    """By namespace."""

    def facts(self, ref: Ref, target: Node | None, admission: Admission | None = None) -> Facts:
        """What one move is judged on. Raises KeyError for a VM that is not there."""
        vm, vmi = self.vms[ref], self.instances.get(ref)
        names = dict.fromkeys((*vm.claims, *(vmi.claims if vmi else ())))
        between = tuple(one for one in self.instances.values() if LABEL_MIGRATING_TO in one.labels)
        claims = tuple(claim for name in names if (claim := self.claims.get(Ref(ref.namespace, name))))
        return Facts(
            vm=vm,
            vmi=vmi,
            claims=claims,
            migrations=tuple(one for one in self.migrations if (one.ref.namespace, one.vmi_name) == (*_pair(ref),)),
            source=self.nodes.get(vmi.node) if vmi else None,
            target=target,
            capabilities=self.capabilities,
            admission=admission,
            volumes=tuple(self.volumes[claim.volume] for claim in claims if claim.volume in self.volumes),
            survey=self.survey,
            quotas=self.quotas.get(ref.namespace),
            migrating=between,
        )


def _pair(ref: Ref) -> tuple[str, str]:
    return ref.namespace, ref.name


@dataclass(frozen=True, slots=True)
class Trial:
    """A live move to ask admission about. `hostname` None leaves the target to the scheduler."""

    vm: Ref
    vmi_uid: str
    hostname: str | None
