"""`KubeCluster`: the Cluster port on a real API server. Wires the parts of this package; decides nothing itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from k8s import names
from k8s.client import paths
from k8s.client.capabilities import CapabilityCache
from k8s.client.connection import Connection
from k8s.client.evidence import EvidenceReader
from k8s.client.facts import FactsReader
from k8s.client.fleet import FleetReader
from k8s.client.follow import follow, follow_vm
from k8s.client.hub import Hub
from k8s.client.reads import Reads
from k8s.client.rest import Called, Rest
from k8s.client.survey import SurveyReader
from k8s.client.timing import RealTime, Timing
from k8s.client.writes import Writes
from k8s.cluster import Question, VmCall
from k8s.fleet import Fleet, Trial
from k8s.platform import Platform
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


class KubeCluster:
    """One cluster. Satisfies `k8s.cluster.Cluster`, where the methods are described; must be closed."""

    def __init__(
        self, connection: Connection, timing: Timing, namespaces: Sequence[str], called: Called | None = None
    ) -> None:
        self._connection = connection
        self._rest = Rest(connection, called)
        self._reads = Reads(self._rest, namespaces)
        self._writes = Writes(self._rest, timing)
        self._capabilities = CapabilityCache(self._rest, timing)
        self._surveys = SurveyReader(self._reads)
        self._facts = FactsReader(self._reads, self._surveys, self._writes, self._capabilities)
        self._fleet = FleetReader(self._reads, self._surveys, self._writes, self._capabilities)
        self._evidence = EvidenceReader(self._reads, self._surveys, self._capabilities)
        self._hub = Hub(self._rest, timing)

    @classmethod
    async def connect(
        cls,
        kubeconfig: str | None = None,
        *,
        namespaces: Sequence[str] = (),
        timing: Timing | None = None,
        called: Called | None = None,
    ) -> "KubeCluster":
        """Load credentials from that file, or the pod's own when None. Sends nothing yet.

        `namespaces` says where to look for a VM without a namespace; empty means in all, which needs the right to list
        VMs of the whole cluster. `called` is told of each call. Raises Unauthorized without usable credentials.
        """
        clock = timing or RealTime()
        return cls(await Connection.open(kubeconfig, clock), clock, namespaces, called)

    async def close(self) -> None:
        """Finish the writes under way, then hang up. Leave all `follow` contexts first."""
        await self._writes.settle()
        await self._connection.close()

    async def access(
        self, verb: str, group: str, resource: str, subresource: str = "", name: str = "", *, namespace: str = ""
    ) -> bool:
        """Whether the bot itself may do that; `namespace` or `name` "" asks for all of them. Raises a ClusterError."""
        wanted = {
            "verb": verb,
            "group": group,
            "resource": resource,
            "subresource": subresource,
            "name": name,
            "namespace": namespace,
        }
        body: Json = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": paths.ACCESS_REVIEWS.kind,
            "spec": {"resourceAttributes": {key: value for key, value in wanted.items() if value}},
        }
        answer = await self._rest.write("POST", paths.ACCESS_REVIEWS.collection(), body=body)
        return bool((answer.get("status") or {}).get("allowed"))

    async def platform(self) -> Platform:
        """What the cluster is: for `check`. Raises a ClusterError."""
        return await self._capabilities.platform()

    def outage(self) -> float | None:
        return self._hub.outage()

    async def facts(self, question: Question) -> Facts:
        return await self._facts.read(question)

    async def fleet(self, refs: Sequence[Ref]) -> Fleet:
        return await self._fleet.read(refs)

    async def admissions(self, trials: Sequence[Trial]) -> tuple[Admission, ...]:
        return await self._fleet.admissions(trials)

    async def vms_labeled(self, selector: str, namespace: str | None) -> tuple[Ref, ...]:
        return await self._reads.vm_names(namespace, selector)

    async def instances(self) -> tuple[Instance, ...]:
        return await self._reads.instances_in(None)

    async def instances_on(self, node: str) -> tuple[Instance, ...]:
        return await self._reads.instances_labeled(f"{names.LABEL_NODE_NAME}={node}")

    async def vms(self, namespace: str | None) -> tuple[VirtualMachine, ...]:
        return await self._reads.vms_in(None if namespace is None else [namespace])

    async def running_migrations(self) -> tuple[Migration, ...]:
        return tuple(one for one in await self._reads.migrations_in(None) if not one.final)

    async def vm_names(self, namespace: str | None) -> tuple[Ref, ...]:
        return await self._reads.vm_names(namespace)

    async def namespaces(self) -> tuple[str, ...]:
        return await self._reads.namespaces()

    async def nodes(self) -> tuple[Node, ...]:
        return await self._reads.nodes()

    async def queue(self, vm: Ref) -> Queue | None:
        return await self._evidence.queue(vm)

    async def survey(self) -> Survey:
        return await self._surveys.whole()

    async def capabilities(self) -> Capabilities:
        return await self._capabilities.get()

    async def vm(self, ref: Ref) -> VirtualMachine | None:
        return await self._reads.find_vm(ref)

    async def pinned_vms(self) -> tuple[VirtualMachine, ...]:
        return await self._reads.pinned_vms()

    async def patch_vm(self, ref: Ref, operations: Sequence[Json]) -> VirtualMachine:
        return await self._writes.patch_vm(ref, operations)

    async def call_vm(self, ref: Ref, verb: VmCall, body: Json | None = None) -> None:
        await self._writes.call_vm(ref, verb, body)

    async def launchers(self, vm: Ref) -> tuple[TargetPod, ...]:
        return await self._reads.launchers(vm)

    async def instance(self, ref: Ref) -> Instance | None:
        return await self._reads.instance(ref)

    async def migration(self, ref: Ref) -> Migration | None:
        return await self._reads.migration(ref)

    async def migrations(self, vm: Ref) -> tuple[Migration, ...]:
        return await self._reads.migrations(vm)

    async def create_migration(self, new: NewMigration, *, dry_run: bool = False) -> Migration:
        return await self._writes.create_migration(new, dry_run=dry_run)

    async def create_event(self, new: NewEvent) -> None:
        await self._writes.create_event(new)

    async def delete_migration(self, ref: Ref, uid: str) -> None:
        await self._writes.delete_migration(ref, uid)

    async def evidence(self, vm: Ref, migration: Ref, migration_uid: str) -> Evidence:
        return await self._evidence.gather(vm, migration, migration_uid)

    async def start_evidence(self, vm: Ref) -> StartEvidence:
        return await self._evidence.of_start(vm)

    def follow_vm(self, ref: Ref) -> AbstractAsyncContextManager[AsyncIterator[VmView]]:
        return follow_vm(self._hub, ref)

    def follow(self, vm: Ref, migration: Ref) -> AbstractAsyncContextManager[AsyncIterator[View]]:
        return follow(self._hub, vm, migration)
