"""The tables. A plan is one row: its Record as JSON, and beside it only what queries need.

A change here comes with a step in `bot/store/migrations`; a test compares what the steps make with what stands here.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

SCHEMA_VERSION = 4
"""The number of the newest step of the migrations. A newer one in the database means that an older bot was started."""

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""Of rows. SQLite counts up by itself only what is an INTEGER."""

plans = Table(
    "plans",
    metadata,
    Column("seq", NUMBER, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("shown_version", Integer, nullable=False),
    Column("open", Boolean, nullable=False, index=True),
    Column("record", Text, nullable=False),
)

unshown = plans.c.version != plans.c.shown_version

Index("ix_plans_unshown", plans.c.seq)
"""Looked at each second: it holds only what is to be shown, however many plans there were. Since version 3. That
condition is in its step alone: said here in the words of both dialects, both would be imported at every start."""

vm_locks = Table(
    "vm_locks",
    metadata,
    Column("vm", String(512), primary_key=True),
    Column("plan_id", String(32), nullable=False, index=True),
)
"""One move per VM at a time, across all plans: the primary key says so."""

log = Table(
    "log",
    metadata,
    Column("seq", NUMBER, primary_key=True, autoincrement=True),
    Column("plan_id", String(32), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("actor", String(64)),
    Column("details", JSON, nullable=False),
)
"""Append-only."""

messages = Table(
    "messages",
    metadata,
    Column("plan_id", String(32), primary_key=True),
    Column("slot", String(32), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("ts", String(32), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("intended_at", String(40), nullable=False),
    Index("ix_messages_place", "channel", "ts"),
)

downtimes = Table(
    "downtimes",
    metadata,
    Column("seq", NUMBER, primary_key=True, autoincrement=True),
    Column("plan_id", String(32), nullable=False),
    Column("vm", String(512), nullable=False, index=True),
    Column("seconds", Float, nullable=False),
)
"""What cold moves that succeeded have cost; one row for each, written with its success. Since version 2."""

replicas = Table(
    "replicas",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("until", Float(53), nullable=False),
)
"""Bots that serve, and until when each may be taken to live: seconds of the database's own clock. Since version 3."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("replica", String(64), nullable=False, index=True),
    Column("epoch", Integer, nullable=False),
    Column("nudged", Boolean, nullable=False),
)
"""Who carries what out: a plan's run by the plan's id, and what one does for all. A lease holds as long as its replica
does; `epoch` grows with each owner; `nudged` asks the owner to look at the plan anew. Since version 3."""

evacuated = Table(
    "evacuated",
    metadata,
    Column("vm", String(512), primary_key=True),
    Column("node", String(256), nullable=False, index=True),
    Column("plan_id", String(32), nullable=False),
)
"""Where a VM was before an evacuation took it away, until it is back; written with the success of its move. Since
version 4."""
