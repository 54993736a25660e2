"""Workspaces and who belongs to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from db import pages
from db.direct import Direct
from db.log import LIFE_SQL, epoch_of
from db.models import Head, Membership, Role, User, Workspace, WorkspaceKind
from db.pages import Page, PageRequest, SortKey
from db.scope import Grant, Scope, in_workspaces
from db.session import Session
from db.tables import memberships, project_guests, tasks, users, workspace_heads, workspaces

_project_ids = func.array(
    select(project_guests.c.project_id)
    .where(project_guests.c.membership_id == memberships.c.id)
    .order_by(project_guests.c.project_id)
    .correlate(memberships)
    .scalar_subquery(),
    type_=ARRAY(Uuid),
).label("project_ids")


def _workspace(row: Any) -> Workspace:
    return Workspace(
        id=row.id,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        kind=WorkspaceKind(row.kind),
        name=row.name,
        slug=row.slug,
        key=row.key,
        description=row.description,
        deleted_at=row.deleted_at,
    )


def _membership(row: Any) -> Membership:
    role = Role(row.role)
    return Membership(
        id=row.id,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        workspace_id=row.workspace_id,
        user_id=row.user_id,
        role=role,
        project_ids=tuple(row.project_ids) if role is Role.GUEST else None,
    )


def _select_memberships() -> Select[Any]:
    return select(memberships, _project_ids)


# ---- grants


_grants = (
    _select_memberships()
    .where(memberships.c.user_id == bindparam("user_id"))
    .order_by(memberships.c.created_at, memberships.c.id)
)
_GRANTS = Direct(_grants)
_GRANTS_OF_SEVERAL = Direct(
    _select_memberships()
    .where(memberships.c.user_id == any_(bindparam("user_ids", type_=ARRAY(Uuid))))
    .order_by(memberships.c.created_at, memberships.c.id)
)
_GRANTS_IN = Direct(_grants.where(memberships.c.workspace_id == bindparam("workspace_id")))
_GRANT_AND_LOCK = Direct(
    _select_memberships()
    .join(tasks, tasks.c.workspace_id == memberships.c.workspace_id)
    .where(memberships.c.user_id == bindparam("user_id"), tasks.c.id == bindparam("task_id"))
    .with_for_update(key_share=True, of=tasks)
)


async def grants_by_user_id(session: Session, user_id: UUID, workspace_id: UUID | None = None) -> list[Grant]:
    """What somebody may see and do, in all their workspaces or in one; the oldest membership first."""
    if workspace_id is None:
        found = await session.fetch(_GRANTS, {"user_id": user_id})
    else:
        found = await session.fetch(_GRANTS_IN, {"user_id": user_id, "workspace_id": workspace_id})
    return [grant_of(_membership(row)) for row in found]


async def grants_by_user_ids(session: Session, user_ids: Collection[UUID]) -> dict[UUID, list[Grant]]:
    """The same of several people; everybody has an entry."""
    found = await session.fetch(_GRANTS_OF_SEVERAL, {"user_ids": list(user_ids)})
    grants: dict[UUID, list[Grant]] = {one: [] for one in user_ids}
    for row in found:
        grants[row.user_id].append(grant_of(_membership(row)))
    return grants


async def grant_locking_task(session: Session, user_id: UUID, task_id: UUID) -> Grant | None:
    """What somebody may do in the workspace of a task; the task is locked to the end of the transaction.

    None, and nothing is locked, where they do not belong or there is no such task. One statement instead of three, as
    every change of a task begins with it.
    """
    rows = await session.fetch(_GRANT_AND_LOCK, {"user_id": user_id, "task_id": task_id})
    return grant_of(_membership(rows[0])) if rows else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a workspace's log reaches and what somebody may see of it, in one snapshot. `grant` None: nothing."""

    epoch: str
    head: Head
    grant: Grant | None


async def standings_by_readers(
    session: Session, readers: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Standing]:
    """(workspace id, user id) of each reader -> their standing, if the workspace is there. One statement."""
    found = await session.fetch(
        _STANDINGS,
        {
            "workspace_ids": [workspace_id for workspace_id, _ in readers],
            "user_ids": [user_id for _, user_id in readers],
        },
    )
    return {
        (row.log, row.reader): Standing(
            epoch=epoch_of(row),
            head=Head(row.log, row.seq, row.floor_seq),
            grant=None if row.id is None else _grant(row),
        )
        for row in found
    }


# Everybody who subscribes pays for it.
_STANDINGS = Direct(
    text(
        f"""
        SELECT life.*, asked.workspace_id AS log, asked.user_id AS reader, heads.seq, heads.floor_seq,
               members.id, members.role,
               ARRAY(SELECT project_id FROM project_guests WHERE membership_id = members.id) AS project_ids
        FROM ({LIFE_SQL}) AS life
        CROSS JOIN unnest(CAST(:workspace_ids AS uuid[]), CAST(:user_ids AS uuid[])) AS asked (workspace_id, user_id)
        JOIN workspace_heads heads ON heads.workspace_id = asked.workspace_id
        LEFT JOIN memberships members ON members.workspace_id = asked.workspace_id AND members.user_id = asked.user_id
        """  # noqa: S608 - of constants
    )
)


def _grant(row: Any) -> Grant:
    role = Role(row.role)
    return Grant(
        workspace_id=row.log,
        membership_id=row.id,
        user_id=row.reader,
        role=role,
        project_ids=frozenset(row.project_ids) if role is Role.GUEST else None,
    )


def grant_of(membership: Membership) -> Grant:
    """The rights that a membership gives."""
    return Grant(
        workspace_id=membership.workspace_id,
        membership_id=membership.id,
        user_id=membership.user_id,
        role=membership.role,
        project_ids=None if membership.project_ids is None else frozenset(membership.project_ids),
    )


# ---- workspaces


async def workspaces_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Workspace]:
    """ids -> the workspaces of those that the scope sees."""
    found = await session.execute(
        select(workspaces).where(
            workspaces.c.id.in_(list(ids)), in_workspaces(workspaces, scope), workspaces.c.deleted_at.is_(None)
        )
    )
    return {row.id: _workspace(row) for row in found}


async def workspace_id_by_slug(session: Session, scope: Scope, slug: str) -> UUID | None:
    """The workspace of this slug, if the scope sees it."""
    found = await session.execute(
        select(workspaces.c.id).where(
            workspaces.c.slug == slug, in_workspaces(workspaces, scope), workspaces.c.deleted_at.is_(None)
        )
    )
    return found.scalar_one_or_none()


async def lock_workspace(session: Session, workspace_id: UUID) -> Workspace | None:
    """Lock a workspace's row to the end of the transaction and read it; None when it is deleted."""
    found = await session.execute(
        select(workspaces)
        .where(workspaces.c.id == workspace_id, workspaces.c.deleted_at.is_(None))
        .with_for_update(key_share=True)
    )
    row = found.first()
    return None if row is None else _workspace(row)


async def workspace_by_id(session: Session, workspace_id: UUID) -> Workspace | None:
    """A workspace without asking who asks: for what its own members or an invite lead to."""
    found = await session.execute(
        select(workspaces).where(workspaces.c.id == workspace_id, workspaces.c.deleted_at.is_(None))
    )
    row = found.first()
    return None if row is None else _workspace(row)


async def insert_workspace(session: Session, row: Mapping[str, Any]) -> None:
    """Insert a workspace with the head of its log. Raises Duplicate when the id or the slug is taken."""
    await session.execute(insert(workspaces), dict(row))
    await session.execute(insert(workspace_heads), {"workspace_id": row["id"]})


async def update_workspace(
    session: Session, workspace_id: UUID, values: Mapping[str, Any], updated_at: datetime
) -> Workspace:
    """Set columns and raise the version; -> the row after it. Raises Duplicate when the slug is taken."""
    found = await session.execute(
        update(workspaces)
        .where(workspaces.c.id == workspace_id)
        .values(**values, version=workspaces.c.version + 1, updated_at=updated_at)
        .returning(workspaces)
    )
    return _workspace(found.one())


# ---- memberships


async def memberships_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Membership]:
    """ids -> the memberships of those that the scope sees."""
    found = await session.execute(
        _select_memberships().where(memberships.c.id.in_(list(ids)), visible_memberships(scope))
    )
    return {row.id: _membership(row) for row in found}


def visible_memberships(scope: Scope) -> ColumnElement[bool]:
    """Whole workspaces show everybody; a guest sees those who see everything, and the guests of their projects."""
    ways: list[ColumnElement[bool]] = [memberships.c.workspace_id.in_(scope.whole_ids)]
    guest_in = [grant for grant in scope.grants if grant.project_ids is not None]
    if guest_in:
        # Correlated by name, as a query around it may read guests itself.
        beside = exists(
            select(project_guests.c.membership_id)
            .where(
                project_guests.c.membership_id == memberships.c.id,
                project_guests.c.project_id.in_(scope.guest_project_ids),
            )
            .correlate(memberships)
        )
        own = memberships.c.id.in_([grant.membership_id for grant in guest_in])
        ways.append(
            and_(
                memberships.c.workspace_id.in_([grant.workspace_id for grant in guest_in]),
                or_(memberships.c.role != Role.GUEST.value, beside, own),
            )
        )
    return or_(*ways)


async def members_of(
    session: Session, workspace_id: UUID, user_ids: Collection[UUID], *, for_share: bool = False
) -> dict[UUID, Grant]:
    """user ids -> the grants of those who belong to the workspace.

    `for_share`: they keep them to the end of the transaction, as something is about to be assigned to them.
    """
    of_workspace = and_(memberships.c.workspace_id == workspace_id, memberships.c.user_id.in_(list(user_ids)))
    if for_share:
        await session.execute(
            select(memberships.c.id).where(of_workspace).order_by(memberships.c.id).with_for_update(read=True)
        )
    found = await session.execute(_select_memberships().where(of_workspace))
    return {row.user_id: grant_of(_membership(row)) for row in found}


async def lock_memberships(session: Session, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, Membership]:
    """Lock memberships to the end of the transaction, in the order of their ids, and read them."""
    ordered = sorted(set(ids))
    of_workspace = and_(memberships.c.workspace_id == workspace_id, memberships.c.id.in_(ordered))
    await session.execute(
        select(memberships.c.id).where(of_workspace).order_by(memberships.c.id).with_for_update(key_share=True)
    )
    found = await session.execute(_select_memberships().where(of_workspace))
    return {row.id: _membership(row) for row in found}


async def membership_by_id(session: Session, membership_id: UUID) -> Membership | None:
    """A membership without asking who asks; a door decides."""
    row = (await session.execute(_select_memberships().where(memberships.c.id == membership_id))).first()
    return None if row is None else _membership(row)


async def count_members(session: Session, workspace_id: UUID) -> int:
    found = await session.execute(
        select(func.count()).select_from(memberships).where(memberships.c.workspace_id == workspace_id)
    )
    return int(found.scalar_one())


async def insert_membership(session: Session, row: Mapping[str, Any], project_ids: Sequence[UUID]) -> Membership:
    """Insert a membership with a guest's projects. Raises Duplicate when the person belongs already."""
    await session.execute(insert(memberships), dict(row))
    await add_guest_projects(session, row["workspace_id"], row["id"], project_ids)
    found = await session.execute(_select_memberships().where(memberships.c.id == row["id"]))
    return _membership(found.one())


async def add_guest_projects(
    session: Session, workspace_id: UUID, membership_id: UUID, project_ids: Sequence[UUID]
) -> None:
    if project_ids:
        await session.execute(
            insert(project_guests),
            [{"workspace_id": workspace_id, "membership_id": membership_id, "project_id": one} for one in project_ids],
        )


async def remove_guest_projects(
    session: Session, membership_id: UUID, project_ids: Sequence[UUID] | None = None
) -> None:
    """Take projects from a guest; all of them when none are named."""
    query = delete(project_guests).where(project_guests.c.membership_id == membership_id)
    if project_ids is not None:
        query = query.where(project_guests.c.project_id.in_(list(project_ids)))
    await session.execute(query)


async def update_membership(session: Session, membership_id: UUID, role: Role, updated_at: datetime) -> Membership:
    """Set the role and raise the version; -> the row after it."""
    await session.execute(
        update(memberships)
        .where(memberships.c.id == membership_id)
        .values(role=role.value, version=memberships.c.version + 1, updated_at=updated_at)
    )
    found = await session.execute(_select_memberships().where(memberships.c.id == membership_id))
    return _membership(found.one())


async def delete_membership(session: Session, membership_id: UUID) -> None:
    await session.execute(delete(memberships).where(memberships.c.id == membership_id))


async def delete_ended_personal_workspaces(session: Session, ended_before: datetime) -> None:
    """Retention: what was only an erased person's goes for good, with everything in it."""
    await session.execute(
        delete(workspaces).where(
            workspaces.c.kind == WorkspaceKind.PERSONAL.value, workspaces.c.deleted_at < ended_before
        )
    )


async def delete_memberships(session: Session, workspace_id: UUID) -> None:
    """Everybody leaves."""
    await session.execute(delete(memberships).where(memberships.c.workspace_id == workspace_id))


async def guests_of_project(session: Session, project_id: UUID) -> list[Membership]:
    """The guests of a project, by the order of their ids."""
    found = await session.execute(
        _select_memberships()
        .join(project_guests, project_guests.c.membership_id == memberships.c.id)
        .where(project_guests.c.project_id == project_id)
        .order_by(memberships.c.id)
    )
    return [_membership(row) for row in found]


_KEYS = [
    SortKey("created_at", memberships.c.created_at, pages.instant),
    SortKey("id", memberships.c.id, UUID),
]


async def member_pages(
    session: Session, scope: Scope, workspace_ids: Sequence[UUID], role: Role | None, request: PageRequest
) -> dict[UUID, Page[Membership]]:
    """The same page of members of each workspace, the oldest member first. Raises BadCursor."""
    query = _select_memberships().where(visible_memberships(scope))
    if role is not None:
        query = query.where(memberships.c.role == role.value)
    return await pages.read_pages(
        session, query, memberships.c.workspace_id, workspace_ids, _KEYS, request, _membership
    )


async def guest_pages(
    session: Session, scope: Scope, project_ids: Sequence[UUID], request: PageRequest
) -> dict[UUID, Page[Membership]]:
    """The same page of guests of each project. Raises BadCursor."""
    query = (
        _select_memberships()
        .join(project_guests, project_guests.c.membership_id == memberships.c.id)
        .where(visible_memberships(scope))
    )
    return await pages.read_pages(session, query, project_guests.c.project_id, project_ids, _KEYS, request, _membership)


# ---- people


def _user(row: Any) -> User:
    return User(**{column.name: getattr(row, column.name) for column in users.c})


async def users_by_ids(session: Session, ids: Collection[UUID]) -> dict[UUID, User]:
    """ids -> people. No scope: they are reached through rows that somebody may see."""
    found = await session.fetch(_USERS, {"ids": list(ids)})
    return {row.id: _user(row) for row in found}


_USERS = Direct(select(users).where(users.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))))


async def known_users_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, User]:
    """ids -> those people with whom the scope shares a workspace (a guest: a project)."""
    known = select(memberships.c.user_id).where(visible_memberships(scope))
    found = await session.execute(select(users).where(users.c.id.in_(list(ids)), users.c.id.in_(known)))
    return {row.id: _user(row) for row in found}


async def count_people(session: Session) -> int:
    """How many accounts there are."""
    return int((await session.execute(select(func.count()).select_from(users))).scalar_one())
