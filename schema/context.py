"""What a field may ask of the operation it belongs to.

A context lives as long as one operation, never as long as a socket. In a
subscription it is renewed for every batch, so loaders never grow stale.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import date, datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import strawberry

from dataloaders.led import Led
from dataloaders.loaders import Loaders
from db.models import Actor
from db.news import News
from db.scope import Grant, Scope
from db.session import Session
from db.unit_of_work import Outcome, Work
from domain.sessions import Desk
from domain.webhook_targets import TargetRules
from realtime.cursor import Cursor
from realtime.presence import Presences
from realtime.presence_state import Presence, PresenceBatch
from realtime.rates import Charge
from realtime.reader import Batch, Matches


class AccessTokens(Protocol):
    """Makes the tokens that only the server can make."""

    def issue(self, user_id: UUID, session_id: UUID) -> tuple[str, datetime]:
        """-> (access token, when it expires)"""


class Context(Protocol):
    """One operation: who asks, what they may see, one snapshot to read, and the way to write."""

    @property
    def actor(self) -> Actor | None:
        """Who asks; None without credentials."""

    @property
    def address(self) -> str:
        """The network address that asks; for limits only."""

    @property
    def user_agent(self) -> str | None:
        """What the client calls itself."""

    @property
    def public_url(self) -> str:
        """Where people reach this server, without a slash at the end."""

    @property
    def webhook_rules(self) -> TargetRules:
        """Where webhooks may lead."""

    @property
    def desk(self) -> Desk:
        """Where people sign up and in."""

    @property
    def access_tokens(self) -> AccessTokens:
        """Makes access tokens."""

    @property
    def loaders(self) -> Loaders:
        """Batch reads on this operation's snapshot."""

    @property
    def reading(self) -> Session:
        """This operation's read-only snapshot."""

    def me(self) -> Actor:
        """The person who asks. Raises TopLevel(UNAUTHENTICATED) without credentials, and for an API token."""

    def caller(self) -> Actor:
        """Who asks, be it a person or an API token: only for what is held to the rights of a workspace.

        Raises TopLevel(UNAUTHENTICATED) without credentials.
        """

    async def act_as(self, actor: Actor) -> None:
        """The rest of the operation is this person's, who just signed in."""

    async def scope(self) -> Scope:
        """What the actor may see, as of the snapshot; nothing without credentials."""

    async def today(self) -> date:
        """The day it is where the actor lives."""

    async def epoch(self) -> str:
        """Which life of the database the cursors of this snapshot belong to."""

    async def write(self, work: Work, request: Request | None = None, changes: str | None = None) -> Outcome:
        """Run a unit of work as the actor and commit it; what is read afterwards sees it.

        `changes`: the id of what it will change, as it was asked for.
        Raises what the unit refuses, KeyReused, Unavailable.
        """

    def follow(
        self, workspace_id: UUID, after: Cursor | None, matches: Matches, event_of: Callable[[Batch], Any]
    ) -> AsyncGenerator[Batch]:
        """The workspace's changes for the actor, as a stream. See realtime.follow.

        What others get as well may be rendered for all of them at once, from `event_of(batch)`, and is not yielded.
        """

    @property
    def tab(self) -> UUID | None:
        """The socket that asks, as somebody's tab; None over HTTP."""

    @property
    def presences(self) -> Presences:
        """Who is here."""

    async def here(self, workspace_id: UUID) -> dict[UUID, Presence] | None:
        """Everybody who is in a workspace now, whoever may see them; None while that is not known."""

    def watch_presence(
        self, workspace_id: UUID, task_id: UUID | None, event_of: Callable[[PresenceBatch, Loaders], Awaitable[Any]]
    ) -> AsyncGenerator[PresenceBatch]:
        """The workspace's presence for the actor, as a stream. See realtime.presence.

        What others get as well may be rendered for all of them at once, from `event_of(batch, loaders)`, and is not
        yielded.
        """

    def follow_notifications(self) -> AsyncGenerator[tuple[News, Led]]:
        """What becomes of the actor's notifications, and what they lead to: the unread ones, then each change.

        Raises Unavailable before the first.
        """

    @property
    def charge(self) -> Charge | None:
        """What this operation was charged, and what is left; None where nobody is charged."""

    @property
    def max_query_cost(self) -> int:
        """What one operation may cost."""

    async def renew(self) -> None:
        """Close the snapshot and the loaders; the next read begins anew."""


class Request:
    """What an idempotent mutation was asked for: the client's key, and all of the input."""

    __slots__ = ("client_mutation_id", "fingerprint")

    def __init__(self, client_mutation_id: UUID, fingerprint: bytes) -> None:
        self.client_mutation_id = client_mutation_id
        self.fingerprint = fingerprint


Info: TypeAlias = strawberry.Info[Context, Any]

__all__ = ["AccessTokens", "Context", "Grant", "Info", "Request"]
