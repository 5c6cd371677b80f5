"""An Event on the VM that says who had it moved, for whoever looks with kubectl.

It is written once the approval has been proved and before the first write. Best effort: a cluster that does not take it
(the right to create Events is optional) stops nothing.
"""

import logging

from bot.executor.moving import Moving, vm_ref
from bot.record import Record
from k8s.errors import AlreadyExists, ClusterError
from k8s.snapshots import NewEvent

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
        if vm is None:
            return
        name = f"{move.vm[:LONGEST_VM].rstrip('-.')}.{current.id}-{current.revision}-{moving.index}"
        message = _message(current, moving.index)
        event = NewEvent(vm_ref(move), vm.uid, name, REASON, message, moving.clock.now())
        await moving.write(moving.cluster.create_event(event))
    except AlreadyExists:
        return  # an earlier try of the same run has said it
    except ClusterError as error:
        log.info("plan %s: no Event was written on %s: %s", current.id, move.key, error.message)


def _message(current: Record, index: int) -> str:
    move = current.plan.moves[index]
    approvers = ", ".join(given.actor.id for given in current.approvers)
    rules = "; ".join(dict.fromkeys(given.rule for given in current.approvers))
    return (
        f"Plan {current.id} revision {current.revision}: {move.type.value} move to {move.target_name}, requested by "
        f"{current.requester.id}, approved by {approvers} under rule {rules}"
    )[:LONGEST]
