"""Choosing a node for each of many VMs: spread by room, and never two replicas of one application side by side."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot import checks
from bot.batch.loads import allocatable_memory
from bot.checks import Severity
from bot.request import MoveType
from k8s.snapshots import Facts, Instance, Node

_APP_LABELS = ("app.kubernetes.io/instance", "app.kubernetes.io/name", "app")
"""Labels by which replicas know each other, the most telling first (kubernetes.io/docs common-labels)."""


def app_of(namespace: str, labels: Mapping[str, str]) -> tuple[str, str] | None:
    """The application that a VM is a replica of, None where its labels do not say."""
    found = next((labels[key] for key in _APP_LABELS if labels.get(key)), None)
    return (namespace, found) if found else None


@dataclass
class Room:
    """What the nodes have left while a plan is being laid down. Each choice counts for the next."""

    nodes: Mapping[str, Node]
    free: dict[str, int] = field(default_factory=dict)
    apps: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, nodes: Mapping[str, Node], instances: Iterable[Instance]) -> "Room":
        """As it is before the plan."""
        room = cls(nodes, {name: allocatable_memory(node) for name, node in nodes.items()})
        for vmi in instances:
            if not vmi.final and vmi.node in room.free:
                room.free[vmi.node] -= vmi.memory_bytes
                room._seat(vmi.node, app_of(vmi.ref.namespace, vmi.labels))
        return room

    def choose(self, facts: Facts, type_: MoveType) -> Node | None:
        """The node for this VM: one that takes it, without a replica of it, and with the most room. None: there is
        none."""
        app, need = _app(facts), facts.vmi.memory_bytes if facts.vmi else 0
        fitting = [
            node
            for node in self.nodes.values()
            if self._takes(node, facts, type_) and self.free[node.name] >= need and not self._has(node.name, app)
        ]
        return max(fitting, key=lambda node: (self.free[node.name], node.name), default=None)

    def why_not(self, facts: Facts, type_: MoveType) -> str:
        """Why no node could be chosen."""
        app = _app(facts)
        taking = [node for node in self.nodes.values() if self._takes(node, facts, type_)]
        if not taking:
            return "no other node takes it: its own rules, cordons, taints or disks forbid all of them"
        if all(self._has(node.name, app) for node in taking):
            return "every node that takes it has a replica of the same application already"
        return "no node that takes it has room for it"

    def seat(self, facts: Facts, node: Node) -> None:
        """This VM will be there, and no longer where it was."""
        memory = facts.vmi.memory_bytes if facts.vmi else 0
        self.free[node.name] = self.free.get(node.name, 0) - memory
        self._seat(node.name, _app(facts))

    def _seat(self, name: str, app: tuple[str, str] | None) -> None:
        if app:
            self.apps.setdefault(name, set()).add(app)

    def _has(self, name: str, app: tuple[str, str] | None) -> bool:
        return app is not None and app in self.apps.get(name, ())

    def _takes(self, node: Node, facts: Facts, type_: MoveType) -> bool:
        """Whether nothing that the checks know of forbids this node."""
        if facts.vmi and facts.vmi.node == node.name:
            return False
        there = replace(facts, target=node)
        return not any(finding.severity is Severity.BLOCK for finding in checks.of_target(there, type_))


def _app(facts: Facts) -> tuple[str, str] | None:
    """A running VM's labels are its template's; one that does not run has only its own."""
    return app_of(facts.vm.ref.namespace, {**facts.vm.labels, **(facts.vmi.labels if facts.vmi else {})})
