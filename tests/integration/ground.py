"""Where the suite runs: the cluster that the environment names, or the simulated one when it names none."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from k8s.client import KubeCluster
from k8s.snapshots import Placement, Ref
from tests.stories.processes import Ground, People, ground, people_of

FEASIBLE = 0
"""Exit code of `vm-migrate-bot plan`."""

MINUTES = float(os.environ.get("INTEGRATION_MINUTES", "10"))
"""Longest wait for one move."""


@dataclass(frozen=True)
class Named:
    """VMs that may be moved, and the way to their cluster. None: the simulated one."""

    kubeconfig: Path | None
    live: Ref
    cold: Ref


def named() -> Named:
    """What `make integration` was told. Without a namespace nothing but the simulation is touched."""
    namespace = os.environ.get("INTEGRATION_NAMESPACE", "")
    if not namespace:
        return Named(None, Ref("production", "web-01"), Ref("production", "app-vm"))
    kubeconfig = Path(os.environ["INTEGRATION_KUBECONFIG"]).expanduser()
    return Named(
        kubeconfig,
        Ref(namespace, os.environ["INTEGRATION_VM_LIVE"]),
        Ref(namespace, os.environ["INTEGRATION_VM_COLD"]),
    )


@dataclass(frozen=True)
class Before:
    """What has to be so again at the end."""

    node: str
    placement: Placement
    run_strategy: str | None
    running: bool | None


@dataclass(frozen=True)
class Site:
    """A running bot, its people, and eyes of our own on the cluster."""

    place: Ground
    settings: dict[str, str]
    people: People
    cluster: KubeCluster
    named: Named

    async def state(self, ref: Ref) -> Before:
        """Where the VM is and how it is described, read apart from the bot."""
        vm, vmi = await self.cluster.vm(ref), await self.cluster.instance(ref)
        assert vm is not None, f"there is no VM {ref}"
        assert vmi is not None, f"the VM {ref} does not run"
        return Before(vmi.node, vm.placement, vm.run_strategy, vm.running)

    async def target(self, ref: Ref, *flags: str) -> str:
        """A node to which the bot itself says it could go."""
        here = (await self.state(ref)).node
        usable = [each for each in await self.cluster.nodes() if each.ready and not each.cordoned and each.name != here]
        for node in sorted(usable, key=lambda each: each.labels.get("kubevirt.io/schedulable") != "true"):
            plan = await self.place.command("plan", "--", str(ref), node.name, *flags, settings=self.settings)
            if await plan.ended() == FEASIBLE:
                return node.name
        raise AssertionError(f"no node takes {ref}; `vm-migrate-bot plan` says why")

    async def sees(self, *texts: str, **within: Any) -> dict[str, Any]:
        """Wait for a message as long as a real move may take."""
        return await self.people.sees("dana", *texts, within=MINUTES * 60, **within)


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    """A bot on that cluster, with the sandbox's Slack."""
    told = named()
    async with ground(folder) as place, aiohttp.ClientSession() as http:
        _, tokens = await place.slack()
        settings = place.settings(tokens)
        if told.kubeconfig is None:
            await place.cluster()
        else:
            settings["KUBECONFIG"] = str(told.kubeconfig)
        cluster = await KubeCluster.connect(settings["KUBECONFIG"])
        await place.bot(settings)
        try:
            yield Site(place, settings, people_of(http, tokens), cluster, told)
        finally:
            await cluster.close()
