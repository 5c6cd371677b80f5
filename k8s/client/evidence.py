"""What the cluster shows of a migration or of a start, for people who want to know why.

Two calls deep. What may not be read is left out and named in `unread`; an outage is an error. Events live for about an
hour (the API server's default), pods of an unschedulable migration for five minutes: gather while it happens.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from k8s import names, parse
from k8s.client import paths
from k8s.client.capabilities import CapabilityCache
from k8s.client.parallel import side_by_side
from k8s.client.reads import Reads
from k8s.client.survey import SurveyReader
from k8s.errors import Forbidden
from k8s.snapshots import ClusterEvent, Evidence, Json, Queue, Ref, StartEvidence, TargetPod

_Rows = tuple[Json, ...]
_T = TypeVar("_T")

_WELL = "Succeeded"
"""Phase of a launcher whose guest has shut down as it should; one that was killed has Failed, and never restarts."""

_CREATED = re.compile(r"Created migration target pod (\S+)")
"""KubeVirt pkg/virt-controller/watch/migration: the event of reason SuccessfulCreate."""


class EvidenceReader:
    """Gathers Evidence."""

    def __init__(self, reads: Reads, surveys: SurveyReader, capabilities: CapabilityCache) -> None:
        self._reads = reads
        self._surveys = surveys
        self._capabilities = capabilities

    async def queue(self, vm: Ref) -> Queue | None:
        """The limits and who fills them, and the VM's own pods."""
        async with side_by_side() as group:
            running = group.create_task(self._surveys.migrating())
            capabilities = group.create_task(self._capabilities.get())
            pods = group.create_task(_readable(lambda: self._reads.launchers(vm)))
        between, able = running.result(), capabilities.result()
        if between is None:
            return None
        return Queue(between, able.migrations_at_once, able.migrations_from_node, pods.result() or ())

    async def gather(self, vm: Ref, migration: Ref, migration_uid: str) -> Evidence:
        """With "" for an unknown uid, the pods are found by the VMIM's name."""
        async with side_by_side() as group:
            vmi = group.create_task(self._reads.instance(vm))
            vmim = group.create_task(self._reads.migration(migration))
            pods = group.create_task(_readable(lambda: self._pods(vm, migration, migration_uid)))
            of_vmim = group.create_task(_readable(lambda: self._events(migration, names.VMIM_KIND)))
            of_vmi = group.create_task(_readable(lambda: self._events(vm, paths.VMIS.kind)))
        found = tuple(parse.target_pod(raw) for raw in pods.result() or ())
        own = of_vmim.result()
        of_pods = await self._pod_events(vm.namespace, _pod_names(found, own)) if own is not None else ()
        unread = [
            name for name, rows in ((paths.PODS.plural, pods), (paths.EVENTS.plural, of_vmim)) if rows.result() is None
        ]
        return Evidence(
            migration_uid=migration_uid,
            vmi=vmi.result(),
            migration=vmim.result(),
            pods=found,
            events=_in_order((*(own or ()), *(of_vmi.result() or ()), *of_pods)),
            unread=tuple(unread),
        )

    async def of_start(self, vm: Ref) -> StartEvidence:
        """Of a VM that does not come up, or not where it should."""
        async with side_by_side() as group:
            wanted = group.create_task(self._reads.find_vm(vm))
            vmi = group.create_task(self._reads.instance(vm))
            pods = group.create_task(_readable(lambda: self._reads.all_launchers(vm)))
            of_vm = group.create_task(_readable(lambda: self._events(vm, paths.VMS.kind)))
            of_vmi = group.create_task(_readable(lambda: self._events(vm, paths.VMIS.kind)))
        found = tuple(pod for pod in pods.result() or () if pod.phase != _WELL)
        own = of_vm.result()
        of_pods = await self._pod_events(vm.namespace, [pod.name for pod in found]) if own is not None else ()
        unread = [
            name for name, rows in ((paths.PODS.plural, pods.result()), (paths.EVENTS.plural, own)) if rows is None
        ]
        return StartEvidence(
            vm=wanted.result(),
            vmi=vmi.result(),
            pods=found,
            events=_in_order((*(own or ()), *(of_vmi.result() or ()), *of_pods)),
            unread=tuple(unread),
        )

    async def _pods(self, vm: Ref, migration: Ref, migration_uid: str) -> _Rows:
        if migration_uid:
            return await self._reads.target_pods(vm.namespace, f"{names.LABEL_MIGRATION_UID}={migration_uid}")
        launchers = await self._reads.target_pods(vm.namespace, names.LABEL_MIGRATION_UID)
        return tuple(raw for raw in launchers if parse.target_pod(raw).migration_name == migration.name)

    async def _events(self, about: Ref, kind: str) -> _Rows:
        return await self._reads.events(about.namespace, kind, about.name)

    async def _pod_events(self, namespace: str, pods: Iterable[str]) -> _Rows:
        async with side_by_side() as group:
            found = [group.create_task(self._events(Ref(namespace, pod), paths.PODS.kind)) for pod in pods]
        return tuple(raw for task in found for raw in task.result())


def _pod_names(pods: tuple[TargetPod, ...], of_vmim: _Rows) -> tuple[str, ...]:
    """Target pods, also one that is deleted already: what the scheduler said of it outlives it (recorded:
    live-unschedulable), and the VMIM's own event names it."""
    created = (_CREATED.search(str(event.get("message", ""))) for event in of_vmim)
    named = [found.group(1) for found in created if found]
    return tuple(dict.fromkeys([*(pod.name for pod in pods), *named]))


async def _readable(read: Callable[[], Awaitable[_T]]) -> _T | None:
    try:
        return await read()
    except Forbidden:
        return None


def _in_order(rows: _Rows) -> tuple[ClusterEvent, ...]:
    beginning = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted((parse.event(raw) for raw in rows), key=lambda event: event.last_at or beginning))
