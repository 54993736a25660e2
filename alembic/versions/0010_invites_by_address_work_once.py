"""An invite for an address lets in once: who left or was removed does not come back by it."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE invites SET max_uses = 1 WHERE email IS NOT NULL")


def downgrade() -> None:
    """How many were allowed before is not known any more, and fewer do no harm."""
