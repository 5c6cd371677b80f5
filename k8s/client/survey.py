"""What nodes carry: pods by field selector, VMIs by the label that names their node.

One list per node, or one for all nodes; never one call per pod or per VM. Whoever may read only some namespaces may not
know what a node carries: then it is left out, because half a sum would be a wrong one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from k8s import names
from k8s.client.parallel import side_by_side
from k8s.client.reads import LABEL_LIMIT, Reads, escaped
from k8s.errors import Forbidden
from k8s.snapshots import Instance, Node, Pod, Survey

_T = TypeVar("_T", Pod, Instance)

NOT_ENDED: Final = "status.phase!=Succeeded,status.phase!=Failed"
"""A pod that has ended takes no room (k8s.io/kubernetes pkg/scheduler)."""


class SurveyReader:
    """Reads Surveys."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def whole(self) -> Survey:
        """All nodes with all that they carry."""
        async with side_by_side() as group:
            nodes = group.create_task(self._reads.nodes())
            pods = group.create_task(self.pods(None))
            instances = group.create_task(self.instances(()))
        return made(nodes.result(), pods.result(), instances.result(), whole=True)

    async def pods(self, node: str | None) -> tuple[Pod, ...] | None:
        """The pods on a node, or (None) on all; None where they may not be read."""
        on_node = f"spec.nodeName={escaped(node)}" if node else "spec.nodeName!="
        try:
            return await self._reads.pods(f"{on_node},{NOT_ENDED}")
        except Forbidden:
            return None

    async def instances(self, nodes: Sequence[str]) -> tuple[Instance, ...] | None:
        """The VMIs on these nodes, or (none named) on all; None where they may not be read."""
        if any(len(node) > LABEL_LIMIT for node in nodes):
            return None
        selector = f"{names.LABEL_NODE_NAME} in ({','.join(nodes)})" if nodes else names.LABEL_NODE_NAME
        return await self._labelled(selector)

    async def migrating(self) -> tuple[Instance, ...] | None:
        """The VMIs that are between two nodes; None where they may not be read."""
        return await self._labelled(names.LABEL_MIGRATING_TO)

    async def _labelled(self, selector: str) -> tuple[Instance, ...] | None:
        try:
            return await self._reads.instances_labeled(selector)
        except Forbidden:
            return None


def made(
    nodes: Iterable[Node],
    pods: tuple[Pod, ...] | None,
    instances: tuple[Instance, ...] | None,
    *,
    whole: bool = False,
) -> Survey:
    """A Survey of these nodes, each with its own."""
    known = tuple(nodes)
    return Survey(nodes=known, pods=_by_node(known, pods), instances=_by_node(known, instances), whole=whole)


def _by_node(nodes: Sequence[Node], found: tuple[_T, ...] | None) -> Mapping[str, tuple[_T, ...]]:
    if found is None:
        return {}
    carried: dict[str, list[_T]] = {node.name: [] for node in nodes}
    for each in found:
        if each.node in carried:
            carried[each.node].append(each)
    return {name: tuple(each) for name, each in carried.items()}
