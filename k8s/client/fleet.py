"""Reading many VMs at once: lists instead of one call for each.

    1  VMs, VMIMs and quotas of the namespaces ‖ all VMIs ‖ all nodes and their pods ‖ capabilities
    2  PVCs, where the VMI does not tell their access modes or the VM may have to move cold
    3  volumes of those PVCs

Steps 2 and 3 cost a call for each disk of a VM that cannot move live, step 1 a page for every 200 objects; nothing else
grows with the number of VMs. Dry runs are one call for each live move, a few at a time: admission judges one by one.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from k8s import names
from k8s.client.capabilities import CapabilityCache
from k8s.client.parallel import side_by_side
from k8s.client.reads import Reads
from k8s.client.survey import SurveyReader, made
from k8s.client.writes import Writes
from k8s.errors import Conflict, Forbidden, Invalid, Refused
from k8s.fleet import Fleet, Trial
from k8s.names import CONDITION_LIVE_MIGRATABLE
from k8s.snapshots import Admission, Claim, Instance, NewMigration, Ref, VirtualMachine

AT_ONCE: Final = 10
"""Dry runs and single reads side by side: the API server has other clients, too."""

FEW_NAMESPACES: Final = 5
"""Listed one by one up to so many, else all together."""


class FleetReader:
    """Answers for many VMs."""

    def __init__(self, reads: Reads, surveys: SurveyReader, writes: Writes, capabilities: CapabilityCache) -> None:
        self._reads = reads
        self._surveys = surveys
        self._writes = writes
        self._capabilities = capabilities

    async def read(self, refs: Sequence[Ref], *, cold: bool) -> Fleet:
        """Everything about these VMs, and what the nodes carry. `cold`: their volumes, whatever they could do."""
        named = sorted({ref.namespace for ref in refs})
        namespaces = named if len(named) <= FEW_NAMESPACES else None
        async with side_by_side() as group:
            vms = group.create_task(self._reads.vms_in(namespaces))
            own = group.create_task(self._reads.migrations_in(namespaces))
            instances = group.create_task(self._reads.instances())
            nodes = group.create_task(self._reads.nodes())
            pods = group.create_task(self._surveys.pods(None))
            quotas = {namespace: group.create_task(self._reads.quotas(namespace)) for namespace in namespaces or ()}
            capabilities = group.create_task(self._capabilities.get())
        wanted = set(refs)
        found = {vm.ref: vm for vm in vms.result() if vm.ref in wanted}
        running = {vmi.ref: vmi for vmi in instances.result()}
        claims = await self._claims(_unclear(found.values(), running, cold=cold))
        bound = list(dict.fromkeys(claim.volume for claim in claims if claim.volume))
        volumes = await self._reads.volumes(bound)
        return Fleet(
            vms=found,
            instances=running,
            migrations=own.result(),
            nodes={node.name: node for node in nodes.result()},
            claims={claim.ref: claim for claim in claims},
            volumes={volume.name: volume for volume in volumes},
            capabilities=capabilities.result(),
            survey=made(
                nodes.result(),
                pods.result(),
                instances.result() if self._reads.everywhere else None,
                whole=True,
            ),
            quotas={namespace: found.result() for namespace, found in quotas.items()},
        )

    async def admissions(self, trials: Sequence[Trial]) -> tuple[Admission, ...]:
        """What the cluster would answer to each create. An outage is no answer and stays an error."""
        turns = asyncio.Semaphore(AT_ONCE)
        async with side_by_side() as group:
            asked = [group.create_task(self._admission(trial, turns)) for trial in trials]
        return tuple(task.result() for task in asked)

    async def _admission(self, trial: Trial, turns: asyncio.Semaphore) -> Admission:
        new = NewMigration(
            ref=Ref(trial.vm.namespace, f"{names.OUR_PREFIX}-dry-run-{trial.vmi_uid}"),
            vmi_name=trial.vm.name,
            hostname=trial.hostname,
        )
        async with turns:
            try:
                await self._writes.create_migration(new, dry_run=True)
            except (Refused, Forbidden, Conflict, Invalid) as error:
                return Admission(accepted=False, code=error.code, message=error.message)
        return Admission(accepted=True)

    async def _claims(self, wanted: Sequence[Ref]) -> tuple[Claim, ...]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(ref: Ref) -> tuple[Claim, ...]:
            async with turns:
                return await self._reads.claims(ref.namespace, (ref.name,))

        async with side_by_side() as group:
            asked = [group.create_task(one(ref)) for ref in wanted]
        return tuple(claim for task in asked for claim in task.result())


def _unclear(vms: Iterable[VirtualMachine], running: dict[Ref, Instance], *, cold: bool) -> list[Ref]:
    """PVCs that have to be read: of VMs that may have to move cold, and those whose modes the VMI does not tell."""
    wanted: dict[Ref, None] = {}
    for vm in vms:
        vmi = running.get(vm.ref)
        told = vmi.claims if vmi else {}
        live = vmi.condition(CONDITION_LIVE_MIGRATABLE) if vmi else None
        every = cold or live is None or live.status != "True"
        for name in dict.fromkeys((*vm.claims, *told)):
            if every or not told.get(name):
                wanted[Ref(vm.ref.namespace, name)] = None
    return list(wanted)
