"""The operation's context, and the application as the transports see it.

A context opens nothing until something is read, and gives back what it opened
after each result: nothing is held while a stream waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from dataloaders.loaders import Loaders
from db.log import read_epoch
from db.models import Actor, ActorKind, ActorRef
from db.scope import Scope
from db.session import Database, ReadSession, Session
from db.unit_of_work import Key, Outcome, Work, Writer
from domain import access
from domain.errors import TopLevel
from domain.sessions import Desk
from realtime.cursor import Cursor
from realtime.follow import follow
from realtime.process import Realtime
from realtime.reader import Batch, Matches
from schema.context import Request
from server.credentials import Credentials
from server.tokens import AccessTokens, SessionCheck, authenticate


@dataclass(frozen=True, slots=True)
class Application:
    """What one server process runs on, shared by all operations. The transports' Gateway."""

    database: Database
    writer: Writer
    realtime: Realtime
    desk: Desk
    access_tokens: AccessTokens
    sessions: SessionCheck
    public_url: str

    async def authenticate(self, authorization: str | None) -> Credentials | None:
        """See server.credentials.Gateway."""
        return await authenticate(authorization, self.access_tokens, self.sessions)

    def operation_context(
        self, credentials: Credentials | None, address: str, user_agent: str | None
    ) -> OperationContext:
        """See server.credentials.Gateway."""
        return OperationContext(self, credentials, address, user_agent)


class OperationContext:
    """One operation's schema.context.Context."""

    def __init__(
        self, application: Application, credentials: Credentials | None, address: str, user_agent: str | None
    ) -> None:
        self._application = application
        self.address = address
        self.user_agent = user_agent
        self.actor: Actor | None = None
        if credentials is not None:
            ref = ActorRef(ActorKind.USER, credentials.user_id)
            self.actor = Actor(ref, credentials.session_id)
        self._begin()

    def _begin(self) -> None:
        self._reading: ReadSession = self._application.database.reading()
        self._loaders = Loaders(self._reading, self.scope)
        # Sibling fields ask at once: one of them reads, all wait for the same answer and go on together.
        self._scope: asyncio.Task[Scope] | None = None
        self._epoch: asyncio.Task[str] | None = None

    @property
    def public_url(self) -> str:
        return self._application.public_url

    @property
    def desk(self) -> Desk:
        return self._application.desk

    @property
    def access_tokens(self) -> AccessTokens:
        return self._application.access_tokens

    @property
    def loaders(self) -> Loaders:
        return self._loaders

    @property
    def reading(self) -> Session:
        return self._reading

    def me(self) -> Actor:
        if self.actor is None:
            raise TopLevel("UNAUTHENTICATED", "Sign in first: send `Authorization: Bearer` with an access token.")
        return self.actor

    async def act_as(self, actor: Actor) -> None:
        await self.renew()
        self.actor = actor

    async def scope(self) -> Scope:
        if self.actor is None:
            return Scope(())
        if self._scope is None:
            self._scope = asyncio.create_task(access.scope_of(self._reading, self.actor.user_id))
        return await self._scope

    async def today(self) -> date:
        person = await self._loaders.users.load(self.me().user_id)
        return datetime.now(UTC if person is None else ZoneInfo(person.time_zone)).date()

    async def epoch(self) -> str:
        if self._epoch is None:
            self._epoch = asyncio.create_task(read_epoch(self._reading))
        return await self._epoch

    async def write(self, work: Work, request: Request | None = None) -> Outcome:
        # First of all the snapshot: one that is older than the write must not answer for it.
        await self.renew()
        key = None if request is None else Key(request.client_mutation_id, request.fingerprint)
        return await self._application.writer.run(self.me(), work, key=key)

    async def follow(self, workspace_id: UUID, after: Cursor | None, matches: Matches) -> AsyncGenerator[Batch]:
        batches = follow(self._application.realtime.hub, workspace_id, self.me().user_id, after=after, matches=matches)
        async with aclosing(batches):
            async for batch in batches:
                yield batch

    async def renew(self) -> None:
        await self._reading.close()
        self._begin()

    async def release(self) -> None:
        """Give back the connection; what is asked later is read anew."""
        await self.renew()
