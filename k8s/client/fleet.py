"""Reading many VMs at once: lists instead of one call for each.

    1  VMs, VMIMs, PVCs and quotas of the namespaces ‖ volumes ‖ all nodes, pods and VMIs ‖ capabilities ‖ VMIs that
       migrate
    2  VMIs of the namespaces, where a VM seems not to run

So the number of calls does not grow with the number of VMs but for the pages of a list. A bot that may not list PVCs
or volumes reads those of the VMs one by one, as it does for one VM. Dry runs are one call for each live move, a few at
a time: admission judges one by one.
"""

from collections.abc import Sequence
from typing import Final

from k8s.client.capabilities import CapabilityCache
from k8s.client.parallel import few_at_once, side_by_side
from k8s.client.reads import Reads
from k8s.client.survey import SurveyReader
from k8s.client.writes import Writes
from k8s.errors import Forbidden
from k8s.fleet import Fleet, Trial
from k8s.snapshots import Admission, Claim, Instance, Ref, Survey, Volume, claims_of

FEW_NAMESPACES: Final = 5
"""Listed one by one up to so many, else all together."""


class FleetReader:
    """Answers for many VMs."""

    def __init__(self, reads: Reads, surveys: SurveyReader, writes: Writes, capabilities: CapabilityCache) -> None:
        self._reads = reads
        self._surveys = surveys
        self._writes = writes
        self._capabilities = capabilities

    async def read(self, refs: Sequence[Ref]) -> Fleet:
        """Everything about these VMs, and what all nodes carry."""
        named = sorted({ref.namespace for ref in refs})
        namespaces = named if len(named) <= FEW_NAMESPACES else None
        async with side_by_side() as group:
            vms = group.create_task(self._reads.vms_in(namespaces))
            migrations = group.create_task(self._reads.migrations_in(namespaces))
            claims = group.create_task(self._claims(namespaces))
            volumes = group.create_task(self._volumes())
            quotas = [group.create_task(self._reads.quotas(namespace)) for namespace in named]
            survey = group.create_task(self._surveys.whole())
            migrating = group.create_task(self._surveys.migrating())
            capabilities = group.create_task(self._capabilities.get())
        wanted = set(refs)
        found = {vm.ref: vm for vm in vms.result() if vm.ref in wanted}
        running = await self._running(survey.result(), refs, namespaces)
        known = claims.result()
        if known is None:
            theirs = dict.fromkeys(ref for vm in found.values() for ref in claims_of(vm, running.get(vm.ref)))
            known = await self._reads.claims(theirs)
        disks = volumes.result()
        if disks is None:
            disks = await self._reads.volumes_of(known)
        return Fleet(
            vms=found,
            instances=running,
            migrations=migrations.result(),
            claims={claim.ref: claim for claim in known},
            volumes={volume.name: volume for volume in disks},
            quotas={namespace: task.result() for namespace, task in zip(named, quotas, strict=True)},
            migrating=migrating.result(),
            survey=survey.result(),
            capabilities=capabilities.result(),
        )

    async def admissions(self, trials: Sequence[Trial]) -> tuple[Admission, ...]:
        """What the cluster would answer to each create. An outage is no answer and stays an error."""
        return tuple(await few_at_once(self._writes.try_migration, trials))

    async def _running(
        self, survey: Survey, refs: Sequence[Ref], namespaces: Sequence[str] | None
    ) -> dict[Ref, Instance]:
        """The VMIs of these VMs. One that is on no node yet carries no node's label, and is on no survey."""
        known = {vmi.ref: vmi for there in survey.instances.values() for vmi in there}
        if any(ref not in known for ref in refs):
            known = {vmi.ref: vmi for vmi in await self._reads.instances_in(namespaces)} | known
        return {ref: known[ref] for ref in refs if ref in known and not known[ref].final}

    async def _claims(self, namespaces: Sequence[str] | None) -> tuple[Claim, ...] | None:
        """The PVCs of these namespaces; None where they may not be listed."""
        try:
            return await self._reads.claims_in(namespaces)
        except Forbidden:
            return None

    async def _volumes(self) -> tuple[Volume, ...] | None:
        """All volumes; None where they may not be listed."""
        try:
            return await self._reads.all_volumes()
        except Forbidden:
            return None
