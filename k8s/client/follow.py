"""A followed migration, or a followed VM: two feeds, merged into one sequence of views."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from k8s import parse
from k8s.client import paths
from k8s.client.feed import Change, Feed, Inbox
from k8s.client.hub import Hub
from k8s.snapshots import Instance, Json, Migration, Ref, View, VirtualMachine, VmView

_V = TypeVar("_V")


@asynccontextmanager
async def follow(hub: Hub, vm: Ref, migration: Ref) -> AsyncIterator[AsyncIterator[View]]:
    """Views of a VMI and a VMIM from now on. Entering never waits for the cluster; the first view does.

    The iterator raises Forbidden or Unauthorized when the first list is refused, and nothing else.
    """

    def first(vmis: Feed, vmims: Feed) -> View:
        vmim = _migration(vmims.get(migration.name))
        return View(_instance(vmis.get(vm.name)), vmim, last_seen=vmim)

    async with (
        hub.feed(paths.VMIS, vm.namespace) as vmis,
        hub.feed(paths.VMIMS, migration.namespace) as vmims,
        aclosing(_views((vmis, vm.name), (vmims, migration.name), first, _after)) as views,
    ):
        yield views


@asynccontextmanager
async def follow_vm(hub: Hub, ref: Ref) -> AsyncIterator[AsyncIterator[VmView]]:
    """Views of a VM and its VMI, as `follow` gives them."""

    def first(vms: Feed, vmis: Feed) -> VmView:
        return VmView(_vm(vms.get(ref.name)), _instance(vmis.get(ref.name)))

    async with (
        hub.feed(paths.VMS, ref.namespace) as vms,
        hub.feed(paths.VMIS, ref.namespace) as vmis,
        aclosing(_views((vms, ref.name), (vmis, ref.name), first, _vm_after)) as views,
    ):
        yield views


async def _views(
    left: tuple[Feed, str],
    right: tuple[Feed, str],
    first: Callable[[Feed, Feed], _V],
    after: Callable[[_V, Change], _V],
) -> AsyncGenerator[_V, None]:
    """The view of both objects at first, then what each change makes of it."""
    await left[0].ready()
    await right[0].ready()
    inbox: Inbox = asyncio.Queue()
    with left[0].heard_by(inbox, left[1]), right[0].heard_by(inbox, right[1]):
        # No await between listening and looking: nothing is missed, nothing comes twice.
        view = first(left[0], right[0])
        while True:
            yield view
            change = await inbox.get()
            if isinstance(change, BaseException):
                raise change
            view = after(view, change)


def _after(view: View, change: Change) -> View:
    if change.resource is paths.VMIS:
        return View(None if change.gone else _instance(change.raw), view.migration, view.last_seen)
    seen = _migration(change.raw)
    return View(view.vmi, None if change.gone else seen, last_seen=seen)


def _vm_after(view: VmView, change: Change) -> VmView:
    raw = None if change.gone else change.raw
    if change.resource is paths.VMIS:
        return VmView(view.vm, _instance(raw))
    return VmView(_vm(raw), view.vmi)


def _vm(raw: Json | None) -> VirtualMachine | None:
    return parse.virtual_machine(raw) if raw else None


def _instance(raw: Json | None) -> Instance | None:
    return parse.instance(raw) if raw else None


def _migration(raw: Json | None) -> Migration | None:
    return parse.migration(raw) if raw else None
