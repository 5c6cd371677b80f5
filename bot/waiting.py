"""A plan that is approved and waits for its time: from one Record to the next.

What does not hold any more at its time is not run: nobody is awake to read a new revision of it.
"""

from datetime import datetime

from bot.approval import next_state
from bot.errors import BotError
from bot.migration import PlanEvent
from bot.plan import Drift
from bot.record import Record, Run
from bot.schedule import Schedule

LATE = "Its time came while I was not running, and now it is too late for it."
HELD = "At its time another plan was moving the VM, and then it was too late."
UNBEGUN = "Its time came, but it could not begin before it was too late: the cluster, Slack or I did not answer."
DRIFTED = "The cluster is not what this plan was made for any more."


def schedule_of(record: Record) -> Schedule:
    """When it is to start. Raises BotError for a plan that has no such time."""
    if record.schedule is None:
        raise BotError("not-scheduled", "This plan waits for no time.", "The card shows where it stands.")
    return record.schedule


def checked(record: Record, now: datetime) -> Record:
    """All was proved again shortly before its time."""
    return record.model_copy(update={"schedule": schedule_of(record).model_copy(update={"checked_at": now})})


def begin(record: Record, now: datetime) -> Record:
    """Its time has come: from here on it is a plan that has just been approved."""
    runs = tuple(Run() for _ in record.runs)
    return record.model_copy(update={"state": next_state(record, PlanEvent.DUE), "approved_at": now, "runs": runs})


def miss(record: Record, note: str, drift: tuple[Drift, ...] = ()) -> Record:
    """It is not run, and this is why."""
    runs = tuple(Run() for _ in record.runs)
    changed = {"state": next_state(record, PlanEvent.LAPSED), "note": note, "drift": drift, "runs": runs}
    return record.model_copy(update=changed)
