"""All that one move is judged on, in three calls one after the other.

    1  the VM and its VMI (each a GET, or a LIST by name where the namespace is open) ‖ target node and its pods ‖
       capabilities ‖ VMIs that migrate
    2  VMIMs ‖ PVCs ‖ quotas ‖ source node and its pods ‖ VMIs of both nodes ‖ dry run
    3  volumes of the PVCs

Without a target all nodes are read in its place. The number of calls does not grow with VMs, pods or nodes but for the
pages of a list; only rules about pods on other nodes need the whole cluster. The parts are read at slightly different
moments: whoever writes reads again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from k8s.client.capabilities import CapabilityCache
from k8s.client.parallel import side_by_side
from k8s.client.reads import Reads
from k8s.client.survey import SurveyReader
from k8s.client.writes import Writes
from k8s.cluster import Question
from k8s.errors import Ambiguous, NotFound
from k8s.fleet import Trial
from k8s.neighbours import asks_about_all_pods
from k8s.snapshots import (
    Admission,
    Capabilities,
    Facts,
    Instance,
    Node,
    Pod,
    Ref,
    Survey,
    VirtualMachine,
    claims_of,
)


@dataclass(frozen=True, slots=True)
class _Start:
    """What step 1 reads."""

    vm: VirtualMachine
    vmi: Instance | None
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
        start = await self._start(question)
        ref, vmi = start.vm.ref, start.vmi
        async with side_by_side() as group:
            migrations = group.create_task(self._reads.migrations(ref))
            claims = group.create_task(self._reads.claims(claims_of(start.vm, vmi)))
            quotas = group.create_task(self._reads.quotas(ref.namespace))
            source = group.create_task(self._source(start))
            survey = group.create_task(self._survey(start))
            admission = group.create_task(self._admission(question, start))
        return Facts(
            vm=start.vm,
            vmi=vmi,
            claims=claims.result(),
            migrations=migrations.result(),
            source=source.result(),
            target=start.target,
            capabilities=start.capabilities,
            admission=admission.result(),
            volumes=await self._reads.volumes_of(claims.result()),
            survey=_with_source(survey.result(), source.result()),
            quotas=quotas.result(),
            migrating=start.migrating,
        )

    async def _start(self, question: Question) -> _Start:
        async with side_by_side() as group:
            found = group.create_task(self._found(question))
            target = group.create_task(self._target(question))
            nodes = group.create_task(self._nodes(question))
            on_target = group.create_task(self._pods(question.target))
            migrating = group.create_task(self._surveys.migrating())
            capabilities = group.create_task(self._capabilities.get())
        vm, vmi = found.result()
        return _Start(
            vm=vm,
            vmi=None if vmi is None or vmi.final else vmi,
            target=target.result(),
            nodes=nodes.result(),
            on_target=on_target.result(),
            migrating=migrating.result(),
            capabilities=capabilities.result(),
        )

    async def _found(self, question: Question) -> tuple[VirtualMachine, Instance | None]:
        """The VM, and what runs of it. Raises NotFound, Ambiguous."""
        if question.namespace is None:
            return await self._only_one_named(question.vm)
        ref = Ref(question.namespace, question.vm)
        async with side_by_side() as group:
            vm = group.create_task(self._reads.vm(ref))
            vmi = group.create_task(self._reads.instance(ref))
        return vm.result(), vmi.result()

    async def _only_one_named(self, name: str) -> tuple[VirtualMachine, Instance | None]:
        async with side_by_side() as group:
            vms = group.create_task(self._reads.vms_named(name))
            vmis = group.create_task(self._reads.instances_named(name))
        found = vms.result()
        if not found:
            raise NotFound("VirtualMachine", name)
        if len(found) > 1:
            raise Ambiguous(name, [vm.ref for vm in found])
        return found[0], next((vmi for vmi in vmis.result() if vmi.ref == found[0].ref), None)

    async def _survey(self, start: _Start) -> Survey:
        """What the source and the target carry; the source's node itself is read beside."""
        vmi = start.vmi
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

    async def _target(self, question: Question) -> Node | None:
        return await self._reads.node(question.target) if question.target else None

    async def _nodes(self, question: Question) -> tuple[Node, ...]:
        return () if question.target else await self._reads.nodes()

    async def _pods(self, node: str | None) -> tuple[Pod, ...] | None:
        return await self._surveys.pods(node) if node else None

    async def _instances(self, nodes: Sequence[str]) -> Mapping[str, tuple[Instance, ...]]:
        found = await self._surveys.instances(nodes) if nodes else None
        return {} if found is None else {name: tuple(i for i in found if i.node == name) for name in nodes}

    async def _source(self, start: _Start) -> Node | None:
        """The VMI's node. None where there is none, or where the node object is gone."""
        vmi = start.vmi
        if vmi is None or not vmi.node:
            return None
        if known := next((node for node in (start.target, *start.nodes) if node and node.name == vmi.node), None):
            return known
        try:
            return await self._reads.node(vmi.node)
        except NotFound:
            return None

    async def _admission(self, question: Question, start: _Start) -> Admission | None:
        """The cluster's own answer; None where there is nothing to ask about."""
        if start.vmi is None or not question.dry_run:
            return None
        named = start.target if start.capabilities.added_node_selector else None
        return await self._writes.try_migration(Trial(start.vmi.ref, start.vmi.uid, named.hostname if named else None))


def _with_source(survey: Survey, source: Node | None) -> Survey:
    if source is None or any(node.name == source.name for node in survey.nodes):
        return survey
    return replace(survey, nodes=(*survey.nodes, source))
