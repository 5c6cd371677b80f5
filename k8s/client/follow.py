"""A followed migration: the VMI and the VMIM, merged into one sequence of views."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from k8s import parse
from k8s.client import paths
from k8s.client.feed import Change, Feed, Inbox
from k8s.client.hub import Hub
from k8s.snapshots import Instance, Json, Migration, Ref, View


@asynccontextmanager
async def follow(hub: Hub, vm: Ref, migration: Ref) -> AsyncIterator[AsyncIterator[View]]:
    """Views of both from now on. Entering never waits for the cluster; the first view does.

    The iterator raises Forbidden or Unauthorized when the first list is refused, and nothing else.
    """
    async with (
        hub.feed(paths.VMIS, vm.namespace) as vmis,
        hub.feed(paths.VMIMS, migration.namespace) as vmims,
        aclosing(_views(vmis, vm.name, vmims, migration.name)) as views,
    ):
        yield views


async def _views(vmis: Feed, vm: str, vmims: Feed, migration: str) -> AsyncGenerator[View, None]:
    await vmis.ready()
    await vmims.ready()
    inbox: Inbox = asyncio.Queue()
    with vmis.heard_by(inbox, vm), vmims.heard_by(inbox, migration):
        # No await between listening and looking: nothing is missed, nothing comes twice.
        vmi, vmim = _instance(vmis.get(vm)), _migration(vmims.get(migration))
        view = View(vmi, vmim, last_seen=vmim)
        while True:
            yield view
            change = await inbox.get()
            if isinstance(change, BaseException):
                raise change
            view = _after(view, change)


def _after(view: View, change: Change) -> View:
    if change.resource is paths.VMIS:
        return View(None if change.gone else _instance(change.raw), view.migration, view.last_seen)
    seen = _migration(change.raw)
    return View(view.vmi, None if change.gone else seen, last_seen=seen)


def _instance(raw: Json | None) -> Instance | None:
    return parse.instance(raw) if raw else None


def _migration(raw: Json | None) -> Migration | None:
    return parse.migration(raw) if raw else None
