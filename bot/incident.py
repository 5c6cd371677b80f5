"""A plan that does not wait for the usual approvals, since an incident does not: what of it is kept, and its timeline.

Declaring starts nothing. It marks the plan, tells whoever was passed over, and lets one of the people whom the rules
name for it confirm alone, for a while. Blocks still block; costs that somebody would have to accept do not hold it up.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from bot.approval import next_state
from bot.errors import BotError
from bot.migration import PlanEvent, is_final
from bot.policy import Quorum
from bot.record import Incident, Moment, Record, Run

LONGEST_TIMELINE = 40
"""Moments that are shown, in one message; a cold move with two questions has about twenty."""


class Happened(NamedTuple):
    """A line of a plan's log, as far as the timeline looks at it."""

    at: datetime
    kind: str
    actor: str | None
    """Id of a person (`bot.policy.Actor.id`)."""
    details: Mapping[str, Any]


def declare(record: Record, incident: Incident, quorum: Quorum) -> Record:
    """Mark a plan that waits for its Confirm. A revision of its own: nobody confirms what they have not read. It waits
    for no time any more, nor does what is planned again from its request."""
    if record.incident is not None:
        raise BotError("already-incident", "This plan is an incident's already.", "Confirm it on its card.")
    return record.model_copy(
        update={
            "state": next_state(record, PlanEvent.CHANGED),
            "revision": record.revision + 1,
            "plan": record.plan.model_copy(update={"request": record.plan.request.model_copy(update={"when": None})}),
            "incident": incident,
            "quorum": quorum,
            "schedule": None,
            "note": "",
            "expires_at": incident.until,
            "runs": tuple(Run() for _ in record.runs),
        }
    )


def is_over(record: Record) -> bool:
    """Whether all is done, so that its timeline can be told."""
    incident = record.incident
    return incident is not None and incident.timeline is None and is_final(record.state)


def review(record: Record, log: Iterable[Happened]) -> Record:
    """Keep what happened, for whoever looks back at it."""
    if record.incident is None or record.incident.timeline is not None:
        return record
    told = (line for line in log if line.kind not in _OURS_ALONE)
    moments = tuple(Moment(at=line.at, actor=line.actor or "", text=_words(line)) for line in told)
    timeline = moments if len(moments) <= LONGEST_TIMELINE else _both_ends(moments)
    return record.model_copy(update={"incident": record.incident.model_copy(update={"timeline": timeline})})


_OURS_ALONE = ("posted",)
"""What the bot did in the chat is no step of the move."""


def _both_ends(moments: tuple[Moment, ...]) -> tuple[Moment, ...]:
    half = LONGEST_TIMELINE // 2
    left_out = len(moments) - 2 * half
    gap = Moment(at=moments[half].at, actor="", text=f"… {left_out} more in the bot's log")
    return (*moments[:half], gap, *moments[-half:])


def _words(line: Happened) -> str:
    told = _WORDS.get(line.kind, line.kind)
    return told if isinstance(told, str) else told(line.details)


def _asked(details: Mapping[str, Any]) -> str:
    return f"asked: {details.get('request', '')}"


def _declared(details: Mapping[str, Any]) -> str:
    return f"declared {details.get('incident', 'an incident')}: {details.get('reason', '')}"


def _confirmed(details: Mapping[str, Any]) -> str:
    return f"confirmed, by rule {details.get('rule', '')}"


def _ended(word: str) -> Callable[[Mapping[str, Any]], str]:
    def words(details: Mapping[str, Any]) -> str:
        node, cause = details.get("node"), details.get("cause") or details.get("code")
        return f"{word}{f' ({cause})' if cause else ''}{f', the VM is on {node}' if node else ''}"

    return words


_WORDS: Mapping[str, str | Callable[[Mapping[str, Any]], str]] = {
    "proposed": _asked,
    "incident": _declared,
    "confirmed": _confirmed,
    "denied": lambda details: f"denied: {details.get('reason', '')}",
    "phase": lambda details: f"the migration is {details.get('phase', '')}",
    "answered": lambda details: f"chose: {details.get('choice', '')}",
    "asked about the start": "the VM does not start on its target: people are asked",
    "asked about the stop": "the guest does not shut down: people are asked",
    "drifted": "the cluster had changed: a new revision",
    "approval lost": "an approval no longer counted",
    "creating": "the migration is about to be created",
    "created": "the migration was created",
    "stopping": "the VM is being stopped",
    "gone": "the VM is down",
    "starting": "the VM is being started",
    "up": "the VM runs again",
    "turned home": "it goes back to where it was",
    "refused": _ended("the cluster refused it"),
    "succeeded": _ended("succeeded"),
    "failed": _ended("failed"),
}
"""What is not here speaks for itself."""
