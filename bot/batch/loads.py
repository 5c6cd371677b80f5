"""What the nodes carry before a plan and after it."""

from collections.abc import Iterable, Mapping

from bot.plan import Carried, Move
from k8s.amounts import MEMORY
from k8s.snapshots import Instance, Node


def allocatable_memory(node: Node | None) -> int:
    """Bytes for pods; 0 where the node does not say."""
    return node.allocatable.get(MEMORY, 0) if node else 0


def carried(moves: Iterable[Move], instances: Iterable[Instance], nodes: Mapping[str, Node]) -> tuple[Carried, ...]:
    """The nodes that these moves leave or reach. Where the scheduler decides nobody knows what will carry the VM."""
    moves = [move for move in moves if move.source and move.target]
    touched = sorted({name for move in moves for name in (move.source, move.target_name)})
    there = [vmi for vmi in instances if not vmi.final]
    return tuple(_carried(name, moves, there, nodes.get(name)) for name in touched)


def _carried(name: str, moves: list[Move], there: list[Instance], node: Node | None) -> Carried:
    now = [vmi.memory_bytes for vmi in there if vmi.node == name]
    coming = [move.memory_bytes for move in moves if move.target_name == name]
    going = [move.memory_bytes for move in moves if move.source == name]
    return Carried(
        node=name,
        vms=(len(now), len(now) + len(coming) - len(going)),
        memory=(sum(now), sum(now) + sum(coming) - sum(going)),
        allocatable=allocatable_memory(node),
    )
