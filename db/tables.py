"""The tables, as Alembic creates them.

Every tenant table carries `workspace_id`, and references inside a workspace are
composite, so that a row can never point into another workspace. Text that is
compared byte by byte (ranks, keys, slugs) has the collation "C".
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
    literal_column,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from db.models import (
    AccountTokenKind,
    DeliveryState,
    DigestFrequency,
    MailKind,
    MailState,
    NotificationKind,
    Role,
    StatusCategory,
    WorkspaceKind,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Instant = DateTime(timezone=True)
Bytewise = Text(collation="C")


def _versioned() -> list[Column[object]]:
    return [
        Column("version", Integer, nullable=False, server_default="1"),
        Column("created_at", Instant, nullable=False),
        Column("updated_at", Instant, nullable=False),
    ]


def _one_of(column: str, values: type) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)  # type: ignore[attr-defined]
    return CheckConstraint(f"{column} IN ({listed})", name=column)


users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    *_versioned(),
    Column("email", Text, nullable=False, unique=True, comment="Trimmed and lower-cased."),
    Column("email_verified_at", Instant),
    Column("name", Text, nullable=False),
    Column("handle", Bytewise, nullable=False, unique=True),
    Column("time_zone", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("deleted_at", Instant),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("device", Text),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("generation", Integer, nullable=False),
    Column("used_at", Instant, comment="When its successor was first given."),
)

attempts = Table(
    "attempts",
    metadata,
    Column("subject", LargeBinary, primary_key=True, comment="Hash of what is limited: an account or an address."),
    Column("window_started_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
)

account_tokens = Table(
    "account_tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("email", Text, nullable=False, comment="Where it was sent."),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    _one_of("kind", AccountTokenKind),
    Index("ix_account_tokens_expires_at", "expires_at"),
    comment="Links that were sent by mail. Used ones are deleted.",
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Uuid, primary_key=True),
    *_versioned(),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("slug", Bytewise, nullable=False),
    Column("key", Bytewise, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("deleted_at", Instant),
    _one_of("kind", WorkspaceKind),
    Index("uq_workspaces_slug", "slug", unique=True, postgresql_where=text("deleted_at IS NULL")),
)

workspace_heads = Table(
    "workspace_heads",
    metadata,
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    Column("floor_seq", BigInteger, nullable=False, server_default="0"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("id", Uuid, primary_key=True),
    *_versioned(),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    _one_of("role", Role),
    UniqueConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "user_id"),
    Index("uq_memberships_owner", "workspace_id", unique=True, postgresql_where=text("role = 'OWNER'")),
    Index("ix_memberships_page", "workspace_id", "created_at", "id"),
)

presences = Table(
    "presences",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("membership_id", Uuid, primary_key=True),
    Column("is_shown", Boolean, nullable=False, server_default=true()),
    Column("last_seen_at", Instant, comment="Null: never seen, or hidden."),
    ForeignKeyConstraint(
        ["workspace_id", "membership_id"], ["memberships.workspace_id", "memberships.id"], ondelete="CASCADE"
    ),
    comment="What outlives Redis of members' presence. Without a row: shown, never seen.",
)

projects = Table(
    "projects",
    metadata,
    Column("id", Uuid, primary_key=True),
    *_versioned(),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Bytewise, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("color", Text, nullable=False),
    Column("archived_at", Instant),
    UniqueConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "key"),
    Index("ix_projects_page", "workspace_id", "created_at", "id"),
)

project_guests = Table(
    "project_guests",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("project_id", Uuid, nullable=False),
    Column("membership_id", Uuid, nullable=False),
    PrimaryKeyConstraint("project_id", "membership_id"),
    ForeignKeyConstraint(["workspace_id", "project_id"], ["projects.workspace_id", "projects.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["workspace_id", "membership_id"], ["memberships.workspace_id", "memberships.id"], ondelete="CASCADE"
    ),
    Index("ix_project_guests_membership", "workspace_id", "membership_id"),
)

invites = Table(
    "invites",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column(
        "mail_token_hash",
        LargeBinary,
        unique=True,
        comment="Of the token that went to the invite's address alone, so that whoever has it owns the address.",
    ),
    Column("role", Text, nullable=False),
    Column("email", Text),
    Column("max_uses", Integer),
    Column("use_count", Integer, nullable=False, server_default="0"),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("created_by", Uuid, ForeignKey("users.id"), nullable=False),
    _one_of("role", Role),
    UniqueConstraint("workspace_id", "id"),
    Index("ix_invites_page", "workspace_id", "created_at", "id"),
    Index("ix_invites_email", "email", postgresql_where=text("email IS NOT NULL")),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Uuid, primary_key=True, comment="Also the id of the integration that acts by it; so it is kept."),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("created_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, comment="How the secret begins."),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant, comment="Written once a minute at most."),
    Column("revoked_at", Instant),
    Index("ix_api_tokens_page", "workspace_id", "created_at", "id"),
    Index("ix_api_tokens_created_by", "created_by"),
)

invite_projects = Table(
    "invite_projects",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("invite_id", Uuid, nullable=False),
    Column("project_id", Uuid, nullable=False),
    PrimaryKeyConstraint("invite_id", "project_id"),
    ForeignKeyConstraint(["workspace_id", "invite_id"], ["invites.workspace_id", "invites.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["workspace_id", "project_id"], ["projects.workspace_id", "projects.id"], ondelete="CASCADE"),
    Index("ix_invite_projects_project", "workspace_id", "project_id"),
)

statuses = Table(
    "statuses",
    metadata,
    Column("id", Uuid, primary_key=True),
    *_versioned(),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("color", Text, nullable=False),
    Column("rank", Bytewise, nullable=False),
    _one_of("category", StatusCategory),
    UniqueConstraint("workspace_id", "id"),
    Index("uq_statuses_name", "workspace_id", func.lower(literal_column("name")), unique=True),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Uuid, primary_key=True),
    *_versioned(),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("color", Text, nullable=False),
    UniqueConstraint("workspace_id", "id"),
    Index("uq_labels_name", "workspace_id", func.lower(literal_column("name")), unique=True),
)

_live = text("deleted_at IS NULL")

tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    *_versioned(),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("key", Bytewise, nullable=False),
    Column("project_id", Uuid),
    Column("parent_id", Uuid),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("status_id", Uuid, nullable=False),
    Column("priority", SmallInteger, nullable=False, server_default="0"),
    Column("start_date", Date),
    Column("due_date", Date),
    Column("estimate", Float),
    Column("rank", Bytewise, nullable=False),
    Column("created_by_kind", Text, nullable=False),
    Column("created_by", Uuid, nullable=False),
    Column("completed_at", Instant),
    Column("archived_at", Instant),
    Column("deleted_at", Instant),
    Column(
        "search",
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', description), 'B')",
            persisted=True,
        ),
    ),
    UniqueConstraint("workspace_id", "id"),
    ForeignKeyConstraint(["workspace_id", "project_id"], ["projects.workspace_id", "projects.id"]),
    ForeignKeyConstraint(["workspace_id", "parent_id"], ["tasks.workspace_id", "tasks.id"]),
    ForeignKeyConstraint(["workspace_id", "status_id"], ["statuses.workspace_id", "statuses.id"]),
    Index("ix_tasks_rank", "workspace_id", "rank", "id", postgresql_where=_live),
    Index("ix_tasks_column", "workspace_id", "status_id", "project_id", "rank", "id", postgresql_where=_live),
    Index("ix_tasks_project", "workspace_id", "project_id", "rank", "id", postgresql_where=_live),
    Index("ix_tasks_created_at", "workspace_id", "created_at", "id", postgresql_where=_live),
    Index("ix_tasks_updated_at", "workspace_id", "updated_at", "id", postgresql_where=_live),
    Index("ix_tasks_due_date", "workspace_id", "due_date", "id", postgresql_where=_live),
    Index("ix_tasks_priority", "workspace_id", "priority", "id", postgresql_where=_live),
    Index("ix_tasks_title", "workspace_id", func.lower(literal_column("title")), "id", postgresql_where=_live),
    Index("ix_tasks_completed_at", "workspace_id", "completed_at", postgresql_where=_live),
    Index("ix_tasks_parent", "workspace_id", "parent_id", "rank", "id"),
    Index("ix_tasks_created_by", "workspace_id", "created_by", postgresql_where=_live),
    Index("ix_tasks_deleted", "workspace_id", "deleted_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
    Index("ix_tasks_due", "due_date", "id", postgresql_where=text("deleted_at IS NULL AND archived_at IS NULL")),
    Index("ix_tasks_search", "search", postgresql_using="gin"),
    Index("ix_tasks_title_trigram", "title", postgresql_using="gin", postgresql_ops={"title": "gin_trgm_ops"}),
    Index(
        "ix_tasks_description_trigram",
        "description",
        postgresql_using="gin",
        postgresql_ops={"description": "gin_trgm_ops"},
    ),
)

task_assignees = Table(
    "task_assignees",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("added_at", Instant, nullable=False),
    PrimaryKeyConstraint("task_id", "user_id"),
    ForeignKeyConstraint(["workspace_id", "task_id"], ["tasks.workspace_id", "tasks.id"], ondelete="CASCADE"),
    Index("ix_task_assignees_user", "user_id", "workspace_id", "task_id"),
)

task_labels = Table(
    "task_labels",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("label_id", Uuid, nullable=False),
    Column("added_at", Instant, nullable=False),
    PrimaryKeyConstraint("task_id", "label_id"),
    ForeignKeyConstraint(["workspace_id", "task_id"], ["tasks.workspace_id", "tasks.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["workspace_id", "label_id"], ["labels.workspace_id", "labels.id"]),
    Index("ix_task_labels_label", "workspace_id", "label_id", "task_id"),
)

task_keys = Table(
    "task_keys",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("key", Bytewise, nullable=False),
    Column("task_id", Uuid, nullable=False),
    PrimaryKeyConstraint("workspace_id", "key"),
    ForeignKeyConstraint(["workspace_id", "task_id"], ["tasks.workspace_id", "tasks.id"], ondelete="CASCADE"),
    Index("ix_task_keys_task", "workspace_id", "task_id"),
    comment="Every key a task ever had, so that old links keep resolving.",
)

key_counters = Table(
    "key_counters",
    metadata,
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("prefix", Bytewise, nullable=False),
    Column("last_number", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "prefix"),
)

comments = Table(
    "comments",
    metadata,
    Column("id", Uuid, primary_key=True),
    *_versioned(),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("parent_id", Uuid, comment="The first comment of its thread; null for that one itself."),
    Column("author_kind", Text, nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("body", Text, nullable=False),
    Column("resolved_at", Instant),
    Column("edited_at", Instant),
    Column("deleted_at", Instant),
    Column("search", TSVECTOR, Computed("to_tsvector('simple', body)", persisted=True)),
    UniqueConstraint("workspace_id", "id"),
    ForeignKeyConstraint(["workspace_id", "task_id"], ["tasks.workspace_id", "tasks.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["workspace_id", "parent_id"], ["comments.workspace_id", "comments.id"]),
    Index("ix_comments_task", "task_id", "created_at", "id"),
    Index("ix_comments_parent", "workspace_id", "parent_id"),
    Index("ix_comments_search", "search", postgresql_using="gin"),
)

reactions = Table(
    "reactions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("comment_id", Uuid, comment="Null: the task itself is what it is about."),
    Column("subject_id", Uuid, Computed("coalesce(comment_id, task_id)", persisted=True), nullable=False),
    Column("emoji", Text, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("added_at", Instant, nullable=False),
    UniqueConstraint("subject_id", "emoji", "user_id"),
    ForeignKeyConstraint(["workspace_id", "task_id"], ["tasks.workspace_id", "tasks.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["workspace_id", "comment_id"], ["comments.workspace_id", "comments.id"], ondelete="CASCADE"),
    Index("ix_reactions_task", "task_id"),
    Index("ix_reactions_comment", "workspace_id", "comment_id"),
)

task_subscriptions = Table(
    "task_subscriptions",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("is_subscribed", Boolean, nullable=False),
    Column("is_muted", Boolean, nullable=False, server_default="false"),
    Column("since", Instant, nullable=False),
    PrimaryKeyConstraint("task_id", "user_id"),
    ForeignKeyConstraint(["workspace_id", "task_id"], ["tasks.workspace_id", "tasks.id"], ondelete="CASCADE"),
    Index("ix_task_subscriptions_user", "user_id", "workspace_id"),
    comment="Who follows a task, or has said that they do not want to; whoever is not here has said nothing.",
)

notification_heads = Table(
    "notification_heads",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    comment="How often somebody's notifications have changed. Its row is the lock of all of them.",
)

notification_counts = Table(
    "notification_counts",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("unread", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "workspace_id", "kind"),
    Index("ix_notification_counts_workspace", "workspace_id"),
    comment="How many notifications somebody has not read, kept so that nobody ever counts them.",
)

_shown = text("withdrawn_at IS NULL AND is_in_app")
_unread = text("withdrawn_at IS NULL AND is_in_app AND read_at IS NULL")

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("seq", BigInteger, nullable=False, comment="The person's head when it last changed."),
    Column("kind", Text, nullable=False),
    Column("task_id", Uuid),
    Column("comment_id", Uuid),
    Column("invite_id", Uuid),
    Column("group_key", Bytewise, nullable=False, comment="Unread ones of one key are folded into one."),
    Column("sources", JSONB, nullable=False, comment="The newest of what was folded into it, the oldest first."),
    Column("group_count", Integer, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Uuid, nullable=False),
    Column("emoji", Text, comment="Of the newest reaction, if it is of one."),
    Column("is_in_app", Boolean, nullable=False, comment="False: it is for other channels alone."),
    Column("created_at", Instant, nullable=False, comment="When the newest of it happened."),
    Column("read_at", Instant),
    Column("withdrawn_at", Instant, comment="Since when it is to be forgotten; kept a little, to tell those who look."),
    _one_of("kind", NotificationKind),
    ForeignKeyConstraint(["workspace_id", "task_id"], ["tasks.workspace_id", "tasks.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["workspace_id", "comment_id"], ["comments.workspace_id", "comments.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["workspace_id", "invite_id"], ["invites.workspace_id", "invites.id"], ondelete="CASCADE"),
    Index("ix_notifications_page", "user_id", "created_at", "id", postgresql_where=_shown),
    Index("ix_notifications_unread", "user_id", "created_at", "id", postgresql_where=_unread),
    Index("ix_notifications_seq", "user_id", "seq"),
    Index("ix_notifications_workspace", "workspace_id", "user_id"),
    Index("ix_notifications_task", "task_id", "user_id"),
    Index("ix_notifications_comment", "comment_id"),
    Index("ix_notifications_invite", "invite_id"),
)

notification_settings = Table(
    "notification_settings",
    metadata,
    Column("membership_id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("digest", Text, nullable=False, server_default="NONE"),
    Column("quiet_from", Text, comment="HH:MM where the person lives."),
    Column("quiet_to", Text),
    _one_of("digest", DigestFrequency),
    ForeignKeyConstraint(
        ["workspace_id", "membership_id"], ["memberships.workspace_id", "memberships.id"], ondelete="CASCADE"
    ),
    Index("ix_notification_settings_workspace", "workspace_id"),
    comment="What a member of a workspace has set; whoever is not here has the defaults.",
)

notification_rules = Table(
    "notification_rules",
    metadata,
    Column("membership_id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("project_id", Uuid),
    Column("task_id", Uuid),
    Column("scope_id", Uuid, Computed("coalesce(task_id, project_id, workspace_id)", persisted=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("channels", ARRAY(Text), nullable=False),
    PrimaryKeyConstraint("membership_id", "scope_id", "kind"),
    _one_of("kind", NotificationKind),
    ForeignKeyConstraint(
        ["workspace_id", "membership_id"], ["memberships.workspace_id", "memberships.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(["workspace_id", "project_id"], ["projects.workspace_id", "projects.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["workspace_id", "task_id"], ["tasks.workspace_id", "tasks.id"], ondelete="CASCADE"),
    Index("ix_notification_rules_project", "workspace_id", "project_id"),
    Index("ix_notification_rules_task", "task_id"),
    comment="Which channels a kind takes; a task's rule goes before a project's, that before the workspace's.",
)

reminders = Table(
    "reminders",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("due_date", Date, nullable=False),
    PrimaryKeyConstraint("task_id", "user_id", "kind", "due_date"),
    _one_of("kind", NotificationKind),
    ForeignKeyConstraint(["workspace_id", "task_id"], ["tasks.workspace_id", "tasks.id"], ondelete="CASCADE"),
    Index("ix_reminders_due_date", "due_date"),
    comment="Who was reminded of which due date, so that nobody is twice.",
)

changes = Table(
    "changes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("change_set_id", Uuid, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Uuid, nullable=False),
    Column("fields", JSONB, nullable=False),
    Column("is_audit", Boolean, nullable=False, server_default=false()),
    Column("text_base", Integer, comment="With a text: the version whose change has it whole, on which this builds."),
    Column("text_weight", Integer, comment="With a text: what has to be read and joined to know it, from there on."),
    Index("ix_changes_entity", "workspace_id", "entity_id", "version"),
    Index("ix_changes_change_set", "change_set_id"),
    Index("ix_changes_text", "entity_id", "version", postgresql_where=text("text_base IS NOT NULL")),
    Index("ix_changes_audit", "workspace_id", "at", "id", postgresql_where=text("is_audit")),
    comment="What changed which field from what to what; kept for ever.",
)

events = Table(
    "events",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("commit_seq", BigInteger, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("op", Text, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("task_id", Uuid),
    Column("project_ids", ARRAY(Uuid), nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Uuid, nullable=False),
    Column("client_mutation_id", Uuid),
    Column("seen_before", ARRAY(Text), nullable=False),
    Column("seen_after", ARRAY(Text), nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("image", JSONB(none_as_null=True)),
    Column("revokes", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("workspace_id", "seq", "occurred_at"),
    comment="The log: what happened in each workspace, in commit order. Partitioned by day.",
    postgresql_partition_by="RANGE (occurred_at)",
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("actor_id", Uuid, nullable=False),
    Column("client_mutation_id", Uuid, nullable=False),
    Column("input_hash", LargeBinary, nullable=False),
    Column("outcome", JSONB(none_as_null=True), comment="Ids, cursor and merged fields; never a secret."),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("actor_id", "client_mutation_id"),
    Index("ix_idempotency_created_at", "created_at"),
)

mails = Table(
    "mails",
    metadata,
    Column("id", Uuid, primary_key=True, comment="Its Message-ID is made of it, the same at every attempt."),
    Column("cause", Text, nullable=False, unique=True, comment="What it is for; nothing causes two mails."),
    Column("kind", Text, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("address", Text, comment="Null: wherever the person gets their mail when it is sent."),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), index=True),
    Column("data", JSONB, nullable=False, comment="Ids and plain values; never a secret."),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("expires_at", Instant, comment="Worthless from then on."),
    Column("state", Text, nullable=False, server_default="WAITING"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claimed_by", Uuid),
    Column("claimed_until", Instant),
    Column("handed_over_at", Instant, comment="When the text was about to be sent: from then on it may have arrived."),
    Column("ended_at", Instant),
    Column("remark", Text, comment="Why it waits, failed or was dropped."),
    _one_of("kind", MailKind),
    _one_of("state", MailState),
    Index("ix_mails_due_at", "due_at", postgresql_where=text("state = 'WAITING'")),
    Index("ix_mails_ended_at", "ended_at", postgresql_where=text("state <> 'WAITING'")),
    comment="The outbox.",
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("created_by", Uuid, ForeignKey("users.id"), nullable=False, comment="Whose rights say what it is told."),
    Column("scopes", ARRAY(Text), comment="What of them counts, where an API token made it; null: all."),
    Column(
        "token_ids",
        ARRAY(Uuid),
        nullable=False,
        server_default="{}",
        comment="API tokens that made it or led it where it goes: it ends with each of them.",
    ),
    Column("url", Text, nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text, comment="Signs as well, until then."),
    Column("old_secret_until", Instant),
    Column("paused_at", Instant),
    Column("pause_reason", Text, comment="Set while it is paused."),
    Column("failing_since", Instant),
    Column("epoch", Text, nullable=False, comment="With seq: everything up to there was delivered, in order."),
    Column("seq", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0", comment="Of what comes next."),
    Column("due_at", Instant, nullable=False, comment="Not tried before."),
    Column("revision", Integer, nullable=False, server_default="0", comment="Rises when somebody changes something."),
    Column("claimed_by", Uuid),
    Column("claimed_until", Instant),
    UniqueConstraint("workspace_id", "id"),
    Index("ix_webhooks_page", "workspace_id", "created_at", "id"),
    Index("ix_webhooks_created_by", "created_by"),
    Index("ix_webhooks_due_at", "due_at", postgresql_where=text("paused_at IS NULL")),
    comment="Who is told what happens, and how far they were told. Invariant: seq rises only by what was answered to.",
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Uuid, primary_key=True, comment="Made of the webhook and the event, so it is the same every time."),
    Column("created_at", Instant, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("webhook_id", Uuid, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("is_test", Boolean, nullable=False, server_default=false()),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_attempt_at", Instant),
    Column("last_status_code", Integer),
    Column("last_error", Text),
    Column("last_response", Text, comment="The beginning of what was answered."),
    Column("next_attempt_at", Instant),
    Column("delivered_at", Instant),
    _one_of("state", DeliveryState),
    ForeignKeyConstraint(["workspace_id", "webhook_id"], ["webhooks.workspace_id", "webhooks.id"], ondelete="CASCADE"),
    Index("ix_webhook_deliveries_page", "webhook_id", "created_at", "id"),
    Index("ix_webhook_deliveries_created_at", "created_at"),
    Index("ix_webhook_deliveries_tests", "next_attempt_at", postgresql_where=text("is_test AND state = 'PENDING'")),
    comment="What became of each message to a webhook; for people, the truth is webhooks.seq.",
)

notification_mails = Table(
    "notification_mails",
    metadata,
    Column("notification_id", Uuid, nullable=False),
    Column("cause_id", Uuid, nullable=False, comment="What was folded into the notification: one cause, one mention."),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), index=True),
    Column("created_at", Instant, nullable=False),
    Column(
        "mail_id", Uuid, ForeignKey("mails.id", ondelete="CASCADE"), index=True, comment="Null: still to be mailed."
    ),
    PrimaryKeyConstraint("notification_id", "cause_id"),
    Index(
        "ix_notification_mails_waiting",
        "user_id",
        "workspace_id",
        "created_at",
        postgresql_where=text("mail_id IS NULL"),
    ),
    comment="Notifications that somebody wants by mail.",
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Uuid, nullable=False),
    Column("expires_at", Instant, nullable=False),
    comment="Who does what must run once across processes.",
)
