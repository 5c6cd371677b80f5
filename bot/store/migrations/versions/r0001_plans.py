"""Plans with their locks, log and messages: what 0.1.0 had."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "plans",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("shown_version", sa.Integer, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False, index=True),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_table(
        "vm_locks",
        sa.Column("vm", sa.String(512), primary_key=True),
        sa.Column("plan_id", sa.String(32), nullable=False, index=True),
    )
    op.create_table(
        "log",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("plan_id", sa.String(32), nullable=False, index=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(64)),
        sa.Column("details", sa.JSON, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("plan_id", sa.String(32), primary_key=True),
        sa.Column("slot", sa.String(32), primary_key=True),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("ts", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("intended_at", sa.String(40), nullable=False),
    )
