"""The steps of a live move, safe to take twice.

A VMIM's name is used for one attempt only and is known before the first write, so that "did my create arrive?" can be
answered by looking. Looking is not enough for a second create: the name becomes free again once the VMIM is cancelled,
collected, or deleted with its VMI, and a blind retry would start a second migration. After a lost attempt `settle` says
what became of it; it never writes, and says UNKNOWN rather than guess.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from k8s import names
from k8s.cluster import Cluster
from k8s.errors import AlreadyExists, ClusterError, InFlight, Unreachable
from k8s.snapshots import Evidence, Instance, Migration, MigrationState, NewMigration, Ref

LOOKS: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds to wait before each look for a VMIM whose create was not answered."""

LATE_SECONDS: Final = 75.0
"""Until then a create that was not answered may still arrive: the API server gives up on a request after 60 s."""

EVENT_SECONDS: Final = 3000.0
"""Until then a missing event proves something: the API server keeps them for an hour by default (--event-ttl)."""

Sleep = Callable[[float], Awaitable[None]]


async def start_migration(cluster: Cluster, new: NewMigration, *, sleep: Sleep = asyncio.sleep) -> Migration:
    """Create that VMIM, or find it where an earlier call has created it.

    `new.labels` must hold the plan's label: a VMIM of that name is accepted only if it carries the same one, for the
    same VMI and target. It may be over already. Raises AlreadyExists or InFlight when the one that is there is not
    ours, Unreachable when it may or may not exist, and whatever else the create does.
    """
    if not new.labels.get(names.LABEL_PLAN):
        raise ValueError(f"a migration needs the label {names.LABEL_PLAN}")
    try:
        return await cluster.create_migration(new)
    except (AlreadyExists, InFlight):
        # In flight is also the answer to our own name: admission runs before the name check (recorded: errors).
        ours = await _look(cluster, new)
        if ours is None:
            raise
    except Unreachable:
        ours = await _look_for_a_while(cluster, new, sleep)
        if ours is None:
            raise
    return ours


async def _look_for_a_while(cluster: Cluster, new: NewMigration, sleep: Sleep) -> Migration | None:
    for pause in LOOKS:
        await sleep(pause)
        try:
            found = await _look(cluster, new)
        except ClusterError:
            continue  # the outage goes on
        if found is not None:
            return found
    return None


async def _look(cluster: Cluster, new: NewMigration) -> Migration | None:
    found = await cluster.migration(new.ref)
    return found if found is not None and _is_ours(found, new) else None


def _is_ours(found: Migration, new: NewMigration) -> bool:
    return (
        found.labels.get(names.LABEL_PLAN) == new.labels[names.LABEL_PLAN]
        and found.vmi_name == new.vmi_name
        and found.added_node_selector.get(names.LABEL_HOSTNAME) == new.hostname
    )


class Trace(Enum):
    """What became of a VMIM that was, perhaps, created."""

    PRESENT = "present"
    """It is there: follow it."""
    ABSENT = "absent"
    """It was never created, or was deleted before it did anything, and nobody else has moved the VM since."""
    MOVED = "moved"
    """It is over and has moved the VM; the VM still runs where it was moved to."""
    ENDED = "ended"
    """It is over and has not moved the VM, which runs where it was. Once the events have expired, a VMIM that was never
    created reads the same."""
    UNKNOWN = "unknown"
    """It cannot be told (yet): look again, or ask people."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What was noted before the create."""

    vm: Ref
    migration: Ref
    vmi_uid: str
    source: str
    """Node on which the VMI ran."""
    previous_uid: str = ""
    """`migrationState.migrationUid` of the VMI then; "" when it had never been migrated."""
    migration_uid: str = ""
    """Uid of the VMIM, where the create's answer was still noted."""


async def settle(cluster: Cluster, intent: Intent, *, age: float) -> Trace:
    """What became of the intent, `age` seconds after the create was sent. Raises a ClusterError."""
    found = await cluster.migration(intent.migration)
    if found is not None:
        return _of_present(found, intent)
    # Whatever it did to the VMI was written before it vanished: its finalizer outlives the hand-over.
    evidence = await cluster.evidence(intent.vm, intent.migration, intent.migration_uid)
    others = await cluster.migrations(intent.vm)
    arrived = [m for m in (evidence.migration, *others) if m is not None and m.ref == intent.migration]
    if arrived:  # between the first read and these
        return _of_present(arrived[0], intent)
    return _judge(intent, evidence, age)


def _of_present(found: Migration, intent: Intent) -> Trace:
    same = found.vmi_name == intent.vm.name and intent.migration_uid in {"", found.uid}
    return Trace.PRESENT if same else Trace.UNKNOWN


def _judge(intent: Intent, evidence: Evidence, age: float) -> Trace:
    vmi = evidence.vmi
    if vmi is None or vmi.uid != intent.vmi_uid or vmi.phase != "Running":
        return Trace.UNKNOWN  # a stopped or restarted VM takes the history of its migrations with it
    state = vmi.migration or MigrationState()
    uids = {intent.migration_uid} - {""} or _uids_seen(intent, evidence)
    if len(uids) > 1:
        return Trace.UNKNOWN  # the name was used more than once
    if uids == {state.uid}:
        return _of_state(intent, vmi, state)
    if uids:
        return _of_earlier(intent, vmi, state)
    return _of_no_trace(intent, evidence, vmi, state, age)


def _uids_seen(intent: Intent, evidence: Evidence) -> set[str]:
    """Uids that pods and events connect with the VMIM's name."""
    of_pods = {pod.migration_uid for pod in evidence.pods if pod.migration_name == intent.migration.name}
    of_events = {
        event.uid for event in evidence.events if event.kind == names.VMIM_KIND and event.name == intent.migration.name
    }
    return (of_pods | of_events) - {""}


def _of_state(intent: Intent, vmi: Instance, state: MigrationState) -> Trace:
    """Ours was the last migration that was handed over: the VMI holds its outcome."""
    if state.failed and vmi.node == intent.source:
        return Trace.ENDED
    if state.completed and not state.failed and vmi.node == state.target_node != intent.source:
        return Trace.MOVED
    return Trace.UNKNOWN


def _of_earlier(intent: Intent, vmi: Instance, state: MigrationState) -> Trace:
    """Ours existed, and the VMI's last hand-over was another one's."""
    never_handed_over = state.uid == intent.previous_uid and vmi.node == intent.source
    return Trace.ENDED if never_handed_over else Trace.UNKNOWN


def _of_no_trace(intent: Intent, evidence: Evidence, vmi: Instance, state: MigrationState, age: float) -> Trace:
    untouched = state.uid == intent.previous_uid and vmi.node == intent.source
    if evidence.unread or age < LATE_SECONDS or not untouched:
        return Trace.UNKNOWN
    return Trace.ABSENT if age <= EVENT_SECONDS else Trace.ENDED
