"""One Record for every state of a plan that is for later, made by the same functions that make them in life."""

from collections.abc import Callable
from datetime import time, timedelta

from bot import approval, plan, policy, schedule, waiting
from bot.authority import Holds
from bot.plan import Drift
from bot.policy import Action, Quorum
from bot.record import Record
from bot.request import MoveRequest
from bot.sandbox.gallery.facts import DANA, MEI, NOW, OPS, RAVI, facts
from bot.when import When

AT_FIVE = When(clock=time(5, 0))
LATE = timedelta(minutes=15)


def scheduled_proposed(when: When = AT_FIVE) -> Record:
    """Asked for at three for five o'clock."""
    start = schedule.resolve(when, NOW, "Etc/UTC", LATE)
    planned = plan.build(MoveRequest(vm="web-01", target="worker-05", when=when), facts())
    return approval.propose("p1", planned, DANA, OPS, NOW, start.confirm_by - NOW, schedule=start)


def scheduled_in_a_short_night() -> Record:
    """Clocks skip the time that was said."""
    record = scheduled_proposed()
    assert record.schedule is not None
    note = "Clocks go forward that night: 02:30 does not exist, so it is 03:30."
    return record.model_copy(update={"schedule": record.schedule.model_copy(update={"note": note})})


def scheduled() -> Record:
    """Confirmed, and waiting for its time."""
    decision = policy.decide(RAVI, Action.CONFIRM)
    return approval.confirm(scheduled_proposed(), RAVI, decision, NOW + timedelta(minutes=1))


def scheduled_near() -> Record:
    """Ten minutes before its time, all proved again."""
    return waiting.checked(scheduled(), NOW + timedelta(minutes=110))


def scheduled_begun() -> Record:
    """Its time has come."""
    return waiting.begin(scheduled_near(), NOW + timedelta(hours=2))


def scheduled_canceled() -> Record:
    """Somebody thought better of it."""
    return approval.cancel(scheduled_near(), MEI)


def scheduled_drifted() -> Record:
    """The VM was elsewhere at its time."""
    return waiting.miss(scheduled(), waiting.DRIFTED, (Drift(what="node", before="worker-01", now="worker-02"),))


def scheduled_late() -> Record:
    """The bot was down."""
    return waiting.miss(scheduled(), waiting.LATE)


def scheduled_lost() -> Record:
    """Whoever confirmed it has left the group since."""
    why = Holds(Quorum(), (RAVI,), why="Rule “four eyes” lets @sre confirm here, and you are not one of them.").told
    return waiting.miss(scheduled_near(), why)


GALLERY: dict[str, Callable[[], Record]] = {
    make.__name__: make
    for make in (
        scheduled_proposed,
        scheduled_in_a_short_night,
        scheduled,
        scheduled_near,
        scheduled_begun,
        scheduled_canceled,
        scheduled_drifted,
        scheduled_late,
        scheduled_lost,
    )
}
