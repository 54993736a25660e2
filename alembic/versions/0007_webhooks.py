"""Webhooks and what became of each message to them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False, comment="Whose rights say what it is told."),
        sa.Column(
            "scopes",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="What of them counts, where an API token made it; null: all.",
        ),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text(), nullable=True, comment="Signs as well, until then."),
        sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "epoch", sa.Text(), nullable=False, comment="With seq: everything up to there was delivered, in order."
        ),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="Of what comes next."),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, comment="Not tried before."),
        sa.Column(
            "revision",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Rises when somebody changes something.",
        ),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_webhooks_created_by")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_webhooks_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_webhooks_workspace_id_id")),
        comment=(
            "Who is told what happens, and how far they were told. Invariant: seq rises only by what was answered to."
        ),
    )
    op.create_index("ix_webhooks_page", "webhooks", ["workspace_id", "created_at", "id"], unique=False)
    op.create_index("ix_webhooks_created_by", "webhooks", ["created_by"], unique=False)
    op.create_index(
        "ix_webhooks_due_at", "webhooks", ["due_at"], unique=False, postgresql_where=sa.text("paused_at IS NULL")
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column(
            "id",
            sa.Uuid(),
            nullable=False,
            comment="Made of the webhook and the event, so it is the same every time.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("is_test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status_code", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_response", sa.Text(), nullable=True, comment="The beginning of what was answered."),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('PENDING', 'DELIVERED', 'RETRYING', 'FAILED')", name=op.f("ck_webhook_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "webhook_id"],
            ["webhooks.workspace_id", "webhooks.id"],
            name=op.f("fk_webhook_deliveries_workspace_id_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        comment="What became of each message to a webhook; for people, the truth is webhooks.seq.",
    )
    op.create_index(
        "ix_webhook_deliveries_page", "webhook_deliveries", ["webhook_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_webhook_deliveries_created_at", "webhook_deliveries", ["created_at"], unique=False)
    op.create_index(
        "ix_webhook_deliveries_tests",
        "webhook_deliveries",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("is_test AND state = 'PENDING'"),
    )


def downgrade() -> None:
    # What the audit log tells of webhooks cannot be told by an older server.
    op.execute("DELETE FROM changes WHERE kind = 'WEBHOOK'")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
