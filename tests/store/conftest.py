"""A store on a file, opened as the bot opens it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import SqlStore, open_engine
from tests.clocks import StandingClock


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    engine, lock = await open_engine(url)
    yield SqlStore(engine, StandingClock())
    await engine.dispose()
    assert lock is not None
    lock.release()
