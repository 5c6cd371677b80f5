"""What others did to the VM, its nodes or its migration while it was being moved: one sentence for each."""

from bot.diagnosis.cause import Cause, WayOn


def vm_deleted(vm: str) -> Cause:
    """The object itself is gone."""
    return Cause(
        code="vm-deleted",
        what=f"{vm} was deleted while it was moving; there is nothing left to move.",
        remedy="Ask who deleted it. Its disks may still be there.",
        ways=(),
    )


def vm_stopped(vm: str) -> Cause:
    """It exists, and does not run."""
    return Cause(
        code="vm-stopped",
        what=f"{vm} was stopped while it was moving.",
        remedy="Ask who stopped it; start it when that was not meant.",
    )


def vm_restarted(vm: str, node: str) -> Cause:
    """It runs, but not the guest that was to be moved."""
    where = f" and now runs on {node}" if node else ""
    return Cause(
        code="vm-restarted",
        what=f"{vm} was restarted while it was moving{where}.",
        remedy="Ask who restarted it before you move it again.",
    )


def moved_by_others(vm: str, node: str) -> Cause:
    """Another migration took it somewhere that nobody has asked us for."""
    return Cause(
        code="moved-by-others",
        what=f"Something else has moved {vm} meanwhile: it is on {node}.",
        remedy="See what moved it (a drain, a descheduler, a colleague) before you move it again.",
    )


def node_gone(node: str) -> Cause:
    """The target was taken out of the cluster."""
    return Cause(
        code="node-gone",
        what=f"{node} is no longer in the cluster.",
        remedy="Choose another node.",
        ways=(WayOn.OTHER_NODE,),
    )
