"""The world of the samples: one VM `production/web-01` on worker-01 and a free worker-05, changed as a sample needs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import approval, plan
from bot.policy import Actor
from bot.record import Place, Record
from bot.request import MoveRequest
from k8s.snapshots import Capabilities, Claim, Condition, Facts, Instance, Node, Placement, Ref, VirtualMachine

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
WEB = Ref("production", "web-01")

DANA = Actor(user="U0DANA", team="T0HOME", own_workspace=True, channel_member=True)
RAVI = Actor(user="U0RAVI", team="T0HOME", own_workspace=True, channel_member=True)
MEI = Actor(user="U0MEI", team="T0HOME", own_workspace=True, channel_member=True)

OPS = Place(channel="C0OPS")
ASKED = MoveRequest(vm="web-01", target="worker-05")


def node(name: str = "worker-05", **changes: object) -> Node:
    """A Ready node that takes pods."""
    return replace(Node(name=name, uid=f"uid-{name}", hostname=name, ready=True, cordoned=False), **changes)  # type: ignore[arg-type]


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
    )
    vmi = Instance(
        ref=WEB,
        uid="vmi-uid",
        node="worker-01",
        phase="Running",
        placement=Placement(),
        conditions=(Condition("LiveMigratable", "True"), Condition("Ready", "True")),
        claims={"web-01-rootdisk": ("ReadWriteMany",)},
        memory_bytes=2 * 1024**3,
        vcpus=2,
    )
    whole = Facts(
        vm=vm,
        vmi=vmi,
        claims=(Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteMany",)),),
        migrations=(),
        source=node("worker-01"),
        target=node(),
        capabilities=Capabilities("v1.9.0", added_node_selector=True, rollout_strategy="LiveUpdate"),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def with_vmi(**changes: object) -> Facts:
    """The same world with another VMI."""
    vmi = facts().vmi
    assert vmi is not None
    return facts(vmi=replace(vmi, **changes))  # type: ignore[arg-type]


def proposed(world: Facts | None = None, request: MoveRequest = ASKED) -> Record:
    """A plan by dana that waits for its Confirm."""
    planned = plan.build(request, world or facts())
    return approval.propose("p1", planned, DANA, OPS, NOW, timedelta(minutes=30))
