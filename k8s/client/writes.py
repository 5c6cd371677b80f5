"""The writes: create a VMIM and delete it again; patch, start and stop a VM.

A write that has begun is finished even if its caller is cancelled: half a create would leave a VMIM behind that nobody
has checked. `settle` waits for such orphans.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from datetime import UTC
from typing import Any, Final, TypeVar

from k8s import names, parse
from k8s.client import paths
from k8s.client.rest import Rest
from k8s.client.timing import Timing
from k8s.client.translate import JSON_PATCH
from k8s.errors import ClusterError, Conflict, Forbidden, Invalid, NotFound, Refused
from k8s.fleet import Trial
from k8s.snapshots import Admission, Json, Migration, NewEvent, NewMigration, Ref, VirtualMachine

DELETE_TRIES: Final = 4
"""Attempts to take back a VMIM that lost its target; it may be moving the VM to any node meanwhile."""

ANSWER_OF_VIRT_API: Final = "application/json, */*"
"""To accept JSON alone is 406: success has no body, and an error is JSON (recorded: errors)."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Writes:
    """Writes to one cluster."""

    def __init__(self, rest: Rest, timing: Timing) -> None:
        self._rest = rest
        self._timing = timing
        self._under_way: set[asyncio.Task[Any]] = set()

    async def create_migration(self, new: NewMigration, *, dry_run: bool = False) -> Migration:
        """Create a VMIM; what is returned is what the server kept.

        Raises Refused, and leaves nothing behind, when the server dropped the node selector, as KubeVirt before 1.6
        does. Raises AlreadyExists, InFlight, Refused, Forbidden, Unreachable otherwise.
        """
        return await self._to_the_end(self._create(new, dry_run=dry_run))

    async def try_migration(self, trial: Trial) -> Admission:
        """What the cluster would answer to the create. An outage is no answer and stays an error."""
        name = f"{names.OUR_PREFIX}-dry-run-{trial.vmi_uid}"
        new = NewMigration(Ref(trial.vm.namespace, name), trial.vm.name, trial.hostname)
        try:
            await self.create_migration(new, dry_run=True)
        except (Refused, Forbidden, Conflict, Invalid) as error:
            return Admission(accepted=False, code=error.code, message=error.message)
        return Admission(accepted=True)

    async def create_event(self, new: NewEvent) -> None:
        """Write an Event about a VM."""
        path = paths.EVENTS.collection(new.vm.namespace)
        await self._to_the_end(self._rest.write("POST", path, body=_event(new)))

    async def delete_migration(self, ref: Ref, uid: str) -> None:
        """Delete that very VMIM. Fine if it is gone, or gone and its name in use by another."""
        await self._to_the_end(self._delete(ref, uid))

    async def patch_vm(self, ref: Ref, operations: Sequence[Json]) -> VirtualMachine:
        """Apply a JSON patch, all of it or nothing. Raises Conflict where one of its tests fails."""
        path = paths.VMS.item(ref.name, ref.namespace)
        patched = self._rest.write("PATCH", path, body=operations, content_type=JSON_PATCH)
        return parse.virtual_machine(await self._to_the_end(patched))

    async def call_vm(self, ref: Ref, verb: str, body: Json | None) -> None:
        """Call a subresource of the VM. Raises Conflict where the VM's state does not allow it."""
        path = f"{paths.VM_CALLS.item(ref.name, ref.namespace)}/{verb}"
        await self._to_the_end(self._rest.write("PUT", path, body=body, accept=ANSWER_OF_VIRT_API))

    async def settle(self) -> None:
        """Wait for the writes whose callers have left."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _create(self, new: NewMigration, *, dry_run: bool) -> Migration:
        query = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        path = paths.VMIMS.collection(new.ref.namespace)
        created = parse.migration(await self._rest.write("POST", path, query=query, body=_manifest(new)))
        if created.added_node_selector != _selector(new):
            if not dry_run:
                await self._take_back(created)
            raise Refused("this KubeVirt ignores the target node (addedNodeSelector needs 1.6); nothing was moved")
        return created

    async def _take_back(self, created: Migration) -> None:
        for attempt in range(1, DELETE_TRIES + 1):
            try:
                await self._delete(created.ref, created.uid)
            except ClusterError as error:
                if not error.temporary or attempt == DELETE_TRIES:
                    message = f"the target node was dropped, and {created.ref} could not be deleted: {error.message}"
                    raise Refused(message, code=error.code) from error
                await self._timing.sleep(self._timing.jitter(2.0**attempt / 4))
            else:
                return

    async def _delete(self, ref: Ref, uid: str) -> None:
        body: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        try:
            await self._rest.write("DELETE", paths.VMIMS.item(ref.name, ref.namespace), body=body)
        except NotFound:
            return
        except Conflict as error:
            # k8s.io/apiserver pkg/storage/interfaces.go: "Precondition failed: UID in precondition: ..."
            if "UID in precondition" not in error.message:
                raise

    async def _to_the_end(self, write: Coroutine[Any, Any, _T]) -> _T:
        task = asyncio.create_task(write)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_outcome)
            raise


def _log_outcome(task: "asyncio.Task[object]") -> None:
    error = None if task.cancelled() else task.exception()
    _log.info("a write ended after its caller had left: %s", error or "done")


def _selector(new: NewMigration) -> dict[str, str]:
    return {names.LABEL_HOSTNAME: new.hostname} if new.hostname is not None else {}


def _event(new: NewEvent) -> Json:
    at = new.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": paths.EVENTS.kind,
        "metadata": {"name": new.name, "namespace": new.vm.namespace},
        "involvedObject": {
            "apiVersion": f"{names.KUBEVIRT_GROUP}/{names.KUBEVIRT_VERSION}",
            "kind": paths.VMS.kind,
            "namespace": new.vm.namespace,
            "name": new.vm.name,
            "uid": new.vm_uid,
        },
        "type": "Normal",
        "reason": new.reason,
        "message": new.message,
        "source": {"component": names.OUR_PREFIX},
        "reportingComponent": names.OUR_PREFIX,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def _manifest(new: NewMigration) -> Json:
    spec: Json = {"vmiName": new.vmi_name}
    if selector := _selector(new):
        spec["addedNodeSelector"] = selector
    return {
        "apiVersion": f"{names.KUBEVIRT_GROUP}/{names.KUBEVIRT_VERSION}",
        "kind": names.VMIM_KIND,
        "metadata": {
            "name": new.ref.name,
            "namespace": new.ref.namespace,
            "labels": dict(new.labels),
            "annotations": dict(new.annotations),
        },
        "spec": spec,
    }
