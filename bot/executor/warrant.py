"""Right before the first write: may the people who asked for this and confirmed it still do so?

Between a press and a run somebody may leave a group or a channel, or the rules may change. An approval that no longer
counts sends the plan back to the people; a requester who may no longer ask ends it. While the chat does not say who
somebody is, nothing is written: the run is tried again until the approval lapses.
"""

from bot import approval, calling_off, judge, waiting
from bot.authority import UNSURE, Holds
from bot.diagnosis import Cause
from bot.errors import BotError
from bot.executor.moving import Halt, Moving, NotYet, Outdated
from bot.plan import Drift, Plan
from bot.ports import Entry
from bot.record import Record


async def check(moving: Moving, current: Record, planned: Plan) -> None:
    """Return where the approval still holds. Raises Halt where it does not, and NotYet while nobody can tell."""
    holds = await again(moving, current, planned)
    if holds.enough(current):
        return
    if current.schedule or holds.requester:
        await give_up(moving, current, holds.told)
    else:
        await _give_back(moving, holds)
    raise Halt


async def give_up(moving: Moving, current: Record, why: str, changes: tuple[Drift, ...] = ()) -> None:
    """End a plan that has not begun: it is not run, and this is why. At its time nobody is asked anew."""
    if current.schedule:
        details = {"why": why, "changes": [change.model_dump() for change in changes]}
        await moving.change(lambda newest: waiting.miss(newest, why, changes), Entry("missed", None, details))
    else:
        await moving.change(lambda newest: approval.withdraw(newest, why), Entry("withdrawn", None, {"why": why}))


async def objection(moving: Moving, current: Record) -> str:
    """Why one move may not begin as it was approved, in a sentence, read anew; empty where it may.

    Raises a ClusterError, and NotYet while the chat does not say.
    """
    planned, changes = await judge.prove_turn(moving.cluster, current, moving.index)
    if changes:
        told = "; ".join(f"{change.what}: {change.before} → {change.now}" for change in changes)
        return f"It is no longer as it was approved: {told}"
    holds = await again(moving, current, planned)
    return "" if holds.enough(current) else holds.told


async def still_holds(moving: Moving) -> None:
    """Before a first write is tried again: the first try must not be long ago, and what was approved must still hold.

    Raises Outdated, a ClusterError, and NotYet while the chat does not say.
    """
    current, _, run = await moving.read()
    if run.called_off:
        raise Outdated(calling_off.called_off())
    if run.started_at and moving.clock.now() >= run.started_at + moving.limits.approved_valid:
        raise Outdated(_not_started("That was too long ago: nobody expects it any more."))
    if why := await objection(moving, current):
        raise Outdated(_not_started(why))


def _not_started(why: str) -> Cause:
    return Cause(
        code="not-started",
        what=f"The move could not be begun while the cluster was away. {why}",
        remedy="Nothing was moved. Plan it again.",
    )


async def again(moving: Moving, current: Record, planned: Plan) -> Holds:
    """What is left of the approval. Raises NotYet while the chat does not say."""
    try:
        return await moving.authority.again(current, planned)
    except BotError as refused:
        if refused.code != UNSURE:
            raise
        raise NotYet(refused.what) from refused


async def _give_back(moving: Moving, holds: Holds) -> None:
    lost = frozenset(actor.id for actor in holds.lost)
    note = f"It was not started. {holds.told}"
    now, valid_for = moving.clock.now(), moving.limits.plan_valid
    await moving.change(
        lambda newest: approval.revoke(newest, lost, note, holds.quorum, now, valid_for),
        Entry("approval lost", None, {"lost": sorted(lost), "why": holds.why}),
    )
