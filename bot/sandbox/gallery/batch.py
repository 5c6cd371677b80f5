"""Batches in every state: three VMs, fifteen, sixty."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot import approval, batch, checks, cold, plan, policy, progress, turns
from bot.diagnosis import Cause
from bot.plan import Consent, Drift, LeftOut, Move
from bot.policy import Action
from bot.record import Doubt, HoldReason, Intent, Record, Result, Run
from bot.request import BatchRequest, MoveRequest, Pace
from bot.sandbox.gallery.facts import DANA, NOW, OPS, RAVI, node, survey
from bot.sandbox.gallery.facts import facts as one_vm
from k8s.fleet import Fleet
from k8s.snapshots import Claim, Facts, Instance, Node, Ref

VALID = timedelta(minutes=30)
CAUSE = Cause(
    code="capacity",
    what="The target node has too little room for this VM.",
    remedy="Choose a node with more room, or move something else away first.",
    evidence=("0/8 nodes are available: 1 Insufficient memory.",),
)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def _world(vm: str, source: Node, target: Node, *, shared: bool) -> Facts:
    whole, ref = one_vm(), Ref("production", vm)
    mode, claim = ("ReadWriteMany",) if shared else ("ReadWriteOnce",), f"{vm}-rootdisk"
    assert whole.vmi is not None
    vmi = replace(whole.vmi, ref=ref, uid=f"vmi-{vm}", node=source.name, claims={claim: mode})
    return replace(
        whole,
        vm=replace(whole.vm, ref=ref, uid=f"uid-{vm}", claims=(claim,)),
        vmi=vmi,
        claims=(Claim(Ref("production", claim), mode),),
        source=source,
        target=target,
        survey=survey(source, target, vmis=(vmi,)),
    )


def _fleet(instances: dict[Ref, Instance], *nodes: Node) -> Fleet:
    known = survey(*nodes, vmis=list(instances.values()), whole=True)
    capabilities = one_vm().capabilities
    return Fleet({}, instances, (), {}, {}, {}, (), known, capabilities)


def _record(request: BatchRequest, vms: list[tuple[str, str, str, bool]], left_out: tuple[LeftOut, ...] = ()) -> Record:
    """A plan of these VMs: name, from, to, and whether its disk is shared."""
    nodes = {name: node(name) for name in sorted({name for _, source, target, _ in vms for name in (source, target)})}
    worlds = [_world(vm, nodes[source], nodes[target], shared=shared) for vm, source, target, shared in vms]
    moves = [plan.judged(MoveRequest(vm=world.vm.ref.name, namespace="production"), world) for world in worlds]
    before = _fleet({world.vm.ref: world.vmi for world in worlds if world.vmi}, *nodes.values())
    after = before.survey
    for world in worlds:
        after = batch.seat(after, world, world.target)
    planned = batch.laid_down(request, moves, left_out, before, after)
    return approval.propose("p1", planned, DANA, OPS, NOW, VALID)


def _many(count: int, **request: object) -> Record:
    vms = [(f"web-{n:02}", "worker-02", f"worker-{3 + n % 6:02}", n % 5 != 0) for n in range(1, count + 1)]
    vms = sorted(vms, key=lambda vm: not vm[3])
    return _record(BatchRequest(evacuate="worker-02", **request), vms)  # type: ignore[arg-type]


def batch_proposed() -> Record:
    """The seed's batch: two live, one cold."""
    names = [("web-01", "worker-01", True), ("web-02", "worker-02", True), ("app-vm", "worker-03", False)]
    request = BatchRequest(moves=tuple(MoveRequest(vm=name) for name, _, _ in names), target="worker-05")
    return _record(request, [(vm, source, "worker-05", shared) for vm, source, shared in names])


def batch_with_left_out() -> Record:
    """Some of them cannot move."""
    out = (
        LeftOut(namespace="", vm="web-91", why="no VM of that name", remedy="Did you mean web-01?"),
        LeftOut(namespace="production", vm="gpu-01", why="it is on worker-05 already"),
    )
    whole = batch_proposed()
    return whole.model_copy(update={"plan": whole.plan.model_copy(update={"left_out": out})})


def batch_seven() -> Record:
    """Over five: the network is warned about, groups are offered."""
    return _record(
        BatchRequest(selector="app=web", target="worker-05"),
        [(f"web-{n:02}", f"worker-{1 + n % 3:02}", "worker-05", True) for n in range(1, 8)],
    )


def batch_fifteen() -> Record:
    """Over ten: groups are the default; several cold ones: their downtime is to be accepted."""
    return _many(15)


def batch_fifteen_accepted() -> Record:
    """Somebody has accepted it."""
    return approval.accept(batch_fifteen(), Consent.DOWNTIME, RAVI, at(60))


def batch_unstaged() -> Record:
    """The groups are switched off on purpose."""
    return _many(15, pace=Pace(stage=0, side_by_side=3))


def batch_sixty() -> Record:
    """The table is in the thread."""
    return _many(60)


def batch_blocked() -> Record:
    """None of them can move."""
    whole = batch_proposed()
    blocked = [_blocked(move) for move in whole.plan.moves]
    return whole.model_copy(update={"plan": whole.plan.model_copy(update={"moves": tuple(blocked)})})


def _blocked(move: Move) -> Move:
    text, remedy = "worker-05 is cordoned: it takes no new pods.", "Choose another node."
    finding = checks.Finding(code="target-cordoned", severity=checks.Severity.BLOCK, text=text, remedy=remedy)
    return move.model_copy(update={"findings": (finding,)})


def batch_drifted() -> Record:
    """The cluster has changed."""
    whole = batch_proposed()
    changes = (Drift(what="web-01: current node", before="worker-01", now="worker-04"),)
    return approval.drifted(whole, whole.plan, changes, at(30), VALID)


def batch_approved() -> Record:
    return approval.confirm(batch_proposed(), RAVI, policy.decide(RAVI, Action.CONFIRM), at(90))


def _started(record: Record, index: int, seconds: float) -> Record:
    vm = record.plan.moves[index].vm
    intent = Intent(
        name=f"vm-migrate-{vm}-p1-{index}", attempt=1, vmi_uid="", seen_migration_uid="", noted_at=at(seconds)
    )
    return progress.start(record, index, intent, at(seconds), timedelta(minutes=10))


def _moved(record: Record, index: int, seconds: float) -> Record:
    move = record.plan.moves[index]
    started, ended = at(seconds), at(seconds + 42)
    result = Result(node=move.target_name, running=True, ready=True, started_at=started, ended_at=ended)
    return progress.finish(_started(record, index, seconds), index, result)


def batch_running() -> Record:
    """The first has moved, the second moves."""
    return _started(_moved(batch_approved(), 0, 91), 1, 140)


def _failed() -> Record:
    result = Result(node="worker-02", running=True, ready=True, cause=CAUSE)
    return progress.finish(batch_running(), 1, result)


def batch_paused_by_failure() -> Record:
    """One has failed: people choose."""
    return turns.hold(_failed(), HoldReason.FAILED, at(190), index=1)


def batch_went_on() -> Record:
    """They skip it."""
    return _started(turns.skip(batch_paused_by_failure(), 0, RAVI), 2, 300)


def batch_paused_by_somebody() -> Record:
    return turns.hold(batch_running(), HoldReason.ASKED, at(150), by=DANA)


def batch_changed_before_its_turn() -> Record:
    """The third is no longer as approved."""
    cause = Cause(
        code="changed-before-its-turn",
        what="It is no longer as it was approved: current node: worker-03 → worker-04",
        remedy="Nothing of it was touched. Skip it, or look at what changed and have it checked again.",
    )
    moved = _moved(_moved(batch_approved(), 0, 91), 1, 140)
    return turns.hold(moved, HoldReason.CHANGED, at(200), index=2, cause=cause)


def _fifteen_running(count: int) -> Record:
    record = approval.confirm(batch_fifteen_accepted(), RAVI, policy.decide(RAVI, Action.CONFIRM), at(90))
    for index in range(count):
        record = _moved(record, index, 91 + 50 * index)
    return record


def batch_group_through() -> Record:
    """Five of fifteen have moved."""
    return turns.hold(_fifteen_running(5), HoldReason.STAGE, at(400), index=5)


def batch_unwell() -> Record:
    """A VM that has moved is not well."""
    return turns.hold(_fifteen_running(3), HoldReason.UNHEALTHY, at(400), index=2)


def batch_after_outage() -> Record:
    return turns.hold(_fifteen_running(3), HoldReason.OUTAGE, at(4000), cause=turns.outage(timedelta(minutes=42)))


def batch_asking() -> Record:
    """The last one is cold, and its guest does not shut down."""
    stopping = _started(_moved(_moved(batch_approved(), 0, 91), 1, 140), 2, 200)
    return cold.ask(cold.slow(stopping, 2), 2, Doubt.STOPPING, at(500), None)


def batch_stopped() -> Record:
    return turns.stop(batch_paused_by_failure(), RAVI)


def _was_down(record: Record, index: int) -> Record:
    run = record.runs[index].model_copy(update={"down_since": at(310), "up_since": at(342)})
    return record.model_copy(update={"runs": (*record.runs[:index], run, *record.runs[index + 1 :])})


def batch_succeeded() -> Record:
    moved = _moved(_moved(_moved(batch_approved(), 0, 91), 1, 140), 2, 300)
    return _was_down(moved, 2)


def batch_partly_failed() -> Record:
    record = batch_went_on()
    result = Result(node="worker-05", running=True, ready=True)
    return _was_down(progress.finish(record, 2, result), 2)


def batch_evacuated() -> Record:
    """All fifteen have left the node."""
    return _fifteen_running(15)


def batch_sixty_running() -> Record:
    """Twenty of sixty have moved."""
    record = batch_sixty()
    for consent in record.unaccepted:
        record = approval.accept(record, consent, RAVI, at(60))
    record = approval.confirm(record, RAVI, policy.decide(RAVI, Action.CONFIRM), at(90))
    for index in range(20):
        record = _moved(record, index, 91 + 50 * index)
    return _started(record, 20, 1200)


def _long(words: str, length: int) -> str:
    return (words * length)[:length]


def batch_of_long_names() -> Record:
    """Sixty VMs with the longest names, and thirty that were left out for the longest reasons."""
    whole = batch_sixty()
    name = _long("payment-gateway-replica-", 249)
    moves = tuple(move.model_copy(update={"vm": f"{n:03}-{name}"}) for n, move in enumerate(whole.plan.moves))
    why = _long("its disk is attached to worker-02 alone, and no other node reaches that storage; ", 300)
    remedy = _long("move it cold to a node in the same zone, or copy the disk first; ", 300)
    out = LeftOut(namespace=_long("team-payments-", 63), vm=_long("order-history-", 253), why=why, remedy=remedy)
    return whole.model_copy(
        update={
            "plan": whole.plan.model_copy(update={"moves": moves, "left_out": (out,) * 30}),
            "runs": tuple(Run() for _ in moves),
        }
    )


GALLERY: dict[str, Callable[[], Record]] = {
    make.__name__: make
    for make in (
        batch_proposed,
        batch_with_left_out,
        batch_seven,
        batch_fifteen,
        batch_fifteen_accepted,
        batch_unstaged,
        batch_sixty,
        batch_blocked,
        batch_drifted,
        batch_approved,
        batch_running,
        batch_paused_by_failure,
        batch_went_on,
        batch_paused_by_somebody,
        batch_changed_before_its_turn,
        batch_group_through,
        batch_unwell,
        batch_after_outage,
        batch_asking,
        batch_stopped,
        batch_succeeded,
        batch_partly_failed,
        batch_evacuated,
        batch_sixty_running,
        batch_of_long_names,
    )
}
