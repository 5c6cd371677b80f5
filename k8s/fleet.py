"""Many VMs as one reading: what a plan of several moves is judged on."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    claims_of,
)


@dataclass(frozen=True, slots=True)
class Fleet:
    """VMs with everything around them, read together. What does not exist is not in it."""

    vms: Mapping[Ref, VirtualMachine]
    instances: Mapping[Ref, Instance]
    """Their VMIs, but those that have ended."""
    migrations: tuple[Migration, ...]
    claims: Mapping[Ref, Claim]
    volumes: Mapping[str, Volume]
    quotas: Mapping[str, tuple[Quota, ...] | None]
    """By namespace."""
    migrating: tuple[Instance, ...] | None
    survey: Survey
    """All nodes with all that they carry."""
    capabilities: Capabilities

    def node(self, name: str | None) -> Node | None:
        """The node of that name."""
        return next((node for node in self.survey.nodes if node.name == name), None)

    def facts(
        self, ref: Ref, target: Node | None, *, survey: Survey | None = None, admission: Admission | None = None
    ) -> Facts:
        """What one move is judged on; `survey` is what the nodes carry when its turn comes. Raises KeyError for a VM
        that is not there."""
        vm, vmi = self.vms[ref], self.instances.get(ref)
        claims = tuple(claim for one in claims_of(vm, vmi) if (claim := self.claims.get(one)))
        return Facts(
            vm=vm,
            vmi=vmi,
            claims=claims,
            migrations=tuple(one for one in self.migrations if Ref(one.ref.namespace, one.vmi_name) == ref),
            source=self.node(vmi.node) if vmi else None,
            target=target,
            capabilities=self.capabilities,
            admission=admission,
            volumes=tuple(self.volumes[claim.volume] for claim in claims if claim.volume in self.volumes),
            survey=survey or self.survey,
            quotas=self.quotas.get(ref.namespace),
            migrating=self.migrating,
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """A live move to ask admission about. `hostname` None leaves the target to the scheduler."""

    vm: Ref
    vmi_uid: str
    hostname: str | None
