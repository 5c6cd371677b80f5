"""What the nodes carry before and after a move, in words: how much their VMs have been given, not what they use."""

from bot.describe.words import Row, memory
from bot.load import Shift
from bot.plan import Move


def loads(move: Move) -> tuple[Row, ...]:
    """A row for each node that is known, the source first."""
    return tuple(
        Row(each.node, carried(each), f"of {each.cpus} CPUs and {memory(each.memory)}") for each in move.shifts
    )


def carried(shift: Shift) -> str:
    """Its VMs and both shares."""
    return f"{_count(shift)}, {change(shift)}"


def change(shift: Shift) -> str:
    """Both shares, before and after: "CPU 75 → 88 %, memory 19 → 22 %"."""
    cpu = _share(shift.before.vcpus, shift.after.vcpus, shift.cpus)
    given = _share(shift.before.memory, shift.after.memory, shift.memory)
    return f"CPU {cpu}, memory {given}"


def _count(shift: Shift) -> str:
    before, after = shift.before.vms, shift.after.vms
    return f"{before} → {after} VMs" if before != after else f"{after} VM{'' if after == 1 else 's'}"


def _share(before: int, after: int, whole: int) -> str:
    shares = [f"{round(100 * part / whole)}" for part in (before, after)]
    return f"{' → '.join(dict.fromkeys(shares))} %"
