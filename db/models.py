"""The rows of the database as frozen values, and the words they are written in.

A row never changes after it was read; a change is a new row read after the
write. The enums' values are what is stored and what the API shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class WorkspaceKind(StrEnum):
    PERSONAL = "PERSONAL"
    TEAM = "TEAM"


class Role(StrEnum):
    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    GUEST = "GUEST"
    VIEWER = "VIEWER"


class Permission(StrEnum):
    TASK_READ = "TASK_READ"
    TASK_WRITE = "TASK_WRITE"
    TASK_DELETE = "TASK_DELETE"
    COMMENT_WRITE = "COMMENT_WRITE"
    PROJECT_ADMIN = "PROJECT_ADMIN"
    MEMBER_INVITE = "MEMBER_INVITE"
    MEMBER_ADMIN = "MEMBER_ADMIN"
    TOKEN_ADMIN = "TOKEN_ADMIN"  # noqa: S105 - a permission's name
    WEBHOOK_ADMIN = "WEBHOOK_ADMIN"
    WORKSPACE_ADMIN = "WORKSPACE_ADMIN"
    EXPORT = "EXPORT"


class StatusCategory(StrEnum):
    BACKLOG = "BACKLOG"
    TODO = "TODO"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    CANCELED = "CANCELED"


class Priority(StrEnum):
    """Stored as its place in this list, so that the database orders it."""

    NONE = "NONE"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    URGENT = "URGENT"


PRIORITIES = tuple(Priority)


class AccountTokenKind(StrEnum):
    """What a link that was sent by mail does."""

    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 - a kind's name
    VERIFY_EMAIL = "VERIFY_EMAIL"


class MailKind(StrEnum):
    VERIFICATION = "VERIFICATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 - a kind's name
    EMAIL_CHANGE = "EMAIL_CHANGE"
    INVITATION = "INVITATION"
    NOTIFICATIONS = "NOTIFICATIONS"


class MailState(StrEnum):
    """WAITING: to be sent, perhaps again. DROPPED: nobody should get it any more. FAILED: nobody takes it."""

    WAITING = "WAITING"
    SENT = "SENT"
    DROPPED = "DROPPED"
    FAILED = "FAILED"


class ChangedField(StrEnum):
    TITLE = "TITLE"
    DESCRIPTION = "DESCRIPTION"
    STATUS = "STATUS"
    PRIORITY = "PRIORITY"
    START_DATE = "START_DATE"
    DUE_DATE = "DUE_DATE"
    ASSIGNEES = "ASSIGNEES"
    LABELS = "LABELS"
    PARENT = "PARENT"
    PROJECT = "PROJECT"
    RANK = "RANK"
    ESTIMATE = "ESTIMATE"
    ARCHIVED = "ARCHIVED"
    DELETED = "DELETED"
    NAME = "NAME"
    SLUG = "SLUG"
    KEY = "KEY"
    COLOR = "COLOR"
    CATEGORY = "CATEGORY"
    ROLE = "ROLE"
    BODY = "BODY"
    RESOLVED = "RESOLVED"
    PROJECTS = "PROJECTS"
    SCOPES = "SCOPES"
    URL = "URL"
    KINDS = "KINDS"
    PAUSED = "PAUSED"
    SECRET = "SECRET"  # noqa: S105 - a field's name


class EventKind(StrEnum):
    WORKSPACE = "WORKSPACE"
    MEMBERSHIP = "MEMBERSHIP"
    INVITE = "INVITE"
    PROJECT = "PROJECT"
    STATUS = "STATUS"
    LABEL = "LABEL"
    TASK = "TASK"
    COMMENT = "COMMENT"
    REACTION = "REACTION"


class ChangeOp(StrEnum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


class NotificationKind(StrEnum):
    MENTION = "MENTION"
    ASSIGNED = "ASSIGNED"
    UNASSIGNED = "UNASSIGNED"
    COMMENT = "COMMENT"
    REPLY = "REPLY"
    STATUS_CHANGED = "STATUS_CHANGED"
    DUE_SOON = "DUE_SOON"
    OVERDUE = "OVERDUE"
    INVITED = "INVITED"
    REACTION = "REACTION"


class Channel(StrEnum):
    IN_APP = "IN_APP"
    EMAIL = "EMAIL"


class DigestFrequency(StrEnum):
    NONE = "NONE"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"


class AuditedKind(StrEnum):
    """What only the audit log tells of: it is in no stream of events."""

    TOKEN = "TOKEN"  # noqa: S105 - a kind's name
    WEBHOOK = "WEBHOOK"


class WebhookState(StrEnum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    FAILING = "FAILING"


class WebhookPauseReason(StrEnum):
    REQUESTED = "REQUESTED"
    CREATOR_LEFT = "CREATOR_LEFT"
    TOKEN_ENDED = "TOKEN_ENDED"  # noqa: S105 - no secret


class DeliveryState(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    RETRYING = "RETRYING"
    FAILED = "FAILED"


class ActorKind(StrEnum):
    """INTEGRATION: an API token; its id is the token's."""

    USER = "USER"
    INTEGRATION = "INTEGRATION"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class ActorRef:
    """Who did something, as it is stored with what they did."""

    kind: ActorKind
    id: UUID


@dataclass(frozen=True, slots=True)
class TokenRights:
    """What an API token may do at most: these permissions, in one workspace, as far as its creator has them."""

    token_id: UUID
    workspace_id: UUID
    user_id: UUID
    scopes: frozenset[Permission]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking: a person in one of their sessions, an API token of a person, or Tutti itself.

    Invariant: whoever asks what an actor may do goes through domain.access, which holds a token to its rights.
    """

    ref: ActorRef
    session_id: UUID | None = None
    token: TokenRights | None = None

    @property
    def user_id(self) -> UUID:
        """The person whose rights these are."""
        return self.ref.id if self.token is None else self.token.user_id


@dataclass(frozen=True, slots=True)
class User:
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    email: str
    email_verified_at: datetime | None
    name: str
    handle: str
    time_zone: str
    password_hash: str
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    id: UUID
    user_id: UUID
    device: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Workspace:
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    kind: WorkspaceKind
    name: str
    slug: str
    key: str
    description: str
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Membership:
    """`project_ids`: for a GUEST the projects they were added to, else None (they see all)."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    workspace_id: UUID
    user_id: UUID
    role: Role
    project_ids: tuple[UUID, ...] | None


@dataclass(frozen=True, slots=True)
class Invite:
    id: UUID
    created_at: datetime
    workspace_id: UUID
    role: Role
    email: str | None
    max_uses: int | None
    use_count: int
    expires_at: datetime | None
    revoked_at: datetime | None
    created_by: UUID
    project_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ApiToken:
    """`prefix`: how its secret begins, to tell tokens apart by; the rest of it is nowhere."""

    id: UUID
    version: int
    created_at: datetime
    workspace_id: UUID
    created_by: UUID
    name: str
    prefix: str
    scopes: frozenset[Permission]
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told what happens, as far as its creator may see it, within `scopes` if a token made it.

    `token_ids`: API tokens that made it or led it where it goes; it is told nothing after the end of one of them.
    `epoch` and `seq`: everything up to there was delivered. `attempts`: of what comes next, since it was last told.
    `revision` rises with every change that people make, so that what was begun before it is not written after it.
    """

    id: UUID
    version: int
    created_at: datetime
    workspace_id: UUID
    created_by: UUID
    scopes: frozenset[Permission] | None
    token_ids: frozenset[UUID]
    url: str
    kinds: frozenset[EventKind]
    paused_at: datetime | None
    pause_reason: WebhookPauseReason | None
    failing_since: datetime | None
    epoch: str
    seq: int
    attempts: int
    revision: int

    @property
    def state(self) -> WebhookState:
        if self.paused_at is not None:
            return WebhookState.PAUSED
        return WebhookState.ACTIVE if self.failing_since is None else WebhookState.FAILING


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One message to a webhook, by its id at the receiver. `epoch`, `seq`: the event, or where the log stood."""

    id: UUID
    created_at: datetime
    workspace_id: UUID
    webhook_id: UUID
    epoch: str
    seq: int
    state: DeliveryState
    is_test: bool
    attempts: int
    last_attempt_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    last_response: str | None
    next_attempt_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Project:
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    workspace_id: UUID
    name: str
    key: str
    description: str
    color: str
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    workspace_id: UUID
    name: str
    category: StatusCategory
    color: str
    rank: str


@dataclass(frozen=True, slots=True)
class Label:
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    workspace_id: UUID
    name: str
    color: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task with its sets; `assignee_ids` and `label_ids` are in the order they were added."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    workspace_id: UUID
    key: str
    project_id: UUID | None
    parent_id: UUID | None
    title: str
    description: str
    status_id: UUID
    priority: Priority
    start_date: date | None
    due_date: date | None
    estimate: float | None
    rank: str
    created_by: ActorRef
    completed_at: datetime | None
    archived_at: datetime | None
    deleted_at: datetime | None
    assignee_ids: tuple[UUID, ...]
    label_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Comment:
    """`parent_id`: the first comment of its thread, None for that one itself."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    workspace_id: UUID
    task_id: UUID
    parent_id: UUID | None
    author: ActorRef
    body: str
    resolved_at: datetime | None
    edited_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskSubscription:
    """Whether somebody follows a task, and whether they want to hear nothing of it at all."""

    is_subscribed: bool
    is_muted: bool


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that a notification tells of. `id` is what it is withdrawn by: a comment, a change set, a reaction.

    `emoji`: of a reaction.
    """

    id: UUID
    actor: ActorRef
    comment_id: UUID | None
    at: datetime
    emoji: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that one person is told. `seq`: their head when it last changed; `withdrawn_at`: it is gone."""

    id: UUID
    user_id: UUID
    workspace_id: UUID
    seq: int
    kind: NotificationKind
    task_id: UUID | None
    comment_id: UUID | None
    invite_id: UUID | None
    group_key: str
    group_count: int
    actor: ActorRef
    emoji: str | None
    is_in_app: bool
    created_at: datetime
    read_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoldedNotification(Notification):
    """With the newest of what was folded into it, the oldest first. Who changes it has to know, nobody who shows it."""

    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """What a member has set in a workspace. Quiet hours are `HH:MM` where they live, both or neither."""

    membership_id: UUID
    workspace_id: UUID
    digest: DigestFrequency
    quiet_from: str | None
    quiet_to: str | None


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """Which channels a kind takes within a task, a project, or (both None) the workspace."""

    membership_id: UUID
    workspace_id: UUID
    project_id: UUID | None
    task_id: UUID | None
    kind: NotificationKind
    channels: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field from what to what, the values as the API shows them (typed ids, enum names, ISO dates)."""

    field: ChangedField
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded change of one object; kept for ever. `is_audit`: it was about who may do what."""

    id: UUID
    workspace_id: UUID
    kind: EventKind | AuditedKind
    entity_id: UUID
    version: int
    change_set_id: UUID
    at: datetime
    actor: ActorRef
    fields: tuple[FieldChange, ...]
    is_audit: bool = False


@dataclass(frozen=True, slots=True)
class Revocation:
    """A change of rights. `tags`: what the person may see after it, None: nothing. `person_id` None: everybody."""

    person_id: UUID | None
    tags: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What happened in a workspace, before it has a place in the log. See `Event`."""

    workspace_id: UUID
    kind: EventKind
    op: ChangeOp
    entity_id: UUID
    seen_before: frozenset[str]
    seen_after: frozenset[str]
    task_id: UUID | None = None
    project_ids: frozenset[UUID] = frozenset()
    changes: tuple[FieldChange, ...] = ()
    image: Mapping[str, Any] | None = None
    revokes: Revocation | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One row of a workspace's log.

    `seq` counts 1, 2, 3... without holes per workspace; `commit_seq` is the
    `seq` of the last event of the same commit. Somebody sees the event if one
    of their audience tags is in `seen_before` or `seen_after`; `image` is the
    object's row after the change, as JSON (None when it was deleted).
    """

    workspace_id: UUID
    seq: int
    commit_seq: int
    occurred_at: datetime
    kind: EventKind
    op: ChangeOp
    entity_id: UUID
    task_id: UUID | None
    project_ids: frozenset[UUID]
    actor: ActorRef
    client_mutation_id: UUID | None
    seen_before: frozenset[str]
    seen_after: frozenset[str]
    changes: tuple[FieldChange, ...]
    image: Mapping[str, Any] | None
    revokes: Revocation | None


@dataclass(frozen=True, slots=True)
class Head:
    """How far a workspace's log reaches: events (floor_seq, seq] are kept."""

    workspace_id: UUID
    seq: int
    floor_seq: int
