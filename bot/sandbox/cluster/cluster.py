"""The cluster without its HTTP face: clock, store and every controller, wired once."""

import json
import pickle
import random

from bot.sandbox.cluster.clock import VirtualClock
from bot.sandbox.cluster.controller import Context
from bot.sandbox.cluster.evacuation import EvacuationController
from bot.sandbox.cluster.faults import Faults
from bot.sandbox.cluster.garbage_collector import GarbageCollector
from bot.sandbox.cluster.kubelet import Kubelet
from bot.sandbox.cluster.lifecycle_calls import paused_condition
from bot.sandbox.cluster.migration_controller import MigrationController
from bot.sandbox.cluster.node_lifecycle import NodeLifecycle
from bot.sandbox.cluster.objects import key_of, set_condition
from bot.sandbox.cluster.quota_controller import QuotaController
from bot.sandbox.cluster.resources import EVENT, VMI
from bot.sandbox.cluster.scheduler import Scheduler
from bot.sandbox.cluster.store import Store
from bot.sandbox.cluster.virt_handler import VirtHandler
from bot.sandbox.cluster.virt_handler_migration import MigrationHandler
from bot.sandbox.cluster.vm_controller import VMController
from bot.sandbox.cluster.vmi_controller import VMIController
from bot.sandbox.cluster.world import World, WorldBuilder

AGE_SECONDS = 3 * 24 * 3600.0
SETTLE_SECONDS = 30.0


_settled: dict[tuple[str, str, int, int], bytes] = {}
"""Worlds that have come to rest, by what they were made of."""


def begun(world: World, *, start: float, version: str, seed: int) -> "Cluster":
    """A cluster at ``start``, the virtual moment at which the world is ready, in seconds since the epoch.

    Only the first of a kind lives through the start of its VMs; the others go on from what it was then, which takes a
    tenth of the time. Of a kind: the same world, version and seed, within the same hour.
    """
    kind = (json.dumps(world, sort_keys=True), version, seed, int(start // 3600))
    if kind not in _settled:
        _settled[kind] = pickle.dumps(Cluster(world, start=start, version=version, seed=seed))
    cluster: Cluster = pickle.loads(_settled[kind])  # noqa: S301 - our own bytes, of a moment ago
    cluster.begin(start)
    return cluster


class Cluster:
    """The world comes to rest in the past, and stands still until `begin`."""

    def __init__(self, world: World, *, start: float, version: str, seed: int) -> None:
        self.clock = VirtualClock(start - AGE_SECONDS)
        self.store = Store(self.clock, seed)
        self.faults = Faults()
        self.context = Context(self.clock, self.store, self.faults)
        self.scheduler = Scheduler(self.context)
        self.nodes = NodeLifecycle(self.context)
        self.controllers = (
            self.scheduler,
            self.nodes,
            VMController(self.context, random.Random(seed)),
            VMIController(self.context),
            MigrationController(self.context),
            EvacuationController(self.context),
            Kubelet(self.context),
            VirtHandler(self.context),
            MigrationHandler(self.context),
            QuotaController(self.context),
            GarbageCollector(self.context),
        )
        self._settle(world, version)

    def begin(self, start: float) -> None:
        """Come to the present."""
        self.clock.now = start
        self.nodes.start()

    def _settle(self, world: World, version: str) -> None:
        """Start the VMs in the past; old events are gone by the present, as after an hour."""
        builder = WorldBuilder(self.store, version)
        self.scheduler.first_choice = builder.build(world)
        self._run(SETTLE_SECONDS)
        self.scheduler.first_choice = {}
        builder.finish(world)
        self._pause(world)
        self._run(SETTLE_SECONDS)
        for event in self.store.select(EVENT):
            self.store.remove(EVENT, *key_of(event))

    def _pause(self, world: World) -> None:
        condition = paused_condition(self.context)
        for namespace, vms in world["vms"].items():
            for vm in vms:
                if vm.get("paused"):
                    self.store.modify(VMI, namespace, vm["name"], lambda vmi: set_condition(vmi, condition))

    def _run(self, seconds: float) -> None:
        until = self.clock.now + seconds
        while self.clock.run_next(until=until):
            pass
        self.clock.now = until
