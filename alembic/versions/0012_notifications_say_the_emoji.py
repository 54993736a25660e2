"""A notification of a reaction says with what."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "notifications",
        sa.Column("emoji", sa.Text(), nullable=True, comment="Of the newest reaction, if it is of one."),
    )


def downgrade() -> None:
    op.drop_column("notifications", "emoji")
