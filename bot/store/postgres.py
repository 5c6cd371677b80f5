"""PostgreSQL: a server of its own, several bots.

Transactions are READ COMMITTED and lock the rows that they decide on (`SELECT ... FOR UPDATE`), so decisions about one
plan take turns across all bots. A connection that has died is found by a ping before it is used; a server that does not
answer is given up after seconds, well before a lease ends.
"""

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

DRIVER = "postgresql+asyncpg"

CONNECTIONS = 5
MORE_CONNECTIONS = 5
"""Of one bot: kept open, and added while many transactions run at once."""

ANSWER_SECONDS = 4.0
"""For a connection and for each statement."""


def engine(url: URL) -> AsyncEngine:
    """An engine with a small pool."""
    return create_async_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=MORE_CONNECTIONS,
        pool_pre_ping=True,
        connect_args={"timeout": ANSWER_SECONDS, "command_timeout": ANSWER_SECONDS},
    )
