"""VMs that bear our note, and of whose plan the store knows nothing: its database was lost, or it was another bot's.

Nobody waits for them in a chat. They are said in the log once, and `/vm-migrate pins` lists them with the way out; one
that a move had stopped is down until somebody takes it.
"""

import logging
from datetime import datetime, timedelta

from bot.ports import DUTIES, Leases, Store
from k8s.cluster import Cluster
from k8s.errors import ClusterError
from k8s.note import is_stranded, read_note
from k8s.snapshots import Ref, VirtualMachine

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=10)
"""Between two looks: nothing about them changes by itself."""


class Orphans:
    """Looks for them."""

    def __init__(self, store: Store, cluster: Cluster, leases: Leases) -> None:
        self._store = store
        self._cluster = cluster
        self._leases = leases
        self._next: datetime | None = None
        self._told: set[tuple[Ref, str]] = set()

    async def sweep(self, now: datetime) -> None:
        """Look, when it is time to; one of several bots does it for all."""
        if (self._next and now < self._next) or await self._leases.take(DUTIES) is None:
            return
        try:
            vms = await self._cluster.pinned_vms()
        except ClusterError:
            return  # the next sweep asks again
        self._next = now + EVERY
        for vm in vms:
            await self._look(vm)

    async def _look(self, vm: VirtualMachine) -> None:
        note = read_note(vm)
        if note is None or (vm.ref, note.plan) in self._told or await self._store.get(note.plan):
            return
        self._told.add((vm.ref, note.plan))
        state = "STOPPED by" if is_stranded(vm) else "pinned by"
        log.warning("%s is %s plan %s, which I do not know: see /vm-migrate pins", vm.ref, state, note.plan)
