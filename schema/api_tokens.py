"""API tokens, for those who manage them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db import models
from db.ids import typed
from db.models import Permission
from schema.context import Info
from schema.nodes import Node
from schema.people import User, user_of


@strawberry.type(
    description=(
        "What a program acts by, over HTTP and WebSocket wherever an access token is taken, in one workspace. Its"
        " rights are its scopes within its creator's current rights; it ends when its creator is no longer a member."
        " In events it is the `Integration` with the same UUID."
    )
)
class ApiToken(Node):
    row: strawberry.Private[models.ApiToken]
    name: str = strawberry.field(description="What it is for; also the name of its `Integration`.")
    prefix: str = strawberry.field(description="How its secret begins, to tell tokens apart by.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(description="When it stops working; null: never.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used, to the minute.")
    revoked_at: datetime | None = strawberry.field(
        description="When it was revoked, if it was, or its creator left. Revoked ones are listed for 30 days."
    )

    @strawberry.field(description="What it may do, as far as its creator may.")
    def scopes(self) -> list[Permission]:
        return sorted(self.row.scopes, key=list(Permission).index)

    @strawberry.field(description="Whose rights it has, and who its `viewer` is.")
    async def created_by(self, info: Info) -> User:
        return await user_of(info, self.row.created_by)

    @staticmethod
    def from_row(row: models.ApiToken) -> ApiToken:
        return ApiToken(
            row=row,
            id=strawberry.ID(typed("token", row.id)),
            name=row.name,
            prefix=row.prefix,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )
