"""The time that a copy of memory has, and what the cluster does at its end.

KubeVirt pkg/virt-launcher/virtwrap/live-migration-source.go and manager.go (getVMIMigrationDataSize):
completionTimeoutPerGiB times the guest's memory, rounded up to whole GB of 10^9 bytes, whatever the setting's name
says; disks of the launcher's own that are copied too add to it, and only it knows how much. progressTimeout without
progress. From 1.9 on both abort with the same words (recorded: live-cancelled-running), so only the time that it took
tells them apart.
"""

from datetime import timedelta
from math import ceil
from typing import NamedTuple

from k8s.snapshots import CopyLimits, Instance, MigrationState

GB = 10**9


class Copy(NamedTuple):
    """The copy of one migration."""

    limits: CopyLimits
    allowed: timedelta
    took: timedelta | None
    """None while it lasts."""

    @property
    def used_up(self) -> bool:
        """Whether it ended at the end of its time; the cluster looks every few hundred milliseconds."""
        return self.took is not None and self.took >= self.allowed - timedelta(seconds=2)

    @property
    def at_the_end(self) -> str:
        """What the cluster does when the time is up."""
        if self.limits.post_copy:
            return "then it switches to post-copy: the VM goes on on the target, and depends on both nodes for a while"
        if self.limits.may_pause:
            return "then the guest is paused until the copy is done"
        return "then it is aborted, and the VM stays where it is"


def copy_of(vmi: Instance | None, state: MigrationState | None) -> Copy | None:
    """The copy that this state tells of; None before the hand-over or where the memory is not known."""
    if state is None or state.limits is None or vmi is None or not vmi.memory_bytes:
        return None
    allowed = timedelta(seconds=state.limits.seconds_per_gib * ceil(vmi.memory_bytes / GB))
    took = state.ended_at - state.started_at if state.started_at and state.ended_at else None
    return Copy(state.limits, allowed, took)
