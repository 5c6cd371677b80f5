"""Opening a database: one bot on a file, several on a server; old schemas are brought up, newer ones left alone."""

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import BadDatabase, DatabaseInUse, DatabaseTooNew, SqlStore, open_engine
from bot.store.schema import SCHEMA_VERSION, metadata
from tests.clocks import StandingClock
from tests.facts import proposed
from tests.postgres import needs_postgres


async def run(url: str, *statements: str) -> None:
    """Change a database behind the bot's back."""
    engine, lock = await open_engine(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await engine.dispose()
    if lock:
        lock.release()


async def test_the_steps_make_what_the_code_expects(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with engine.begin() as connection:
        assert await connection.run_sync(differences) == []
        number = (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).scalar_one()
    assert int(number) == SCHEMA_VERSION


@pytest.mark.parametrize("version", [1, 2])
async def test_a_file_of_a_bot_before_the_steps_is_brought_up_and_keeps_its_plans(
    sqlite_url: str, version: int
) -> None:
    engine, lock = await open_engine(sqlite_url)
    await SqlStore(engine, StandingClock()).add(proposed(), [])
    await engine.dispose()
    assert lock is not None
    lock.release()
    later = ["evacuated", "replicas", "leases", "alembic_version", *(["downtimes"] if version < 2 else [])]
    dropped = [f"DROP TABLE {table}" for table in later]
    indexes = ["DROP INDEX ix_plans_unshown", "DROP INDEX ix_messages_place"]
    await run(sqlite_url, *dropped, *indexes, f"PRAGMA user_version={version}")

    engine, lock = await open_engine(sqlite_url)
    async with engine.begin() as connection:
        assert (await connection.exec_driver_sql("PRAGMA user_version")).scalar_one() == SCHEMA_VERSION
    store = SqlStore(engine, StandingClock())
    assert (await store.get("p1"), await store.downtimes(None, 9)) == (proposed(), ())
    await engine.dispose()
    assert lock is not None
    lock.release()


async def test_what_was_stored_is_there_after_a_restart(url: str) -> None:
    for is_there in (False, True):
        engine, lock = await open_engine(url)
        store = SqlStore(engine, StandingClock())
        if not is_there:
            await store.add(proposed(), [])
        assert await store.get("p1") == proposed()
        await engine.dispose()
        if lock:
            lock.release()


async def test_a_database_of_a_newer_bot_is_left_alone(url: str) -> None:
    await run(url, "UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(DatabaseTooNew):
        await open_engine(url)


async def test_a_second_bot_on_the_same_file_refuses_to_start(sqlite_url: str) -> None:
    engine, lock = await open_engine(sqlite_url)
    with pytest.raises(DatabaseInUse):
        await open_engine(sqlite_url)
    await engine.dispose()
    assert lock is not None
    lock.release()


@needs_postgres
async def test_bots_that_start_together_on_an_empty_server_make_its_tables_once(postgres_url: str) -> None:
    opened = await asyncio.gather(*(open_engine(postgres_url) for _ in range(4)))
    stores = [SqlStore(engine, StandingClock()) for engine, _ in opened]
    await stores[0].add(proposed(), [])
    assert [await store.get("p1") for store in stores] == [proposed()] * 4
    await asyncio.gather(*(engine.dispose() for engine, _ in opened))


@pytest.mark.parametrize("url", ["mysql://db/bot", "no url at all", ""])
async def test_what_is_no_database_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(BadDatabase):
        await open_engine(url)


async def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(BadDatabase) as bad:
        await open_engine("postgresql+asyncpg://bot:geheim@127.0.0.1:9/bot")
    assert "127.0.0.1 cannot be opened" in str(bad.value)
    assert "geheim" not in str(bad.value)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("these are my notes, and they are no database" * 100)
    with pytest.raises(BadDatabase):
        await open_engine(f"sqlite+aiosqlite:///{file}")
    assert file.read_text().startswith("these are my notes")
