"""Where plans live: SQL, one transaction per change, an append-only log.

The store is the source of truth; chat messages and timers are projections of it. `bot.store` is the only importer of
`sqlalchemy`.
"""

from bot.store.engine import BadDatabase, DatabaseInUse, DatabaseTooNew, open_engine
from bot.store.plans import SqlStore

__all__ = ["BadDatabase", "DatabaseInUse", "DatabaseTooNew", "SqlStore", "open_engine"]
