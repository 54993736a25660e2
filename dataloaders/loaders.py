"""Batch reads for one operation, or for one event batch.

Everything here sees through the scope of whoever reads, so a neighbour reached
by a loader passes the same door as one asked for by its id. A `Loaders` never
outlives its snapshot: kept longer it would answer with old rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from db import (
    accounts,
    api_tokens,
    comments,
    history,
    invites,
    models,
    notification_rules,
    notifications,
    projects,
    reactions,
    subscriptions,
    task_lists,
    tasks,
    webhooks,
    workspaces,
)
from db.invites import NamedInvite
from db.log import heads_by_workspace_ids
from db.models import (
    ApiToken,
    Change,
    Comment,
    DeliveryState,
    Head,
    Invite,
    Label,
    Membership,
    Notification,
    NotificationRule,
    NotificationSettings,
    Project,
    Role,
    Status,
    Task,
    TaskSubscription,
    User,
    Webhook,
    WebhookDelivery,
    Workspace,
)
from db.pages import Page, PageRequest
from db.presence import MemberPresence, presences_by_membership_ids, presences_by_places
from db.reactions import ReactionGroup
from db.scope import Scope
from db.session import Session
from db.task_filters import TaskFilter
from db.task_lists import DeletedTasks, SubtaskCounts, TaskPage
from db.unit_of_work import now

Row = TypeVar("Row")
Group = TypeVar("Group", bound=Hashable)

ById = Callable[[Scope, Sequence[UUID]], Awaitable[Mapping[UUID, Row]]]
ByGroup = Callable[[Scope, Group, Sequence[UUID]], Awaitable[Mapping[UUID, Row]]]
ScopeOf = Callable[[], Awaitable[Scope]]


def _by_id(scope: ScopeOf, read: ById[Row]) -> DataLoader[UUID, Row | None]:
    """ids -> rows in the same order, None where there is nothing to see."""

    async def load(ids: list[UUID]) -> list[Row | None]:
        found = await read(await scope(), ids)
        return [found.get(one) for one in ids]

    return DataLoader(load_fn=load)


class _First(DataLoader[UUID, Row | None]):
    """Looks among what several read together before its own reader reads, who may see more."""

    def __init__(self, common: DataLoader[UUID, Row | None], own: Callable[[], DataLoader[UUID, Row | None]]) -> None:
        # Nothing else: there is one for each of many readers, and hardly any ever needs more.
        self._common = common
        self._own = own

    async def load(self, key: UUID) -> Row | None:
        found = await self._common.load(key)
        return await self._own().load(key) if found is None else found


class Grouped(Generic[Group, Row]):
    """One statement for all parents of which the same is asked: the same page, the same count."""

    def __init__(self, scope: ScopeOf, read: ByGroup[Group, Row]) -> None:
        async def load(keys: list[tuple[Group, UUID]]) -> list[Row]:
            ids_by_group: dict[Group, list[UUID]] = defaultdict(list)
            for group, one in keys:
                ids_by_group[group].append(one)
            seen = await scope()
            found = {group: await read(seen, group, ids) for group, ids in ids_by_group.items()}
            return [found[group][one] for group, one in keys]

        self._loader: DataLoader[tuple[Group, UUID], Row] = DataLoader(load_fn=load)

    async def load(self, group: Group, parent_id: UUID) -> Row:
        return await self._loader.load((group, parent_id))


async def _own_notifications(
    session: Session, scope: Scope, user_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Notification | None]:
    found = await notifications.notifications_by_ids(session, scope, user_id, ids)
    return {one: found.get(one) for one in ids}


async def _own_settings(session: Session, scope: Scope, ids: Sequence[UUID]) -> dict[UUID, NotificationSettings]:
    own = {grant.membership_id for grant in scope.grants}
    return await notification_rules.settings_by_membership_ids(session, [one for one in ids if one in own])


class Loaders:
    """All batch reads over one session."""

    def __init__(self, session: Session, scope: ScopeOf) -> None:
        self.tasks: DataLoader[UUID, Task | None] = _by_id(
            scope, lambda seen, ids: tasks.tasks_by_ids(session, seen, ids)
        )
        self.workspaces: DataLoader[UUID, Workspace | None] = _by_id(
            scope, lambda seen, ids: workspaces.workspaces_by_ids(session, seen, ids)
        )
        self.memberships: DataLoader[UUID, Membership | None] = _by_id(
            scope, lambda seen, ids: workspaces.memberships_by_ids(session, seen, ids)
        )
        self.projects: DataLoader[UUID, Project | None] = _by_id(
            scope, lambda seen, ids: projects.rows_by_ids(session, Project, seen, ids)
        )
        self.statuses: DataLoader[UUID, Status | None] = _by_id(
            scope, lambda seen, ids: projects.rows_by_ids(session, Status, seen, ids)
        )
        self.labels: DataLoader[UUID, Label | None] = _by_id(
            scope, lambda seen, ids: projects.rows_by_ids(session, Label, seen, ids)
        )
        self.invites: DataLoader[UUID, Invite | None] = _by_id(
            scope, lambda seen, ids: invites.invites_by_ids(session, seen, ids)
        )
        self.api_tokens: DataLoader[UUID, ApiToken | None] = _by_id(
            scope, lambda seen, ids: api_tokens.tokens_by_ids(session, seen, ids)
        )
        self.api_tokens_by_workspace: DataLoader[UUID, list[ApiToken] | None] = _by_id(
            scope, lambda seen, ids: api_tokens.tokens_by_workspace_ids(session, seen, ids, now())
        )
        # Of what they did, which was seen already; and by their own id.
        self.integration_names: DataLoader[UUID, str | None] = _by_id(
            scope, lambda _, ids: api_tokens.names_by_ids(session, ids)
        )
        self.known_integrations: DataLoader[UUID, tuple[UUID, str] | None] = _by_id(
            scope, lambda seen, ids: api_tokens.known_names_by_ids(session, seen, ids)
        )
        self.webhooks: DataLoader[UUID, Webhook | None] = _by_id(
            scope, lambda seen, ids: webhooks.webhooks_by_ids(session, seen, ids)
        )
        self.webhooks_by_workspace: DataLoader[UUID, list[Webhook] | None] = _by_id(
            scope, lambda seen, ids: webhooks.webhooks_by_workspace_ids(session, seen, ids)
        )
        self.deliveries: DataLoader[UUID, WebhookDelivery | None] = _by_id(
            scope, lambda seen, ids: webhooks.deliveries_by_ids(session, seen, ids)
        )
        self.delivery_pages: Grouped[tuple[DeliveryState | None, PageRequest], Page[WebhookDelivery]] = Grouped(
            scope, lambda seen, group, ids: webhooks.delivery_pages(session, seen, ids, *group)
        )
        # Whether the object of a change is seen is asked of the object.
        self.changes: DataLoader[UUID, Change | None] = _by_id(
            scope, lambda seen, ids: history.changes_by_ids(session, seen, ids)
        )
        # People without a scope: they are reached through rows that somebody may see.
        self.users: DataLoader[UUID, User | None] = _by_id(scope, lambda _, ids: workspaces.users_by_ids(session, ids))
        self.known_users: DataLoader[UUID, User | None] = _by_id(
            scope, lambda seen, ids: workspaces.known_users_by_ids(session, seen, ids)
        )
        # Without a scope as well: whose they are is asked where they are shown.
        self.sessions: DataLoader[UUID, models.Session | None] = _by_id(
            scope, lambda _, ids: accounts.live_sessions_by_ids(session, ids, now())
        )
        self.presences_by_membership: DataLoader[UUID, MemberPresence | None] = _by_id(
            scope, lambda seen, ids: presences_by_membership_ids(session, seen, ids)
        )

        async def load_presences(places: list[tuple[UUID, UUID]]) -> list[MemberPresence | None]:
            found = await presences_by_places(session, await scope(), places)
            return [found.get(one) for one in places]

        # By (workspace id, user id).
        self.presences: DataLoader[tuple[UUID, UUID], MemberPresence | None] = DataLoader(load_fn=load_presences)
        self.heads: DataLoader[UUID, Head | None] = _by_id(scope, lambda _, ids: heads_by_workspace_ids(session, ids))
        self.subtask_counts: DataLoader[UUID, SubtaskCounts | None] = _by_id(
            scope, lambda seen, ids: task_lists.subtask_counts_by_parent_ids(session, seen, ids)
        )
        self.statuses_by_workspace: DataLoader[UUID, list[Status] | None] = _by_id(
            scope, lambda seen, ids: projects.statuses_by_workspace_ids(session, seen, ids)
        )
        self.labels_by_workspace: DataLoader[UUID, list[Label] | None] = _by_id(
            scope, lambda seen, ids: projects.labels_by_workspace_ids(session, seen, ids)
        )
        self.task_pages: Grouped[tuple[str, TaskPage], Page[Task]] = Grouped(
            scope, lambda seen, group, ids: task_lists.task_pages(session, seen, group[0], ids, group[1])
        )
        self.task_counts: Grouped[tuple[str, TaskFilter], int] = Grouped(
            scope, lambda seen, group, ids: task_lists.count_tasks(session, seen, group[0], ids, group[1])
        )
        self.deleted_task_pages: Grouped[tuple[DeletedTasks, PageRequest], Page[Task]] = Grouped(
            scope, lambda seen, group, ids: task_lists.deleted_pages(session, seen, ids, *group, now())
        )
        self.deleted_task_counts: Grouped[DeletedTasks, int] = Grouped(
            scope, lambda seen, wanted, ids: task_lists.count_deleted(session, seen, ids, wanted, now())
        )
        self.member_pages: Grouped[tuple[Role | None, PageRequest], Page[Membership]] = Grouped(
            scope, lambda seen, group, ids: workspaces.member_pages(session, seen, ids, *group)
        )
        self.guest_pages: Grouped[PageRequest, Page[Membership]] = Grouped(
            scope, lambda seen, request, ids: workspaces.guest_pages(session, seen, ids, request)
        )
        self.invite_pages: Grouped[PageRequest, Page[Invite]] = Grouped(
            scope, lambda seen, request, ids: invites.invite_pages(session, seen, ids, request)
        )
        self.project_pages: Grouped[tuple[bool, PageRequest], Page[Project]] = Grouped(
            scope, lambda seen, group, ids: projects.project_pages(session, seen, ids, *group)
        )
        self.history_pages: Grouped[PageRequest, Page[Change]] = Grouped(
            scope, lambda seen, request, ids: history.history_pages(session, seen, ids, request)
        )
        self.audit_pages: Grouped[PageRequest, Page[Change]] = Grouped(
            scope, lambda seen, request, ids: history.audit_pages(session, seen, ids, request)
        )
        self.comments: DataLoader[UUID, Comment | None] = _by_id(
            scope, lambda seen, ids: comments.comments_by_ids(session, seen, ids)
        )
        self.comment_pages: Grouped[PageRequest, Page[Comment]] = Grouped(
            scope, lambda seen, request, ids: comments.comment_pages(session, seen, ids, request)
        )
        self.comment_counts: DataLoader[UUID, int | None] = _by_id(
            scope, lambda seen, ids: comments.comment_counts_by_task_ids(session, seen, ids)
        )
        self.best_comments: Grouped[str, Comment | None] = Grouped(
            scope, lambda seen, query, ids: task_lists.said_by_task_ids(session, seen, query, ids)
        )
        # Of tasks and comments that were seen already.
        self.reactions: DataLoader[UUID, list[ReactionGroup] | None] = _by_id(
            scope, lambda _, ids: reactions.groups_by_subject_ids(session, ids)
        )
        self.subscribers: DataLoader[UUID, list[UUID] | None] = _by_id(
            scope, lambda _, ids: subscriptions.subscribers_by_task_ids(session, ids)
        )
        # Of notifications that are somebody's own.
        self.named_invites: DataLoader[UUID, NamedInvite | None] = _by_id(
            scope, lambda _, ids: invites.named_invites_by_ids(session, ids)
        )
        # By person: what is theirs alone.
        self.notification_settings: DataLoader[UUID, NotificationSettings | None] = _by_id(
            scope, lambda seen, ids: _own_settings(session, seen, ids)
        )
        self.notification_rules: DataLoader[UUID, list[NotificationRule] | None] = _by_id(
            scope, lambda _, ids: notification_rules.rules_by_membership_ids(session, ids)
        )
        self.own_notifications: Grouped[UUID, Notification | None] = Grouped(
            scope, lambda seen, user_id, ids: _own_notifications(session, seen, user_id, ids)
        )
        self.own_reactions: Grouped[UUID, frozenset[str]] = Grouped(
            scope, lambda _, user_id, ids: reactions.own_by_subject_ids(session, user_id, ids)
        )
        self.own_subscriptions: Grouped[UUID, TaskSubscription] = Grouped(
            scope, lambda _, user_id, ids: subscriptions.own_by_task_ids(session, user_id, ids)
        )


class JointLoaders(Loaders):
    """The loaders of one of several who read the same snapshot.

    `common`: over that snapshot, with rights that each of them has. What notifications lead to is looked for there
    first, so it is read once for all of them; whatever else is asked for is read for this one alone.
    """

    def __init__(self, session: Session, scope: ScopeOf, common: Loaders) -> None:
        own: list[Loaders] = []

        def alone() -> Loaders:
            if not own:
                own.append(Loaders(session, scope))
            return own[0]

        self._alone = alone
        self.tasks = _First(common.tasks, lambda: alone().tasks)
        self.comments = _First(common.comments, lambda: alone().comments)
        self.users = _First(common.users, lambda: alone().users)
        self.workspaces = _First(common.workspaces, lambda: alone().workspaces)
        self.projects = _First(common.projects, lambda: alone().projects)
        self.statuses = _First(common.statuses, lambda: alone().statuses)
        self.labels = _First(common.labels, lambda: alone().labels)

    def __getattr__(self, name: str) -> Any:
        # All the others are made when the first of them is asked for: mostly none is, and many are told at once.
        return getattr(self._alone(), name)
