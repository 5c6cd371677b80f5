"""The shape of objects and of discovery: what a real cluster's objects hold, the simulation's hold too.

Compared are the paths of fields (list items as ``[]``), not their values. Paths that only the recording has must be
named in ``differences.WORLD``; the simulation may not invent any.
"""

import gzip
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from bot.sandbox.cluster import ClusterSandbox
from tests.contract import differences
from tests.contract.recording import FOLDER, Json

PRODUCTION = "/apis/kubevirt.io/v1/namespaces/production"
OBJECTS = {
    "vm-always": f"{PRODUCTION}/virtualmachines/web-01",
    "vm-rwo-not-migratable": f"{PRODUCTION}/virtualmachines/app-vm",
    "vm-halted": "/apis/kubevirt.io/v1/namespaces/vms/virtualmachines/stopped-01",
    "vm-manual": "/apis/kubevirt.io/v1/namespaces/vms/virtualmachines/manual-01",
    "vm-once": "/apis/kubevirt.io/v1/namespaces/vms/virtualmachines/once-01",
    "vm-rerunonfailure": "/apis/kubevirt.io/v1/namespaces/vms/virtualmachines/rerun-01",
    "vm-running-true": "/apis/kubevirt.io/v1/namespaces/dev/virtualmachines/dev-01",
    "vmi-rwx-live-migratable": f"{PRODUCTION}/virtualmachineinstances/web-01",
    "vmi-rwo-not-migratable": f"{PRODUCTION}/virtualmachineinstances/app-vm",
    "vmim-succeeded": f"{PRODUCTION}/virtualmachineinstancemigrations/m1",
    "pod-virt-launcher": "/api/v1/namespaces/production/pods?labelSelector=vm.kubevirt.io/name=app-vm",
    "pvc-rwx": "/api/v1/namespaces/production/persistentvolumeclaims/web-01-rootdisk",
    "pvc-rwo": "/api/v1/namespaces/production/persistentvolumeclaims/app-vm-rootdisk",
    "pv-rwx": "/api/v1/persistentvolumes/pv-production-web-01",
    "node": "/api/v1/nodes/worker-01",
    "namespace": "/api/v1/namespaces/production",
    "kubevirt": "/apis/kubevirt.io/v1/namespaces/kubevirt/kubevirts/kubevirt",
}
_FREE = (
    "labels",
    "annotations",
    "activePods",
    "targetDirectMigrationNodePorts",
    "capacity",
    "allocatable",
    "nodeSelector",
)
"""Maps whose keys are data."""


def recorded(name: str) -> Json:
    with gzip.open(FOLDER / "world" / f"{name}.json.gz", "rt") as file:
        body: Json = json.load(file)
        return body


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value and not prefix.endswith(_FREE):
        for key, inner in value.items():
            yield from paths(inner, f"{prefix}.{key}")
    elif isinstance(value, list):
        yield prefix
        for item in value:
            yield from paths(item, f"{prefix}[]")
    else:
        yield prefix


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    sandbox = ClusterSandbox()
    await sandbox.start()
    async with aiohttp.ClientSession(sandbox.url) as session:
        body = {"metadata": {"name": "m1"}, "spec": {"vmiName": "web-02"}}
        await session.post(f"{PRODUCTION}/virtualmachineinstancemigrations", json=body)
        await sandbox.advance(15)
        yield session
    await sandbox.stop()


async def get(http: aiohttp.ClientSession, path: str) -> Json:
    async with http.get(path) as response:
        assert response.status == 200, path
        body: Json = await response.json()
        return body


async def test_objects_have_the_recorded_fields_and_no_others(http: aiohttp.ClientSession) -> None:
    found: list[str] = []
    excused: set[str] = set()
    for name, path in OBJECTS.items():
        body = await get(http, path)
        ours = set(paths(body["items"][0] | {"kind": "Pod", "apiVersion": "v1"} if "items" in body else body))
        theirs = set(paths(recorded(name)))
        missing = {p for p in theirs - ours if not _excused(p, excused)}
        invented = {p for p in ours - theirs if not _excused(p, excused)}
        found += [f"{name}: missing {p}" for p in sorted(missing)]
        found += [f"{name}: not recorded {p}" for p in sorted(invented)]
    assert not found, "\n".join(found)
    assert excused == differences.WORLD.keys(), "an entry of the table excuses nothing any more"


def _excused(path: str, used: set[str]) -> bool:
    matching = [pattern for pattern in differences.WORLD if re.match(pattern, path)]
    used.update(matching)
    return bool(matching)


async def test_discovery_lists_each_served_kind_as_recorded(http: aiohttp.ClientSession) -> None:
    for name, path in (("api-kubevirt.io-v1", "/apis/kubevirt.io/v1"),):
        theirs = {r["name"]: r for r in recorded(name)["resources"]}
        for resource in (await get(http, path))["resources"]:
            expected = theirs[resource["name"]]
            assert set(resource.pop("verbs")) == set(expected["verbs"])
            assert resource.items() <= {k: v for k, v in expected.items() if k != "verbs"}.items()


async def test_the_calls_of_virt_api_are_listed_as_recorded(http: aiohttp.ClientSession) -> None:
    theirs = {r["name"]: r for r in recorded("api-subresources.kubevirt.io-v1")["resources"]}
    for resource in (await get(http, "/apis/subresources.kubevirt.io/v1"))["resources"]:
        assert resource == theirs[resource["name"]]


async def test_both_versions_are_the_recorded_ones(http: aiohttp.ClientSession) -> None:
    for path, body in recorded("versions").items():
        assert (await get(http, path)).items() >= body.items()


async def test_the_crd_of_a_vmim_has_the_recorded_fields(http: aiohttp.ClientSession) -> None:
    listed = recorded("vmim-crd-properties")
    crd = await get(http, f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{listed['crd']}")
    for ours, theirs in zip(crd["spec"]["versions"], listed["versions"], strict=True):
        assert (ours["name"], ours["served"], ours["storage"]) == (theirs["name"], theirs["served"], theirs["storage"])
        spec = ours["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        assert sorted(_properties(spec)) == theirs["spec"]


def _properties(schema: Json, prefix: str = "") -> Iterator[str]:
    for name, sub in schema.items():
        yield prefix + name
        yield from _properties(sub.get("properties", {}), f"{prefix}{name}.")
