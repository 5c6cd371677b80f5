"""The world of the samples: one VM `production/web-01` on worker-01 and a free worker-05, changed as a sample needs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import approval, plan
from bot.policy import Actor
from bot.record import Place, Record
from bot.request import MoveRequest
from k8s.snapshots import (
    Capabilities,
    Claim,
    Condition,
    Facts,
    Guest,
    Instance,
    Node,
    Placement,
    Pod,
    Ref,
    Survey,
    VirtualMachine,
)

GIB = 1024**3
NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
WEB = Ref("production", "web-01")

DANA = Actor(user="U0DANA", team="T0HOME", own_workspace=True, channel_member=True)
RAVI = Actor(user="U0RAVI", team="T0HOME", own_workspace=True, channel_member=True)
MEI = Actor(user="U0MEI", team="T0HOME", own_workspace=True, channel_member=True)

OPS = Place(channel="C0OPS")
ASKED = MoveRequest(vm="web-01", target="worker-05")


CPU_MODEL = {
    f"{kind}/Skylake-Server": "true"
    for kind in ("host-model-cpu.node.kubevirt.io", "cpu-model-migration.node.kubevirt.io")
}


def node(name: str = "worker-05", labels: Mapping[str, str] | None = None, **changes: object) -> Node:
    """A Ready node that takes pods, with 16 CPUs and 64 GiB, and with these labels besides."""
    room = {"cpu": 16_000, "memory": 64 * GIB, "pods": 110, "devices.kubevirt.io/kvm": 1000}
    made = Node(
        name=name,
        uid=f"uid-{name}",
        hostname=name,
        ready=True,
        cordoned=False,
        labels={"kubevirt.io/schedulable": "true", "kubernetes.io/hostname": name, **CPU_MODEL, **(labels or {})},
        allocatable=room,
        capacity=room,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def handler(on: str) -> Pod:
    """The virt-handler of a node."""
    ref = Ref("kubevirt", f"virt-handler-{on}")
    return Pod(ref, on, requests={"cpu": 10, "memory": GIB // 4}, labels={"kubevirt.io": "virt-handler"})


def launcher(vmi: Instance) -> Pod:
    """The pod that runs a guest."""
    asked = {"cpu": vmi.vcpus * 100, "memory": vmi.memory_bytes + GIB // 4, "devices.kubevirt.io/kvm": 1}
    name = f"virt-launcher-{vmi.ref.name}"
    return Pod(Ref(vmi.ref.namespace, name), vmi.node, requests=asked, labels=vmi.guest.labels, vmi=vmi.ref.name)


def survey(*nodes: Node, vmis: Sequence[Instance] = (), whole: bool = False) -> Survey:
    """Nodes that carry these VMIs and KubeVirt's own pods."""
    pods = {each.name: (handler(each.name), *(launcher(i) for i in vmis if i.node == each.name)) for each in nodes}
    instances = {each.name: tuple(i for i in vmis if i.node == each.name) for each in nodes}
    return Survey(nodes=nodes, pods=pods, instances=instances, whole=whole)


def facts(**changes: object) -> Facts:
    """A VM that can move live."""
    vm = VirtualMachine(
        ref=WEB,
        uid="vm-uid",
        run_strategy="Always",
        running=None,
        printable_status="Running",
        placement=Placement(),
        claims=("web-01-rootdisk",),
        guest=Guest(memory_bytes=2 * GIB, vcpus=2),
    )
    vmi = Instance(
        ref=WEB,
        uid="vmi-uid",
        node="worker-01",
        phase="Running",
        placement=Placement(),
        conditions=(Condition("LiveMigratable", "True"), Condition("Ready", "True")),
        claims={"web-01-rootdisk": ("ReadWriteMany",)},
        guest=Guest(memory_bytes=2 * GIB, vcpus=2),
    )
    source, target = node("worker-01"), node()
    whole = Facts(
        vm=vm,
        vmi=vmi,
        claims=(Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteMany",)),),
        migrations=(),
        source=source,
        target=target,
        capabilities=Capabilities("v1.9.0", added_node_selector=True, rollout_strategy="LiveUpdate"),
        quotas=(),
        migrating=(),
    )
    made: Facts = replace(whole, **changes)  # type: ignore[arg-type]
    return made if "survey" in changes else _surveyed(made)


def _surveyed(world: Facts) -> Facts:
    """With what the two nodes carry: the VM, and KubeVirt's own pods."""
    nodes = {each.name: each for each in (world.source, world.target) if each}
    return replace(world, survey=survey(*nodes.values(), vmis=(world.vmi,) if world.vmi else ()))


def with_vmi(**changes: object) -> Facts:
    """The same world with another VMI, on its node and in its pod."""
    world = facts()
    assert world.vmi is not None
    vmi = replace(world.vmi, **changes)  # type: ignore[arg-type]
    return facts(vmi=vmi, source=node(vmi.node))


def proposed(world: Facts | None = None, request: MoveRequest = ASKED) -> Record:
    """A plan by dana that waits for its Confirm."""
    planned = plan.build(request, world or facts())
    return approval.propose("p1", planned, DANA, OPS, NOW, timedelta(minutes=30))
