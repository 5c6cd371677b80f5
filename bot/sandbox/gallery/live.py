"""One Record for every state that a card can show, made by the same functions that make them in life."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot import approval, calling_off, plan, policy, progress
from bot.authority import Holds
from bot.diagnosis import Cause, WayOn
from bot.instead import with_ranking
from bot.policy import Action, Quorum
from bot.ranking import rank
from bot.record import Intent, Phase, Record, Result
from bot.request import MoveRequest, MoveType
from bot.sandbox.gallery.facts import DANA, GIB, MEI, NOW, RAVI, facts, node, proposed, survey, with_vmi
from k8s.names import ANNOTATION_NOTE
from k8s.note import Note
from k8s.snapshots import Claim, Condition, Facts, Guest, Migration, Ref

VMIM = "vm-migrate-web-01-p1-0"
VALID = timedelta(minutes=30)
CAUSE = Cause(
    code="capacity",
    what="The target node has too little room for this VM.",
    remedy="Choose a node with more room, or move something else away first.",
    evidence=("0/8 nodes are available: 1 Insufficient memory.", "FailedMigration: unschedulable pod"),
    ways=(WayOn.OTHER_NODE, WayOn.AGAIN),
)

UNREADABLE = replace(
    with_vmi(conditions=(Condition("Ready", "True"),), claims={}),
    claims=(Claim(Ref("production", "web-01-rootdisk"), ()),),
)
"""The PVC does not say its access modes, and virt-handler has not judged the VM yet."""


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def blocked() -> Record:
    return proposed(facts(target=node(cordoned=True)))


def _ranked(record: Record, world: Facts, type_: MoveType) -> Record:
    """With what all nodes of a small cluster are worth for the VM."""
    assert world.vmi is not None
    busy = [replace(world.vmi, ref=Ref("dev", name), uid=name, node="worker-04") for name in ("a", "b")]
    others = (node("worker-03"), node("worker-04"), node("worker-06", cordoned=True))
    known = survey(node("worker-01"), *others, vmis=(world.vmi, *busy), whole=True)
    move = record.plan.moves[0]
    ways = with_ranking(move.instead, rank(world, known, type_), type_)
    moves = (move.model_copy(update={"instead": ways}),)
    return record.model_copy(update={"plan": record.plan.model_copy(update={"moves": moves})})


def over_older_pin() -> Record:
    """A cold move has left it pinned to the node that it is on."""
    note, world = Note("p0", 1, "Always", None, None, "worker-01"), facts()
    assert world.vmi is not None
    pinned = replace(world.vm.placement, affinity=note.pinned())
    vm = replace(world.vm, annotations={ANNOTATION_NOTE: note.text()}, placement=pinned)
    return proposed(replace(world, vm=vm, vmi=replace(world.vmi, placement=pinned)))


def another_node() -> Record:
    """The target is cordoned, and others would do."""
    return _ranked(blocked(), facts(target=node(cordoned=True)), MoveType.LIVE)


def pick_a_node() -> Record:
    """A cold move without a target."""
    world = facts(target=None)
    asked = MoveRequest(vm="web-01", namespace="production", type=MoveType.COLD)
    return _ranked(proposed(world, asked), world, MoveType.COLD)


def in_flight() -> Record:
    """What blocks it passes."""
    drain = {"kubevirt.io/evacuationMigration": "worker-01"}
    other = Migration(Ref("production", "kubevirt-evacuation-x"), "uid-m", "web-01", "Running", annotations=drain)
    return proposed(facts(migrations=(other,)))


def crowded() -> Record:
    """More is given away on the target than it has, and some checks could not be made."""
    world = facts(quotas=None)
    assert world.vmi is not None
    big = replace(world.vmi, ref=Ref("dev", "big"), node="worker-05", guest=Guest(memory_bytes=40 * GIB, vcpus=16))
    return proposed(replace(world, survey=survey(node("worker-01"), node(), vmis=(world.vmi, big))))


def disk_not_shared() -> Record:
    claim = Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteOnce",))
    world = replace(with_vmi(claims={"web-01-rootdisk": ("ReadWriteOnce",)}), claims=(claim,))
    return proposed(world, MoveRequest(vm="web-01", namespace="production", target="worker-05", type=MoveType.LIVE))


def undecided() -> Record:
    """Neither KubeVirt nor the disk says whether it can move live."""
    return proposed(UNREADABLE)


def scheduler_decides() -> Record:
    return proposed(facts(target=None), MoveRequest(vm="web-01", namespace="production"))


def modified() -> Record:
    request = MoveRequest(vm="web-01", namespace="production", target="worker-04")
    planned = plan.build(request, facts(target=node("worker-04")))
    return approval.modify(proposed(), planned, RAVI, at(60), VALID)


def drifted() -> Record:
    before = proposed()
    now = plan.build(before.plan.asked(0), with_vmi(node="worker-02"))
    return approval.drifted(before, now, plan.drift(before.plan.moves[0], now.moves[0]), at(60), VALID)


def approved() -> Record:
    return approval.confirm(proposed(), RAVI, policy.decide(RAVI, Action.CONFIRM), at(90))


FOUR_EYES = Quorum(needed=2, own_counts=False, who=(("@sre",),), rule="protected VMs", groups={"@sre": "S0SRE000001"})


def half_confirmed() -> Record:
    """A rule of the operators wants two, and one has pressed."""
    asked = proposed().model_copy(update={"quorum": FOUR_EYES})
    return approval.confirm(asked, RAVI, policy.decide(RAVI, Action.CONFIRM), at(90))


def approval_lost() -> Record:
    approved = approval.confirm(half_confirmed(), MEI, policy.decide(MEI, Action.CONFIRM), at(95))
    why = "Rule “protected VMs” lets @sre confirm here, and you are not one of them."
    note = f"It was not started. {Holds(FOUR_EYES, (MEI,), why=why).told}"
    return approval.revoke(approved, frozenset({MEI.id}), note, FOUR_EYES, at(96), VALID)


def denied() -> Record:
    return approval.deny(half_confirmed(), MEI, "Not before the backup is through <!channel>")


def canceled() -> Record:
    return approval.cancel(proposed(), RAVI)


def withdrawn() -> Record:
    return approval.withdraw(proposed(), "The bot is not in that channel.")


def expired() -> Record:
    return approval.expire(proposed())


def lapsed() -> Record:
    return approval.lapse(approved())


def started() -> Record:
    intent = Intent(name=VMIM, attempt=0, vmi_uid="vmi-uid", seen_migration_uid="", noted_at=at(91))
    return progress.start(approved(), 0, intent, at(91), timedelta(minutes=10))


def copying() -> Record:
    reached = (
        Phase(name="Pending", at=at(92)),
        Phase(name="Scheduling", at=at(93)),
        Phase(name="PreparingTarget", at=at(99)),
        Phase(name="Running", at=at(101)),
    )
    return progress.observe(progress.created(started(), 0, "vmim-uid"), 0, reached, at(101))


def held_up() -> Record:
    """It looks for a place for long."""
    waiting = progress.observe(progress.created(started(), 0, "vmim-uid"), 0, copying().runs[0].phases[:2], at(93))
    return progress.held_up(waiting, 0, CAUSE)


def cluster_away() -> Record:
    return progress.cluster_away(copying(), 0, at(120))


def overdue() -> Record:
    return progress.time_out(copying(), 0, at(691))


def overdue_and_watched() -> Record:
    return calling_off.watch_on(overdue(), 0, RAVI, at(700), timedelta(minutes=10))


def overdue_again() -> Record:
    return progress.time_out(overdue_and_watched(), 0, at(1300))


def called_off() -> Record:
    return calling_off.call_off(copying(), 0, DANA, at(110))


def not_called_off() -> Record:
    refused = Cause(
        code="no-permission",
        what="The cluster does not let the bot delete virtualmachineinstancemigrations.",
        remedy="Ask a cluster admin to grant it “delete” on virtualmachineinstancemigrations.",
    )
    return calling_off.refused(called_off(), 0, refused)


def post_copy() -> Record:
    return progress.no_way_back(copying(), 0)


def called_off_and_ended() -> Record:
    result = Result(node="worker-01", running=True, ready=True, cause=calling_off.called_off())
    return progress.finish(called_off(), 0, result)


def called_off_too_late() -> Record:
    result = Result(node="worker-05", running=True, ready=True, started_at=at(92), ended_at=at(137))
    return progress.finish(called_off(), 0, result)


def _ended(phase: str) -> Record:
    now = copying()
    return progress.observe(now, 0, (*now.runs[0].phases, Phase(name=phase, at=at(137))), at(137))


def succeeded() -> Record:
    result = Result(node="worker-05", running=True, ready=True, started_at=at(92), ended_at=at(137))
    return progress.finish(_ended("Succeeded"), 0, result)


def succeeded_over_older_pin() -> Record:
    """The older pin went first."""
    done = succeeded()
    return done.with_run(0, {"older_pin": "p0"})


def cleaned() -> Record:
    return progress.cleaned(succeeded(), 0)


def failed() -> Record:
    return progress.finish(_ended("Failed"), 0, Result(node="worker-01", running=True, ready=True, cause=CAUSE))


def runbook_open() -> Record:
    return progress.show_runbook(failed(), 0)


def failed_and_down() -> Record:
    cause = Cause(code="unexplained", what="KubeVirt ended the migration.", remedy="Read the events.", evidence=())
    return progress.finish(_ended("Failed"), 0, Result(node="worker-01", running=False, ready=False, cause=cause))


def failed_and_lost() -> Record:
    return progress.finish(_ended("Failed"), 0, Result(node="", running=False, ready=False, cause=CAUSE))


def broke_before_the_write() -> Record:
    result = Result(node="worker-01", running=True, ready=True, cause=CAUSE)
    return progress.finish(approved(), 0, result)


GALLERY: dict[str, Callable[[], Record]] = {
    make.__name__: make
    for make in (
        proposed,
        blocked,
        another_node,
        pick_a_node,
        in_flight,
        crowded,
        disk_not_shared,
        undecided,
        scheduler_decides,
        over_older_pin,
        modified,
        drifted,
        approved,
        half_confirmed,
        approval_lost,
        denied,
        canceled,
        withdrawn,
        expired,
        lapsed,
        started,
        copying,
        held_up,
        cluster_away,
        overdue,
        overdue_and_watched,
        overdue_again,
        called_off,
        not_called_off,
        post_copy,
        called_off_and_ended,
        called_off_too_late,
        succeeded,
        succeeded_over_older_pin,
        cleaned,
        failed,
        runbook_open,
        failed_and_down,
        failed_and_lost,
        broke_before_the_write,
    )
}
