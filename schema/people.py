"""People, and whoever else acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from db import models
from db.ids import typed
from execution.personal import Personal
from schema.context import Info
from schema.nodes import Actor, Node

if TYPE_CHECKING:
    from schema.presence import UserPresence


@strawberry.type(description="A person.")
class User(Actor, Node):
    handle: str = strawberry.field(description="Unique, for mentions: letters, digits, `_` and `-`.")

    @strawberry.field(
        description=(
            "Whether they are here, as far as you may know. Null: not a member that you see, hidden, or not known at"
            " the moment."
        ),
        directives=[Personal()],
    )
    async def presence(
        self, info: Info, workspace_id: Annotated[strawberry.ID, strawberry.argument(description="Where.")]
    ) -> Annotated[UserPresence, strawberry.lazy("schema.presence")] | None:
        from schema.presence import presence_of

        return await presence_of(info, workspace_id, self.id)

    @staticmethod
    def from_row(row: models.User) -> User:
        return User(id=strawberry.ID(typed("user", row.id)), name=row.name, handle=row.handle)


@strawberry.type(
    description=(
        "An API token as an actor; `id` is `integration_` with the token's UUID. The token's details are for those with"
        " TOKEN_ADMIN, in `Workspace.apiTokens`."
    )
)
class Integration(Actor, Node):
    @staticmethod
    def of(token_id: UUID, name: str) -> Integration:
        return Integration(id=strawberry.ID(typed("integration", token_id)), name=name)


@strawberry.type(description="Tutti itself, where nobody else did it.")
class System(Actor, Node):
    @staticmethod
    def of(actor_id: UUID) -> System:
        return System(id=strawberry.ID(typed("system", actor_id)), name="Tutti")


async def user_of(info: Info, user_id: UUID) -> User:
    """Somebody reached through a row that the viewer may see."""
    row = await info.context.loaders.users.load(user_id)
    assert row is not None, "people are kept for ever"
    return User.from_row(row)


async def actor_of(info: Info, actor: models.ActorRef) -> Actor:
    """Who did something."""
    if actor.kind is models.ActorKind.SYSTEM:
        return System.of(actor.id)
    if actor.kind is models.ActorKind.INTEGRATION:
        name = await info.context.loaders.integration_names.load(actor.id)
        assert name is not None, "tokens are kept for ever"
        return Integration.of(actor.id, name)
    return await user_of(info, actor.id)
