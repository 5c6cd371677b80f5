"""Single reads: one call each (a list: one call per page), parsed."""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from k8s import names, parse
from k8s.client import paths
from k8s.client.parallel import few_at_once, side_by_side
from k8s.client.paths import Resource
from k8s.client.rest import Rest
from k8s.errors import Forbidden, NotFound
from k8s.snapshots import (
    FINAL_PHASES,
    Claim,
    Instance,
    Json,
    Migration,
    Node,
    Pod,
    Quota,
    Ref,
    TargetPod,
    VirtualMachine,
    Volume,
)

PAGE_SIZE: Final = 200
"""Objects per page of a list: about 3 MB of VMIs, parsed in about 30 ms."""

METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"
"""Names without the objects; a server that cannot do that sends the objects, and the names are in the same place."""

LABEL_LIMIT: Final = 63
"""Longest value of a label. A VMI with a longer name can have no VMIM: admission could not label it."""

_T = TypeVar("_T")
_EVERYTHING: Final[Mapping[str, str]] = MappingProxyType({})
_OBJECTS: Final = "application/json"


class Reads:
    """Reads of one cluster. `namespaces`: where to look where nothing is named; empty means in all."""

    def __init__(self, rest: Rest, namespaces: Sequence[str] = ()) -> None:
        self._rest = rest
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)

    async def vm(self, ref: Ref) -> VirtualMachine:
        """One VM. Raises NotFound for it, or for its namespace where that is what is missing."""
        try:
            return parse.virtual_machine(await self._rest.read(paths.VMS.item(ref.name, ref.namespace)))
        except NotFound:
            await self._require_namespace(ref.namespace)
            raise

    async def find_vm(self, ref: Ref) -> VirtualMachine | None:
        """One VM, None when it does not exist."""
        raw = await self._find(paths.VMS, ref)
        return parse.virtual_machine(raw) if raw else None

    async def pinned_vms(self) -> tuple[VirtualMachine, ...]:
        """The VMs with our label, over the namespaces."""
        return await self._listed(paths.VMS, None, parse.virtual_machine, {"labelSelector": names.LABEL_PINNED})

    async def vms_named(self, name: str) -> tuple[VirtualMachine, ...]:
        """All VMs of that name, over the namespaces."""
        by_name = {"fieldSelector": f"metadata.name={escaped(name)}"}
        return await self._listed(paths.VMS, None, parse.virtual_machine, by_name)

    async def instances_named(self, name: str) -> tuple[Instance, ...]:
        """All VMIs of that name, over the namespaces."""
        by_name = {"fieldSelector": f"metadata.name={escaped(name)}"}
        return await self._listed(paths.VMIS, None, parse.instance, by_name)

    async def vm_names(self, namespace: str | None, selector: str = "") -> tuple[Ref, ...]:
        """Namespace and name of all VMs, or of those that a label selector matches."""
        query = {"labelSelector": selector} if selector else {}
        where = None if namespace is None else [namespace]
        return await self._listed(paths.VMS, where, _ref, query, METADATA_ONLY)

    async def vms_in(self, namespaces: Sequence[str] | None) -> tuple[VirtualMachine, ...]:
        """The VMs of these namespaces; None: of all."""
        return await self._listed(paths.VMS, namespaces, parse.virtual_machine)

    async def migrations_in(self, namespaces: Sequence[str] | None) -> tuple[Migration, ...]:
        """The VMIMs of these namespaces; None: of all."""
        return await self._listed(paths.VMIMS, namespaces, parse.migration)

    async def instances_in(self, namespaces: Sequence[str] | None) -> tuple[Instance, ...]:
        """The VMIs of these namespaces; None: of all."""
        return await self._listed(paths.VMIS, namespaces, parse.instance)

    async def claims_in(self, namespaces: Sequence[str] | None) -> tuple[Claim, ...]:
        """The PVCs of these namespaces; None: of all."""
        return await self._listed(paths.CLAIMS, namespaces, parse.claim)

    async def all_volumes(self) -> tuple[Volume, ...]:
        """Every PersistentVolume."""
        return await self._all(paths.VOLUMES, None, parse.volume)

    async def namespaces(self) -> tuple[str, ...]:
        """All namespaces that the bot may list."""
        known = tuple(n for n in self._namespaces if n is not None)
        if known:
            return known
        try:
            return await self._all(paths.NAMESPACES, None, lambda raw: str(raw["metadata"]["name"]), {}, METADATA_ONLY)
        except Forbidden:
            return ()

    async def nodes(self) -> tuple[Node, ...]:
        """All nodes."""
        return await self._all(paths.NODES, None, parse.node)

    async def node(self, name: str) -> Node:
        """One node. Raises NotFound."""
        return parse.node(await self._rest.read(paths.NODES.item(name)))

    async def instance(self, ref: Ref) -> Instance | None:
        """The VMI, None when it does not exist."""
        raw = await self._find(paths.VMIS, ref)
        return parse.instance(raw) if raw else None

    async def instances_labeled(self, selector: str) -> tuple[Instance, ...]:
        """The VMIs with these labels, in all namespaces."""
        return await self._all(paths.VMIS, None, parse.instance, {"labelSelector": selector})

    async def pods(self, selector: str) -> tuple[Pod, ...]:
        """The pods whose fields match, in all namespaces."""
        return await self._all(paths.PODS, None, parse.pod, {"fieldSelector": selector})

    async def quotas(self, namespace: str) -> tuple[Quota, ...] | None:
        """The ResourceQuotas of a namespace; None where they may not be read."""
        try:
            return await self._all(paths.QUOTAS, namespace, parse.quota)
        except Forbidden:
            return None

    async def migration(self, ref: Ref) -> Migration | None:
        """One VMIM, None when it does not exist."""
        raw = await self._find(paths.VMIMS, ref)
        return parse.migration(raw) if raw else None

    async def migrations(self, vm: Ref) -> tuple[Migration, ...]:
        """All VMIMs of a VMI, by the label that admission sets."""
        if len(vm.name) > LABEL_LIMIT:
            return ()
        of_vm = {"labelSelector": f"{names.LABEL_VMI_NAME}={vm.name}"}
        return await self._all(paths.VMIMS, vm.namespace, parse.migration, of_vm)

    async def claims(self, refs: Iterable[Ref]) -> tuple[Claim, ...]:
        """Those PVCs, a few at a time; one that does not exist is left out."""
        found = await few_at_once(lambda ref: self._find(paths.CLAIMS, ref), refs)
        return tuple(parse.claim(raw) for raw in found if raw)

    async def volumes_of(self, claims: Iterable[Claim]) -> tuple[Volume, ...]:
        """Their PersistentVolumes, a few at a time; what does not exist or may not be read is left out."""
        bound = dict.fromkeys(claim.volume for claim in claims if claim.volume)
        return tuple(volume for volume in await few_at_once(self._volume, bound) if volume)

    async def launchers(self, vm: Ref) -> tuple[TargetPod, ...]:
        """The launcher pods of a VM that have not ended, whichever of its VMIs made them."""
        return tuple(pod for pod in await self.all_launchers(vm) if pod.phase not in FINAL_PHASES)

    async def all_launchers(self, vm: Ref) -> tuple[TargetPod, ...]:
        """Also those that have ended and are still there."""
        pods = await self.target_pods(vm.namespace, f"{names.LABEL_APP}={names.LAUNCHER}")
        return tuple(parse.target_pod(raw) for raw in pods if parse.is_launcher_of(raw, vm.name))

    async def target_pods(self, namespace: str, selector: str) -> tuple[Json, ...]:
        """Pods by label, raw."""
        return await self._all(paths.PODS, namespace, _raw, {"labelSelector": selector})

    async def events(self, namespace: str, kind: str, name: str) -> tuple[Json, ...]:
        """Events about one object, by its kind and name, raw."""
        about = {"fieldSelector": f"involvedObject.kind={kind},involvedObject.name={escaped(name)}"}
        return await self._all(paths.EVENTS, namespace, _raw, about)

    async def _find(self, resource: Resource, ref: Ref) -> Json | None:
        try:
            return await self._rest.read(resource.item(ref.name, ref.namespace))
        except NotFound as error:
            if error.kind != resource.kind:
                raise
            return None

    async def _volume(self, name: str) -> Volume | None:
        try:
            return parse.volume(await self._rest.read(paths.VOLUMES.item(name)))
        except (Forbidden, NotFound):
            return None

    async def _require_namespace(self, name: str) -> None:
        """Raise NotFound if the namespace is missing. Where that may not be asked, the question stays open."""
        try:
            await self._rest.read(paths.NAMESPACES.item(name))
        except Forbidden:
            return

    async def _listed(
        self,
        resource: Resource,
        namespaces: Sequence[str] | None,
        made: Callable[[Json], _T],
        query: Mapping[str, str] = _EVERYTHING,
        accept: str = _OBJECTS,
    ) -> tuple[_T, ...]:
        """The objects of these namespaces, side by side; None: of all that the bot looks in."""
        wanted = self._namespaces if namespaces is None else namespaces
        async with side_by_side() as group:
            found = [group.create_task(self._all(resource, each, made, query, accept)) for each in wanted]
        return tuple(each for task in found for each in task.result())

    async def _all(
        self,
        resource: Resource,
        namespace: str | None,
        made: Callable[[Json], _T],
        query: Mapping[str, str] = _EVERYTHING,
        accept: str = _OBJECTS,
    ) -> tuple[_T, ...]:
        """Each page becomes snapshots as it comes: all of a long list at once would hold up the loop."""
        pages = self.pages(resource, namespace, query, accept)
        return tuple([made(raw) async for page in pages for raw in page.get("items") or ()])

    async def pages(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str], accept: str = _OBJECTS
    ) -> AsyncIterator[Json]:
        """The pages of a list, as raw lists. Raises Invalid with code 410 when it took so long that one expired."""
        asked = {**query, "limit": str(PAGE_SIZE)}
        while True:
            page = await self._rest.read(resource.collection(namespace), asked, accept=accept)
            yield page
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return
            asked["continue"] = following


def _ref(raw: Json) -> Ref:
    return Ref(raw["metadata"]["namespace"], raw["metadata"]["name"])


def _raw(raw: Json) -> Json:
    return raw


def escaped(value: str) -> str:
    """A field selector's value, by the rule of k8s.io/apimachinery pkg/fields EscapeValue."""
    return re.sub(r"([\\,=])", r"\\\1", value)
