"""A webhook ends with the API tokens that made it or led it where it goes, and says why it is paused."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "webhooks",
        sa.Column(
            "token_ids",
            postgresql.ARRAY(sa.Uuid()),
            server_default="{}",
            nullable=False,
            comment="API tokens that made it or led it where it goes: it ends with each of them.",
        ),
    )
    op.add_column("webhooks", sa.Column("pause_reason", sa.Text(), nullable=True, comment="Set while it is paused."))
    # Which tokens made and led those that are there, the audit log knows.
    op.execute(
        """
        UPDATE webhooks w SET token_ids = ARRAY(
            SELECT DISTINCT c.actor_id FROM changes c
            WHERE c.workspace_id = w.workspace_id AND c.entity_id = w.id AND c.kind = 'WEBHOOK'
              AND c.actor_kind = 'INTEGRATION' AND c.fields @> '[{"field": "URL"}]'
        )
        WHERE w.scopes IS NOT NULL
        """
    )
    op.execute(
        """
        UPDATE webhooks w SET pause_reason = CASE WHEN EXISTS (
            SELECT 1 FROM memberships m WHERE m.workspace_id = w.workspace_id AND m.user_id = w.created_by
        ) THEN 'REQUESTED' ELSE 'CREATOR_LEFT' END
        WHERE w.paused_at IS NOT NULL
        """
    )


def downgrade() -> None:
    op.drop_column("webhooks", "pause_reason")
    op.drop_column("webhooks", "token_ids")
