"""All that one move is judged on, in at most three calls one after the other.

    1  the VM (GET, or LIST by name where the namespace is open) ‖ target node and its pods ‖ capabilities ‖ VMIs that
       migrate   [‖ VMI ‖ VMIMs ‖ quotas]
    2  VMI ‖ VMIMs ‖ PVCs of the template ‖ quotas
    3  source node and its pods ‖ VMIs of both nodes ‖ dry run ‖ PVCs that only the VMI names (hotplug, backend storage)
       ‖ volumes of the PVCs

With a namespace, the VMI and its VMIMs are read in step 1, and step 2 is what was 3, without the volumes. Without a
target all nodes are read in its place. The number of calls does not grow with VMs, pods or nodes but for the pages of a
list; only rules about neighbours in a zone need the whole cluster. The parts are read at slightly different moments:
whoever writes reads again.
"""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace

from k8s import names
from k8s.client.capabilities import CapabilityCache
from k8s.client.parallel import side_by_side
from k8s.client.reads import Reads
from k8s.client.survey import SurveyReader
from k8s.client.writes import Writes
from k8s.cluster import Question
from k8s.errors import Ambiguous, Conflict, Forbidden, Invalid, NotFound, Refused
from k8s.neighbours import asks_about_all_pods
from k8s.snapshots import (
    Admission,
    Capabilities,
    Claim,
    Facts,
    Instance,
    NewMigration,
    Node,
    Pod,
    Ref,
    Survey,
    VirtualMachine,
    Volume,
)


@dataclass(frozen=True, slots=True)
class _Start:
    """What step 1 reads whatever the question is."""

    vm: VirtualMachine
    target: Node | None
    nodes: tuple[Node, ...]
    """All, where no target was named."""
    on_target: tuple[Pod, ...] | None
    migrating: tuple[Instance, ...] | None
    capabilities: Capabilities


class FactsReader:
    """Answers a Question."""

    def __init__(self, reads: Reads, surveys: SurveyReader, writes: Writes, capabilities: CapabilityCache) -> None:
        self._reads = reads
        self._surveys = surveys
        self._writes = writes
        self._capabilities = capabilities

    async def read(self, question: Question) -> Facts:
        """Raises NotFound (VirtualMachine, Namespace or Node), Ambiguous, Forbidden, Unreachable."""
        if question.namespace is None:
            return await self._of_any_namespace(question)
        return await self._of_namespace(question, Ref(question.namespace, question.vm))

    async def _of_namespace(self, question: Question, ref: Ref) -> Facts:
        async with side_by_side() as group:
            start = group.create_task(self._start(question, self._reads.vm(ref)))
            vmi = group.create_task(self._reads.instance(ref))
            migrations = group.create_task(self._reads.migrations(ref))
            quotas = group.create_task(self._reads.quotas(ref.namespace))
        facts = await self._finish(question, start.result(), vmi.result(), ())
        volumes = await self._volumes(facts.claims)
        return replace(facts, migrations=migrations.result(), quotas=quotas.result(), volumes=volumes)

    async def _of_any_namespace(self, question: Question) -> Facts:
        start = await self._start(question, self._only_vm_named(question.vm))
        ref = start.vm.ref
        async with side_by_side() as group:
            vmi = group.create_task(self._reads.instance(ref))
            migrations = group.create_task(self._reads.migrations(ref))
            claims = group.create_task(self._reads.claims(ref.namespace, start.vm.claims))
            quotas = group.create_task(self._reads.quotas(ref.namespace))
        async with side_by_side() as group:
            facts = group.create_task(self._finish(question, start, vmi.result(), claims.result()))
            volumes = group.create_task(self._volumes(claims.result()))
        return replace(facts.result(), migrations=migrations.result(), quotas=quotas.result(), volumes=volumes.result())

    async def _start(self, question: Question, vm: Coroutine[None, None, VirtualMachine]) -> _Start:
        async with side_by_side() as group:
            found = group.create_task(vm)
            target = group.create_task(self._target(question))
            nodes = group.create_task(self._nodes(question))
            on_target = group.create_task(self._pods(question.target))
            migrating = group.create_task(self._surveys.migrating())
            capabilities = group.create_task(self._capabilities.get())
        return _Start(
            vm=found.result(),
            target=target.result(),
            nodes=nodes.result(),
            on_target=on_target.result(),
            migrating=migrating.result(),
            capabilities=capabilities.result(),
        )

    async def _finish(
        self, question: Question, start: _Start, vmi: Instance | None, claims: tuple[Claim, ...]
    ) -> Facts:
        """The last step: whatever had to wait for the VMI."""
        vm = start.vm
        wanted = dict.fromkeys((*vm.claims, *(vmi.claims if vmi else ())))
        missing = [name for name in wanted if name not in {claim.ref.name for claim in claims}]
        async with side_by_side() as group:
            source = group.create_task(self._source(vmi, start))
            admission = group.create_task(self._admission(question, start, vmi))
            rest = group.create_task(self._reads.claims(vm.ref.namespace, missing))
            survey = group.create_task(self._survey(start, vmi))
        return Facts(
            vm=vm,
            vmi=vmi,
            claims=(*claims, *rest.result()),
            migrations=(),
            source=source.result(),
            target=start.target,
            capabilities=start.capabilities,
            admission=admission.result(),
            survey=_with_source(survey.result(), source.result()),
            migrating=start.migrating,
        )

    async def _survey(self, start: _Start, vmi: Instance | None) -> Survey:
        """What the source and the target carry; the source's node itself is read beside."""
        if any(asks_about_all_pods(each.placement) for each in (start.vm, vmi) if each):
            return await self._surveys.whole()
        source = vmi.node if vmi else ""
        elsewhere = source and not (start.target and start.target.name == source)
        touched = [name for name in (start.target.name if start.target else "", source) if name]
        async with side_by_side() as group:
            on_source = group.create_task(self._pods(source if elsewhere else None))
            instances = group.create_task(self._instances(touched))
        pods = {
            name: found
            for name, found in ((source, on_source.result()), (touched[0] if start.target else "", start.on_target))
            if name and found is not None
        }
        nodes = (start.target,) if start.target else start.nodes
        return Survey(nodes=nodes, pods=pods, instances=instances.result(), whole=start.target is None)

    async def _only_vm_named(self, name: str) -> VirtualMachine:
        found = await self._reads.vms_named(name)
        if not found:
            raise NotFound("VirtualMachine", name)
        if len(found) > 1:
            raise Ambiguous(name, [vm.ref for vm in found])
        return found[0]

    async def _target(self, question: Question) -> Node | None:
        return await self._reads.node(question.target) if question.target else None

    async def _nodes(self, question: Question) -> tuple[Node, ...]:
        return () if question.target else await self._reads.nodes()

    async def _pods(self, node: str | None) -> tuple[Pod, ...] | None:
        return await self._surveys.pods(node) if node else None

    async def _instances(self, nodes: Sequence[str]) -> Mapping[str, tuple[Instance, ...]]:
        found = await self._surveys.instances(nodes) if nodes else None
        return {} if found is None else {name: tuple(i for i in found if i.node == name) for name in nodes}

    async def _source(self, vmi: Instance | None, start: _Start) -> Node | None:
        """The VMI's node. None where there is none, or where the node object is gone."""
        if vmi is None or not vmi.node:
            return None
        if known := next((node for node in (start.target, *start.nodes) if node and node.name == vmi.node), None):
            return known
        try:
            return await self._reads.node(vmi.node)
        except NotFound:
            return None

    async def _volumes(self, claims: tuple[Claim, ...]) -> tuple[Volume, ...]:
        return await self._reads.volumes(list(dict.fromkeys(claim.volume for claim in claims if claim.volume)))

    async def _admission(self, question: Question, start: _Start, vmi: Instance | None) -> Admission | None:
        """What the cluster would answer to the create. An outage is no answer and stays an error."""
        if vmi is None or not question.dry_run:
            return None
        try:
            await self._writes.create_migration(_trial(start, vmi), dry_run=True)
        except (Refused, Forbidden, Conflict, Invalid) as error:
            return Admission(accepted=False, code=error.code, message=error.message)
        return Admission(accepted=True)


def _with_source(survey: Survey, source: Node | None) -> Survey:
    if source is None or source in survey.nodes:
        return survey
    return replace(survey, nodes=(*survey.nodes, source))


def _trial(start: _Start, vmi: Instance) -> NewMigration:
    by_hostname = start.target is not None and start.capabilities.added_node_selector
    return NewMigration(
        ref=Ref(vmi.ref.namespace, f"{names.OUR_PREFIX}-dry-run-{vmi.uid}"),
        vmi_name=vmi.ref.name,
        hostname=start.target.hostname if start.target and by_hostname else None,
    )
