"""What a store with many finished plans costs: each question to a full one against the same to a young one.

The young one has as many finished plans as `history` reads at most for an answer, or it would compare an answer with
none.
"""

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import approval, policy
from bot.migration import PlanState
from bot.ports import Change, Entry, Message
from bot.record import Record
from bot.store import SqlStore, open_engine
from bot.store.schema import log, messages, plans
from tests.bench.rounds import Comparison, Round
from tests.clocks import StandingClock
from tests.facts import NOW, RAVI, proposed

FINISHED = 100_000
YOUNG = 50
AT_ONCE = 5_000
"""Rows of one insert."""
REPEATS = 30
NUMBERS = count()
GOAL = 1.5

Ask = Callable[[SqlStore, int], Awaitable[object]]


async def compare(folder: Path, rounds: int) -> list[Comparison]:
    """Ask both, in turns."""
    young, _ = await open_engine(f"sqlite+aiosqlite:///{folder / 'young.db'}")
    full, _ = await open_engine(f"sqlite+aiosqlite:///{folder / 'full.db'}")
    await _fill(full, FINISHED)
    await _fill(young, YOUNG)
    questions: dict[str, Ask] = {"status": _status, "history": _history, "claim": _claim}
    found = []
    for name, ask in questions.items():
        measured = tuple([Round(await _time(full, ask), await _time(young, ask)) for _ in range(rounds)])
        found.append(Comparison(f"growth, {name} with {FINISHED:,} finished plans", measured, GOAL))
    for engine in (young, full):
        await engine.dispose()
    return found


async def _time(engine: AsyncEngine, ask: Ask) -> float:
    store, took = SqlStore(engine, StandingClock()), []
    for _ in range(REPEATS):
        number = next(NUMBERS)
        begin = perf_counter()
        await ask(store, number)
        took.append(perf_counter() - begin)
    return median(took)


async def _status(store: SqlStore, _number: int) -> None:
    """What the sweeps ask each second, and `status`."""
    await store.open_plans()
    await store.unshown()


async def _history(store: SqlStore, _number: int) -> None:
    await store.ended(lambda _: True, None, 10)


async def _claim(store: SqlStore, number: int) -> None:
    """A plan from its beginning to its end; so the next one finds the store as this one did."""
    plan_id = f"claim-{number}"
    await store.add(proposed().model_copy(update={"id": plan_id}), [Entry("proposed")])
    decision = policy.decide(RAVI, policy.Action.CONFIRM)
    await store.update(plan_id, lambda current: Change(approval.confirm(current, RAVI, decision, NOW)))
    await store.put_message(Message(plan_id, "card", "C0OPS", f"{number}.0", "d", NOW))
    await store.plan_of_message("C0OPS", f"{number}.0")
    _, version, _ = await store.latest(plan_id)
    await store.update(plan_id, lambda current: Change(approval.lapse(current)))
    await store.shown(plan_id, version + 1)


async def _fill(engine: AsyncEngine, plans_of_old: int) -> None:
    ended = proposed().model_copy(update={"state": PlanState.SUCCEEDED})
    for first in range(0, plans_of_old, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, plans_of_old))
        rows = [_row(ended.model_copy(update={"id": f"old-{number}"})) for number in numbers]
        lines = [
            {"plan_id": row["id"], "at": NOW.isoformat(), "kind": kind, "actor": None, "details": {}}
            for row in rows
            for kind in ("proposed", "confirmed", "succeeded")
        ]
        said = [
            Message(str(row["id"]), slot, "C0OPS", f"{row['id']}.{slot}", "d", NOW)._asdict()
            | {"intended_at": NOW.isoformat()}
            for row in rows
            for slot in ("card", "progress", "report")
        ]
        async with engine.begin() as connection:
            await connection.execute(insert(plans), rows)
            await connection.execute(insert(log), lines)
            await connection.execute(insert(messages), said)


def _row(record: Record) -> dict[str, object]:
    text = record.model_dump_json()
    return {"id": record.id, "version": 1, "shown_version": 1, "open": False, "record": text}
