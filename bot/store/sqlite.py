"""SQLite: one file, one bot.

WAL, `synchronous=FULL` (an original that was noted must survive a crash of the node), one connection whose transactions
begin IMMEDIATE (deferred ones fail under several writers), and an exclusive lock on a file beside the database. The
lock is the bot's lease on all runs: a second bot on the same file refuses to start. The lock is the kernel's and goes
with the process, however it ends; it does not reach across machines on network file systems.
"""

import fcntl
import os
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.store.refusals import BadDatabase, DatabaseInUse
from bot.store.transactions import READS

DRIVER = "sqlite+aiosqlite"

TURN_SECONDS = 60.0
"""Transactions take turns on the one connection; each takes milliseconds."""


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


def lock(url: URL) -> FileLock | None:
    """Become the only one on this database; None for one in memory. Raises DatabaseInUse, BadDatabase."""
    return None if url.database in (None, "", ":memory:") else FileLock(str(url.database))


def engine(url: URL) -> AsyncEngine:
    """An engine of one connection."""
    made = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, pool_timeout=TURN_SECONDS
    )
    event.listen(made.sync_engine, "connect", _prepare)
    event.listen(made.sync_engine, "begin", _begin)
    return made


def _begin(connection: Connection) -> None:
    """Nothing for what only reads: no other connection writes, and each statement to this one takes a while."""
    if not connection.get_execution_options().get(READS):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions itself, see the "begin" listener
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
