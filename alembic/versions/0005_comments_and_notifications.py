"""Comments, reactions, who follows what, and what people are told."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = (
    "kind IN ('MENTION', 'ASSIGNED', 'UNASSIGNED', 'COMMENT', 'REPLY', 'STATUS_CHANGED', 'DUE_SOON', 'OVERDUE',"
    " 'INVITED', 'REACTION')"
)


def upgrade() -> None:
    op.create_table(
        "notification_counts",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unread", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_counts_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_notification_counts_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "workspace_id", "kind", name=op.f("pk_notification_counts")),
        comment="How many notifications somebody has not read, kept so that nobody ever counts them.",
    )
    op.create_index("ix_notification_counts_workspace", "notification_counts", ["workspace_id"], unique=False)
    op.create_table(
        "notification_heads",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_heads_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notification_heads")),
        comment="How often somebody's notifications have changed. Its row is the lock of all of them.",
    )
    op.create_table(
        "notification_settings",
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), server_default="NONE", nullable=False),
        sa.Column("quiet_from", sa.Text(), nullable=True, comment="HH:MM where the person lives."),
        sa.Column("quiet_to", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "digest IN ('NONE', 'HOURLY', 'DAILY', 'WEEKLY')", name=op.f("ck_notification_settings_digest")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "membership_id"],
            ["memberships.workspace_id", "memberships.id"],
            name=op.f("fk_notification_settings_workspace_id_membership_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("membership_id", name=op.f("pk_notification_settings")),
        comment="What a member of a workspace has set; whoever is not here has the defaults.",
    )
    op.create_index("ix_notification_settings_workspace", "notification_settings", ["workspace_id"], unique=False)
    op.create_table(
        "comments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column(
            "parent_id", sa.Uuid(), nullable=True, comment="The first comment of its thread; null for that one itself."
        ),
        sa.Column("author_kind", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "search", postgresql.TSVECTOR(), sa.Computed("to_tsvector('simple', body)", persisted=True), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "parent_id"],
            ["comments.workspace_id", "comments.id"],
            name=op.f("fk_comments_workspace_id_parent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_comments_workspace_id_task_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_comments_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_comments_workspace_id_id")),
    )
    op.create_index("ix_comments_parent", "comments", ["workspace_id", "parent_id"], unique=False)
    op.create_index("ix_comments_search", "comments", ["search"], unique=False, postgresql_using="gin")
    op.create_index("ix_comments_task", "comments", ["task_id", "created_at", "id"], unique=False)
    op.create_table(
        "notification_rules",
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column(
            "scope_id",
            sa.Uuid(),
            sa.Computed("coalesce(task_id, project_id, workspace_id)", persisted=True),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint(
            KINDS,
            name=op.f("ck_notification_rules_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "membership_id"],
            ["memberships.workspace_id", "memberships.id"],
            name=op.f("fk_notification_rules_workspace_id_membership_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            name=op.f("fk_notification_rules_workspace_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_notification_rules_workspace_id_task_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("membership_id", "scope_id", "kind", name=op.f("pk_notification_rules")),
        comment="Which channels a kind takes; a task's rule goes before a project's, that before the workspace's.",
    )
    op.create_index("ix_notification_rules_project", "notification_rules", ["workspace_id", "project_id"], unique=False)
    op.create_index("ix_notification_rules_task", "notification_rules", ["task_id"], unique=False)
    op.create_table(
        "reminders",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.CheckConstraint(
            KINDS,
            name=op.f("ck_reminders_kind"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reminders_user_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_reminders_workspace_id_task_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("task_id", "user_id", "kind", "due_date", name=op.f("pk_reminders")),
        comment="Who was reminded of which due date, so that nobody is twice.",
    )
    op.create_index("ix_reminders_due_date", "reminders", ["due_date"], unique=False)
    op.create_table(
        "task_subscriptions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("is_subscribed", sa.Boolean(), nullable=False),
        sa.Column("is_muted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_task_subscriptions_user_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_task_subscriptions_workspace_id_task_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("task_id", "user_id", name=op.f("pk_task_subscriptions")),
        comment="Who follows a task, or has said that they do not want to; whoever is not here has said nothing.",
    )
    op.create_index("ix_task_subscriptions_user", "task_subscriptions", ["user_id", "workspace_id"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="The person's head when it last changed."),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("comment_id", sa.Uuid(), nullable=True),
        sa.Column("invite_id", sa.Uuid(), nullable=True),
        sa.Column(
            "group_key", sa.Text(collation="C"), nullable=False, comment="Unread ones of one key are folded into one."
        ),
        sa.Column(
            "sources",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="The newest of what was folded into it, the oldest first.",
        ),
        sa.Column("group_count", sa.Integer(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("is_in_app", sa.Boolean(), nullable=False, comment="False: it is for other channels alone."),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="When the newest of it happened."),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "withdrawn_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Since when it is to be forgotten; kept a little, to tell those who look.",
        ),
        sa.CheckConstraint(
            KINDS,
            name=op.f("ck_notifications_kind"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notifications_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "comment_id"],
            ["comments.workspace_id", "comments.id"],
            name=op.f("fk_notifications_workspace_id_comment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invite_id"],
            ["invites.workspace_id", "invites.id"],
            name=op.f("fk_notifications_workspace_id_invite_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_notifications_workspace_id_task_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_notifications_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index("ix_notifications_comment", "notifications", ["comment_id"], unique=False)
    op.create_index("ix_notifications_invite", "notifications", ["invite_id"], unique=False)
    op.create_index(
        "ix_notifications_page",
        "notifications",
        ["user_id", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL AND is_in_app"),
    )
    op.create_index("ix_notifications_seq", "notifications", ["user_id", "seq"], unique=False)
    op.create_index("ix_notifications_task", "notifications", ["task_id", "user_id"], unique=False)
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["user_id", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL AND is_in_app AND read_at IS NULL"),
    )
    op.create_index("ix_notifications_workspace", "notifications", ["workspace_id", "user_id"], unique=False)
    op.create_table(
        "reactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("comment_id", sa.Uuid(), nullable=True, comment="Null: the task itself is what it is about."),
        sa.Column(
            "subject_id", sa.Uuid(), sa.Computed("coalesce(comment_id, task_id)", persisted=True), nullable=False
        ),
        sa.Column("emoji", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reactions_user_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "comment_id"],
            ["comments.workspace_id", "comments.id"],
            name=op.f("fk_reactions_workspace_id_comment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_reactions_workspace_id_task_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reactions")),
        sa.UniqueConstraint("subject_id", "emoji", "user_id", name=op.f("uq_reactions_subject_id_emoji_user_id")),
    )
    op.create_index("ix_reactions_comment", "reactions", ["workspace_id", "comment_id"], unique=False)
    op.create_index("ix_reactions_task", "reactions", ["task_id"], unique=False)
    op.create_index(
        "ix_tasks_due",
        "tasks",
        ["due_date", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL AND archived_at IS NULL"),
    )
    # Whoever made a task or is assigned to it follows it.
    op.execute(
        "INSERT INTO task_subscriptions (workspace_id, task_id, user_id, is_subscribed, since)"
        " SELECT workspace_id, id, created_by, true, created_at FROM tasks WHERE created_by_kind = 'USER'"
        " UNION ALL SELECT workspace_id, task_id, user_id, true, added_at FROM task_assignees"
        " ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    op.drop_index("ix_tasks_due", table_name="tasks")
    for table in (
        "reminders",
        "notification_rules",
        "notification_settings",
        "notifications",
        "notification_counts",
        "notification_heads",
        "task_subscriptions",
        "reactions",
        "comments",
    ):
        op.drop_table(table)
