"""Opening the database safely: by its URL, locked where only one may use it, and at the schema that this bot knows."""

import asyncio

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import postgres, sqlite
from bot.store.refusals import BadDatabase
from bot.store.sqlite import FileLock
from bot.store.upgrade import upgrade
from bot.store.whole import all_ended

PATIENCE = 5.0
"""Seconds for transactions that have begun, at the end."""


async def open_engine(url: str) -> tuple[AsyncEngine, FileLock | None]:
    """An engine whose tables exist, and the lock that makes this process its owner (None where there is none: a
    database in memory, or one that several share).

    Raises DatabaseInUse, DatabaseTooNew, BadDatabase.
    """
    parsed = _parse(url)
    lock = sqlite.lock(parsed) if parsed.drivername == sqlite.DRIVER else None
    engine = sqlite.engine(parsed) if parsed.drivername == sqlite.DRIVER else postgres.engine(parsed)
    try:
        await upgrade(engine)
    except BaseException as error:
        await engine.dispose()
        if lock:
            lock.release()
        if isinstance(error, SQLAlchemyError | OSError) or _is_of_driver(error):
            raise BadDatabase(_why(parsed, error)) from error
        raise
    return engine, lock


async def close_engine(engine: AsyncEngine) -> None:
    """Let go of the database once the transactions that have begun are over."""
    await all_ended(PATIENCE)
    await engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadDatabase("VM_MIGRATE_DATABASE_URL is not a database URL") from error
    if parsed.drivername not in (sqlite.DRIVER, postgres.DRIVER):
        raise BadDatabase(
            f"VM_MIGRATE_DATABASE_URL: {parsed.drivername} is not supported; "
            f"use {sqlite.DRIVER}:///FILE or {postgres.DRIVER}://USER@HOST/DATABASE"
        )
    return parsed


def _is_of_driver(error: BaseException) -> bool:
    """What asyncpg raises while it connects; SQLAlchemy wraps only what comes later."""
    return type(error).__module__.startswith("asyncpg.")


def _why(url: URL, error: BaseException) -> str:
    if url.drivername == sqlite.DRIVER:
        return f"{url.database} cannot be opened as a database"
    return f"VM_MIGRATE_DATABASE_URL: the database at {url.host or 'localhost'} cannot be opened ({_word(error)})"


def _word(error: BaseException) -> str:
    """The kind of error: its text may hold the URL with the password."""
    if isinstance(error, asyncio.TimeoutError):
        return "no answer"
    return type(getattr(error, "orig", None) or error).__name__
