"""Root fields of webhooks."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain import ids, webhooks
from domain.errors import Invalid
from domain.fields import required
from realtime.cursor import read
from resolvers.mutate import Work, mutate
from schema import inputs, payloads
from schema.context import Info


def _webhook_id(global_id: strawberry.ID) -> UUID:
    return ids.parse("webhook", global_id, "id")


def _unless_null(value: Any, path: str) -> Any:
    """None if it was left out. Raises Invalid for null, which would clear what cannot be cleared."""
    return None if value is strawberry.UNSET else required(value, path)


@strawberry.type
class WebhookMutation:
    @strawberry.mutation(description="Have an address told what happens, from now on. Needs WEBHOOK_ADMIN.")
    async def create_webhook(
        self, info: Info, input: Annotated[inputs.CreateWebhookInput, strawberry.argument(description="The address.")]
    ) -> payloads.CreateWebhookPayload:
        secret, rules = webhooks.new_secret(), info.context.webhook_rules

        def work() -> Work:
            workspace_id = ids.parse("workspace", input.workspace_id, "workspaceId")
            new = webhooks.NewWebhook(workspace_id, input.url, input.kinds)
            return lambda uow: webhooks.create_webhook(uow, new, secret, rules)

        payload = await mutate(info, payloads.CreateWebhookPayload, input, work)
        if not payload.user_errors and not payload.replayed:
            payload.secret = secret
        return payload

    @strawberry.mutation(
        description=(
            "Change a webhook, pause it or end its pause; what waits is then tried at once. Whoever ends the pause of"
            " one whose creator has left, or whose API token has ended, takes it over."
        )
    )
    async def update_webhook(
        self, info: Info, input: Annotated[inputs.UpdateWebhookInput, strawberry.argument(description="What changes.")]
    ) -> payloads.UpdateWebhookPayload:
        rules = info.context.webhook_rules

        def work() -> Work:
            webhook_id = _webhook_id(input.id)
            patch = webhooks.WebhookPatch(
                _unless_null(input.url, "url"), _unless_null(input.kinds, "kinds"), _unless_null(input.paused, "paused")
            )
            return lambda uow: webhooks.update_webhook(uow, webhook_id, patch, rules)

        shows = {"webhook": lambda: _webhook_id(input.id)}
        return await mutate(info, payloads.UpdateWebhookPayload, input, work, shows=shows)

    @strawberry.mutation(description="Delete a webhook, with what is known of its messages.")
    async def delete_webhook(
        self, info: Info, input: Annotated[inputs.DeleteWebhookInput, strawberry.argument(description="Which one.")]
    ) -> payloads.DeleteWebhookPayload:
        def work() -> Work:
            webhook_id = _webhook_id(input.id)
            return lambda uow: webhooks.delete_webhook(uow, webhook_id)

        return await mutate(info, payloads.DeleteWebhookPayload, input, work)

    @strawberry.mutation(
        description="Get another secret. For 24 hours messages are signed by the old one as well, so change it calmly."
    )
    async def rotate_webhook_secret(
        self,
        info: Info,
        input: Annotated[inputs.RotateWebhookSecretInput, strawberry.argument(description="Which one's.")],
    ) -> payloads.RotateWebhookSecretPayload:
        secret = webhooks.new_secret()

        def work() -> Work:
            webhook_id = _webhook_id(input.id)
            return lambda uow: webhooks.rotate_secret(uow, webhook_id, secret)

        shows = {"webhook": lambda: _webhook_id(input.id)}
        payload = await mutate(info, payloads.RotateWebhookSecretPayload, input, work, shows=shows)
        if not payload.user_errors and not payload.replayed:
            payload.secret = secret
        return payload

    @strawberry.mutation(
        description="Deliver again everything after `after`, by the same ids: the cure for an outage on your side."
    )
    async def replay_webhook(
        self, info: Info, input: Annotated[inputs.ReplayWebhookInput, strawberry.argument(description="From where.")]
    ) -> payloads.ReplayWebhookPayload:
        def work() -> Work:
            webhook_id = _webhook_id(input.id)
            try:
                after = read(input.after)
            except ValueError as error:
                raise Invalid(str(error), "after") from error
            place = (after.workspace_id, after.epoch, after.seq)
            return lambda uow: webhooks.replay_webhook(uow, webhook_id, place)

        shows = {"webhook": lambda: _webhook_id(input.id)}
        return await mutate(info, payloads.ReplayWebhookPayload, input, work, shows=shows)

    @strawberry.mutation(
        description=(
            "Send a message that says nothing, once, also to a webhook that is paused. Ask `node` what became of it."
        )
    )
    async def test_webhook(
        self, info: Info, input: Annotated[inputs.TestWebhookInput, strawberry.argument(description="Which one.")]
    ) -> payloads.TestWebhookPayload:
        def work() -> Work:
            webhook_id = _webhook_id(input.id)
            return lambda uow: webhooks.test_webhook(uow, webhook_id)

        return await mutate(info, payloads.TestWebhookPayload, input, work)
