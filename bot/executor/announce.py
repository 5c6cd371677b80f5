"""Who had a VM moved, said on the VM itself, for whoever looks with kubectl: annotations that stay, and an Event.

Both are written once the approval has been proved and before the first write. Best effort: a cluster that does not take
them (the rights to patch VMs and to create Events are not everybody's) stops nothing.
"""

import logging
from collections.abc import Coroutine
from typing import Any

from bot.executor.moving import Moving, vm_ref
from bot.plan import Move
from bot.record import Record
from k8s.errors import AlreadyExists, ClusterError
from k8s.managed import marks
from k8s.names import ANNOTATION_APPROVED_BY, ANNOTATION_LAST_PLAN, ANNOTATION_REQUESTED_BY
from k8s.snapshots import NewEvent, VirtualMachine

log = logging.getLogger(__name__)

REASON = "MoveApproved"
LONGEST = 1000
"""Characters of a message; the newer API takes 1024 (events.k8s.io/v1, `note`)."""
LONGEST_VM = 200
"""Characters of the VM in the Event's name, which is a DNS subdomain of at most 253."""


async def approved(moving: Moving, current: Record) -> None:
    """Say it. Raises nothing of the cluster's."""
    move = current.plan.moves[moving.index]
    try:
        vm = await moving.cluster.vm(vm_ref(move))
    except ClusterError as error:
        log.info("plan %s: nothing was said on %s: %s", current.id, move.key, error.message)
        return
    if vm is None:
        return
    if operations := marks(vm, who(current)):
        await _try(moving, moving.cluster.patch_vm(vm.ref, operations), current, "annotations")
    await _try(moving, moving.cluster.create_event(_event(moving, current, move, vm)), current, "Event")


def who(current: Record) -> dict[str, str]:
    """The people behind a run, as annotations of the VM and of its VMIM."""
    return {
        ANNOTATION_LAST_PLAN: current.id,
        ANNOTATION_REQUESTED_BY: current.requester.id,
        ANNOTATION_APPROVED_BY: ",".join(given.actor.id for given in current.approvers),
    }


async def _try(moving: Moving, writing: Coroutine[Any, Any, object], current: Record, what: str) -> None:
    try:
        await moving.write(writing)
    except AlreadyExists:
        return  # an earlier try of the same run has said it
    except ClusterError as error:
        log.info("plan %s: no %s on the VM: %s", current.id, what, error.message)


def _event(moving: Moving, current: Record, move: Move, vm: VirtualMachine) -> NewEvent:
    name = f"{move.vm[:LONGEST_VM].rstrip('-.')}.{current.id}-{current.revision}-{moving.index}"
    return NewEvent(vm_ref(move), vm.uid, name, REASON, _message(current, moving.index), moving.clock.now())


def _message(current: Record, index: int) -> str:
    move = current.plan.moves[index]
    approvers = ", ".join(given.actor.id for given in current.approvers)
    rules = "; ".join(dict.fromkeys(given.rule for given in current.approvers))
    return (
        f"Plan {current.id} revision {current.revision}: {move.type.value} move to {move.target_name}, requested by "
        f"{current.requester.id}, approved by {approvers} under rule {rules}"
    )[:LONGEST]
