"""What cold moves have cost."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "downtimes",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("plan_id", sa.String(32), nullable=False),
        sa.Column("vm", sa.String(512), nullable=False, index=True),
        sa.Column("seconds", sa.Float, nullable=False),
    )
