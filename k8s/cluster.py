"""The port through which the bot sees a cluster.

One Protocol, one real implementation (`k8s.client.KubeCluster`); tests and the sandbox run that same implementation
against a simulated API server, so there is no second one to keep honest. Every method may raise the errors of
`k8s.errors`; reads carry a time-out, writes do not give up half-way.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from k8s.fleet import Fleet, Trial
from k8s.snapshots import (
    Admission,
    Capabilities,
    Evidence,
    Facts,
    Instance,
    Json,
    Migration,
    NewEvent,
    NewMigration,
    Node,
    Queue,
    Ref,
    StartEvidence,
    Survey,
    TargetPod,
    View,
    VirtualMachine,
    VmView,
)

VmCall = Literal["start", "stop"]
"""The subresources of a VM that are called."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to read for one move. `namespace` None searches all that the bot may see."""

    vm: str
    namespace: str | None
    target: str | None
    dry_run: bool = True
    """Ask admission too (`dryRun=All`), side by side with the last reads."""


class Cluster(Protocol):
    """Reads, writes and watches of one cluster."""

    async def facts(self, question: Question) -> Facts:
        """Read what a move is judged on, at most three calls deep.

        Raises NotFound (VirtualMachine, Namespace or Node), Ambiguous, Forbidden, Unreachable.
        """
        ...

    async def fleet(self, refs: Sequence[Ref]) -> Fleet:
        """Read what many moves are judged on, in lists."""
        ...

    async def admissions(self, trials: Sequence[Trial]) -> tuple[Admission, ...]:
        """The cluster's own answer to each of these live moves, by a dry run."""
        ...

    async def vms_labeled(self, selector: str, namespace: str | None) -> tuple[Ref, ...]:
        """VMs that a label selector matches. Raises Invalid for one that is none."""
        ...

    async def instances(self) -> tuple[Instance, ...]:
        """Every VMI that the bot may see."""
        ...

    async def instances_on(self, node: str) -> tuple[Instance, ...]:
        """The VMIs on a node. Raises Forbidden where they may not be read."""
        ...

    async def vms(self, namespace: str | None) -> tuple[VirtualMachine, ...]:
        """All VMs of a namespace, or all that the bot may see."""
        ...

    async def running_migrations(self) -> tuple[Migration, ...]:
        """The VMIMs that have not ended, whoever made them."""
        ...

    async def vm_names(self, namespace: str | None) -> tuple[Ref, ...]:
        """All VMs, to offer the nearest names."""
        ...

    async def namespaces(self) -> tuple[str, ...]:
        """All namespaces, to offer the nearest names; empty where the bot may not list them."""
        ...

    async def nodes(self) -> tuple[Node, ...]:
        """All nodes, for a choice."""
        ...

    async def queue(self, vm: Ref) -> Queue | None:
        """What a migration of this VM may wait for; None where that may not be read."""
        ...

    async def survey(self) -> Survey:
        """All nodes and what they carry: one list of each kind, page by page."""
        ...

    async def capabilities(self) -> Capabilities:
        """Version and abilities of KubeVirt; cached."""
        ...

    async def vm(self, ref: Ref) -> VirtualMachine | None:
        """The VM, None when it does not exist."""
        ...

    async def pinned_vms(self) -> tuple[VirtualMachine, ...]:
        """The VMs that carry our label, in all namespaces that the bot serves."""
        ...

    async def patch_vm(self, ref: Ref, operations: Sequence[Json]) -> VirtualMachine:
        """Apply a JSON patch (RFC 6902), all of it or nothing.

        Raises Conflict when a `test` fails, NotFound, Refused, Forbidden, Unreachable (then it may have been applied).
        """
        ...

    async def call_vm(self, ref: Ref, verb: VmCall, body: Json | None = None) -> None:
        """Ask KubeVirt to start or stop a VM; returns when it is accepted, not when it is done.

        Raises Conflict with KubeVirt's words when the VM's state does not allow it, NotFound, Forbidden, Unreachable
        (then it may have been accepted).
        """
        ...

    async def launchers(self, vm: Ref) -> tuple[TargetPod, ...]:
        """The VM's launcher pods that have not ended. While there is one, the guest may still hold its disks."""
        ...

    async def instance(self, ref: Ref) -> Instance | None:
        """The VMI, None when it does not exist."""
        ...

    async def migration(self, ref: Ref) -> Migration | None:
        """One VMIM by its own name, None when it does not exist."""
        ...

    async def migrations(self, vm: Ref) -> tuple[Migration, ...]:
        """All VMIMs of a VMI, by label."""
        ...

    async def create_migration(self, new: NewMigration, *, dry_run: bool = False) -> Migration:
        """Create a VMIM with `fieldValidation=Strict`; the returned object holds what the server kept.

        Raises AlreadyExists, InFlight, Refused, Forbidden, Unreachable (then it may or may not exist).
        """
        ...

    async def create_event(self, new: NewEvent) -> None:
        """Write an Event about a VM. Raises AlreadyExists, Forbidden, Unreachable."""
        ...

    async def delete_migration(self, ref: Ref, uid: str) -> None:
        """Delete a VMIM with a uid precondition; gone already is fine. On a running one this is the cancel."""
        ...

    async def evidence(self, vm: Ref, migration: Ref, migration_uid: str) -> Evidence:
        """What the cluster shows of a migration now. What may not be read is left out."""
        ...

    async def start_evidence(self, vm: Ref) -> StartEvidence:
        """What the cluster shows of a VM that does not come up. What may not be read is left out."""
        ...

    def follow_vm(self, ref: Ref) -> AbstractAsyncContextManager[AsyncIterator[VmView]]:
        """Watch a VM and its VMI: a view at once, then one for each change of either. Promises what `follow` does."""
        ...

    def follow(self, vm: Ref, migration: Ref) -> AbstractAsyncContextManager[AsyncIterator[View]]:
        """Watch a VMIM and its VMI: a view at once, then one for each change of either, in order.

        Survives 410, cut watches and outages by itself (`outage` tells); ends only with its context. Entering does not
        wait for the cluster, the first view does. Raises Forbidden or Unauthorized instead of a first view.
        """
        ...

    def outage(self) -> float | None:
        """Seconds for which the followed watches have not heard of the cluster; None while all is well."""
        ...
