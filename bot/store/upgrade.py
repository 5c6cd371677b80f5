"""Bringing a database to the schema that this bot knows, before anything reads it.

The steps are Alembic's. It is imported only when there is something to do, since most starts find all in order. On
PostgreSQL, where several bots may start together, a transaction-level advisory lock lets one of them at it; the DDL of
both engines belongs to the transaction, so a step is there as a whole or not at all.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.schema import SCHEMA_VERSION

LOCK = 0x766D2D6D69677261
"""Key of the advisory lock: "vm-migra" in ASCII. Locks of other programs in the same database have other keys."""


class DatabaseTooNew(Exception):
    """The database was written by a newer version of the bot."""


async def upgrade(engine: AsyncEngine) -> None:
    """Take the steps that are missing. Raises DatabaseTooNew."""
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    marked, number = _found(connection)
    if number > SCHEMA_VERSION:
        raise DatabaseTooNew(f"the database has schema {number}, this bot knows {SCHEMA_VERSION}")
    if number < SCHEMA_VERSION or not marked:
        _take_steps(connection, number, marked=marked)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")  # what bots before Alembic look at


def _found(connection: Connection) -> tuple[bool, int]:
    """Whether Alembic has marked the database, and the number of its newest step; 0 for an empty one."""
    if inspect(connection).has_table("alembic_version"):
        return True, int(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or 0)
    if connection.dialect.name == "sqlite":
        return False, int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)
    return False, 0


def _take_steps(connection: Connection, number: int, *, marked: bool) -> None:
    from alembic import command  # noqa: PLC0415  # most starts need it not, and it takes a while
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    if number and not marked:
        command.stamp(config, f"{number:04}")
    command.upgrade(config, "head")
