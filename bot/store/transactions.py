"""What both engines share: a transaction, and the database's own clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Float
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from bot.ports import StoreAway

READS = "reads"
"""Execution option of an engine whose transactions only read."""


def reading(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, for transactions that only read."""
    return engine.execution_options(**{READS: True})


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction. Raises StoreAway when the database does not answer, or ends it in favour of another one; then
    nobody knows whether it was kept."""
    try:
        connection = await engine.connect()
    except Exception as error:
        raise StoreAway(type(error).__name__) from error
    try:
        async with connection.begin():
            yield connection
    except (TimeoutError, OSError) as error:
        raise StoreAway(type(error).__name__) from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error, InterfaceError | OperationalError) or _gave_way(error):
            raise StoreAway(str(error.orig)) from error
        raise
    finally:
        await asyncio.shield(asyncio.ensure_future(connection.close()))


def _gave_way(error: DBAPIError) -> bool:
    """Whether PostgreSQL ended it in favour of another transaction (class 40, transaction rollback)."""
    return str(getattr(error.orig, "sqlstate", "")).startswith("40")


class database_now(FunctionElement[float]):  # noqa: N801  # reads as the SQL function that it is
    """This moment by the database's clock, in seconds since 1970; also within a transaction it goes on."""

    type = Float(53)
    inherit_cache = True


@compiles(database_now, "postgresql")
def _on_postgresql(element: database_now, compiler: Any, **options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


@compiles(database_now, "sqlite")
def _on_sqlite(element: database_now, compiler: Any, **options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"
