"""The tables. A plan is one row: its Record as JSON, and beside it only what queries need."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Integer, MetaData, String, Table, Text

metadata = MetaData()

SCHEMA_VERSION = 2
"""Kept in SQLite's `user_version`; a newer one on disk means that an older bot was started on it. What a version adds
is a table of its own, so an older database is brought up by creating what it lacks."""

plans = Table(
    "plans",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("shown_version", Integer, nullable=False),
    Column("open", Boolean, nullable=False, index=True),
    Column("record", Text, nullable=False),
)

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
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
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
)

downtimes = Table(
    "downtimes",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("plan_id", String(32), nullable=False),
    Column("vm", String(512), nullable=False, index=True),
    Column("seconds", Float, nullable=False),
)
"""What cold moves that succeeded have cost; one row for each, written with its success. Since version 2."""
