"""Root fields of notifications and what people set about them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from domain import ids, notifications, preferences
from domain.errors import Invalid
from domain.notifications import Target
from execution.personal import Personal
from resolvers.mutate import Work, mutate
from schema import inputs, payloads
from schema.context import Info
from schema.nodes import given
from schema.notifications import NotificationBatch, notification_batch


def _target(asked: inputs.NotificationTarget) -> Target:
    """Raises NotFound for what is no such id, Invalid unless `all` is true."""
    several, task_id, workspace_id = given(asked.ids), given(asked.task_id), given(asked.workspace_id)
    if several is not None:
        return Target(ids=ids.parse_all("notification", several, "target", "ids"))
    if task_id is not None:
        return Target(task_id=ids.parse("task", task_id, "target", "taskId"))
    if workspace_id is not None:
        return Target(workspace_id=ids.parse("workspace", workspace_id, "target", "workspaceId"))
    if given(asked.all) is not True:
        raise Invalid("Say `all: true`, or name which.", "target", "all")
    return Target()


def _quiet_hours(asked: inputs.QuietHoursInput | None) -> preferences.QuietHours | None:
    return None if asked is None else preferences.QuietHours(asked.from_, asked.to)


@strawberry.type
class NotificationMutation:
    @strawberry.mutation(description="Say that you have read notifications, or want to come back to them.")
    async def mark_notifications(
        self, info: Info, input: Annotated[inputs.MarkNotificationsInput, strawberry.argument(description="Which.")]
    ) -> payloads.MarkNotificationsPayload:
        def work() -> Work:
            target = _target(input.target)
            return lambda uow: notifications.mark(uow, target, is_read=input.read)

        return await mutate(info, payloads.MarkNotificationsPayload, input, work)

    @strawberry.mutation(description="Say by which channels you want to hear of a kind within a scope.")
    async def update_notification_rule(
        self,
        info: Info,
        input: Annotated[inputs.UpdateNotificationRuleInput, strawberry.argument(description="The rule.")],
    ) -> payloads.NotificationSettingsPayload:
        def work() -> Work:
            return lambda uow: preferences.update_rule(uow, input.scope_id, input.kind, given(input.channels))

        return await mutate(info, payloads.NotificationSettingsPayload, input, work)

    @strawberry.mutation(description="Say when mails come, and whether others see your presence.")
    async def update_notification_settings(
        self,
        info: Info,
        input: Annotated[inputs.UpdateNotificationSettingsInput, strawberry.argument(description="What changes.")],
    ) -> payloads.NotificationSettingsPayload:
        def work() -> Work:
            workspace_id = ids.parse("workspace", input.workspace_id, "workspaceId")
            quiet = input.quiet_hours
            patch = preferences.SettingsPatch(
                digest=given(input.digest),
                has_quiet_hours=quiet is not None,
                quiet_hours=None if quiet is None else _quiet_hours(quiet.value),
                is_presence_shown=given(input.show_presence),
            )
            return lambda uow: preferences.update_settings(uow, workspace_id, patch)

        return await mutate(info, payloads.NotificationSettingsPayload, input, work)


@strawberry.type
class NotificationSubscription:
    @strawberry.subscription(
        description=(
            "What you are told: a snapshot of what is unread, then changes. Nothing is missed over a reconnect: unread"
            " stays unread. It ends with the socket alone; what a workspace told you is removed when you lose it."
        ),
        directives=[Personal()],
    )
    async def notification_events(self, info: Info) -> AsyncGenerator[NotificationBatch, None]:
        context = info.context
        del info  # it keeps all that starting took, and this lasts for days
        context.me()
        async with aclosing(context.follow_notifications()) as several:
            async for news, led in several:
                yield notification_batch(news, led)
