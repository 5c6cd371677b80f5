"""Where plans live: SQL, one transaction per change, an append-only log.

SQLite for one bot, PostgreSQL for several. The store is the source of truth; chat messages and timers are projections
of it. `bot.store` is the only importer of `sqlalchemy` and `alembic`.
"""

from bot.store.engine import close_engine, open_engine
from bot.store.leases import SqlLeases
from bot.store.plans import SqlStore
from bot.store.refusals import BadDatabase, DatabaseInUse
from bot.store.upgrade import DatabaseTooNew

__all__ = ["BadDatabase", "DatabaseInUse", "DatabaseTooNew", "SqlLeases", "SqlStore", "close_engine", "open_engine"]
