"""Where each of many VMs goes, one after the other, and what admission says of it.

Each is judged against what those before it bring to its target.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from bot import batch, checks, plan
from bot.batch import Wanted
from bot.plan import LeftOut, Move
from bot.request import MoveRequest, MoveType
from k8s.cluster import Cluster
from k8s.fleet import Fleet, Trial
from k8s.snapshots import Admission, Facts, Survey


class _Place(NamedTuple):
    """A VM with its facts when its turn comes, how it is judged, and what admission is asked about it."""

    wanted: Wanted
    facts: Facts
    move: Move
    trial: Trial | None


class Seated(NamedTuple):
    """All of them, those that found no place, and what the nodes carry in the end."""

    places: list[_Place]
    left_out: list[LeftOut]
    after: Survey

    @property
    def moves(self) -> list[Move]:
        """In their order."""
        return [place.move for place in self.places]


async def seated(
    cluster: Cluster, wanted: Sequence[Wanted], fleet: Fleet, *, choosing: bool, staying: bool = False
) -> Seated:
    """Where each goes, judged with what admission says. A VM that it refuses brings nothing to its target: those after
    it are seated anew then, perhaps elsewhere. What was asked once is not asked again."""
    answers: dict[Trial, Admission] = {}
    refused: set[Trial] = set()
    while True:
        tried = await _in_turn(wanted, fleet, refused, choosing=choosing, staying=staying)
        trials = [place.trial for place in tried.places if place.trial]
        unasked = [trial for trial in trials if trial not in answers]
        answers |= zip(unasked, await cluster.admissions(unasked), strict=True)
        places = [await _judged(place, answers) for place in tried.places]
        found = {place.trial for place in places if place.trial and place.move.blocked}
        if found <= refused:
            return tried._replace(places=places)
        refused |= found


async def _in_turn(
    wanted: Sequence[Wanted], fleet: Fleet, refused: Collection[Trial], *, choosing: bool, staying: bool
) -> Seated:
    """Where each goes, in their order: as named or, leaving a node or cold, as the ranking says. `staying`: also those
    that are where they should go. What must not run, or is `refused`, brings nothing to its target. Ranking all nodes
    for many VMs takes a while: between two of them the loop is let go."""
    survey, places, out = fleet.survey, list[_Place](), list[LeftOut]()
    for one in wanted:
        await asyncio.sleep(0)
        facts = fleet.facts(one.ref, fleet.node(one.request.target), survey=survey)
        type_, _ = checks.choose_type(facts, one.request.type)
        if why := _not_there(one.request, facts, staying=staying):
            out.append(left_out(one, why))
            continue
        if facts.target is None and (choosing or type_ is MoveType.COLD):
            target = batch.choose(facts, survey, type_)
            if target is None:
                out.append(left_out(one, batch.why_none(facts, survey, type_)))
                continue
            facts = replace(facts, target=target)
        move = plan.judged(one.request, facts)
        trial = _trial(move, facts)
        places.append(_Place(one, facts, move, trial))
        if not move.blocked and trial not in refused:
            survey = batch.seat(survey, facts, facts.target)
    return Seated(places, out, survey)


def _not_there(request: MoveRequest, facts: Facts, *, staying: bool) -> str:
    """Why it is not where it should leave from."""
    node = facts.vmi.node if facts.vmi else ""
    if node and request.source and node != request.source:
        return f"it runs on {node}, not on {request.source}"
    if node and facts.target and node == facts.target.name and not staying:
        return f"it is on {node} already"
    return ""


def _trial(move: Move, facts: Facts) -> Trial | None:
    """Admission is asked about what could run without it."""
    if move.type is not MoveType.LIVE or move.blocked or facts.vmi is None:
        return None
    to = facts.target.hostname if facts.target and facts.capabilities.added_node_selector else None
    return Trial(facts.vm.ref, facts.vmi.uid, to)


async def _judged(place: _Place, answers: Mapping[Trial, Admission]) -> _Place:
    if place.trial is None:
        return place
    await asyncio.sleep(0)
    facts = replace(place.facts, admission=answers[place.trial])
    return place._replace(move=plan.judged(place.wanted.request, facts))


def left_out(one: Wanted, why: str) -> LeftOut:
    """A VM that was found and is not in the plan."""
    return LeftOut(namespace=one.ref.namespace, vm=one.ref.name, why=why)
