"""Right before the first write: is everything as it was approved, and may the people who want it still have it?

The cluster may have changed since, somebody may have left a group or a channel, the rules may be others. A plan that
has not begun goes back to the people, or, where they no longer may or nobody is awake, ends. A batch that has begun
pauses at the move whose turn it is. A first write that never arrived is not tried again once it no longer holds. While
the chat does not say who somebody is, nothing is written: it is tried again later.
"""

from functools import partial

from bot import approval, calling_off, judge, progress, turns, waiting
from bot.authority import UNSURE, Holds
from bot.diagnosis import Cause
from bot.errors import BotError
from bot.executor import announce
from bot.executor.moving import Halt, Moving, NotYet, Outdated, vm_ref
from bot.migration import PlanState
from bot.plan import Drift, Move, Plan
from bot.ports import Entry
from bot.record import HoldReason, Record
from k8s.cluster import Cluster

GONE = "vm-gone"
ALREADY_THERE = "already-there"


async def prove(moving: Moving) -> None:
    """Read everything once more. Raises Halt where it does not hold, and NotYet while nobody can tell."""
    current, move, _ = await moving.read()
    if current.state is PlanState.APPROVED:
        await _prove_plan(moving, current)
    elif why := await _nothing_left(moving.cluster, move):
        entry = Entry("skipped", None, {"code": why.code})
        await moving.change(lambda newest: turns.leave_out(newest, moving.index, why), entry)
        return
    elif why_not := await _objection(moving, current):
        await _pause(moving, why_not)
        raise Halt
    await announce.approved(moving, current)
    await moving.change(lambda newest: progress.advance(newest, moving.index))


async def _prove_plan(moving: Moving, current: Record) -> None:
    """A plan of which nothing has begun, with all its moves."""
    try:
        planned, changes = await judge.prove(moving.cluster, current)
    except BotError as nothing:
        await _give_up(moving, current, nothing.what)
        raise Halt from nothing
    if changes and current.schedule:
        await _give_up(moving, current, waiting.DRIFTED, changes)
    elif changes:
        await _ask_anew(moving, current, planned, changes)
    elif not (holds := await _again(moving, current, planned)).enough(current):
        if current.schedule or holds.requester:
            await _give_up(moving, current, holds.told)
        else:
            await _give_back(moving, holds)
    else:
        return
    raise Halt


async def _ask_anew(moving: Moving, current: Record, planned: Plan, changes: tuple[Drift, ...]) -> None:
    now, valid_for = moving.clock.now(), moving.limits.plan_valid
    quorum = await moving.authority.quorum_now(planned, current)
    drifted = partial(approval.drifted, plan=planned, changes=changes, now=now, valid_for=valid_for, quorum=quorum)
    await moving.change(drifted, judge.drift_entry(drifted(current)))


async def _give_up(moving: Moving, current: Record, why: str, changes: tuple[Drift, ...] = ()) -> None:
    """End a plan that has not begun: it is not run, and this is why. At its time nobody is asked anew."""
    if current.schedule:
        details = {"why": why, "changes": [change.model_dump() for change in changes]}
        await moving.change(lambda newest: waiting.miss(newest, why, changes), Entry("missed", None, details))
    else:
        await moving.change(lambda newest: approval.withdraw(newest, why), Entry("withdrawn", None, {"why": why}))


async def _give_back(moving: Moving, holds: Holds) -> None:
    lost = frozenset(actor.id for actor in holds.lost)
    note = f"It was not started. {holds.told}"
    now, valid_for = moving.clock.now(), moving.limits.plan_valid
    await moving.change(
        lambda newest: approval.revoke(newest, lost, note, holds.quorum, now, valid_for),
        Entry("approval lost", None, {"lost": sorted(lost), "why": holds.why}),
    )


async def _nothing_left(cluster: Cluster, move: Move) -> Cause | None:
    vm = await cluster.vm(vm_ref(move))
    if vm is None or vm.deleting:
        return Cause(code=GONE, what="The VM was deleted meanwhile.", remedy="There is nothing left to move.")
    vmi = await cluster.instance(vm_ref(move))
    if move.target and move.source and vmi and vmi.node == move.target.name:
        what = f"It is on {move.target.name} already; somebody else has moved it."
        return Cause(code=ALREADY_THERE, what=what, remedy="There is nothing left to do.")
    return None


async def _pause(moving: Moving, why: str) -> None:
    now = moving.clock.now()
    cause = Cause(
        code="changed-before-its-turn",
        what=why,
        remedy="Nothing of it was touched. Skip it, or look at what changed and have it checked again.",
    )
    await moving.change(
        lambda newest: turns.hold(newest, HoldReason.CHANGED, now, index=moving.index, cause=cause),
        Entry("paused", None, {"reason": HoldReason.CHANGED, "move": moving.index}),
    )


async def _objection(moving: Moving, current: Record) -> str:
    """Why one move may not begin as it was approved, in a sentence, read anew; empty where it may.

    Raises a ClusterError, and NotYet while the chat does not say.
    """
    planned, changes = await judge.prove_turn(moving.cluster, current, moving.index)
    if changes:
        told = "; ".join(f"{change.what}: {change.before} → {change.now}" for change in changes)
        return f"It is no longer as it was approved: {told}"
    holds = await _again(moving, current, planned)
    return "" if holds.enough(current) else holds.told


async def _again(moving: Moving, current: Record, planned: Plan) -> Holds:
    """What is left of the approval. Raises NotYet while the chat does not say."""
    try:
        return await moving.authority.again(current, planned)
    except BotError as refused:
        if refused.code != UNSURE:
            raise
        raise NotYet(refused.what) from refused


async def still_holds(moving: Moving) -> None:
    """Before a first write is tried again: it must not be too late for it, and what was approved must still hold.

    Raises Outdated, a ClusterError, and NotYet while the chat does not say.
    """
    current, _, run = await moving.read()
    if run.called_off:
        raise Outdated(calling_off.called_off())
    if moving.clock.now() >= approval.write_by(current, moving.index, moving.limits.approved_valid):
        raise Outdated(_not_started("It is too late for it by now: nobody expects it any more."))
    if why := await _objection(moving, current):
        raise Outdated(_not_started(why))


def _not_started(why: str) -> Cause:
    return Cause(
        code="not-started",
        what=f"The move could not be begun while the cluster was away. {why}",
        remedy="Nothing was moved. Plan it again.",
    )
