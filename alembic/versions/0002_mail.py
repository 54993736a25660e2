"""Mail: the outbox, the links that are sent by mail, and the notifications that wait for a mail."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'WAITING'")


def _instant(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def _foreign_key(column: str, target: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "account_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False, comment="Where it was sent."),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        _instant("created_at"),
        _instant("expires_at"),
        sa.CheckConstraint("kind IN ('RESET_PASSWORD', 'VERIFY_EMAIL')", name=op.f("ck_account_tokens_kind")),
        _foreign_key("user_id", "users.id", "account_tokens"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_tokens_token_hash")),
        comment="Links that were sent by mail. Used ones are deleted.",
    )
    op.create_index(op.f("ix_account_tokens_user_id"), "account_tokens", ["user_id"])
    op.create_index("ix_account_tokens_expires_at", "account_tokens", ["expires_at"])
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False, comment="Its Message-ID is made of it, the same at every attempt."),
        sa.Column("cause", sa.Text(), nullable=False, comment="What it is for; nothing causes two mails."),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "address", sa.Text(), nullable=True, comment="Null: wherever the person gets their mail when it is sent."
        ),
        sa.Column("workspace_id", sa.Uuid(), nullable=True),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Ids and plain values; never a secret.",
        ),
        _instant("created_at"),
        _instant("due_at"),
        _instant("expires_at", nullable=True, comment="Worthless from then on."),
        sa.Column("state", sa.Text(), server_default="WAITING", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        _instant("claimed_until", nullable=True),
        _instant(
            "handed_over_at",
            nullable=True,
            comment="When the text was about to be sent: from then on it may have arrived.",
        ),
        _instant("ended_at", nullable=True),
        sa.Column("remark", sa.Text(), nullable=True, comment="Why it waits, failed or was dropped."),
        sa.CheckConstraint(
            "kind IN ('VERIFICATION', 'PASSWORD_RESET', 'EMAIL_CHANGE', 'INVITATION', 'NOTIFICATIONS')",
            name=op.f("ck_mails_kind"),
        ),
        sa.CheckConstraint("state IN ('WAITING', 'SENT', 'DROPPED', 'FAILED')", name=op.f("ck_mails_state")),
        _foreign_key("user_id", "users.id", "mails"),
        _foreign_key("workspace_id", "workspaces.id", "mails"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("cause", name=op.f("uq_mails_cause")),
        comment="The outbox.",
    )
    op.create_index(op.f("ix_mails_user_id"), "mails", ["user_id"])
    op.create_index(op.f("ix_mails_workspace_id"), "mails", ["workspace_id"])
    op.create_index("ix_mails_due_at", "mails", ["due_at"], postgresql_where=WAITING)
    op.create_index("ix_mails_ended_at", "mails", ["ended_at"], postgresql_where=sa.text("state <> 'WAITING'"))
    op.create_table(
        "notification_mails",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column(
            "cause_id",
            sa.Uuid(),
            nullable=False,
            comment="What was folded into the notification: one cause, one mention.",
        ),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=True),
        _instant("created_at"),
        sa.Column("mail_id", sa.Uuid(), nullable=True, comment="Null: still to be mailed."),
        _foreign_key("user_id", "users.id", "notification_mails"),
        _foreign_key("workspace_id", "workspaces.id", "notification_mails"),
        _foreign_key("mail_id", "mails.id", "notification_mails"),
        sa.PrimaryKeyConstraint("notification_id", "cause_id", name=op.f("pk_notification_mails")),
        comment="Notifications that somebody wants by mail.",
    )
    op.create_index(op.f("ix_notification_mails_workspace_id"), "notification_mails", ["workspace_id"])
    op.create_index(op.f("ix_notification_mails_mail_id"), "notification_mails", ["mail_id"])
    op.create_index(
        "ix_notification_mails_waiting",
        "notification_mails",
        ["user_id", "workspace_id", "created_at"],
        postgresql_where=sa.text("mail_id IS NULL"),
    )
    op.add_column(
        "invites",
        sa.Column(
            "mail_token_hash",
            sa.LargeBinary(),
            nullable=True,
            comment="Of the token that went to the invite's address alone, so that whoever has it owns the address.",
        ),
    )
    op.create_unique_constraint(op.f("uq_invites_mail_token_hash"), "invites", ["mail_token_hash"])


def downgrade() -> None:
    op.drop_column("invites", "mail_token_hash")
    for table in ("notification_mails", "mails", "account_tokens"):
        op.drop_table(table)
