"""What the cluster's KubeVirt can do, read once and kept for a while.

It changes with an upgrade of KubeVirt only, so a few minutes of age do no harm: a create is guarded by the returned
object anyway.
"""

import asyncio
from typing import Final

from k8s import names, parse
from k8s.client import paths
from k8s.client.parallel import side_by_side
from k8s.client.rest import Rest
from k8s.client.timing import Timing
from k8s.errors import Forbidden, NotFound
from k8s.platform import Platform, platform
from k8s.snapshots import Capabilities, Json

KEEP_SECONDS: Final = 300.0


class CapabilityCache:
    """Reads capabilities when asked, at most once at a time and once per KEEP_SECONDS."""

    def __init__(self, rest: Rest, timing: Timing) -> None:
        self._rest = rest
        self._timing = timing
        self._one_at_a_time = asyncio.Lock()
        self._known: Capabilities | None = None
        self._read_at = 0.0

    async def get(self) -> Capabilities:
        """The capabilities, at most KEEP_SECONDS old. Raises a ClusterError."""
        async with self._one_at_a_time:
            if self._known is None or self._timing.now() - self._read_at >= KEEP_SECONDS:
                self._known = await self._read()
                self._read_at = self._timing.now()
            return self._known

    async def platform(self) -> Platform:
        """What the cluster is, read anew. Raises a ClusterError."""
        async with side_by_side() as group:
            version = group.create_task(self._rest.read(paths.VERSION))
            groups = group.create_task(self._rest.read(paths.GROUPS))
            kubevirt = group.create_task(self._kubevirt())
        return platform(version.result(), groups.result(), kubevirt.result())

    async def _read(self) -> Capabilities:
        async with side_by_side() as group:
            kubevirt = group.create_task(self._kubevirt())
            selector = group.create_task(self._has_added_node_selector())
        found = kubevirt.result()
        version = parse.observed_version(found) if found else ""
        return parse.capabilities(
            found, version=version or await self._served_version(), added_node_selector=selector.result()
        )

    async def _kubevirt(self) -> Json | None:
        """The KubeVirt CR; there is one per cluster, in a namespace that distributions choose."""
        try:
            found = await self._rest.read(paths.KUBEVIRTS.collection())
        except Forbidden:
            return None
        return next(iter(found.get("items") or ()), None)

    async def _served_version(self) -> str:
        return str((await self._rest.read(paths.KUBEVIRT_VERSION)).get("gitVersion") or "")

    async def _has_added_node_selector(self) -> bool:
        try:
            crd = await self._rest.read(paths.CRDS.item(names.VMIM_CRD))
        except (Forbidden, NotFound):
            return _in_openapi(await self._rest.read(paths.OPENAPI))
        return _in_crd(crd)


def _in_crd(crd: Json) -> bool:
    served = (v for v in crd["spec"]["versions"] if v["name"] == names.KUBEVIRT_VERSION)
    return any(_has_field((v.get("schema") or {}).get("openAPIV3Schema") or {}) for v in served)


def _in_openapi(document: Json) -> bool:
    """The same question to the published schema, which every authenticated user may read (system:discovery)."""
    schemas: dict[str, Json] = (document.get("components") or {}).get("schemas") or {}
    return any(
        _has_field(schema)
        for schema in schemas.values()
        if any(gvk.get("kind") == names.VMIM_KIND for gvk in schema.get("x-kubernetes-group-version-kind") or ())
    )


def _has_field(schema: Json) -> bool:
    spec = (schema.get("properties") or {}).get("spec") or {}
    return "addedNodeSelector" in (spec.get("properties") or {})
