"""All that one move is judged on, in at most three calls one after the other.

    1  the VM (GET, or LIST by name where the namespace is open) ‖ target node ‖ capabilities   [‖ VMI ‖ VMIMs]
    2  VMI ‖ VMIMs ‖ PVCs of the template
    3  source node ‖ dry run ‖ PVCs that only the VMI names (hotplug, backend storage)   [‖ volumes of the PVCs]

With a namespace, the VMI and its VMIMs are read in step 1, and steps 2 and 3 are one. Volumes are read for a cold move
only, in step 3: with a namespace those of all PVCs, without one those of the template's. The number of calls does not
grow with VMs or nodes. The parts are read at slightly different moments: whoever writes reads again.
"""

from dataclasses import dataclass, replace

from k8s import names
from k8s.client.capabilities import CapabilityCache
from k8s.client.parallel import side_by_side
from k8s.client.reads import Reads
from k8s.client.writes import Writes
from k8s.cluster import Question
from k8s.errors import Ambiguous, Conflict, Forbidden, Invalid, NotFound, Refused
from k8s.snapshots import (
    Admission,
    Capabilities,
    Claim,
    Facts,
    Instance,
    Migration,
    NewMigration,
    Node,
    Ref,
    VirtualMachine,
    Volume,
)


@dataclass(frozen=True, slots=True)
class _Start:
    """What step 1 reads whatever the question is."""

    vm: VirtualMachine
    target: Node | None
    capabilities: Capabilities


class FactsReader:
    """Answers a Question."""

    def __init__(self, reads: Reads, writes: Writes, capabilities: CapabilityCache) -> None:
        self._reads = reads
        self._writes = writes
        self._capabilities = capabilities

    async def read(self, question: Question) -> Facts:
        """Raises NotFound (VirtualMachine, Namespace or Node), Ambiguous, Forbidden, Unreachable."""
        if question.namespace is None:
            return await self._of_any_namespace(question)
        return await self._of_namespace(question, Ref(question.namespace, question.vm))

    async def _of_namespace(self, question: Question, ref: Ref) -> Facts:
        async with side_by_side() as group:
            vm = group.create_task(self._reads.vm(ref))
            vmi = group.create_task(self._reads.instance(ref))
            migrations = group.create_task(self._reads.migrations(ref))
            target = group.create_task(self._target(question))
            capabilities = group.create_task(self._capabilities.get())
        start = _Start(vm.result(), target.result(), capabilities.result())
        facts = await self._finish(question, start, vmi.result(), migrations.result(), ())
        return replace(facts, volumes=await self._volumes(question, facts.claims))

    async def _of_any_namespace(self, question: Question) -> Facts:
        async with side_by_side() as group:
            vm = group.create_task(self._only_vm_named(question.vm))
            target = group.create_task(self._target(question))
            capabilities = group.create_task(self._capabilities.get())
        start = _Start(vm.result(), target.result(), capabilities.result())
        ref = start.vm.ref
        async with side_by_side() as group:
            vmi = group.create_task(self._reads.instance(ref))
            migrations = group.create_task(self._reads.migrations(ref))
            claims = group.create_task(self._reads.claims(ref.namespace, start.vm.claims))
        async with side_by_side() as group:
            facts = group.create_task(self._finish(question, start, vmi.result(), migrations.result(), claims.result()))
            volumes = group.create_task(self._volumes(question, claims.result()))
        return replace(facts.result(), volumes=volumes.result())

    async def _finish(
        self,
        question: Question,
        start: _Start,
        vmi: Instance | None,
        migrations: tuple[Migration, ...],
        claims: tuple[Claim, ...],
    ) -> Facts:
        """The last step: whatever had to wait for the VMI."""
        vm = start.vm
        wanted = dict.fromkeys((*vm.claims, *(vmi.claims if vmi else ())))
        missing = [name for name in wanted if name not in {claim.ref.name for claim in claims}]
        async with side_by_side() as group:
            source = group.create_task(self._source(vmi, start.target))
            admission = group.create_task(self._admission(question, start, vmi))
            rest = group.create_task(self._reads.claims(vm.ref.namespace, missing))
        return Facts(
            vm=vm,
            vmi=vmi,
            claims=(*claims, *rest.result()),
            migrations=migrations,
            source=source.result(),
            target=start.target,
            capabilities=start.capabilities,
            admission=admission.result(),
        )

    async def _only_vm_named(self, name: str) -> VirtualMachine:
        found = await self._reads.vms_named(name)
        if not found:
            raise NotFound("VirtualMachine", name)
        if len(found) > 1:
            raise Ambiguous(name, [vm.ref for vm in found])
        return found[0]

    async def _target(self, question: Question) -> Node | None:
        return await self._reads.node(question.target) if question.target else None

    async def _source(self, vmi: Instance | None, target: Node | None) -> Node | None:
        """The VMI's node. None where there is none, or where the node object is gone."""
        if vmi is None or not vmi.node:
            return None
        if target is not None and target.name == vmi.node:
            return target
        try:
            return await self._reads.node(vmi.node)
        except NotFound:
            return None

    async def _volumes(self, question: Question, claims: tuple[Claim, ...]) -> tuple[Volume, ...]:
        bound = dict.fromkeys(claim.volume for claim in claims if claim.volume)
        return await self._reads.volumes(list(bound)) if question.cold else ()

    async def _admission(self, question: Question, start: _Start, vmi: Instance | None) -> Admission | None:
        """What the cluster would answer to the create. An outage is no answer and stays an error."""
        if vmi is None or not question.dry_run:
            return None
        try:
            await self._writes.create_migration(_trial(start, vmi), dry_run=True)
        except (Refused, Forbidden, Conflict, Invalid) as error:
            return Admission(accepted=False, code=error.code, message=error.message)
        return Admission(accepted=True)


def _trial(start: _Start, vmi: Instance) -> NewMigration:
    by_hostname = start.target is not None and start.capabilities.added_node_selector
    return NewMigration(
        ref=Ref(vmi.ref.namespace, f"{names.OUR_PREFIX}-dry-run-{vmi.uid}"),
        vmi_name=vmi.ref.name,
        hostname=start.target.hostname if start.target and by_hostname else None,
    )
