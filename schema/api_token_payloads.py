"""What the mutations of API tokens take and answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import UNSET

from db.models import Permission
from schema.api_tokens import ApiToken
from schema.context import Info
from schema.payloads import MutationPayload

_KEY = "Idempotency key. Kept 72 h per actor; same key + different input is IDEMPOTENCY_MISMATCH."


@strawberry.input(description="A new API token, of yours.")
class CreateApiTokenInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where it acts, and nowhere else.")
    name: str = strawberry.field(description="What it is for, 1 to 100 characters.")
    scopes: list[Permission] = strawberry.field(
        description="What it may do, of what you may; TASK_READ has to be among it."
    )
    client_mutation_id: UUID | None = strawberry.field(default=UNSET, description=_KEY)
    expires_at: datetime | None = strawberry.field(
        default=UNSET, description="When it stops working, within a year; omitted: never."
    )


@strawberry.input(description="Another name for an API token. What it may do stays: make another one for that.")
class UpdateApiTokenInput:
    id: strawberry.ID = strawberry.field(description="Which token.")
    name: str = strawberry.field(description="1 to 100 characters.")
    client_mutation_id: UUID | None = strawberry.field(default=UNSET, description=_KEY)


@strawberry.input(description="The end of an API token.")
class RevokeApiTokenInput:
    id: strawberry.ID = strawberry.field(description="Which token.")
    client_mutation_id: UUID | None = strawberry.field(default=UNSET, description=_KEY)


async def _api_token(root: MutationPayload, info: Info) -> ApiToken | None:
    token_id = root.id_of("api_token")
    row = None if token_id is None else await info.context.loaders.api_tokens.load(token_id)
    return None if row is None else ApiToken.from_row(row)


_NOW = "As it is now, whenever you may see it."


@strawberry.type(description="What createApiToken answers.")
class CreateApiTokenPayload(MutationPayload):
    api_token: ApiToken | None = strawberry.field(resolver=_api_token, description=_NOW)
    secret: str | None = strawberry.field(
        default=None,
        description=(
            "What the program sends as `Authorization: Bearer`. Told once, here (null on a replay), and stored hashed."
        ),
    )


@strawberry.type(description="What updateApiToken answers.")
class UpdateApiTokenPayload(MutationPayload):
    api_token: ApiToken | None = strawberry.field(resolver=_api_token, description=_NOW)


@strawberry.type(description="What revokeApiToken answers.")
class RevokeApiTokenPayload(MutationPayload):
    api_token: ApiToken | None = strawberry.field(resolver=_api_token, description=_NOW)
