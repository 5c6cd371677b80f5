"""Cards under strain: the longest names, text that runs from right to left, many findings, long evidence.

What a card does with these is what it does on the worst night; the ordinary samples are in `live` and `cold`.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from bot import approval, plan, policy, progress
from bot.checks import Finding, Severity
from bot.diagnosis import Cause, WayOn
from bot.policy import Action
from bot.ports import PinnedVm
from bot.record import Intent, Phase, Record, Result
from bot.request import MoveRequest
from bot.sandbox.gallery.facts import DANA, MEI, NOW, OPS, RAVI, facts, node, proposed
from bot.sandbox.gallery.live import VMIM, at, copying
from k8s.snapshots import Facts, Ref

LONG_VM = "payment-gateway-primary-replica-for-the-northern-region-test-01"
"""63 characters, the most that a VM's name can have in practice: it becomes a label."""
LONG_NAMESPACE = "team-payments-northern-europe-integration-and-acceptance-tests1"
LONG_NODE = "ip-10-128-143-207.rack-17-row-b.room-2.compute.northern-europe-1.internal.example.com"
HEBREW = "לא לפני שהגיבוי מסתיים"
ARABIC = "ليس قبل اكتمال النسخة الاحتياطية"

EVIDENCE = (
    (
        "0/143 nodes are available: 3 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
        "17 Insufficient memory, 21 Insufficient cpu, 44 node(s) didn't match Pod's node affinity/selector, "
        "58 node(s) had volume node affinity conflict. preemption: 0/143 nodes are available: 143 Preemption is not "
        "helpful for scheduling."
    ),
    (
        "FailedMigration: Migration object target Pod for UID 7f0dd0a4-3c3b-4d4e-9a0e-4f3b7b9d7d51 failed with reason: "
        "guest CPU doesn't match specification: missing features: avx512f,avx512dq,avx512cd,avx512bw,avx512vl,pku,ospke"
    ),
    (
        'SyncFailed: server error. command Migrate failed: "LibvirtError(Code=1, Domain=7, '
        "Message='internal error: client socket is closed')\""
    ),
    "virt-launcher: Live migration stuck for 150 seconds and has been aborted",
    (
        'kubelet: MountVolume.SetUp failed for volume "pvc-0d5ef2d2" : rpc error: code = DeadlineExceeded '
        "desc = context deadline exceeded"
    ),
)


def _long_world() -> Facts:
    ref = Ref(LONG_NAMESPACE, LONG_VM)
    world = facts(source=node(f"old-{LONG_NODE}"), target=node(LONG_NODE))
    assert world.vmi is not None
    return replace(
        world,
        vm=replace(world.vm, ref=ref),
        vmi=replace(world.vmi, ref=ref, node=f"old-{LONG_NODE}"),
    )


def long_names() -> Record:
    """The longest names that a VM, a namespace and a node are likely to have."""
    request = MoveRequest(vm=LONG_VM, namespace=LONG_NAMESPACE, target=LONG_NODE)
    return approval.propose("p1", plan.build(request, _long_world()), DANA, OPS, NOW, timedelta(minutes=30))


def long_names_moving() -> Record:
    """The same while it moves."""
    approved = approval.confirm(long_names(), RAVI, policy.decide(RAVI, Action.CONFIRM), at(90))
    intent = Intent(name=VMIM, attempt=0, vmi_uid="vmi-uid", seen_migration_uid="", noted_at=at(91))
    started = progress.start(approved, 0, intent, at(91), timedelta(minutes=10))
    return progress.observe(progress.created(started, 0, "vmim-uid"), 0, (Phase(name="Scheduling", at=at(93)),), at(93))


def long_names_failed() -> Record:
    """The same with a long list of what the cluster said."""
    return _failed(long_names_moving(), f"old-{LONG_NODE}")


def many_findings() -> Record:
    """Everything is wrong at once."""
    whole = proposed()
    severities = [Severity.BLOCK] * 4 + [Severity.WARN] * 5 + [Severity.INFO] * 3
    found = tuple(
        Finding(
            code=f"sample-{number}",
            severity=severity,
            text=f"Something about web-01 or worker-05 speaks against this move, and this is number {number} of it.",
            remedy="Change it, or choose another node." if severity is not Severity.INFO else "",
        )
        for number, severity in enumerate(severities, start=1)
    )
    move = whole.plan.moves[0]
    move = move.model_copy(update={"findings": (*found, *move.findings)})
    return whole.model_copy(update={"plan": whole.plan.model_copy(update={"moves": (move,)})})


def long_evidence() -> Record:
    """The cluster had a lot to say about the failure."""
    return _failed(copying(), "worker-01")


def denied_right_to_left() -> Record:
    """The reason runs from right to left."""
    return approval.deny(proposed(), MEI, f"{HEBREW} / {ARABIC} (web-01)")


def _failed(record: Record, source: str) -> Record:
    cause = Cause(
        code="capacity",
        what="The target node has too little room for this VM.",
        remedy="Choose a node with more room, or move something else away first.",
        evidence=EVIDENCE,
        ways=(WayOn.OTHER_NODE, WayOn.COLD, WayOn.AGAIN),
    )
    ended = progress.observe(record, 0, (*record.runs[0].phases, Phase(name="Failed", at=at(137))), at(137))
    return progress.finish(ended, 0, Result(node=source, running=True, ready=True, cause=cause))


def sixty_pins() -> list[PinnedVm]:
    """More pinned VMs than one message takes."""
    return [PinnedVm("production", f"web-{number:02}", f"worker-{number % 9 + 1:02}", "p1") for number in range(1, 61)]


GALLERY: dict[str, Callable[[], Record]] = {
    make.__name__: make
    for make in (
        long_names,
        long_names_moving,
        long_names_failed,
        many_findings,
        long_evidence,
        denied_right_to_left,
    )
}
