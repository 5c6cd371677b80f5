"""For any spec of a VM: a cold move leaves nothing but a pin that never widens, and Remove gives the spec back."""

import asyncio
import copy
from collections.abc import Sequence
from typing import cast

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from k8s import cold, parse
from k8s.cluster import Cluster
from k8s.errors import Conflict
from k8s.snapshots import Instance, Json, Migration, Ref, VirtualMachine
from tests.domain.test_placement import HOSTS, NODES, affinities, allowed

REF = Ref("production", "any-01")

selectors = st.none() | st.dictionaries(st.sampled_from(["zone", "disk"]), st.sampled_from(["a", "b"]), max_size=2)
strategies = st.sampled_from(
    [{"runStrategy": name} for name in ("Always", "Once", "Manual", "RerunOnFailure")] + [{"running": True}]
)
others: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {},
    optional={
        "tolerations": st.just([{"operator": "Exists"}]),
        "domain": st.just({"cpu": {"cores": 2}}),
        "volumes": st.just([{"name": "root", "persistentVolumeClaim": {"claimName": "any-01"}}]),
    },
)


class OneVm:
    """A cluster of one VM, as far as the writes of a cold move look at it. It stops and starts at once."""

    def __init__(self, spec: Json) -> None:
        self.raw: Json = {"metadata": {"name": REF.name, "namespace": REF.namespace, "uid": "u"}, "spec": spec}

    async def vm(self, _ref: Ref) -> VirtualMachine:
        return parse.virtual_machine(self.raw)

    async def instance(self, _ref: Ref) -> Instance | None:
        return None

    async def migrations(self, _ref: Ref) -> tuple[Migration, ...]:
        return ()

    async def call_vm(self, _ref: Ref, _verb: str, _body: Json | None = None) -> None:
        return None

    async def patch_vm(self, ref: Ref, operations: Sequence[Json]) -> VirtualMachine:
        absent = [each for each in operations if each["op"] == "test" and each["value"] is None]
        for each in absent:  # the API server takes an absent field for null, the library does not
            if jsonpatch.JsonPointer(each["path"]).resolve(self.raw, None) is not None:
                raise Conflict("a test failed")
        try:
            self.raw = jsonpatch.apply_patch(self.raw, [each for each in operations if each not in absent])
        except jsonpatch.JsonPatchTestFailed as failed:
            raise Conflict("a test failed") from failed
        return await self.vm(ref)


def _spec(strategy: Json, affinity: Json | None, selector: dict[str, str] | None, other: Json) -> Json:
    placed = {name: value for name, value in (("affinity", affinity), ("nodeSelector", selector)) if value is not None}
    return {**strategy, "template": {"spec": {**copy.deepcopy(other), **copy.deepcopy(placed)}}}


@given(strategies, affinities, selectors, others, st.sampled_from(HOSTS))
def test_a_move_and_remove_give_the_same_spec_back(
    strategy: Json, affinity: Json | None, selector: dict[str, str] | None, other: Json, host: str
) -> None:
    before = _spec(strategy, affinity, selector, other)
    world = OneVm(copy.deepcopy(before))
    cluster = cast("Cluster", world)  # the writes of a cold move ask for nothing else

    async def move() -> Json:
        note = cold.note_for(await world.vm(REF), plan="p1", epoch=1, hostname=host)
        await cold.stop(cluster, REF, note)
        await cold.start(cluster, REF, note)
        pinned = copy.deepcopy(world.raw["spec"])
        await cold.unpin(cluster, REF, sleep=_no_sleep)
        return dict(pinned)

    pinned = asyncio.run(move())
    assert world.raw["spec"] == before
    template = {**pinned["template"]["spec"]}
    now = template.pop("affinity")
    assert template == {name: value for name, value in before["template"]["spec"].items() if name != "affinity"}
    assert {name: value for name, value in pinned.items() if name != "template"} == strategy
    there = {index for index, node in enumerate(NODES) if node.name == host}
    assert allowed(now) == allowed(affinity) & there


@given(strategies, affinities, selectors, others, st.sampled_from(HOSTS), st.sampled_from(HOSTS))
def test_two_moves_and_remove_give_the_first_spec_back(
    strategy: Json, affinity: Json | None, selector: dict[str, str] | None, other: Json, first: str, second: str
) -> None:
    before = _spec(strategy, affinity, selector, other)
    world = OneVm(copy.deepcopy(before))
    cluster = cast("Cluster", world)

    async def move() -> None:
        for plan, host in (("p1", first), ("p2", second)):
            note = cold.note_for(await world.vm(REF), plan=plan, epoch=1, hostname=host)
            await cold.stop(cluster, REF, note)
            await cold.start(cluster, REF, note)
        await cold.unpin(cluster, REF, sleep=_no_sleep)

    asyncio.run(move())
    assert world.raw["spec"] == before


async def _no_sleep(seconds: float) -> None:
    return None
