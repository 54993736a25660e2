"""What mutations answer: what was refused, where the change stands in the log, and the object as it is now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import strawberry
from graphql import GraphQLResolveInfo

from db.ids import split, typed
from db.models import ChangedField
from execution.projector import READ, Uncovered
from schema.arrangement import Label, Project, Status
from schema.changes import Change
from schema.comments import Comment
from schema.context import Info
from schema.errors import UserError
from schema.nodes import Node
from schema.notifications import Notification, NotificationSettings, own_settings, unread_count
from schema.people import User
from schema.reactions import ReactionGroup, reactions_of
from schema.scalars import EventCursor, Url
from schema.selections import selects_objects
from schema.tasks import Task
from schema.webhooks import Webhook, WebhookDelivery
from schema.workspaces import Invite, Membership, Workspace


@strawberry.interface(description="Every mutation: one `input`, one payload. Empty `userErrors` means applied.")
class MutationPayload:
    ids: strawberry.Private[dict[str, Any]]
    rows: strawberry.Private[Mapping[UUID, Any]]
    merged_fields: strawberry.Private[list[ChangedField]]
    client_mutation_id: UUID | None = strawberry.field(description="The key that the input had.")
    user_errors: list[UserError] = strawberry.field(description="What was refused; then nothing was written.")
    event_cursor: EventCursor | None = strawberry.field(
        description=(
            "Log position of this change: when your stream passes it, the server has confirmed it. Null if no"
            " workspace log was written."
        )
    )
    change_set_id: strawberry.ID | None = strawberry.field(
        description=(
            "What the changes of this mutation share, for `revertChanges`. Null if nothing was written. What was only"
            " made has no history yet: to undo that, delete it."
        )
    )
    replayed: bool = strawberry.field(
        description="True when an earlier request with the same clientMutationId did the work."
    )

    def id_of(self, name: str) -> UUID | None:
        """The id of something that the payload shows."""
        found = self.ids.get(name)
        return None if found is None else UUID(found)

    def global_id(self, kind: str, name: str) -> strawberry.ID | None:
        found = self.id_of(name)
        return None if found is None else strawberry.ID(typed(kind, found))


_NOW = "As it is now, whenever you may see it: after success, and after a conflict."


def _read_task(info: GraphQLResolveInfo[Any]) -> Callable[[Any], Task | None] | None:
    """What `_changed_task` does without reading, where nothing has to be read along with the task."""
    return None if selects_objects(info) else _held_task


def _held_task(root: MutationPayload) -> Task | None:
    row = _held(root, "task")
    return None if row is None else Task.from_row(row)


def _held(root: MutationPayload, name: str) -> Any:
    """The object as the mutation left or found it. Raises Uncovered where that is not known."""
    found = root.id_of(name)
    if found is None:
        return None
    if found not in root.rows:
        raise Uncovered
    return root.rows[found]


async def _changed_task(root: MutationPayload, info: Info) -> Task | None:
    """What is read along with it is newer, so the task has to be, too."""
    try:
        return await _task(root, info) if selects_objects(info._raw_info) else _held_task(root)
    except Uncovered:
        return await _task(root, info)


async def _task(root: MutationPayload, info: Info) -> Task | None:
    task_id = root.id_of("task")
    row = None if task_id is None else await info.context.loaders.tasks.load(task_id)
    return None if row is None else Task.from_row(row)


async def _project(root: MutationPayload, info: Info) -> Project | None:
    project_id = root.id_of("project")
    row = None if project_id is None else await info.context.loaders.projects.load(project_id)
    return None if row is None else Project.from_row(row)


async def _status(root: MutationPayload, info: Info) -> Status | None:
    status_id = root.id_of("status")
    row = None if status_id is None else await info.context.loaders.statuses.load(status_id)
    return None if row is None else Status.from_row(row)


async def _label(root: MutationPayload, info: Info) -> Label | None:
    label_id = root.id_of("label")
    row = None if label_id is None else await info.context.loaders.labels.load(label_id)
    return None if row is None else Label.from_row(row)


async def _workspace(root: MutationPayload, info: Info) -> Workspace | None:
    workspace_id = root.id_of("workspace")
    row = None if workspace_id is None else await info.context.loaders.workspaces.load(workspace_id)
    return None if row is None else Workspace.from_row(row)


async def _membership(root: MutationPayload, info: Info) -> Membership | None:
    membership_id = root.id_of("membership")
    row = None if membership_id is None else await info.context.loaders.memberships.load(membership_id)
    return None if row is None else Membership.from_row(row)


async def _invite(root: MutationPayload, info: Info) -> Invite | None:
    invite_id = root.id_of("invite")
    row = None if invite_id is None else await info.context.loaders.invites.load(invite_id)
    return None if row is None else Invite.from_row(row)


@strawberry.type(description="What createTask answers.")
class CreateTaskPayload(MutationPayload):
    task: Task | None = strawberry.field(resolver=_task, description=_NOW)


@strawberry.type(description="What updateTask answers.")
class UpdateTaskPayload(MutationPayload):
    task: Task | None = strawberry.field(resolver=_changed_task, metadata={READ: _read_task}, description=_NOW)

    @strawberry.field(description="Fields the server merged with somebody else's change.")
    def merged(self) -> list[ChangedField]:
        return self.merged_fields


@strawberry.type(description="What bulkUpdateTasks answers.")
class BulkUpdateTasksPayload(MutationPayload):
    @strawberry.field(description="In the order of the updates; after a refusal those that you see, as they are.")
    async def tasks(self, info: Info) -> list[Task]:
        rows = await info.context.loaders.tasks.load_many([UUID(one) for one in self.ids.get("tasks", [])])
        return [Task.from_row(row) for row in rows if row is not None]


@strawberry.type(description="What moveTask answers.")
class MoveTaskPayload(MutationPayload):
    task: Task | None = strawberry.field(resolver=_task, description=_NOW)

    @strawberry.field(description="Fields the server merged with somebody else's change.")
    def merged(self) -> list[ChangedField]:
        return self.merged_fields


@strawberry.type(description="What archiveTask answers.")
class ArchiveTaskPayload(MutationPayload):
    task: Task | None = strawberry.field(resolver=_task, description=_NOW)


@strawberry.type(description="What restoreTask answers.")
class RestoreTaskPayload(MutationPayload):
    task: Task | None = strawberry.field(resolver=_task, description=_NOW)


@strawberry.type(description="What deleteTask answers.")
class DeleteTaskPayload(MutationPayload):
    @strawberry.field(description="The task that is gone.")
    def deleted_task_id(self) -> strawberry.ID | None:
        return self.global_id("task", "deleted_task")


_ENTITIES: dict[str, tuple[Callable[[Info, UUID], Awaitable[Any]], Callable[[Any], Node]]] = {
    "task": (lambda info, one: info.context.loaders.tasks.load(one), Task.from_row),
    "comment": (lambda info, one: info.context.loaders.comments.load(one), Comment.from_row),
    "project": (lambda info, one: info.context.loaders.projects.load(one), Project.from_row),
    "status": (lambda info, one: info.context.loaders.statuses.load(one), Status.from_row),
    "label": (lambda info, one: info.context.loaders.labels.load(one), Label.from_row),
    "workspace": (lambda info, one: info.context.loaders.workspaces.load(one), Workspace.from_row),
    "membership": (lambda info, one: info.context.loaders.memberships.load(one), Membership.from_row),
}


async def _entity(info: Info, global_id: str) -> Node | None:
    parts = split(global_id)
    assert parts is not None
    load, of_row = _ENTITIES[parts[0]]
    row = await load(info, parts[1])
    return None if row is None else of_row(row)


@strawberry.type(description="What revertChanges answers.")
class RevertChangesPayload(MutationPayload):
    @strawberry.field(description="The tasks among `entities`.")
    async def tasks(self, info: Info) -> list[Task]:
        return [one for one in await self._found(info) if isinstance(one, Task)]

    @strawberry.field(
        description=(
            "All that was changed back, of whatever kind; after a conflict those that clash, in the order of the"
            " errors. As they are now, without those that you do not see."
        )
    )
    async def entities(self, info: Info) -> list[Node]:
        return await self._found(info)

    async def _found(self, info: Info) -> list[Node]:
        found = await asyncio.gather(*[_entity(info, one) for one in self.ids.get("entities", [])])
        return [one for one in found if one is not None]


def _read_comment(info: GraphQLResolveInfo[Any]) -> Callable[[Any], Comment | None] | None:
    """As `_read_task`."""
    return None if selects_objects(info) else _held_comment


def _held_comment(root: MutationPayload) -> Comment | None:
    row = _held(root, "comment")
    return None if row is None else Comment.from_row(row)


async def _new_comment(root: MutationPayload, info: Info) -> Comment | None:
    """As `_changed_task`."""
    try:
        return await _comment(root, info) if selects_objects(info._raw_info) else _held_comment(root)
    except Uncovered:
        return await _comment(root, info)


async def _comment(root: MutationPayload, info: Info) -> Comment | None:
    comment_id = root.id_of("comment")
    row = None if comment_id is None else await info.context.loaders.comments.load(comment_id)
    return None if row is None else Comment.from_row(row)


@strawberry.type(description="What createComment answers.")
class CreateCommentPayload(MutationPayload):
    comment: Comment | None = strawberry.field(resolver=_new_comment, metadata={READ: _read_comment}, description=_NOW)


@strawberry.type(description="What updateComment answers.")
class UpdateCommentPayload(MutationPayload):
    comment: Comment | None = strawberry.field(resolver=_comment, description=_NOW)

    @strawberry.field(description="Fields the server merged with somebody else's change.")
    def merged(self) -> list[ChangedField]:
        return self.merged_fields


@strawberry.type(description="What deleteComment answers.")
class DeleteCommentPayload(MutationPayload):
    @strawberry.field(description="The comment that is gone.")
    def deleted_comment_id(self) -> strawberry.ID | None:
        return self.global_id("comment", "deleted_comment")


async def _reactions(root: MutationPayload, info: Info) -> list[ReactionGroup] | None:
    task_id, comment_id = root.id_of("task"), root.id_of("comment")
    if task_id is not None:
        is_seen = await info.context.loaders.tasks.load(task_id) is not None
    else:
        is_seen = comment_id is not None and await info.context.loaders.comments.load(comment_id) is not None
    subject_id = task_id or comment_id
    return await reactions_of(info, subject_id) if is_seen and subject_id is not None else None


_REACTIONS = "All reactions to it as they are now; null if you may not see it."


@strawberry.type(description="What addReaction answers.")
class AddReactionPayload(MutationPayload):
    reactions: list[ReactionGroup] | None = strawberry.field(resolver=_reactions, description=_REACTIONS)


@strawberry.type(description="What removeReaction answers.")
class RemoveReactionPayload(MutationPayload):
    reactions: list[ReactionGroup] | None = strawberry.field(resolver=_reactions, description=_REACTIONS)


@strawberry.type(description="What updateTaskSubscription answers.")
class UpdateTaskSubscriptionPayload(MutationPayload):
    task: Task | None = strawberry.field(resolver=_task, description=_NOW)


@strawberry.type(description="What markNotifications answers.")
class MarkNotificationsPayload(MutationPayload):
    @strawberry.field(description="Those that changed, of many the newest 100.")
    async def notifications(self, info: Info) -> list[Notification]:
        user_id = info.context.me().user_id
        ids = [UUID(one) for one in self.ids.get("notifications", [])]
        loader = info.context.loaders.own_notifications
        found = await asyncio.gather(*[loader.load(user_id, one) for one in ids])
        return [Notification.from_row(row) for row in found if row is not None]

    @strawberry.field(description="How many you have not read, in all.")
    async def unread_count(self, info: Info) -> int:
        return await unread_count(info)


@strawberry.type(description="What updateNotificationRule and updateNotificationSettings answer.")
class NotificationSettingsPayload(MutationPayload):
    @strawberry.field(description=_NOW)
    async def settings(self, info: Info) -> NotificationSettings | None:
        membership_id = self.id_of("settings")
        return None if membership_id is None else await own_settings(info, membership_id)


@strawberry.type(description="What createProject answers.")
class CreateProjectPayload(MutationPayload):
    project: Project | None = strawberry.field(resolver=_project, description=_NOW)


@strawberry.type(description="What updateProject answers.")
class UpdateProjectPayload(MutationPayload):
    project: Project | None = strawberry.field(resolver=_project, description=_NOW)

    @strawberry.field(description="Fields the server merged with somebody else's change.")
    def merged(self) -> list[ChangedField]:
        return self.merged_fields


@strawberry.type(description="What deleteProject answers.")
class DeleteProjectPayload(MutationPayload):
    @strawberry.field(description="The project that is gone.")
    def deleted_project_id(self) -> strawberry.ID | None:
        return self.global_id("project", "deleted_project")


@strawberry.type(description="What createLabel answers.")
class CreateLabelPayload(MutationPayload):
    label: Label | None = strawberry.field(resolver=_label, description=_NOW)


@strawberry.type(description="What updateLabel answers.")
class UpdateLabelPayload(MutationPayload):
    label: Label | None = strawberry.field(resolver=_label, description=_NOW)

    @strawberry.field(description="Fields the server merged with somebody else's change.")
    def merged(self) -> list[ChangedField]:
        return self.merged_fields


@strawberry.type(description="What deleteLabel answers.")
class DeleteLabelPayload(MutationPayload):
    @strawberry.field(description="The label that is gone.")
    def deleted_label_id(self) -> strawberry.ID | None:
        return self.global_id("label", "deleted_label")


@strawberry.type(description="What createStatus answers.")
class CreateStatusPayload(MutationPayload):
    status: Status | None = strawberry.field(resolver=_status, description=_NOW)


@strawberry.type(description="What updateStatus answers.")
class UpdateStatusPayload(MutationPayload):
    status: Status | None = strawberry.field(resolver=_status, description=_NOW)

    @strawberry.field(description="Fields the server merged with somebody else's change.")
    def merged(self) -> list[ChangedField]:
        return self.merged_fields


@strawberry.type(description="What deleteStatus answers.")
class DeleteStatusPayload(MutationPayload):
    @strawberry.field(description="The status that is gone.")
    def deleted_status_id(self) -> strawberry.ID | None:
        return self.global_id("status", "deleted_status")


@strawberry.type(description="What createWorkspace answers.")
class CreateWorkspacePayload(MutationPayload):
    workspace: Workspace | None = strawberry.field(resolver=_workspace, description=_NOW)


@strawberry.type(description="What updateWorkspace answers.")
class UpdateWorkspacePayload(MutationPayload):
    workspace: Workspace | None = strawberry.field(resolver=_workspace, description=_NOW)

    @strawberry.field(description="Fields the server merged with somebody else's change.")
    def merged(self) -> list[ChangedField]:
        return self.merged_fields


@strawberry.type(description="What transferWorkspace answers.")
class TransferWorkspacePayload(MutationPayload):
    workspace: Workspace | None = strawberry.field(resolver=_workspace, description=_NOW)


@strawberry.type(description="What deleteWorkspace answers.")
class DeleteWorkspacePayload(MutationPayload):
    @strawberry.field(description="The workspace that is gone.")
    def deleted_workspace_id(self) -> strawberry.ID | None:
        return self.global_id("workspace", "deleted_workspace")


@strawberry.type(description="What leaveWorkspace answers.")
class LeaveWorkspacePayload(MutationPayload):
    @strawberry.field(description="The workspace that you left.")
    def left_workspace_id(self) -> strawberry.ID | None:
        return self.global_id("workspace", "left_workspace")


@strawberry.type(description="What createInvite answers.")
class CreateInvitePayload(MutationPayload):
    invite: Invite | None = strawberry.field(resolver=_invite, description=_NOW)
    url: Url | None = strawberry.field(
        default=None,
        description="The link, token in the fragment; shown once (null on a replay), stored hashed.",
    )


@strawberry.type(description="What revokeInvite answers.")
class RevokeInvitePayload(MutationPayload):
    invite: Invite | None = strawberry.field(resolver=_invite, description=_NOW)


@strawberry.type(description="What acceptInvite answers.")
class AcceptInvitePayload(MutationPayload):
    membership: Membership | None = strawberry.field(resolver=_membership, description="You, in the workspace.")
    workspace: Workspace | None = strawberry.field(resolver=_workspace, description="Where you are now.")


@strawberry.type(description="What updateMemberRole answers.")
class UpdateMemberRolePayload(MutationPayload):
    membership: Membership | None = strawberry.field(resolver=_membership, description=_NOW)

    @strawberry.field(description="Fields the server merged with somebody else's change.")
    def merged(self) -> list[ChangedField]:
        return self.merged_fields


@strawberry.type(description="What removeMember answers.")
class RemoveMemberPayload(MutationPayload):
    @strawberry.field(description="The membership that ended.")
    def removed_membership_id(self) -> strawberry.ID | None:
        return self.global_id("membership", "removed_membership")


@strawberry.type(description="What addProjectGuest answers.")
class AddProjectGuestPayload(MutationPayload):
    membership: Membership | None = strawberry.field(resolver=_membership, description=_NOW)


@strawberry.type(description="What removeProjectGuest answers.")
class RemoveProjectGuestPayload(MutationPayload):
    membership: Membership | None = strawberry.field(resolver=_membership, description=_NOW)


@strawberry.type(description="What updateProfile answers.")
class UpdateProfilePayload(MutationPayload):
    @strawberry.field(description="You, as you are now.")
    async def user(self, info: Info) -> User | None:
        user_id = self.id_of("user")
        row = None if user_id is None else await info.context.loaders.users.load(user_id)
        return None if row is None else User.from_row(row)


async def _webhook(root: MutationPayload, info: Info) -> Webhook | None:
    webhook_id = root.id_of("webhook")
    row = None if webhook_id is None else await info.context.loaders.webhooks.load(webhook_id)
    return None if row is None else Webhook.from_row(row)


@strawberry.type(description="What createWebhook answers.")
class CreateWebhookPayload(MutationPayload):
    webhook: Webhook | None = strawberry.field(resolver=_webhook, description=_NOW)
    secret: str | None = strawberry.field(
        default=None, description="What messages are signed by, `whsec_...`. Shown once: null when replayed."
    )


@strawberry.type(description="What updateWebhook answers.")
class UpdateWebhookPayload(MutationPayload):
    webhook: Webhook | None = strawberry.field(resolver=_webhook, description=_NOW)


@strawberry.type(description="What deleteWebhook answers.")
class DeleteWebhookPayload(MutationPayload):
    @strawberry.field(description="The webhook that is gone.")
    def deleted_webhook_id(self) -> strawberry.ID | None:
        return self.global_id("webhook", "deleted_webhook")


@strawberry.type(description="What rotateWebhookSecret answers.")
class RotateWebhookSecretPayload(MutationPayload):
    webhook: Webhook | None = strawberry.field(resolver=_webhook, description=_NOW)
    secret: str | None = strawberry.field(
        default=None,
        description="The new secret. Shown once: null when replayed. The old one stays valid for 24 hours.",
    )


@strawberry.type(description="What replayWebhook answers.")
class ReplayWebhookPayload(MutationPayload):
    webhook: Webhook | None = strawberry.field(resolver=_webhook, description=_NOW)


@strawberry.type(description="What testWebhook answers.")
class TestWebhookPayload(MutationPayload):
    @strawberry.field(description="The message, as it is now: on its way.")
    async def delivery(self, info: Info) -> WebhookDelivery | None:
        delivery_id = self.id_of("delivery")
        row = None if delivery_id is None else await info.context.loaders.deliveries.load(delivery_id)
        return None if row is None else WebhookDelivery.from_row(row)


NODE_TYPES: list[type[Node]] = [
    User,
    Task,
    Comment,
    Project,
    Status,
    Label,
    Workspace,
    Membership,
    Invite,
    Change,
    Notification,
    NotificationSettings,
    Webhook,
    WebhookDelivery,
]
