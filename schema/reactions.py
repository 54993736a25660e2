"""Reactions to tasks and comments."""

from __future__ import annotations

from uuid import UUID

import strawberry

from db import reactions
from execution.personal import Personal
from schema.context import Info
from schema.people import User, user_of


@strawberry.type(description="All who reacted with one emoji.")
class ReactionGroup:
    subject_id: strawberry.Private[UUID]
    row: strawberry.Private[reactions.ReactionGroup]
    emoji: str = strawberry.field(description="With what.")
    count: int = strawberry.field(description="How many people.")

    @strawberry.field(description="Whether you are one of them.", directives=[Personal()])
    async def viewer_reacted(self, info: Info) -> bool:
        own = await info.context.loaders.own_reactions.load(info.context.caller().user_id, self.subject_id)
        return self.row.emoji in own

    @strawberry.field(description="At most 50, newest first.")
    async def users(self, info: Info) -> list[User]:
        await info.context.loaders.users.load_many(list(self.row.user_ids))
        return [await user_of(info, one) for one in self.row.user_ids]


async def reactions_of(info: Info, subject_id: UUID) -> list[ReactionGroup]:
    """The reactions to a task or a comment that the viewer sees."""
    found = await info.context.loaders.reactions.load(subject_id) or []
    # Everybody's people in one batch, before they are shown group by group.
    await info.context.loaders.users.load_many([one for group in found for one in group.user_ids])
    return [ReactionGroup(subject_id=subject_id, row=one, emoji=one.emoji, count=one.count) for one in found]
