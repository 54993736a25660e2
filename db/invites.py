"""Invites: stored by the hash of their token, never the token."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, false, func, insert, or_, select, update

from db import pages
from db.models import Invite, Permission, Role
from db.pages import Page, PageRequest, SortKey
from db.scope import Scope
from db.session import Session
from db.tables import invite_projects, invites, users, workspaces

_project_ids = func.array(
    select(invite_projects.c.project_id)
    .where(invite_projects.c.invite_id == invites.c.id)
    .order_by(invite_projects.c.project_id)
    .correlate(invites)
    .scalar_subquery(),
    type_=ARRAY(Uuid),
).label("project_ids")


def _invite(row: Any) -> Invite:
    return Invite(
        id=row.id,
        created_at=row.created_at,
        workspace_id=row.workspace_id,
        role=Role(row.role),
        email=row.email,
        max_uses=row.max_uses,
        use_count=row.use_count,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        created_by=row.created_by,
        project_ids=tuple(row.project_ids),
    )


def _select() -> Select[Any]:
    return select(invites, _project_ids)


def _seen(scope: Scope) -> ColumnElement[bool]:
    inviting = [grant.workspace_id for grant in scope.grants if Permission.MEMBER_INVITE in grant.permissions]
    return invites.c.workspace_id.in_(inviting) if inviting else false()


async def invites_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Invite]:
    """ids -> the invites of those that the scope sees."""
    found = await session.execute(_select().where(invites.c.id.in_(list(ids)), _seen(scope)))
    return {row.id: _invite(row) for row in found}


@dataclass(frozen=True, slots=True)
class NamedInvite:
    """An invite, with the names of where it leads and of who made it."""

    invite: Invite
    workspace_name: str
    invited_by: str


async def named_invites_by_ids(session: Session, ids: Collection[UUID]) -> dict[UUID, NamedInvite]:
    """ids -> invites to workspaces that are there. No scope: whoever was told of one by name may know as much."""
    found = await session.execute(
        _select()
        .add_columns(workspaces.c.name.label("workspace_name"), users.c.name.label("invited_by"))
        .join(workspaces, workspaces.c.id == invites.c.workspace_id)
        .join(users, users.c.id == invites.c.created_by)
        .where(invites.c.id.in_(list(ids)), workspaces.c.deleted_at.is_(None))
    )
    return {row.id: NamedInvite(_invite(row), row.workspace_name, row.invited_by) for row in found}


async def invite_by_token_hash(session: Session, token_hash: bytes) -> Invite | None:
    """The invite that a token leads to, whatever became of it."""
    either = or_(invites.c.token_hash == token_hash, invites.c.mail_token_hash == token_hash)
    row = (await session.execute(_select().where(either))).first()
    return None if row is None else _invite(row)


async def is_mail_token(session: Session, invite_id: UUID, token_hash: bytes) -> bool:
    """Whether a token is the one that went to the invite's address alone."""
    found = await session.execute(
        select(invites.c.id).where(invites.c.id == invite_id, invites.c.mail_token_hash == token_hash)
    )
    return found.first() is not None


async def set_mail_token(session: Session, invite_id: UUID, token_hash: bytes) -> None:
    """The token that is about to go to the invite's address."""
    await session.execute(update(invites).where(invites.c.id == invite_id).values(mail_token_hash=token_hash))


async def invite_ids_by_email(session: Session, email: str) -> list[UUID]:
    """The invites for an address, in an order to lock them in."""
    found = await session.execute(select(invites.c.id).where(invites.c.email == email).order_by(invites.c.id))
    return list(found.scalars())


async def open_invites_by_email(session: Session, email: str, at: datetime, limit: int) -> list[Invite]:
    """Invites for an address that still work, to workspaces that are there; the newest of them."""
    found = await session.execute(
        _select()
        .join(workspaces, workspaces.c.id == invites.c.workspace_id)
        .where(
            invites.c.email == email,
            invites.c.revoked_at.is_(None),
            or_(invites.c.expires_at.is_(None), invites.c.expires_at > at),
            or_(invites.c.max_uses.is_(None), invites.c.use_count < invites.c.max_uses),
            workspaces.c.deleted_at.is_(None),
        )
        .order_by(invites.c.created_at.desc(), invites.c.id.desc())
        .limit(limit)
    )
    return [_invite(row) for row in found]


async def invite_by_id(session: Session, invite_id: UUID) -> Invite | None:
    """An invite without asking who asks: for the mail that brings it."""
    row = (await session.execute(_select().where(invites.c.id == invite_id))).first()
    return None if row is None else _invite(row)


async def lock_invite(session: Session, invite_id: UUID) -> Invite | None:
    """Lock an invite to the end of the transaction and read it."""
    await session.execute(select(invites.c.id).where(invites.c.id == invite_id).with_for_update())
    row = (await session.execute(_select().where(invites.c.id == invite_id))).first()
    return None if row is None else _invite(row)


async def insert_invite(session: Session, row: Mapping[str, Any], project_ids: Sequence[UUID]) -> Invite:
    """Insert an invite with the projects of a guest's; -> it."""
    await session.execute(insert(invites), dict(row))
    if project_ids:
        await session.execute(
            insert(invite_projects),
            [{"workspace_id": row["workspace_id"], "invite_id": row["id"], "project_id": one} for one in project_ids],
        )
    return _invite((await session.execute(_select().where(invites.c.id == row["id"]))).one())


async def update_invite(session: Session, invite_id: UUID, values: Mapping[str, Any]) -> Invite:
    """Set columns; -> the row after it. The row is locked by the caller."""
    await session.execute(update(invites).where(invites.c.id == invite_id).values(**values))
    return _invite((await session.execute(_select().where(invites.c.id == invite_id))).one())


async def count_open_invites(session: Session, workspace_id: UUID) -> int:
    """Invites that are neither revoked nor expired."""
    found = await session.execute(
        select(func.count())
        .select_from(invites)
        .where(
            invites.c.workspace_id == workspace_id,
            invites.c.revoked_at.is_(None),
            func.coalesce(invites.c.expires_at > func.now(), True),
        )
    )
    return int(found.scalar_one())


_KEYS = [
    SortKey("created_at", invites.c.created_at, pages.instant, True),
    SortKey("id", invites.c.id, UUID, True),
]


async def invite_pages(
    session: Session, scope: Scope, workspace_ids: Sequence[UUID], request: PageRequest
) -> dict[UUID, Page[Invite]]:
    """The same page of invites of each workspace, the newest first. Raises BadCursor."""
    query = _select().where(_seen(scope))
    return await pages.read_pages(session, query, invites.c.workspace_id, workspace_ids, _KEYS, request, _invite)
