"""Reading why something does not come on, while it still can be read.

What the scheduler says lives on a pod that is deleted after five minutes; so this is read as soon as something takes
long, and kept in the Record.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from bot import progress
from bot.diagnosis import NOT_STARTED, Cause, changed, diagnose_refusal, diagnose_start, stuck
from bot.executor import due
from bot.executor.due import Due
from bot.executor.moving import Limits, Moving, vm_ref
from bot.plan import Move
from bot.record import Record, Run
from k8s.cluster import Cluster
from k8s.errors import ClusterError, NotFound
from k8s.snapshots import Evidence, Ref

T = TypeVar("T")

AT_ONCE = 10
"""Moves of which one sweep reads why they wait, about nine calls each: hundreds may, and what is due does not wait."""


def share(waiting: Sequence[T], turn: int) -> Sequence[T]:
    """As many as one sweep may read the cluster for; each turn takes the next, round and round."""
    if len(waiting) <= AT_ONCE:
        return waiting
    first = turn * AT_ONCE % len(waiting)
    return [*waiting, *waiting][first : first + AT_ONCE]


async def first_found(cluster: Cluster, current: Record, now: datetime, limits: Limits) -> Due | None:
    """The first thing that is due once the cluster says the same of a move. What it does not answer comes later."""
    for index in range(len(current.runs)):
        with suppress(ClusterError):
            if found := await _found(cluster, current, index, now, limits):
                return found
    return None


async def _found(cluster: Cluster, current: Record, index: int, now: datetime, limits: Limits) -> Due | None:
    move, run = progress.moving(current, index), current.runs[index]
    if due.asks_about_start(current, index, now):
        why = await start(cluster, move)
        return due.ask_about_start(index, now, limits, why) if why else None
    if due.goes_home(current, index, now):
        return due.go_home(index, now) if await start(cluster, move) else None
    if due.explains_wait(current, index, now):
        why = await wait(cluster, move, run)
        return due.held_up(index, why) if why else None
    return None


async def start(cluster: Cluster, move: Move) -> Cause | None:
    """Why a VM does not come up; None when it is up after all. Raises ClusterError."""
    evidence = await cluster.start_evidence(vm_ref(move))
    if evidence.vmi and evidence.vmi.phase == "Running":
        return None
    name = move.target.name if move.target else ""
    target = next((node for node in await cluster.nodes() if node.name == name), None)
    return diagnose_start(evidence, target) if target or not name else changed.node_gone(name)


async def wait(cluster: Cluster, move: Move, run: Run) -> Cause | None:
    """What a migration in its present phase waits for; None when it has gone on. Raises ClusterError."""
    assert run.intent is not None
    evidence = await cluster.evidence(vm_ref(move), Ref(move.namespace, run.intent.name), run.intent.uid)
    if progress.phase_name(run) in NOT_STARTED:
        evidence = replace(evidence, queue=await cluster.queue(vm_ref(move)))
    found = stuck(await with_nodes(cluster, move, evidence), progress.phase_name(run))
    return found and found.spoken_for(move.cli)


async def refusal(moving: Moving, error: ClusterError) -> Cause:
    """Why a step could not be taken. Raises ClusterError."""
    _, move, _ = await moving.read()
    if isinstance(error, NotFound) and await moving.cluster.vm(vm_ref(move)) is None:
        return changed.vm_deleted(move.vm)
    return diagnose_refusal(error).spoken_for(move.cli)


async def with_nodes(cluster: Cluster, move: Move, evidence: Evidence) -> Evidence:
    """The evidence with both nodes: what the scheduler says is not said of one node alone."""
    nodes = {node.name: node for node in await cluster.nodes()}
    target = nodes.get(move.target.name) if move.target else None
    return replace(evidence, target=target, source=nodes.get(move.source))
