"""One Record for every state of an incident's plan, made by the same functions that make them in life."""

from collections.abc import Callable
from datetime import timedelta

from bot import approval, incident, plan, progress
from bot.incident import Happened
from bot.policy import Decision, Quorum
from bot.record import Incident, Intent, Record, Result
from bot.request import MoveRequest
from bot.sandbox.gallery.facts import DANA, MEI, NOW, OPS, RAVI, facts

FOUR_EYES = Quorum(
    needed=2,
    own_counts=False,
    who=(("@sre",),),
    rule="four eyes",
    groups={"@sre": "S0SRE000001"},
    incident=((DANA.user,),),
    able=2,
)
ONE_ON_CALL = Quorum(who=((DANA.user, RAVI.user),), rule="four eyes", valid_for=timedelta(minutes=30))
REASON = "fan failure on worker-01, it will not last till morning"
YES = Decision(allowed=True, rule="four eyes")


def _minute(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


def waiting_for_two() -> Record:
    """What dana, on call, sees at three in the morning: two approvers, and a way round."""
    planned = plan.build(MoveRequest(vm="web-01", target="worker-05"), facts())
    return approval.propose("p1", planned, DANA, OPS, NOW, _minute(30), FOUR_EYES)


def incident_declared() -> Record:
    """Declared: nothing has started yet, everybody knows."""
    declared = Incident(
        id="INC-42",
        reason=REASON,
        by=DANA,
        rule="four eyes",
        at=NOW + _minute(1),
        until=NOW + _minute(31),
        skipped=FOUR_EYES,
        audit_channel="C0AUDIT0001",
    )
    return incident.declare(waiting_for_two(), declared, ONE_ON_CALL)


def incident_confirmed() -> Record:
    """Confirmed by whoever declared it."""
    return approval.confirm(incident_declared(), DANA, YES, NOW + _minute(2), ONE_ON_CALL)


def incident_denied() -> Record:
    """One of those who were passed over says no."""
    return approval.deny(incident_declared(), MEI, "worker-05 is about to be drained")


def incident_lapsed() -> Record:
    """Nobody confirmed it as long as it counted."""
    return incident.review(approval.expire(incident_declared()), _log()[:2])


def incident_told() -> Record:
    """It is over, and its timeline is there for the review."""
    intent = Intent(name="vm-migrate-web-01-p1-0", attempt=1, vmi_uid="vmi-uid", seen_migration_uid="", noted_at=NOW)
    started = progress.start(incident_confirmed(), 0, intent, NOW + _minute(2), _minute(10))
    done = progress.finish(started, 0, Result(node="worker-05", running=True, ready=True))
    return incident.review(done, _log())


def _log() -> list[Happened]:
    lines: list[tuple[float, str, str | None, dict[str, str]]] = [
        (0, "proposed", DANA.id, {"request": "web-01 to worker-05"}),
        (1, "incident", DANA.id, {"incident": "INC-42", "reason": REASON}),
        (2, "confirmed", DANA.id, {"rule": "four eyes"}),
        (2.1, "created", None, {}),
        (2.2, "phase", None, {"phase": "Scheduling"}),
        (2.5, "phase", None, {"phase": "Running"}),
        (3, "phase", None, {"phase": "Succeeded"}),
        (3.1, "succeeded", None, {"node": "worker-05"}),
    ]
    return [Happened(NOW + _minute(minutes), kind, actor, details) for minutes, kind, actor, details in lines]


GALLERY: dict[str, Callable[[], Record]] = {
    make.__name__: make
    for make in (
        waiting_for_two,
        incident_declared,
        incident_confirmed,
        incident_denied,
        incident_lapsed,
        incident_told,
    )
}
