"""The enums of the API: the words of db and domain, with what each of them means."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

import strawberry

from db.models import (
    ChangedField,
    ChangeOp,
    Channel,
    DeliveryState,
    DigestFrequency,
    EventKind,
    NotificationKind,
    Permission,
    Priority,
    Role,
    StatusCategory,
    WebhookPauseReason,
    WebhookState,
    WorkspaceKind,
)
from db.presence import ActivityMode
from domain.errors import ErrorCode
from domain.merge import ConflictPolicy
from realtime.presence_state import Status
from realtime.reader import Resync

Kind = TypeVar("Kind", bound=type[Enum])


def _described(kind: Kind, description: str, /, name: str | None = None, **meanings: str) -> Kind:
    """Make an enum of the API of one that exists; every value has to be described."""
    decorated = strawberry.enum(kind, name=name, description=description)
    for value in decorated.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = meanings.pop(value.name)
    assert not meanings, meanings
    return decorated


_described(
    WorkspaceKind,
    "Whose a workspace is.",
    PERSONAL="Made at sign-up: one member, no invites.",
    TEAM="Everything else: people work together in it.",
)
_described(
    Role,
    "What somebody is in a workspace; each may do what `Permission` says.",
    OWNER="Exactly one per workspace: may do everything, also transfer and delete it.",
    ADMIN="May do everything but transfer and delete the workspace.",
    MEMBER="Works on all tasks, arranges projects, statuses and labels, invites.",
    GUEST="Sees and works in the projects they were added to, and nothing else.",
    VIEWER="Sees everything, changes nothing.",
)
_described(
    Permission,
    "What one may do in a workspace: by one's role, and of an API token by its scopes.",
    TASK_READ="See tasks.",
    TASK_WRITE="Create, change, move and archive tasks.",
    TASK_DELETE="Delete and restore tasks. A GUEST may do so with tasks they created.",
    COMMENT_WRITE="Comment on tasks.",
    PROJECT_ADMIN="Make, change and delete projects, statuses and labels, and add guests to projects.",
    MEMBER_INVITE="Invite people, with a role up to one's own.",
    MEMBER_ADMIN="Change the roles of members and remove them.",
    TOKEN_ADMIN="Manage the workspace's API tokens.",  # noqa: S106 - a permission's name
    WEBHOOK_ADMIN="Manage the workspace's webhooks.",
    WORKSPACE_ADMIN="Rename, transfer and delete the workspace. An ADMIN, too, may rename it.",
    EXPORT="Take all of the workspace's data out.",
)
_described(
    StatusCategory,
    "What a status means, whatever it is called.",
    BACKLOG="Perhaps some day.",
    TODO="Waiting to be begun.",
    IN_PROGRESS="Being worked on.",
    DONE="Finished: a task that comes here gets its `completedAt`.",
    CANCELED="Will not be done.",
)
_described(
    Priority,
    "How much a task matters, from the least to the most.",
    NONE="Nobody has said.",
    LOW="Can wait.",
    MEDIUM="In its turn.",
    HIGH="Before others.",
    URGENT="Now.",
)
_described(
    ChangedField,
    "What a change touched, on any kind of object.",
    TITLE="A task's title.",
    DESCRIPTION="The description of a task, a project or a workspace.",
    STATUS="A task's status: ids.",
    PRIORITY="A task's priority.",
    START_DATE="A task's start date.",
    DUE_DATE="A task's due date.",
    ASSIGNEES="Who is assigned to a task: lists of user ids.",
    LABELS="A task's labels: lists of ids.",
    PARENT="The task that a task is part of: ids.",
    PROJECT="The project that a task is in: ids.",
    RANK="The place of a task or a status in its list.",
    ESTIMATE="A task's estimate.",
    ARCHIVED="When a task or a project was archived.",
    DELETED="When a task was deleted.",
    NAME="A name.",
    SLUG="A workspace's slug.",
    KEY="A task's key, or the prefix of a workspace's or project's keys.",
    COLOR="A color.",
    CATEGORY="A status's category.",
    ROLE="A member's role.",
    BODY="The text of a comment.",
    RESOLVED="Whether a comment's thread is resolved.",
    PROJECTS="The projects of a guest: lists of ids.",
    SCOPES="What an API token may do; in the audit log alone.",
    URL="Where a webhook's messages go.",
    KINDS="What a webhook is told of: lists of kinds.",
    PAUSED="Whether a webhook is paused.",
    SECRET="A webhook's secret was replaced; it is never told.",  # noqa: S106 - words
)
_described(
    EventKind,
    "What an event is about.",
    WORKSPACE="The workspace itself.",
    MEMBERSHIP="Who belongs to the workspace, with which rights, and their names.",
    INVITE="Invites; for those with MEMBER_INVITE.",
    PROJECT="Projects.",
    STATUS="Statuses.",
    LABEL="Labels.",
    TASK="Tasks.",
    COMMENT="Comments.",
    REACTION="Reactions to tasks and comments.",
)
_described(
    WebhookState,
    "Whether a webhook's messages go out. Whatever it is, no event is passed over while the log still has it.",
    ACTIVE="They go out; one that fails is sent again, less and less often.",
    PAUSED="Nothing goes out; `pauseReason` says why. The rest waits.",
    FAILING="One has failed for 24 hours. It is tried once an hour, and the rest waits.",
)
_described(
    WebhookPauseReason,
    "Why a webhook is PAUSED. Whoever ends a pause that nobody asked for takes the webhook over.",
    REQUESTED="Somebody paused it.",
    CREATOR_LEFT="Its creator is no longer a member.",
    TOKEN_ENDED="An API token that made it, or led it where it goes, has expired or was revoked.",  # noqa: S106 - words
)
_described(
    DeliveryState,
    "What became of a message to a webhook.",
    PENDING="It was not sent yet.",
    DELIVERED="The receiver answered with a 2xx.",
    RETRYING="It failed, and is sent again.",
    FAILED="It has failed for 24 hours and is sent once an hour; or it is a test that failed.",
)
_described(
    ChangeOp,
    "What became of an object.",
    CREATED="It is new.",
    UPDATED="It is different.",
    DELETED="It is gone.",
)
_described(
    NotificationKind,
    "What a notification is about.",
    MENTION="Somebody mentioned you in a description or a comment.",
    ASSIGNED="Somebody assigned you to a task.",
    UNASSIGNED="Somebody took an assignment from you that you knew of.",
    COMMENT="Somebody commented on a task that you follow.",
    REPLY="Somebody replied in a thread in which you wrote.",
    STATUS_CHANGED="A task that you follow or are assigned to has another status.",
    DUE_SOON="A task of yours is due tomorrow, or today.",
    OVERDUE="A task of yours should have been done.",
    INVITED="Somebody invited you to a workspace.",
    REACTION="Somebody reacted to a task or a comment of yours.",
)
_described(
    Channel,
    "A way by which you hear of something.",
    IN_APP="Among your notifications, live.",
    EMAIL="By mail to your address.",
)
_described(
    DigestFrequency,
    "How often mails about notifications come at most.",
    NONE="At once, one by one.",
    HOURLY="Every hour, together.",
    DAILY="Every day, together.",
    WEEKLY="Every week, together.",
)
_described(
    ErrorCode,
    "Why something was refused. Each code belongs to one type of error.",
    INVALID_CREDENTIALS="ValidationError: e-mail address, password or refresh token are not right.",
    UNVERIFIED_EMAIL="ValidationError: your e-mail address has to be verified first.",
    INVALID="ValidationError: the value cannot be used; the message says why.",
    REQUIRED="ValidationError: the value is missing, empty, or null where null is not possible.",
    TOO_LONG="ValidationError: the value is too long or has too many entries; the message says the limit.",
    NOT_FOUND="NotFoundError: there is no such thing, or you may not see it.",
    FORBIDDEN="PermissionError: you see it, but may not do this.",
    CONFLICT="ConflictError: somebody else changed the same since your baseVersion.",
    ALREADY_EXISTS="ValidationError: the value is taken.",
    IDEMPOTENCY_MISMATCH="ValidationError: this clientMutationId was used with another input.",
    LIMIT_REACHED="LimitError: no more of these fit.",
    CYCLE="ValidationError: a task would be below itself.",
    INVITE_INVALID="ValidationError: the invite is unknown, expired, used up, revoked or for another address.",
)
_described(
    ConflictPolicy,
    "What a concurrent change means, asked with `baseVersion`. Without it the last write wins, field by field.",
    MERGE="Different fields go together, and so do additions to sets; a true clash is a ConflictError.",
    REJECT="Any change since is a ConflictError.",
)
_described(
    Resync,
    "Why the stream cannot go on from your cursor.",
    name="ResyncReason",
    CURSOR_EXPIRED="The log no longer reaches back to it, or it is of another life of the database.",
    ACCESS_CHANGED="What you may see has changed.",
)

_described(
    Status,
    "How somebody is here. One wish not to be disturbed counts on all their devices; else one tab in use is enough.",
    name="PresenceStatus",
    ONLINE="Here.",
    AWAY="Connected, but not at it in any tab.",
    DO_NOT_DISTURB="Here, and not to be disturbed.",
    OFFLINE="Not here. Of a tab: it is being closed, or does not count.",
)
_described(
    ActivityMode,
    "What somebody does with a task.",
    VIEWING="Looks at it.",
    EDITING="Changes it, or the field that is named.",
    COMMENTING="Writes a comment.",
)


@strawberry.enum(description="The direction of an order.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="The smallest or oldest first.")
    DESC = strawberry.enum_value("DESC", description="The largest or newest first.")


@strawberry.enum(description="What tasks can be ordered by. Ties break on id.")
class TaskOrderField(Enum):
    RANK = strawberry.enum_value("RANK", description="The order that people gave them by dragging.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="When they were created.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="When they last changed.")
    DUE_DATE = strawberry.enum_value("DUE_DATE", description="When they are due; those without a date come last.")
    PRIORITY = strawberry.enum_value("PRIORITY", description="How much they matter.")
    TITLE = strawberry.enum_value("TITLE", description="Their titles, regardless of case.")


@strawberry.enum(description="An end of a list.")
class PositionEdge(Enum):
    FIRST = strawberry.enum_value("first", description="Before all others.")
    LAST = strawberry.enum_value("last", description="After all others.")


@strawberry.enum(description="Why a task is gone for you.")
class RemovalReason(Enum):
    DELETED = strawberry.enum_value("DELETED", description="Somebody deleted it.")
    ACCESS_LOST = strawberry.enum_value("ACCESS_LOST", description="It is where you may not see it.")


@strawberry.enum(description="In which text of a task the words of a search were found.")
class TextMatchField(Enum):
    TITLE = strawberry.enum_value("TITLE", description="Its title.")
    DESCRIPTION = strawberry.enum_value("DESCRIPTION", description="Its description.")
    COMMENT = strawberry.enum_value("COMMENT", description="What was said about it.")
