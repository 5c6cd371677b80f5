"""A transaction whose caller is canceled in the middle is finished, and leaves the next one its way."""

import asyncio
import contextlib

from bot.ports import Change, Entry
from bot.store import SqlStore, close_engine, open_engine
from tests.clocks import StandingClock
from tests.facts import proposed

CANCELED = 60


async def test_a_canceled_caller_leaves_no_lock_behind(store: SqlStore) -> None:
    await store.add(proposed(), [])
    for number in range(CANCELED):
        canceled = asyncio.ensure_future(store.update("p1", lambda now: Change(now, [Entry("canceled")])))
        await asyncio.sleep(number * 0.0002)
        canceled.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await canceled
        await store.update("p1", lambda now: Change(now, [Entry("kept")]))
    kinds = [line.kind for line in await store.log("p1")]
    assert kinds.count("kept") == CANCELED
    assert kinds.count("canceled") >= CANCELED // 2


async def test_the_database_is_closed_after_what_was_begun(url: str) -> None:
    engine, lock = await open_engine(url)
    store = SqlStore(engine, StandingClock())
    await store.add(proposed(), [])
    for _ in range(5):
        canceled = asyncio.ensure_future(store.update("p1", lambda now: Change(now, [Entry("canceled")])))
        await asyncio.sleep(0)
        canceled.cancel()
    await close_engine(engine)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    if lock:
        lock.release()
