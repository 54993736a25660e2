"""Root fields, and the schema they make up."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers.accounts import AccountMutation
from resolvers.api_tokens import ApiTokenMutation
from resolvers.arrangement import LabelMutation, ProjectMutation, StatusMutation
from resolvers.comments import CommentMutation
from resolvers.history import HistoryMutation
from resolvers.notifications import NotificationMutation, NotificationSubscription
from resolvers.presence import PresenceMutation, PresenceSubscription
from resolvers.queries import Query
from resolvers.streams import EventSubscription
from resolvers.tasks import TaskMutation
from resolvers.webhooks import WebhookMutation
from resolvers.workspaces import InviteMutation, MemberMutation, WorkspaceMutation
from schema.api_tokens import ApiToken
from schema.errors import ERROR_TYPES
from schema.events import EVENT_TYPES
from schema.payloads import NODE_TYPES
from schema.people import Integration, System
from schema.presence import UserPresence
from schema.scalars import SCALARS


@strawberry.type(description="What can be changed.")
class Mutation(
    AccountMutation,
    WorkspaceMutation,
    InviteMutation,
    MemberMutation,
    ProjectMutation,
    StatusMutation,
    LabelMutation,
    TaskMutation,
    CommentMutation,
    HistoryMutation,
    PresenceMutation,
    NotificationMutation,
    ApiTokenMutation,
    WebhookMutation,
):
    pass


@strawberry.type(description="What can be followed, over graphql-transport-ws.")
class Subscription(EventSubscription, PresenceSubscription, NotificationSubscription):
    pass


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[*NODE_TYPES, UserPresence, ApiToken, Integration, System, *ERROR_TYPES, *EVENT_TYPES],
    config=StrawberryConfig(scalar_map=SCALARS),
)
"""Everything that is served."""


def sdl() -> str:
    """The text of the schema, as the file at the root has it and `/schema.graphql` serves it."""
    return schema.as_str().rstrip() + "\n"
