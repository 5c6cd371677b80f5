"""Opening the database safely.

SQLite: WAL, `synchronous=FULL` (an original that was noted must survive a crash of the node), one connection whose
transactions begin IMMEDIATE (deferred ones fail under several writers), and an exclusive lock on a file beside the
database. The lock is the bot's lease on all runs: a second bot on the same file refuses to start. The lock is the
kernel's and goes with the process, however it ends; it does not reach across machines on network file systems.
"""

import fcntl
import os
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from bot.store.schema import SCHEMA_VERSION, metadata


class DatabaseInUse(Exception):
    """Another bot has this database open."""


class DatabaseTooNew(Exception):
    """The database was written by a newer version of the bot."""


class BadDatabase(Exception):
    """The URL names no database that can be opened."""


class FileLock:
    """An exclusive lock on `<database>.lock`, held until `release` or the end of the process."""

    def __init__(self, database: str) -> None:
        try:
            self._fd = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            reason = f"VM_MIGRATE_DATABASE_URL: {database} cannot be opened ({error.strerror})"
            raise BadDatabase(reason) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            os.close(self._fd)
            raise DatabaseInUse(f"another bot is running on {database}") from taken

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._fd)


async def open_engine(url: str) -> tuple[AsyncEngine, FileLock | None]:
    """An engine whose tables exist, and the lock that makes this process its owner (None for a memory database).

    Raises DatabaseInUse, DatabaseTooNew, BadDatabase.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadDatabase("VM_MIGRATE_DATABASE_URL is not a database URL") from error
    if parsed.drivername != "sqlite+aiosqlite":
        raise BadDatabase(
            f"VM_MIGRATE_DATABASE_URL: {parsed.drivername} is not supported; use sqlite+aiosqlite:///FILE"
        )
    in_memory = parsed.database in (None, "", ":memory:")
    lock = None if in_memory else FileLock(str(parsed.database))
    engine = create_async_engine(parsed, poolclass=StaticPool)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        await _create_tables(engine)
    except BaseException as error:
        await engine.dispose()
        if lock:
            lock.release()
        if isinstance(error, SQLAlchemyError):
            raise BadDatabase(f"{parsed.database} cannot be opened as a database") from error
        raise
    return engine, lock


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions itself, see the "begin" listener
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _create_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        found = (await connection.exec_driver_sql("PRAGMA user_version")).scalar_one()
        if found > SCHEMA_VERSION:
            raise DatabaseTooNew(f"the database has schema {found}, this bot knows {SCHEMA_VERSION}")
        await connection.run_sync(metadata.create_all)
        await connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
