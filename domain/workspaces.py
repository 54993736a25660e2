"""Workspaces: the personal one of everybody, and those of teams."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db import workspaces
from db.errors import Duplicate
from db.ids import new_id
from db.models import ChangedField, EventKind, Role, User, Workspace, WorkspaceKind
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, events, fields, members, notices
from domain.arrangement import checked, create_default_statuses
from domain.errors import ErrorCode, Invalid, LimitReached
from domain.merge import Base, ConflictPolicy, Versioned, settle, values_to_store
from domain.task_fields import shown

COLUMNS = {
    ChangedField.NAME: "name",
    ChangedField.SLUG: "slug",
    ChangedField.KEY: "key",
    ChangedField.DESCRIPTION: "description",
}

MAX_WORKSPACES = 200
_RENAMERS = frozenset({Role.OWNER, Role.ADMIN})
_OWNER = frozenset({Role.OWNER})


def slug_from(name: str) -> str:
    """A slug that reads like the name; may be taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: fields.MAX_SLUG - 8].strip("-") or "workspace"


async def create_personal_workspace(uow: UnitOfWork, user: User) -> None:
    """Everybody's own workspace, made at sign-up. Nobody else is ever in it."""
    slug = f"{slug_from(user.handle)}-{secrets.token_hex(4)}"
    values = {"name": "Personal", "slug": slug, "key": fields.key_from(user.handle), "description": ""}
    await _create(uow, new_id(), WorkspaceKind.PERSONAL, user.id, values)


async def create_workspace(
    uow: UnitOfWork, workspace_id: UUID, values: Mapping[ChangedField, Any], *, has_statuses: bool = True
) -> Outcome:
    """A team workspace with the actor as its OWNER and the default statuses (unless it gets others at once).

    `values`: NAME, and what else is given of SLUG, KEY and DESCRIPTION. Raises Refusals, Invalid(ALREADY_EXISTS).
    """
    given = {field: value for field, value in values.items() if value is not None or field is ChangedField.NAME}
    good = checked({ChangedField.DESCRIPTION: None, **given})
    name = good[ChangedField.NAME]
    if len(await workspaces.grants_by_user_id(uow, uow.actor.user_id)) >= MAX_WORKSPACES:
        raise LimitReached(f"A person belongs to at most {MAX_WORKSPACES} workspaces.", MAX_WORKSPACES)
    row = {
        "name": name,
        "description": good[ChangedField.DESCRIPTION],
        "key": good.get(ChangedField.KEY) or fields.key_from(name),
        # One that nobody chose gets an ending, so that it does not clash.
        "slug": good.get(ChangedField.SLUG) or f"{slug_from(name)}-{secrets.token_hex(3)}",
    }
    await _create(uow, workspace_id, WorkspaceKind.TEAM, uow.actor.user_id, row, has_statuses=has_statuses)
    return Outcome({"workspace": str(workspace_id)})


async def _create(
    uow: UnitOfWork,
    workspace_id: UUID,
    kind: WorkspaceKind,
    owner_id: UUID,
    values: Mapping[str, Any],
    *,
    has_statuses: bool = True,
) -> None:
    stamps = {"id": workspace_id, "kind": kind.value, "created_at": uow.now, "updated_at": uow.now}
    try:
        await workspaces.insert_workspace(uow, {**stamps, **values})
    except Duplicate as error:
        raise _taken(error) from error
    workspace = await workspaces.workspace_by_id(uow, workspace_id)
    assert workspace is not None
    events.shared_changed(uow, None, workspace)
    await members.add_member(uow, workspace_id, owner_id, Role.OWNER)
    if has_statuses:
        await create_default_statuses(uow, workspace_id, new_id)


def _taken(error: Duplicate) -> Invalid:
    path = "slug" if "slug" in error.constraint else "id"
    return Invalid(f"This {path} is taken.", path, code=ErrorCode.ALREADY_EXISTS)


async def update_workspace(
    uow: UnitOfWork, workspace_id: UUID, patch: Mapping[ChangedField, Any], base: Base
) -> Outcome:
    """Rename and describe it; for its OWNER and ADMINs. Raises NotFound, Forbidden, Conflict, Refusals, Invalid."""
    workspace = await renamed(uow, workspace_id)
    merged = await rewrite(uow, workspace, checked(patch), base)
    return Outcome({"workspace": str(workspace_id)}, tuple(field.value for field in merged))


async def renamed(uow: UnitOfWork, workspace_id: UUID) -> Workspace:
    """Lock a workspace for a change of its fields. Raises NotFound, Forbidden."""
    _, workspace = await access.administered_workspace(uow, workspace_id, _RENAMERS)
    return workspace


async def rewrite(
    uow: UnitOfWork, workspace: Workspace, wanted: Mapping[ChangedField, Any], base: Base
) -> tuple[ChangedField, ...]:
    """Bring a locked workspace to the wanted values; -> merged fields. Raises Conflict, Invalid."""
    asked = {
        field: (shown(field, getattr(workspace, COLUMNS[field])), shown(field, value))
        for field, value in wanted.items()
    }
    changes, merged = await settle(uow, Versioned(workspace.id, workspace.id, workspace.version), base, asked)
    if changes:
        values = values_to_store(wanted, changes)
        columns = {COLUMNS[one.field]: values[one.field] for one in changes}
        try:
            after = await workspaces.update_workspace(uow, workspace.id, columns, uow.now)
        except Duplicate as error:
            raise _taken(error) from error
        uow.remember(EventKind.WORKSPACE, workspace.id, workspace.id, after.version, changes)
        events.shared_changed(uow, workspace, after, changes)
    return tuple(merged)


async def delete_workspace(uow: UnitOfWork, workspace_id: UUID, base_version: int | None) -> Outcome:
    """The end of a team workspace; for its OWNER. Every stream of it ends. Raises NotFound, Forbidden, Invalid."""
    _, workspace = await access.administered_workspace(uow, workspace_id, _OWNER)
    _refuse_personal(workspace, "deleted")
    base = Base(base_version, ConflictPolicy.REJECT)
    await settle(uow, Versioned(workspace.id, workspace.id, workspace.version), base, {})
    await end_workspace(uow, workspace)
    return Outcome({"deleted_workspace": str(workspace_id)})


async def end_workspace(uow: UnitOfWork, workspace: Workspace) -> None:
    """A locked workspace ends: everybody loses it, and every stream of it ends."""
    await workspaces.update_workspace(uow, workspace.id, {"deleted_at": uow.now}, uow.now)
    events.workspace_deleted(uow, workspace)
    notices.workspace_deleted(uow, workspace.id)
    uow.change_rights(lambda: workspaces.delete_memberships(uow, workspace.id))


async def transfer_workspace(uow: UnitOfWork, workspace_id: UUID, to_membership_id: UUID) -> Outcome:
    """Another member becomes the OWNER, the OWNER an ADMIN. Raises NotFound, Forbidden, Invalid."""
    _, workspace = await access.administered_workspace(uow, workspace_id, _OWNER)
    _refuse_personal(workspace, "transferred")
    await members.transfer_ownership(uow, workspace_id, to_membership_id)
    return Outcome({"workspace": str(workspace_id)})


def _refuse_personal(workspace: Workspace, done: str) -> None:
    if workspace.kind is WorkspaceKind.PERSONAL:
        raise Invalid(f"A personal workspace cannot be {done}.", "id")
