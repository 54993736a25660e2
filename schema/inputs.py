"""What mutations are asked with. In updates: omitted = keep, null = clear (or REQUIRED where null is impossible)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET, Maybe

from db.models import Channel, DigestFrequency, EventKind, NotificationKind, Priority, Role, StatusCategory
from domain.merge import ConflictPolicy
from schema.enums import PositionEdge
from schema.scalars import EventCursor, Url


def _key() -> Any:
    return strawberry.field(
        default=UNSET,
        description=(
            "Idempotency key and echo tag. Kept 72 h per actor; same key + different input is IDEMPOTENCY_MISMATCH."
        ),
    )


def _own_id(kind: str) -> Any:
    return strawberry.field(
        default=UNSET,
        description=f"Client-minted `{kind}_<uuidv7>`, so optimistic objects keep their identity.",
    )


def _base() -> Any:
    return strawberry.field(
        default=UNSET, description="The version you edited from. Without it: field-wise last write wins."
    )


def _policy() -> Any:
    return strawberry.field(
        default=ConflictPolicy.MERGE, description="What it means if somebody changed it since `baseVersion`."
    )


def _option(description: str) -> Any:
    return strawberry.field(default=UNSET, description=description)


def _maybe(description: str) -> Any:
    return strawberry.field(default=None, description=description)


def _which(what: str) -> Any:
    return strawberry.field(description=f"The {what}.")


@strawberry.input(one_of=True, description="A place by intent. An anchor must be in the same list.")
class Position:
    before: strawberry.ID | None = _option("Right before this one.")
    after: strawberry.ID | None = _option("Right after this one.")
    edge: PositionEdge | None = _option("At an end.")


# ---- tasks


@strawberry.input(description="A new task.")
class CreateTaskInput:
    workspace_id: strawberry.ID = _which("workspace it is for")
    title: str = strawberry.field(description="One line, 1 to 500 characters.")
    client_mutation_id: UUID | None = _key()
    id: strawberry.ID | None = _own_id("task")
    project_id: strawberry.ID | None = _option("Omitted: the parent's project, or none.")
    parent_id: strawberry.ID | None = _option("The task it is part of; 5 levels at most.")
    description: str | None = _option("Markdown, at most 100,000 characters.")
    status_id: strawberry.ID | None = _option("Omitted: the first status of category TODO.")
    priority: Priority | None = _option("Omitted: NONE.")
    start_date: date | None = _option("When work on it is to begin.")
    due_date: date | None = _option("When it is to be done.")
    estimate: float | None = _option("0 to 1,000,000.")
    assignee_ids: list[strawberry.ID] | None = _option("Members who can see it, at most 50.")
    label_ids: list[strawberry.ID] | None = _option("At most 50.")
    position: Position | None = _option("Within the target project and status; omitted = LAST.")


@strawberry.input(
    description=(
        "Omitted = unchanged. null = clear. Sets change by add/remove only, so two people labelling at once both win."
    )
)
class UpdateTaskInput:
    id: strawberry.ID = _which("task")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _base()
    on_conflict: ConflictPolicy = _policy()
    title: Maybe[str | None] = _maybe("One line, 1 to 500 characters.")
    description: Maybe[str | None] = _maybe("Markdown, at most 100,000 characters; null: empty.")
    status_id: Maybe[strawberry.ID | None] = _maybe("Where it stands.")
    priority: Maybe[Priority | None] = _maybe("How much it matters.")
    start_date: Maybe[date | None] = _maybe("When work on it is to begin.")
    due_date: Maybe[date | None] = _maybe("When it is to be done.")
    estimate: Maybe[float | None] = _maybe("0 to 1,000,000.")
    parent_id: Maybe[strawberry.ID | None] = _maybe("The task it is part of.")
    add_assignee_ids: list[strawberry.ID] | None = _option("Members who can see it.")
    remove_assignee_ids: list[strawberry.ID] | None = _option(
        "Who is no longer to do it; whoever is added as well stays."
    )
    add_label_ids: list[strawberry.ID] | None = _option("Labels it gets.")
    remove_label_ids: list[strawberry.ID] | None = _option("Labels it loses.")


@strawberry.input(
    description=(
        "All or nothing, one workspace, each task once, at most 100; one transaction and one event batch. Keys inside"
        " `updates` are INVALID."
    )
)
class BulkUpdateTasksInput:
    updates: list[UpdateTaskInput] = strawberry.field(description="What each task becomes.")
    client_mutation_id: UUID | None = _key()


@strawberry.input(
    description=(
        "A drag: project, column and place in one atomic step. Omitted = keep; projectId null = no project; a foreign"
        " anchor is INVALID."
    )
)
class MoveTaskInput:
    id: strawberry.ID = _which("task")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _base()
    on_conflict: ConflictPolicy = _policy()
    project_id: Maybe[strawberry.ID | None] = _maybe("The project it goes to. It gets a key of that project.")
    status_id: Maybe[strawberry.ID | None] = _maybe("The status it goes to.")
    position: Position | None = _option("Within the target project and status; omitted = its rank stays.")


@strawberry.input(description="Takes a task out of the lists.")
class ArchiveTaskInput:
    id: strawberry.ID = _which("task")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _option("With it, any change since is a conflict.")


@strawberry.input(description="Brings back a deleted task (for 30 days), or takes one out of the archive.")
class RestoreTaskInput:
    id: strawberry.ID = _which("task")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Deletes a task; restorable for 30 days.")
class DeleteTaskInput:
    id: strawberry.ID = _which("task")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _option("With it, any change since is a conflict.")


@strawberry.input(one_of=True, description="One change, or all that one mutation made.")
class RevertTarget:
    change_id: strawberry.ID | None = _option("A change of a history.")
    change_set_id: strawberry.ID | None = _option("All that one mutation changed: the `changeSetId` of its payload.")


@strawberry.input(description="Undo exactly these as new changes; a ConflictError where a field moved on.")
class RevertChangesInput:
    target: RevertTarget = _which("changes to undo")
    client_mutation_id: UUID | None = _key()


# ---- comments


@strawberry.input(description="Something to say about a task.")
class CreateCommentInput:
    task_id: strawberry.ID = _which("task it is about")
    body: str = strawberry.field(
        description="Markdown, 1 to 20,000 characters. A mention is `@[user_...]`, of a member who may see the task."
    )
    client_mutation_id: UUID | None = _key()
    id: strawberry.ID | None = _own_id("comment")
    parent_id: strawberry.ID | None = _option("The comment it replies to; with one of a thread, it joins the thread.")


@strawberry.input(
    description="Omitted = unchanged. Its author changes the text; whoever may comment resolves the thread."
)
class UpdateCommentInput:
    id: strawberry.ID = _which("comment")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _base()
    on_conflict: ConflictPolicy = _policy()
    body: Maybe[str | None] = _maybe("Markdown, 1 to 20,000 characters.")
    resolved: Maybe[bool | None] = _maybe("Whether its thread is resolved; only of a thread's first comment.")


@strawberry.input(description="Takes a comment back: your own, or anybody's with MEMBER_ADMIN.")
class DeleteCommentInput:
    id: strawberry.ID = _which("comment")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Reacts to something.")
class AddReactionInput:
    subject_id: strawberry.ID = strawberry.field(description="A task or a comment.")
    emoji: str = strawberry.field(description="One emoji; at most 50 different ones fit.")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Takes a reaction back.")
class RemoveReactionInput:
    subject_id: strawberry.ID = strawberry.field(description="A task or a comment.")
    emoji: str = strawberry.field(description="With which you reacted.")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="What you want to hear of a task. Omitted = unchanged.")
class UpdateTaskSubscriptionInput:
    task_id: strawberry.ID = _which("task")
    client_mutation_id: UUID | None = _key()
    subscribed: bool | None = _option("Whether you follow it.")
    muted: bool | None = _option("Whether you hear nothing of it at all, not even of mentions.")


# ---- notifications


@strawberry.input(one_of=True, description="Which of your notifications. Exactly one way.")
class NotificationTarget:
    ids: list[strawberry.ID] | None = _option("These, at most 500.")
    task_id: strawberry.ID | None = _option("All about this task.")
    workspace_id: strawberry.ID | None = _option("All of this workspace.")
    all: bool | None = _option("All there are; has to be true.")


@strawberry.input(description="Marks notifications as read, or as not read.")
class MarkNotificationsInput:
    target: NotificationTarget = strawberry.field(description="Which ones.")
    read: bool = strawberry.field(description="True: you have read them. False: you want to come back to them.")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Says by which channels you want to hear of a kind within a scope.")
class UpdateNotificationRuleInput:
    scope_id: strawberry.ID = strawberry.field(description="A task, a project or a workspace.")
    kind: NotificationKind = strawberry.field(description="Of what; not INVITED.")
    client_mutation_id: UUID | None = _key()
    channels: list[Channel] | None = _option(
        "By which ways; empty: none. Null or left out: back to the wider scope's rule."
    )


@strawberry.input(description="When no mails come; in your time zone.")
class QuietHoursInput:
    from_: str = strawberry.field(name="from", description="`HH:MM`.")
    to: str = strawberry.field(description="`HH:MM`; earlier than `from`: on the next day.")


@strawberry.input(description="What you want of a workspace. Omitted = unchanged; null ends quiet hours.")
class UpdateNotificationSettingsInput:
    workspace_id: strawberry.ID = _which("workspace")
    client_mutation_id: UUID | None = _key()
    digest: DigestFrequency | None = _option("How mails are put together.")
    quiet_hours: Maybe[QuietHoursInput | None] = _maybe("When no mails come; null: there are none.")
    show_presence: bool | None = _option("Whether others see your presence.")


# ---- projects, statuses, labels


@strawberry.input(description="A new project.")
class CreateProjectInput:
    workspace_id: strawberry.ID = _which("workspace it is for")
    name: str = strawberry.field(description="1 to 100 characters.")
    client_mutation_id: UUID | None = _key()
    id: strawberry.ID | None = _own_id("project")
    key: str | None = _option(
        "Unique in the workspace: 1 to 10 capital letters and digits; omitted: made from the name."
    )
    description: str | None = _option("Markdown.")
    color: str | None = _option("`#rrggbb`.")


@strawberry.input(description="Omitted = unchanged. null = clear.")
class UpdateProjectInput:
    id: strawberry.ID = _which("project")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _base()
    on_conflict: ConflictPolicy = _policy()
    name: Maybe[str | None] = _maybe("1 to 100 characters.")
    key: Maybe[str | None] = _maybe("For the keys of new tasks; those that are there keep theirs.")
    description: Maybe[str | None] = _maybe("Markdown; null: empty.")
    color: Maybe[str | None] = _maybe("`#rrggbb`; null: the default.")
    archived: Maybe[bool | None] = _maybe("Whether it is out of the lists.")


@strawberry.input(description="Its tasks go to another project, or (null) to none.")
class DeleteProjectInput:
    id: strawberry.ID = _which("project")
    client_mutation_id: UUID | None = _key()
    move_tasks_to_project_id: strawberry.ID | None = _option("Where its tasks go.")


@strawberry.input(description="A new label.")
class CreateLabelInput:
    workspace_id: strawberry.ID = _which("workspace it is for")
    name: str = strawberry.field(description="Unique in the workspace, 1 to 100 characters.")
    client_mutation_id: UUID | None = _key()
    id: strawberry.ID | None = _own_id("label")
    color: str | None = _option("`#rrggbb`.")


@strawberry.input(description="Omitted = unchanged. null = clear.")
class UpdateLabelInput:
    id: strawberry.ID = _which("label")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _base()
    on_conflict: ConflictPolicy = _policy()
    name: Maybe[str | None] = _maybe("Unique in the workspace, 1 to 100 characters.")
    color: Maybe[str | None] = _maybe("`#rrggbb`; null: the default.")


@strawberry.input(description="Takes a label off every task, for good.")
class DeleteLabelInput:
    id: strawberry.ID = _which("label")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="A new status.")
class CreateStatusInput:
    workspace_id: strawberry.ID = _which("workspace it is for")
    name: str = strawberry.field(description="Unique in the workspace, 1 to 100 characters.")
    category: StatusCategory = strawberry.field(description="What it means.")
    client_mutation_id: UUID | None = _key()
    id: strawberry.ID | None = _own_id("status")
    color: str | None = _option("`#rrggbb`.")
    position: Position | None = _option("Among the statuses; omitted = LAST.")


@strawberry.input(description="Omitted = unchanged. null = clear.")
class UpdateStatusInput:
    id: strawberry.ID = _which("status")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _base()
    on_conflict: ConflictPolicy = _policy()
    name: Maybe[str | None] = _maybe("Unique in the workspace, 1 to 100 characters.")
    category: Maybe[StatusCategory | None] = _maybe("What it means; `completedAt` of its tasks stays as it is.")
    color: Maybe[str | None] = _maybe("`#rrggbb`; null: the default.")
    position: Position | None = _option("Among the statuses.")


@strawberry.input(description="Its tasks go to another status.")
class DeleteStatusInput:
    id: strawberry.ID = _which("status")
    move_tasks_to_status_id: strawberry.ID = strawberry.field(description="Where its tasks go.")
    client_mutation_id: UUID | None = _key()


# ---- workspaces, members, invites


@strawberry.input(description="A new team workspace; you are its OWNER.")
class CreateWorkspaceInput:
    name: str = strawberry.field(description="1 to 100 characters.")
    client_mutation_id: UUID | None = _key()
    id: strawberry.ID | None = _own_id("workspace")
    slug: str | None = _option("Unique, at most 48 characters; omitted: made from the name.")
    key: str | None = _option("1 to 10 capital letters and digits; omitted: made from the name.")
    description: str | None = _option("Markdown.")


@strawberry.input(description="Omitted = unchanged. null = clear.")
class UpdateWorkspaceInput:
    id: strawberry.ID = _which("workspace")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _base()
    on_conflict: ConflictPolicy = _policy()
    name: Maybe[str | None] = _maybe("1 to 100 characters.")
    slug: Maybe[str | None] = _maybe("Unique, at most 48 characters.")
    key: Maybe[str | None] = _maybe("For the keys of new tasks; those that are there keep theirs.")
    description: Maybe[str | None] = _maybe("Markdown; null: empty.")


@strawberry.input(description="Ends a team workspace for everybody.")
class DeleteWorkspaceInput:
    id: strawberry.ID = _which("workspace")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _option("With it, any change since is a conflict.")


@strawberry.input(description="Ends your own membership.")
class LeaveWorkspaceInput:
    id: strawberry.ID = _which("workspace")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Makes another member the OWNER, and you an ADMIN.")
class TransferWorkspaceInput:
    id: strawberry.ID = _which("workspace")
    to_membership_id: strawberry.ID = strawberry.field(description="Who becomes the OWNER.")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="With an address, the invite is for the owner of that (verified) address alone.")
class CreateInviteInput:
    workspace_id: strawberry.ID = _which("workspace")
    role: Role = strawberry.field(description="At most your own; not OWNER.")
    client_mutation_id: UUID | None = _key()
    project_ids: list[strawberry.ID] | None = _option("For a GUEST, at least one; for others none.")
    email: str | None = _option("For the owner of this address alone.")
    max_uses: int | None = _option("How many may join by it; omitted: any number, and one with an `email`.")
    expires_at: datetime | None = _option("When it stops working, within a year; omitted: never.")


@strawberry.input(description="Nobody joins by it any more.")
class RevokeInviteInput:
    id: strawberry.ID = _which("invite")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Join a workspace.")
class AcceptInviteInput:
    token: str = strawberry.field(description="What the link has after its `#`.")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Gives a member another role.")
class UpdateMemberRoleInput:
    id: strawberry.ID = _which("membership")
    role: Role = strawberry.field(description="At most your own; not OWNER.")
    client_mutation_id: UUID | None = _key()
    base_version: int | None = _base()
    on_conflict: ConflictPolicy = _policy()


@strawberry.input(description="Ends somebody's membership. Their streams end at that event.")
class RemoveMemberInput:
    id: strawberry.ID = _which("membership")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="A GUEST sees one more project.")
class AddProjectGuestInput:
    project_id: strawberry.ID = _which("project")
    membership_id: strawberry.ID = _which("guest")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="A GUEST no longer sees a project.")
class RemoveProjectGuestInput:
    project_id: strawberry.ID = _which("project")
    membership_id: strawberry.ID = _which("guest")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Have an address told what happens in a workspace, from now on.")
class CreateWebhookInput:
    workspace_id: strawberry.ID = _which("workspace")
    url: Url = strawberry.field(
        description="Where to POST: https, and in the public internet. At most 2,000 characters."
    )
    kinds: list[EventKind] = strawberry.field(description="What to tell of, at least one kind.")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Change a webhook. What is left out, or null, stays.")
class UpdateWebhookInput:
    id: strawberry.ID = _which("webhook")
    client_mutation_id: UUID | None = _key()
    url: Url | None = _option("Where to POST from now on, also what waits.")
    kinds: list[EventKind] | None = _option("What to tell of, also of what waits.")
    paused: bool | None = _option("True: nothing is sent, and all waits. False: it goes on from where it was.")


@strawberry.input(description="Delete a webhook.")
class DeleteWebhookInput:
    id: strawberry.ID = _which("webhook")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Send a message that says nothing.")
class TestWebhookInput:
    id: strawberry.ID = _which("webhook")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Get another secret.")
class RotateWebhookSecretInput:
    id: strawberry.ID = _which("webhook")
    client_mutation_id: UUID | None = _key()


@strawberry.input(description="Deliver again.")
class ReplayWebhookInput:
    id: strawberry.ID = _which("webhook")
    after: EventCursor = strawberry.field(
        description="Everything after this is delivered; at most as far on as `deliveredThrough`."
    )
    client_mutation_id: UUID | None = _key()
