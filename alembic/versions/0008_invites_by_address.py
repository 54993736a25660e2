"""Invites are looked up by their address whenever somebody proves theirs."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_invites_email", "invites", ["email"], unique=False, postgresql_where=sa.text("email IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_invites_email", "invites")
