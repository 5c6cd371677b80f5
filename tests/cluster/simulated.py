"""The real client on the simulated cluster, with ways to be killed in the middle and to be overtaken."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp

from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.resources import KUBEVIRT_CR, VM, VMI
from k8s.client import KubeCluster
from k8s.client.connection import Connection
from k8s.cluster import VmCall
from k8s.snapshots import Instance, Json, Ref, VirtualMachine
from tests.cluster.api import HandTime

ENOUGH = 60.0
"""Seconds in which a guest of the simulated cluster has stopped, or started."""


class Killed(BaseException):
    """The process ended here."""


class Shaky(KubeCluster):
    """Ends before its next write once `writes` are used up; lets somebody else act before its next patch."""

    writes: int = 1_000_000
    meddle: Callable[[], Awaitable[object]] | None = None

    @classmethod
    async def reach(cls, sandbox: ClusterSandbox, directory: Path, *user: str) -> Self:
        path = directory / "kubeconfig"
        sandbox.write_kubeconfig(path, *user)
        time = HandTime()
        return cls(await Connection.open(str(path), time), time, ())

    async def patch_vm(self, ref: Ref, operations: Sequence[Json]) -> VirtualMachine:
        self._write()
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            await meddle()
        return await super().patch_vm(ref, operations)

    async def call_vm(self, ref: Ref, verb: VmCall, body: Json | None = None) -> None:
        self._write()
        await super().call_vm(ref, verb, body)

    def _write(self) -> None:
        if self.writes == 0:
            raise Killed
        self.writes -= 1


async def cause(sandbox: ClusterSandbox, **faults: Any) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{sandbox.url}/sandbox/faults", json=faults) as answer:
        assert answer.status == 200, await answer.text()


async def let_the_guest_be_stuck(sandbox: ClusterSandbox, ref: Ref) -> None:
    where = {"kind": "VirtualMachine", "namespace": ref.namespace, "name": ref.name}
    await cause(sandbox, annotate={**where, "faults": {"stop": "stuck"}})


def raw(sandbox: ClusterSandbox, ref: Ref) -> Json:
    """The VM as it is stored."""
    return sandbox.store.require(VM, ref.namespace, ref.name)


def edit(sandbox: ClusterSandbox, ref: Ref, change: Callable[[Json], object]) -> None:
    """Somebody else's write to the VM, metadata too."""

    def apply(vm: Json) -> None:
        change(vm)

    assert sandbox.store.modify(VM, ref.namespace, ref.name, apply) is not None


def edit_instance(sandbox: ClusterSandbox, ref: Ref, change: Callable[[Json], None]) -> None:
    assert sandbox.store.modify(VMI, ref.namespace, ref.name, change) is not None


def roll_out_by_restart(sandbox: ClusterSandbox) -> None:
    """Rollout strategy Stage."""

    def stage(kubevirt: Json) -> None:
        kubevirt["spec"]["configuration"]["vmRolloutStrategy"] = "Stage"

    assert sandbox.store.modify(KUBEVIRT_CR, "kubevirt", "kubevirt", stage) is not None


async def until_gone(sandbox: ClusterSandbox, cluster: KubeCluster, ref: Ref) -> None:
    """The guest has ended: neither a VMI nor a launcher is left."""
    await sandbox.advance(ENOUGH)
    assert await cluster.instance(ref) is None
    assert await cluster.launchers(ref) == ()


async def until_running(sandbox: ClusterSandbox, cluster: KubeCluster, ref: Ref) -> Instance:
    await sandbox.advance(ENOUGH)
    vmi = await cluster.instance(ref)
    assert vmi is not None
    assert vmi.phase == "Running"
    return vmi
