"""Several replicas, and indexes for what is looked at often."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make tables and indexes."""
    op.create_table(
        "replicas",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("until", sa.Float(53), nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("replica", sa.String(64), nullable=False, index=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("nudged", sa.Boolean, nullable=False),
    )
    unshown = sa.text("version != shown_version")
    op.create_index("ix_plans_unshown", "plans", ["seq"], sqlite_where=unshown, postgresql_where=unshown)
    op.create_index("ix_messages_place", "messages", ["channel", "ts"])
