"""Where VMs were before an evacuation took them away."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "evacuated",
        sa.Column("vm", sa.String(512), primary_key=True),
        sa.Column("node", sa.String(256), nullable=False, index=True),
        sa.Column("plan_id", sa.String(32), nullable=False),
    )
