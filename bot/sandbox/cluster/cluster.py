"""The cluster without its HTTP face: clock, store and every controller, wired once."""

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


class Cluster:
    """``start`` is the virtual moment at which the world is ready, in seconds since the epoch."""

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
        self._settle(world, start, version)

    def _settle(self, world: World, start: float, version: str) -> None:
        """Start the VMs in the past, then come to the present: old events are gone by then, as after an hour."""
        builder = WorldBuilder(self.store, version)
        self.scheduler.first_choice = builder.build(world)
        self._run(SETTLE_SECONDS)
        self.scheduler.first_choice = {}
        builder.finish(world)
        self._pause(world)
        self._run(SETTLE_SECONDS)
        for event in self.store.select(EVENT):
            self.store.remove(EVENT, *key_of(event))
        self.clock.now = start
        self.nodes.start()

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
