"""What the viewer is told, and by which channels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import strawberry

from dataloaders.led import Led
from db import models
from db.ids import of_kind, typed
from db.models import Channel, DigestFrequency, NotificationKind
from db.news import News
from db.notifications import Wanted, shown_page, unread_by_user_ids
from db.pages import Page, PageRequest
from db.unit_of_work import now
from domain.invites import is_open
from domain.preferences import DEFAULTS, RULED
from execution.projector import READ, Uncovered
from schema.comments import Comment
from schema.context import Info
from schema.nodes import Actor, Edge, Node, PageInfo, page_info, page_of
from schema.people import Integration, System, User, actor_of
from schema.tasks import Task
from schema.workspaces import InvitePreview, Workspace


@strawberry.type(description="Something that you are told. Alike ones that you have not read yet are one.")
class Notification(Node):
    row: strawberry.Private[models.Notification]
    led: strawberry.Private[Led | None]
    kind: NotificationKind = strawberry.field(description="What it is about.")
    group_count: int = strawberry.field(description="How many like events were folded into this one.")
    emoji: str | None = strawberry.field(description="For REACTION: with what, the newest of them.")
    created_at: datetime = strawberry.field(description="When the newest of them happened.")
    read_at: datetime | None = strawberry.field(description="When you read it; null: you have not.")

    @strawberry.field(description="The workspace it comes from; null for an invite to one where you are not.")
    async def workspace(self, info: Info) -> Workspace | None:
        row = await info.context.loaders.workspaces.load(self.row.workspace_id)
        return None if row is None else Workspace.from_row(row)

    @strawberry.field(description="Who did the newest of it.", metadata={READ: lambda _: _led_actor})
    async def actor(self, info: Info) -> Actor:
        return await actor_of(info, self.row.actor)

    @strawberry.field(description="The task it is about; null for an invite.", metadata={READ: lambda _: _led_task})
    async def task(self, info: Info) -> Task | None:
        row = None if self.row.task_id is None else await info.context.loaders.tasks.load(self.row.task_id)
        return None if row is None else Task.from_row(row)

    @strawberry.field(
        description="The newest comment it is about; null where it is not about one, or that is gone.",
        metadata={READ: lambda _: _led_comment},
    )
    async def comment(self, info: Info) -> Comment | None:
        row = None if self.row.comment_id is None else await info.context.loaders.comments.load(self.row.comment_id)
        return None if row is None else Comment.from_row(row)

    @strawberry.field(
        description="For INVITED: what you are invited to, while the invite is open. The link to join is in your mail."
    )
    async def invite(self, info: Info) -> InvitePreview | None:
        invite_id = self.row.invite_id
        found = None if invite_id is None else await info.context.loaders.named_invites.load(invite_id)
        if found is None or not is_open(found.invite, now()):
            return None
        return InvitePreview(
            workspace_name=found.workspace_name,
            role=found.invite.role,
            invited_by=found.invited_by,
            is_for_one_address=found.invite.email is not None,
        )

    @staticmethod
    def from_row(row: models.Notification, led: Led | None = None) -> Notification:
        return Notification(
            row=row,
            led=led,
            id=strawberry.ID(typed("notification", row.id)),
            kind=row.kind,
            group_count=row.group_count,
            emoji=row.emoji,
            created_at=row.created_at,
            read_at=row.read_at,
        )


def _led(one: Notification) -> Led:
    if one.led is None:
        raise Uncovered
    return one.led


def _led_task(one: Notification) -> Task | None:
    row = _led(one).tasks.get(one.row.task_id) if one.row.task_id else None
    return None if row is None else Task.from_row(row)


def _led_comment(one: Notification) -> Comment | None:
    row = _led(one).comments.get(one.row.comment_id) if one.row.comment_id else None
    return None if row is None else Comment.from_row(row)


def _led_actor(one: Notification) -> Actor:
    led, actor = _led(one), one.row.actor
    if actor.kind is models.ActorKind.SYSTEM:
        return System.of(actor.id)
    if actor.kind is models.ActorKind.INTEGRATION:
        return Integration.of(actor.id, led.integration_names[actor.id])
    return User.from_row(led.users[actor.id])


@strawberry.type(description="A notification in its place in a list.")
class NotificationEdge(Edge[Notification]):
    pass


@strawberry.type(description="A page of notifications, in the form of the Relay specification, plus `nodes`.")
class NotificationConnection:
    edges: list[NotificationEdge] = strawberry.field(description="The notifications with their cursors.")
    nodes: list[Notification] = strawberry.field(description="The notifications alone.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many of them, on all pages, you have not read. Costs the same however many.")
    async def unread_count(self) -> int:
        return await self.count()


async def own_notifications(
    info: Info, workspace_id: strawberry.ID | None, wanted: Wanted, request: PageRequest
) -> NotificationConnection:
    """A page of the viewer's notifications, none of a workspace that they do not see. Raises TopLevel(BAD_REQUEST)."""
    scope, session, user_id = await info.context.scope(), info.context.reading, info.context.me().user_id
    if workspace_id is not None:
        found = of_kind("workspace", workspace_id)
        if found is None or scope.grant(found) is None:
            return _connection(Page((), (), has_next=False, has_previous=False), _none)
        wanted = Wanted(found, wanted.is_unread, wanted.kind)
    page = await page_of(shown_page(session, scope, user_id, wanted, request))

    async def count() -> int:
        return (await unread_by_user_ids(session, [user_id], wanted.workspace_id, wanted.kind))[user_id]

    return _connection(page, count)


async def _none() -> int:
    return 0


def _connection(page: Page[models.Notification], count: Callable[[], Awaitable[int]]) -> NotificationConnection:
    nodes = [Notification.from_row(row) for row in page.rows]
    return NotificationConnection(
        edges=[NotificationEdge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=page_info(page),
        count=count,
    )


@strawberry.type(
    description=(
        "What became of your notifications. A snapshot: what is unread, at most the newest 100, the newest first; what"
        " you hold as unread and do not find here was read or withdrawn, unless it is older than all of these. Else:"
        " what changed, each as it is now."
    )
)
class NotificationBatch:
    is_snapshot: bool = strawberry.field(description="The first is one; so is one after more changes than fit.")
    notifications: list[Notification] = strawberry.field(
        description="New ones, and ones that were read, unread, or into which something was folded."
    )
    removed_ids: list[strawberry.ID] = strawberry.field(
        description="Withdrawn, or no longer for you to see: forget them. Perhaps ones you never heard of."
    )
    unread_count: int = strawberry.field(description="How many you have not read, in all.")


MAX_NEWS = 100
"""So many fit into a batch."""


def notification_batch(news: News, led: Led) -> NotificationBatch:
    return NotificationBatch(
        is_snapshot=news.is_snapshot,
        notifications=[Notification.from_row(row, led) for row in news.shown],
        removed_ids=[strawberry.ID(typed("notification", one)) for one in news.removed_ids],
        unread_count=news.unread,
    )


async def unread_count(info: Info) -> int:
    """Of the viewer, in all."""
    user_id = info.context.me().user_id
    return (await unread_by_user_ids(info.context.reading, [user_id]))[user_id]


# ---- settings


@strawberry.type(description="Which channels a kind of notification takes within a scope.")
class NotificationRule:
    scope_id: strawberry.ID = strawberry.field(description="A task, a project or the workspace: the first counts.")
    kind: NotificationKind = strawberry.field(description="Of what.")
    channels: list[Channel] = strawberry.field(description="By which ways; none: you do not hear of it.")


@strawberry.type(description="When no mails come; in your time zone.")
class QuietHours:
    from_: str = strawberry.field(name="from", description="`HH:MM`.")
    to: str = strawberry.field(description="`HH:MM`; earlier than `from`: on the next day.")


@strawberry.type(description="What you want to hear of a workspace, and how.")
class NotificationSettings(Node):
    row: strawberry.Private[models.NotificationSettings]
    digest: DigestFrequency = strawberry.field(description="How mails about notifications are put together.")
    quiet_hours: QuietHours | None = strawberry.field(description="When no such mails come; what waits comes after.")

    @strawberry.field(
        description=(
            "For every kind what holds in the workspace, set or by default, then what you set for projects and tasks."
            " The most specific one counts."
        )
    )
    async def rules(self, info: Info) -> list[NotificationRule]:
        row = self.row
        found = await info.context.loaders.notification_rules.load(row.membership_id) or []
        whole = {one.kind: one.channels for one in found if one.project_id is None and one.task_id is None}
        workspace_id = typed("workspace", row.workspace_id)
        rules = [_rule(workspace_id, kind, whole.get(kind, DEFAULTS[kind])) for kind in RULED]
        for one in found:
            if one.task_id is not None:
                rules.append(_rule(typed("task", one.task_id), one.kind, one.channels))
            elif one.project_id is not None:
                rules.append(_rule(typed("project", one.project_id), one.kind, one.channels))
        return rules

    @strawberry.field(description="Whether others in the workspace see your presence.")
    async def show_presence(self, info: Info) -> bool:
        found = await info.context.loaders.presences_by_membership.load(self.row.membership_id)
        return found is None or found.is_shown

    @staticmethod
    def from_row(row: models.NotificationSettings) -> NotificationSettings:
        quiet = None
        if row.quiet_from is not None and row.quiet_to is not None:
            quiet = QuietHours(from_=row.quiet_from, to=row.quiet_to)
        return NotificationSettings(
            row=row, id=strawberry.ID(typed("settings", row.membership_id)), digest=row.digest, quiet_hours=quiet
        )


def _rule(scope_id: str, kind: NotificationKind, channels: frozenset[Channel]) -> NotificationRule:
    return NotificationRule(
        scope_id=strawberry.ID(scope_id), kind=kind, channels=sorted(channels, key=list(Channel).index)
    )


async def own_settings(info: Info, membership_id: UUID) -> NotificationSettings | None:
    """The viewer's settings by the id of a membership; None if it is not theirs. Raises TopLevel(UNAUTHENTICATED)."""
    info.context.me()
    row = await info.context.loaders.notification_settings.load(membership_id)
    return None if row is None else NotificationSettings.from_row(row)


async def settings_in(info: Info, workspace_id: strawberry.ID) -> NotificationSettings | None:
    """The viewer's settings in a workspace; None if they do not belong there. Raises as `own_settings`."""
    info.context.me()
    found = of_kind("workspace", workspace_id)
    grant = None if found is None else (await info.context.scope()).grant(found)
    return None if grant is None else await own_settings(info, grant.membership_id)
