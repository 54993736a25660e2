"""Expected refusals, as data in the payload of a mutation."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from db.models import ChangedField, FieldChange, Permission
from domain import errors
from domain.errors import ErrorCode
from schema.changes import shown_changes
from schema.context import Info
from schema.nodes import Actor
from schema.people import actor_of
from schema.scalars import Json


@strawberry.interface(
    description=(
        "Expected failures, as data. Transport faults, expired credentials, rate limits and bugs stay in top-level"
        " `errors` with `extensions.code`."
    )
)
class UserError:
    code: ErrorCode = strawberry.field(description="Stable; each code belongs to one concrete type.")
    message: str = strawberry.field(description="Plain words for a person.")
    path: list[str] | None = strawberry.field(description='Input path, e.g. `["input", "title"]`.')


@strawberry.type(description="A value that cannot be used. The code says which kind of wrong it is.")
class ValidationError(UserError):
    pass


@strawberry.type(description="Also for things that exist but are hidden from the viewer.")
class NotFoundError(UserError):
    id: strawberry.ID = strawberry.field(description="The id that was asked for.")


@strawberry.type(description="You see it, but may not do this.")
class PermissionError(UserError):
    required: Permission = strawberry.field(description="What you lack.")


@strawberry.type(description="No more of these fit.")
class LimitError(UserError):
    limit: int = strawberry.field(description="How many fit.")


@strawberry.type(description="One field that somebody else changed too.")
class FieldConflict:
    workspace_id: strawberry.Private[UUID]
    row: strawberry.Private[errors.FieldConflict]
    field: ChangedField = strawberry.field(description="Which one.")
    changed_at: datetime = strawberry.field(description="When they changed it.")

    @strawberry.field(description="What it was at your baseVersion; null, too, where you may not see that.")
    async def base(self, info: Info) -> Json | None:
        return Json(await self._shown(info, self.row.base))

    @strawberry.field(description="What it is now; null, too, where you may not see that.")
    async def theirs(self, info: Info) -> Json | None:
        return Json(await self._shown(info, self.row.theirs))

    @strawberry.field(description="What you asked for; null, too, where you may not see that.")
    async def yours(self, info: Info) -> Json | None:
        return Json(await self._shown(info, self.row.yours))

    async def _shown(self, info: Info, value: object) -> object:
        (change,) = await shown_changes(info, self.workspace_id, [FieldChange(self.field, value, None)])
        return change.before

    @strawberry.field(description="Who changed it last.")
    async def changed_by(self, info: Info) -> Actor:
        return await actor_of(info, self.row.changed_by)


@strawberry.type(
    description=(
        "Somebody else changed the same field since `baseVersion`, and nothing was written. The payload's entity"
        " carries the current state, so the cache heals by itself."
    )
)
class ConflictError(UserError):
    current_version: int = strawberry.field(description="The version it is at now.")
    conflicts: list[FieldConflict] = strawberry.field(description="What clashes, field by field.")


def user_errors(refused: errors.Refusal | errors.Refusals, *, within: str = "input") -> list[UserError]:
    """Refusals of the domain as the API tells them."""
    refusals = refused.refusals if isinstance(refused, errors.Refusals) else (refused,)
    return [_user_error(one, within) for one in refusals]


def _user_error(refusal: errors.Refusal, within: str) -> UserError:
    path = [within, *refusal.path] if refusal.path else None
    code, message = refusal.code, refusal.message
    match refusal:
        case errors.NotFound():
            return NotFoundError(code=code, message=message, path=path, id=strawberry.ID(refusal.entity_id))
        case errors.Forbidden():
            return PermissionError(code=code, message=message, path=path, required=refusal.required)
        case errors.LimitReached():
            return LimitError(code=code, message=message, path=path, limit=refusal.limit)
        case errors.Conflict():
            conflicts = [
                FieldConflict(
                    workspace_id=refusal.workspace_id,
                    row=one,
                    field=one.field,
                    changed_at=one.changed_at,
                )
                for one in refusal.conflicts
            ]
            return ConflictError(
                code=code,
                message=message,
                path=path or [within, "baseVersion"],
                current_version=refusal.current_version,
                conflicts=conflicts,
            )
    return ValidationError(code=code, message=message, path=path)


ERROR_TYPES: list[type] = [ValidationError, NotFoundError, PermissionError, LimitError, ConflictError]
