"""A store on each engine, opened as the bot opens it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import SqlStore, close_engine, open_engine
from tests.clocks import StandingClock
from tests.postgres import needs_postgres


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=needs_postgres)])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    opened, lock = await open_engine(url)
    yield opened
    await close_engine(opened)
    if lock:
        lock.release()


@pytest.fixture
def store(engine: AsyncEngine) -> SqlStore:
    return SqlStore(engine, StandingClock())
