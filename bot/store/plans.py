"""The Store over SQL: each change of a plan is one transaction that reads, decides and writes.

`update` locks the plan's row (SQLite: the database) while the pure function decides, so two people who press at once,
on whichever bot, are served one after the other and both see the newest Record. Locks on VMs, the log and the plan's
row change together or not at all. What belongs to a run is stored only for the owner of its newest epoch.

The version of a plan counts its changes and those of its messages: what was compared with what stands in the chat is
marked as shown only while both are as they were.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import migration, progress
from bot.migration import MoveState, PlanState
from bot.plan import Move
from bot.ports import Change, Clock, Entry, LeaseLost, Logged, Message, PlanExists, VmBusy, Watching, first_card
from bot.record import Record
from bot.request import BatchRequest
from bot.store.schema import downtimes, evacuated, leases, log, messages, plans, unshown, vm_locks
from bot.store.transactions import reading, transaction
from bot.store.whole import whole

_PROBE = "(probe)"
"""No VM: a key always has a slash in it."""

_PAGE, _MOST_PAGES = 50, 40
"""How many plans are looked through at once, and how far back."""

_HOLDING = (PlanState.APPROVED, PlanState.RUNNING, PlanState.PAUSED)


class _Parsed(NamedTuple):
    """A Record, and the version of its row."""

    version: int
    record: Record


@whole
class SqlStore:
    """Implements `bot.ports.Store`."""

    def __init__(self, engine: AsyncEngine, clock: Clock, watching: Sequence[Watching] = (), replica: str = "") -> None:
        """`replica` gets the lease of the first card of each plan that is added here; none is given out without it."""
        self._engine = engine
        self._reading = reading(engine)
        self._clock = clock
        self._watching = watching
        self._replica = replica
        self._parsed: dict[str, _Parsed] = {}
        """Open plans as they were last read; sweeps look at all of them each second, and few have changed."""

    async def add(self, record: Record, entries: Sequence[Entry]) -> None:
        row = {"id": record.id, "version": 1, "shown_version": 0, "open": record.open, "record": _dump(record)}
        async with transaction(self._engine) as connection:
            try:
                await connection.execute(insert(plans).values(row))
            except IntegrityError as same:
                raise PlanExists(record.id) from same
            if self._replica:
                lease = {"name": first_card(record.id), "replica": self._replica, "epoch": 1, "nudged": False}
                await connection.execute(insert(leases).values(lease))
            await self._append(connection, record.id, entries)
        self._tell(None, record)

    async def get(self, plan_id: str) -> Record | None:
        async with transaction(self._reading) as connection:
            text = (await connection.execute(select(plans.c.record).where(plans.c.id == plan_id))).scalar()
        return None if text is None else _load(text)

    async def latest(self, plan_id: str) -> tuple[Record, int, dict[str, Message]]:
        async with transaction(self._reading) as connection:
            return *await self._latest(connection, plan_id), await self._messages(connection, plan_id)

    async def update(self, plan_id: str, change: Callable[[Record], Change], *, epoch: int | None = None) -> Record:
        try:
            return await self._update(plan_id, change, epoch)
        except IntegrityError:  # another transaction took a VM's lock at this moment: now it can be read who
            return await self._update(plan_id, change, epoch)

    async def _update(self, plan_id: str, change: Callable[[Record], Change], epoch: int | None) -> Record:
        async with transaction(self._engine) as connection:
            before, version = await self._latest(connection, plan_id, lock=True)
            if epoch is not None:
                await _check_owner(connection, plan_id, epoch)
            after, entries = change(before)
            if after == before and not entries:
                return before
            await self._lock_vms(connection, after)
            values = {"version": version + 1, "open": after.open, "record": _dump(after)}
            await connection.execute(update(plans).where(plans.c.id == plan_id).values(values))
            await self._append(connection, plan_id, entries)
            await self._note_homes(connection, before, after)
            if measured := [row for row in _measured(after) if row not in _measured(before)]:
                await connection.execute(insert(downtimes), measured)
        self._tell(before, after)
        return after

    async def open_plans(self) -> tuple[Record, ...]:
        query = select(plans.c.id, plans.c.version).where(plans.c.open).order_by(plans.c.seq)
        async with transaction(self._reading) as connection:
            rows = (await connection.execute(query)).all()
            known = self._parsed
            changed = [row.id for row in rows if row.id not in known or known[row.id].version != row.version]
            known = known | await self._parse(connection, changed)
        self._parsed = {row.id: known[row.id] for row in rows}
        return tuple(each.record for each in self._parsed.values())

    async def _parse(self, connection: AsyncConnection, plan_ids: Sequence[str]) -> dict[str, _Parsed]:
        found = {}
        for first in range(0, len(plan_ids), _PAGE):
            some = plan_ids[first : first + _PAGE]
            query = select(plans.c.id, plans.c.version, plans.c.record).where(plans.c.id.in_(some))
            for row in (await connection.execute(query)).all():
                found[row.id] = _Parsed(row.version, _load(row.record))
        return found

    async def ended(self, wanted: Callable[[Record], bool], since: datetime | None, most: int) -> tuple[Record, ...]:
        found: list[Record] = []
        for page in range(_MOST_PAGES):
            records = await self._page(page)
            recent = [each for each in records if since is None or each.created_at >= since]
            found += [each for each in recent if migration.is_final(each.state) and wanted(each)]
            if len(found) >= most or len(recent) < _PAGE:
                break
        return tuple(found[:most])

    async def _page(self, number: int) -> list[Record]:
        """Some plans, newest first. Few at a time: reading them takes the loop's time."""
        query = select(plans.c.record).order_by(plans.c.seq.desc()).limit(_PAGE).offset(number * _PAGE)
        async with transaction(self._reading) as connection:
            return [_load(text) for text in (await connection.execute(query)).scalars()]

    async def holder(self, key: str) -> str | None:
        async with transaction(self._reading) as connection:
            return await self._holder(connection, key)

    async def downtimes(self, vm_key: str | None, most: int) -> tuple[timedelta, ...]:
        query = select(downtimes.c.seconds).order_by(downtimes.c.seq.desc()).limit(most)
        if vm_key is not None:
            query = query.where(downtimes.c.vm == vm_key)
        async with transaction(self._reading) as connection:
            return tuple(timedelta(seconds=seconds) for seconds in (await connection.execute(query)).scalars())

    async def away_from(self, node: str) -> tuple[str, ...]:
        query = select(evacuated.c.vm).where(evacuated.c.node == node).order_by(evacuated.c.vm)
        async with transaction(self._reading) as connection:
            return tuple((await connection.execute(query)).scalars())

    async def log(self, plan_id: str) -> tuple[Logged, ...]:
        query = select(log).where(log.c.plan_id == plan_id).order_by(log.c.seq)
        async with transaction(self._reading) as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            Logged(row.plan_id, datetime.fromisoformat(row.at), row.kind, row.actor, row.details) for row in rows
        )

    async def messages(self, plan_id: str) -> dict[str, Message]:
        async with transaction(self._reading) as connection:
            return await self._messages(connection, plan_id)

    async def put_message(self, message: Message, entries: Sequence[Entry] = ()) -> None:
        row = message._asdict() | {"intended_at": message.intended_at.isoformat()}
        same = (messages.c.plan_id == message.plan_id) & (messages.c.slot == message.slot)
        async with transaction(self._engine) as connection:
            bumped = update(plans).where(plans.c.id == message.plan_id).values(version=plans.c.version + 1)
            await connection.execute(bumped)  # which also lets those who send for one plan take turns
            await connection.execute(delete(messages).where(same))
            await connection.execute(insert(messages).values(row))
            await self._append(connection, message.plan_id, entries)

    async def plan_of_message(self, channel: str, ts: str) -> str | None:
        query = select(messages.c.plan_id).where((messages.c.channel == channel) & (messages.c.ts == ts))
        async with transaction(self._reading) as connection:
            return (await connection.execute(query)).scalar()

    async def unshown(self) -> tuple[str, ...]:
        query = select(plans.c.id).where(unshown).order_by(plans.c.seq)
        async with transaction(self._reading) as connection:
            return tuple((await connection.execute(query)).scalars())

    async def shown(self, plan_id: str, version: int) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(update(plans).where(plans.c.id == plan_id).values(shown_version=version))
        for each in self._watching:
            each.shown(plan_id)

    async def prove_writable(self) -> None:
        """Write something, and take it away again. Raises StoreAway where nothing can be stored."""
        async with transaction(self._engine) as connection:
            await connection.execute(insert(vm_locks).values(vm=_PROBE, plan_id=""))
            await connection.execute(delete(vm_locks).where(vm_locks.c.vm == _PROBE))

    def _tell(self, before: Record | None, after: Record) -> None:
        for each in self._watching:
            each.changed(before, after)

    async def _latest(self, connection: AsyncConnection, plan_id: str, *, lock: bool = False) -> tuple[Record, int]:
        query = select(plans.c.record, plans.c.version).where(plans.c.id == plan_id)
        if lock:
            query = query.with_for_update()
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise KeyError(plan_id)
        return _load(row.record), row.version

    async def _messages(self, connection: AsyncConnection, plan_id: str) -> dict[str, Message]:
        rows = (await connection.execute(select(messages).where(messages.c.plan_id == plan_id))).all()
        return {row.slot: _message(row) for row in rows}

    async def _lock_vms(self, connection: AsyncConnection, record: Record) -> None:
        wanted = _held(record)
        query = select(vm_locks.c.vm).where(vm_locks.c.plan_id == record.id)
        have = set((await connection.execute(query)).scalars())
        for key in sorted(wanted - have):
            if holder := await self._holder(connection, key):
                raise VmBusy(key, holder)
            await connection.execute(insert(vm_locks).values(vm=key, plan_id=record.id))
        if have - wanted:
            mine = (vm_locks.c.plan_id == record.id) & vm_locks.c.vm.in_(sorted(have - wanted))
            await connection.execute(delete(vm_locks).where(mine))

    async def _holder(self, connection: AsyncConnection, key: str) -> str | None:
        query = select(vm_locks.c.plan_id).where(vm_locks.c.vm == key)
        return (await connection.execute(query)).scalar()

    async def _note_homes(self, connection: AsyncConnection, before: Record, after: Record) -> None:
        """A VM that an evacuation has moved has a home elsewhere, until a move ends there."""
        for move, node in _whereabouts(before, after):
            mine = evacuated.c.vm == move.key
            await connection.execute(delete(evacuated).where(mine & (evacuated.c.node == node)))
            if _left_node(after) == move.source != node:
                known = (await connection.execute(select(evacuated.c.vm).where(mine))).scalar()
                if known is None:
                    row = {"vm": move.key, "node": move.source, "plan_id": after.id}
                    await connection.execute(insert(evacuated).values(row))

    async def _append(self, connection: AsyncConnection, plan_id: str, entries: Sequence[Entry]) -> None:
        at = self._clock.now().isoformat()
        rows = [
            {
                "plan_id": plan_id,
                "at": at,
                "kind": entry.kind,
                "actor": entry.actor.id if entry.actor else None,
                "details": json.loads(json.dumps(entry.details or {}, default=str)),
            }
            for entry in entries
        ]
        if rows:
            await connection.execute(insert(log), rows)


async def _check_owner(connection: AsyncConnection, plan_id: str, epoch: int) -> None:
    """Raises LeaseLost. Whoever wants to take the run over waits until this transaction has ended."""
    owned = (leases.c.name == plan_id) & (leases.c.replica != "")
    query = select(leases.c.epoch).where(owned).with_for_update(read=True)
    if (await connection.execute(query)).scalar() != epoch:
        raise LeaseLost(plan_id)


def _held(record: Record) -> set[str]:
    """VMs that this plan holds: from its approval until each of its moves has ended for certain."""
    moving = record.state in _HOLDING
    pairs = zip(record.plan.moves, record.runs, strict=True)
    return {move.key for move, run in pairs if moving and not migration.is_final(run.state)}


def _whereabouts(before: Record, after: Record) -> list[tuple[Move, str]]:
    """Moves that have just ended, with the node that their VM is on; one that does not run was placed on its target."""
    found = []
    for index, (was, now) in enumerate(zip(before.runs, after.runs, strict=False)):
        if now.result and not was.result:
            move = progress.moving(after, index)
            placed = move.target.name if move.target and now.state is MoveState.SUCCEEDED else ""
            found.append((move, now.result.node or placed))
    return [(move, node) for move, node in found if node]


def _left_node(record: Record) -> str:
    request = record.plan.request
    return (request.evacuate or "") if isinstance(request, BatchRequest) else ""


def _measured(record: Record) -> list[dict[str, Any]]:
    """A row for each cold move that has succeeded; a success stays as it is, so each is new once."""
    return [
        {"plan_id": record.id, "vm": move.key, "seconds": run.downtime.total_seconds()}
        for move, run in zip(record.plan.moves, record.runs, strict=True)
        if run.state is MoveState.SUCCEEDED and run.downtime is not None
    ]


def _message(row: Row[Any]) -> Message:
    intended_at = datetime.fromisoformat(row.intended_at)
    return Message(row.plan_id, row.slot, row.channel, row.ts, row.digest, intended_at)


def _dump(record: Record) -> str:
    return record.model_dump_json()


def _load(text: str) -> Record:
    return Record.model_validate_json(text)
