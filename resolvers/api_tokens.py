"""Root fields of API tokens."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import strawberry

from domain import api_tokens, ids
from resolvers.mutate import Work, mutate
from schema import api_token_payloads as payloads
from schema.context import Info
from schema.nodes import given


def _token_id(global_id: strawberry.ID) -> UUID:
    return ids.parse("token", global_id, "id")


@strawberry.type
class ApiTokenMutation:
    @strawberry.mutation(description="Make an API token: what a program acts by, in one workspace.")
    async def create_api_token(
        self,
        info: Info,
        input: Annotated[payloads.CreateApiTokenInput, strawberry.argument(description="The new token.")],
    ) -> payloads.CreateApiTokenPayload:
        secret = api_tokens.new_secret()

        def work() -> Work:
            new = api_tokens.NewToken(
                workspace_id=ids.parse("workspace", input.workspace_id, "workspaceId"),
                name=input.name,
                scopes=input.scopes,
                expires_at=given(input.expires_at),
            )
            return lambda uow: api_tokens.create_token(uow, new, secret)

        payload = await mutate(info, payloads.CreateApiTokenPayload, input, work)
        if not payload.user_errors and not payload.replayed:
            payload.secret = secret
        return payload

    @strawberry.mutation(description="Call an API token something else.")
    async def update_api_token(
        self,
        info: Info,
        input: Annotated[payloads.UpdateApiTokenInput, strawberry.argument(description="Which, and what.")],
    ) -> payloads.UpdateApiTokenPayload:
        def work() -> Work:
            token_id = _token_id(input.id)
            return lambda uow: api_tokens.rename_token(uow, token_id, input.name)

        shows = {"api_token": lambda: _token_id(input.id)}
        return await mutate(info, payloads.UpdateApiTokenPayload, input, work, shows=shows)

    @strawberry.mutation(
        description="End an API token: within a second it is refused everywhere, and its sockets are closed (4403)."
    )
    async def revoke_api_token(
        self,
        info: Info,
        input: Annotated[payloads.RevokeApiTokenInput, strawberry.argument(description="Which token.")],
    ) -> payloads.RevokeApiTokenPayload:
        def work() -> Work:
            token_id = _token_id(input.id)
            return lambda uow: api_tokens.revoke_token(uow, token_id)

        shows = {"api_token": lambda: _token_id(input.id)}
        return await mutate(info, payloads.RevokeApiTokenPayload, input, work, shows=shows)
