"""Root fields of comments, reactions, and following a task."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain import comments, following, ids, reactions
from domain.merge import Base
from domain.outcomes import ChangedField
from resolvers.mutate import Work, mutate, patch
from resolvers.tasks import optional_id
from schema import inputs, payloads
from schema.context import Info
from schema.nodes import given


@strawberry.type
class CommentMutation:
    @strawberry.mutation(description="Say something about a task, or reply.")
    async def create_comment(
        self, info: Info, input: Annotated[inputs.CreateCommentInput, strawberry.argument(description="What is said.")]
    ) -> payloads.CreateCommentPayload:
        def work() -> Work:
            comment_id = ids.minted("comment", given(input.id), "id")
            task_id = ids.parse("task", input.task_id, "taskId")
            parent_id = optional_id("comment", input.parent_id, "parentId")
            return lambda uow: comments.create_comment(uow, comment_id, task_id, parent_id, input.body)

        return await mutate(info, payloads.CreateCommentPayload, input, work)

    @strawberry.mutation(description="Change the text of a comment of yours, or resolve a thread.")
    async def update_comment(
        self, info: Info, input: Annotated[inputs.UpdateCommentInput, strawberry.argument(description="What changes.")]
    ) -> payloads.UpdateCommentPayload:
        def work() -> Work:
            comment_id = ids.parse("comment", input.id, "id")
            fields = patch({ChangedField.BODY: input.body, ChangedField.RESOLVED: input.resolved})
            base = Base(given(input.base_version), input.on_conflict)
            return lambda uow: comments.update_comment(uow, comment_id, fields, base)

        shows = {"comment": lambda: ids.parse("comment", input.id, "id")}
        return await mutate(info, payloads.UpdateCommentPayload, input, work, shows=shows)

    @strawberry.mutation(description="Take a comment back. Its replies stay.")
    async def delete_comment(
        self, info: Info, input: Annotated[inputs.DeleteCommentInput, strawberry.argument(description="Which one.")]
    ) -> payloads.DeleteCommentPayload:
        def work() -> Work:
            comment_id = ids.parse("comment", input.id, "id")
            return lambda uow: comments.delete_comment(uow, comment_id)

        return await mutate(info, payloads.DeleteCommentPayload, input, work)

    @strawberry.mutation(description="React to a task or a comment. Again: nothing changes.")
    async def add_reaction(
        self, info: Info, input: Annotated[inputs.AddReactionInput, strawberry.argument(description="To what.")]
    ) -> payloads.AddReactionPayload:
        def work() -> Work:
            subject = reactions.subject_of(input.subject_id)
            return lambda uow: reactions.add_reaction(uow, subject, input.emoji)

        return await mutate(info, payloads.AddReactionPayload, input, work)

    @strawberry.mutation(description="Take a reaction of yours back. Not there: nothing changes.")
    async def remove_reaction(
        self, info: Info, input: Annotated[inputs.RemoveReactionInput, strawberry.argument(description="From what.")]
    ) -> payloads.RemoveReactionPayload:
        def work() -> Work:
            subject = reactions.subject_of(input.subject_id)
            return lambda uow: reactions.remove_reaction(uow, subject, input.emoji)

        return await mutate(info, payloads.RemoveReactionPayload, input, work)

    @strawberry.mutation(description="Follow or leave a task, or mute it.")
    async def update_task_subscription(
        self,
        info: Info,
        input: Annotated[inputs.UpdateTaskSubscriptionInput, strawberry.argument(description="What you want.")],
    ) -> payloads.UpdateTaskSubscriptionPayload:
        def work() -> Work:
            task_id = ids.parse("task", input.task_id, "taskId")
            return lambda uow: following.update_subscription(
                uow, task_id, is_subscribed=given(input.subscribed), is_muted=given(input.muted)
            )

        shows = {"task": lambda: ids.parse("task", input.task_id, "taskId")}
        return await mutate(info, payloads.UpdateTaskSubscriptionPayload, input, work, shows=shows)
