"""How a move ends: with what the VMI says of the VM, whoever says otherwise."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import TypeVar

from bot import cold, progress
from bot.diagnosis import Cause, changed
from bot.executor import leading
from bot.executor.moving import Moving, vm_ref
from bot.plan import StepKind
from bot.ports import Entry
from bot.record import Result
from k8s.errors import ClusterError
from k8s.names import CONDITION_READY
from k8s.snapshots import Instance

V = TypeVar("V")

READY_WITHIN = 5.0
"""Seconds that a VMI which has just moved is given to say Ready again; it flaps for about 0.1 s (recorded: live-ok)."""


def is_running(vmi: Instance | None) -> bool:
    """Whether the guest runs, and is not being stopped."""
    return vmi is not None and vmi.phase == "Running" and not vmi.deleting


def is_ready(vmi: Instance | None) -> bool:
    """Whether it says so itself."""
    return vmi is not None and vmi.holds(CONDITION_READY)


async def settle(view: V, views: AsyncIterator[V], settled: Callable[[V], bool]) -> None:
    """Give a VMI that has just come up or moved a moment to say so."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_WITHIN):
            while not settled(view):
                view = await anext(views)


def result(
    vmi: Instance | None, cause: Cause | None, began: datetime | None = None, ended: datetime | None = None
) -> Result:
    """Where the VM is by now; `cause` None: where it was wanted."""
    node = vmi.node if vmi else ""
    return Result(
        node=node, running=is_running(vmi), ready=is_ready(vmi), started_at=began, ended_at=ended, cause=cause
    )


async def end(moving: Moving, result: Result, kind: str = "") -> None:
    """Note it; `kind` is the log's word for it, where it is a special one."""
    cause = result.cause.code if result.cause else None
    entry = Entry(
        kind or ("failed" if cause else "succeeded"),
        None,
        {"node": result.node, "running": result.running, "cause": cause},
    )
    await moving.change(lambda newest: progress.finish(newest, moving.index, result), entry)


async def not_done(moving: Moving, cause: Cause) -> Result:
    """Of a move that goes no further, as far as can be read."""
    _, move, _ = await moving.read()
    await leading.release(moving, move)
    try:
        return result(await moving.cluster.instance(vm_ref(move)), cause)
    except ClusterError:
        return result(None, cause)


async def give_up(moving: Moving, cause: Cause, kind: str) -> None:
    """It cannot be done, now or later: bring a VM that we have stopped home, else end with the truth."""
    _, move, run = await moving.read()
    gone = cause.code == changed.vm_deleted("").code
    if run.originals and StepKind.STOP in move.steps and not run.homeward and not gone:
        entry = Entry(kind, None, {"code": cause.code})
        await moving.change(lambda newest: cold.turn_home(newest, moving.index, cause), entry)
        return
    found = await not_done(moving, cause)
    if run.homeward and found.running and found.node == move.source and not gone:
        found = found.model_copy(update={"cause": run.homeward})  # nothing had to be done any more
    await end(moving, found, kind)
