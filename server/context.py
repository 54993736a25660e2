"""The operation's context, and the application as the transports see it.

A context opens nothing until something is read, and gives back what it opened
after each result: nothing is held while a stream waits.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dataloaders.led import Led, led_to
from dataloaders.loaders import JointLoaders, Loaders
from db.errors import Unavailable
from db.log import has_revocations, read_epoch
from db.models import Actor, ActorKind, ActorRef
from db.news import News
from db.scope import Grant, Scope, shared_grant, tags_within
from db.session import Database, HeldSession, Session
from db.unit_of_work import Key, Outcome, Work, Writer
from domain import access
from domain.attempts import network
from domain.errors import TopLevel
from domain.sessions import Desk
from domain.webhook_targets import TargetRules
from execution.limits import Limits
from execution.live import Outlet, Sharing
from realtime.cursor import Cursor
from realtime.follow import follow
from realtime.group import CannotShare
from realtime.presence import Presences
from realtime.presence_state import Presence, PresenceBatch
from realtime.process import Realtime
from realtime.rates import Charge
from realtime.reader import Batch, Matches, whole
from realtime.topic import RETRY_SECONDS
from schema.context import Request
from server.credentials import Credentials, RateLimited, holder_of, patiently, release
from server.news import Newsroom
from server.tokens import AccessTokens, SessionCheck, TokenCheck, authenticate

EventOf = Callable[[Batch], Any]
"""A batch as the schema shows it."""
PresenceOf = Callable[[PresenceBatch, Loaders], Awaitable[Any]]
"""The same of a batch of presence, with what has to be read for it."""


@dataclass(frozen=True, slots=True)
class Application:
    """What one server process runs on, shared by all operations. The transports' Gateway."""

    database: Database
    writer: Writer
    realtime: Realtime
    desk: Desk
    access_tokens: AccessTokens
    sessions: SessionCheck
    api_tokens: TokenCheck
    public_url: str
    newsroom: Newsroom
    limits: Limits = field(default_factory=Limits)
    webhook_rules: TargetRules = field(default_factory=TargetRules)

    async def authenticate(self, authorization: str | None) -> Credentials | None:
        """See server.credentials.Gateway."""
        return await authenticate(authorization, self.access_tokens, self.sessions, self.api_tokens)

    def charge(self, credentials: Credentials | None, address: str, cost: int) -> Charge:
        """See server.credentials.Gateway."""
        if credentials is None:
            holder, limit = f"address:{network(address)}", self.limits.anonymous_points_per_minute
        else:
            kind = "person" if credentials.token is None else "token"
            holder, limit = f"{kind}:{holder_of(credentials)}", self.limits.points_per_minute
        charge = self.realtime.rates.spend(holder, cost, limit)
        if charge.is_refused:
            raise RateLimited.of(charge)
        return charge

    def operation_context(
        self,
        credentials: Credentials | None,
        address: str,
        user_agent: str | None,
        tab: UUID | None = None,
        charge: Charge | None = None,
    ) -> OperationContext:
        """See server.credentials.Gateway."""
        return OperationContext(self, credentials, address, user_agent, tab, charge)


def _actor_of(credentials: Credentials) -> Actor:
    token = credentials.token
    if token is None:
        return Actor(ActorRef(ActorKind.USER, credentials.user_id), credentials.session_id)
    return Actor(ActorRef(ActorKind.INTEGRATION, token.token_id), token=token)


class Snapshot(ABC):
    """What a context reads: one snapshot with its loaders, opened at the first read and begun anew by `renew`."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._begin()

    def _begin(self) -> None:
        self._reading: HeldSession = self._application.database.reading()
        self._loaders: Loaders | None = None
        self._known_scope: Scope | None = None
        # Sibling fields ask at once: one of them reads, all wait for the same answer and go on together.
        self._scope: asyncio.Task[Scope] | None = None
        self._epoch: asyncio.Task[str] | None = None
        self._here: dict[UUID, asyncio.Task[dict[UUID, Presence] | None]] = {}

    @property
    def public_url(self) -> str:
        return self._application.public_url

    @property
    def webhook_rules(self) -> TargetRules:
        return self._application.webhook_rules

    @property
    def desk(self) -> Desk:
        return self._application.desk

    @property
    def access_tokens(self) -> AccessTokens:
        return self._application.access_tokens

    @property
    def loaders(self) -> Loaders:
        if self._loaders is None:
            self._loaders = Loaders(self._reading, self.scope)
        return self._loaders

    @property
    def reading(self) -> Session:
        return self._reading

    async def scope(self) -> Scope:
        if self._known_scope is not None:
            return self._known_scope
        if self._scope is None:
            self._scope = asyncio.create_task(self._read_scope())
        return await self._scope

    @abstractmethod
    async def _read_scope(self) -> Scope:
        """What may be seen, as of the snapshot."""

    async def epoch(self) -> str:
        if self._epoch is None:
            self._epoch = asyncio.create_task(read_epoch(self._reading))
        return await self._epoch

    @property
    def presences(self) -> Presences:
        return self._application.realtime.presences

    async def here(self, workspace_id: UUID) -> dict[UUID, Presence] | None:
        if workspace_id not in self._here:
            self._here[workspace_id] = asyncio.create_task(self.presences.here(workspace_id))
        return await self._here[workspace_id]

    async def renew(self) -> None:
        is_unused = self._loaders is None and self._scope is None and self._epoch is None and not self._here
        if is_unused and not self._reading.is_open:
            return  # nothing was read
        await self._reading.close()
        self._begin()

    async def release(self) -> None:
        """Give back the connection; what is asked later is read anew."""
        await self.renew()


class OperationContext(Snapshot):
    """One operation's schema.context.Context."""

    def __init__(
        self,
        application: Application,
        credentials: Credentials | None,
        address: str,
        user_agent: str | None,
        tab: UUID | None,
        charge: Charge | None = None,
    ) -> None:
        super().__init__(application)
        self.charge = charge
        self.max_query_cost = application.limits.max_query_cost
        self.address = address
        self.user_agent = user_agent
        self.tab = tab
        self.actor: Actor | None = None
        self._sharing: Sharing | None = None
        if credentials is not None:
            self.actor = _actor_of(credentials)

    def share(self, sharing: Sharing | None) -> None:
        self._sharing = sharing

    def me(self) -> Actor:
        actor = self.caller()
        if actor.token is not None:
            raise TopLevel("UNAUTHENTICATED", "An API token cannot do this: it is for a person who is signed in.")
        return actor

    def caller(self) -> Actor:
        if self.actor is None:
            raise TopLevel("UNAUTHENTICATED", "Sign in first: send `Authorization: Bearer` with an access token.")
        return self.actor

    async def act_as(self, actor: Actor) -> None:
        await self.renew()
        self.actor = actor

    async def _read_scope(self) -> Scope:
        return Scope(()) if self.actor is None else await access.scope_of(self._reading, self.actor)

    async def today(self) -> date:
        person = await self.loaders.users.load(self.caller().user_id)
        return datetime.now(UTC if person is None else ZoneInfo(person.time_zone)).date()

    async def write(self, work: Work, request: Request | None = None, changes: str | None = None) -> Outcome:
        # First of all the snapshot: one that is older than the write must not answer for it.
        await self.renew()
        key = None if request is None else Key(request.client_mutation_id, request.fingerprint)
        return await self._application.writer.run(self.caller(), work, key=key, changes=changes)

    async def follow(
        self, workspace_id: UUID, after: Cursor | None, matches: Matches, event_of: EventOf
    ) -> AsyncGenerator[Batch]:
        application, caller = self._application, self.caller()
        terms = None if self._sharing is None else SharedTerms(application, self._sharing, workspace_id, event_of)
        token = caller.token
        batches = follow(
            application.realtime.hub,
            workspace_id,
            caller.user_id,
            after=after,
            matches=matches,
            terms=terms,
            narrow=whole if token is None else lambda tags: tags_within(tags, workspace_id, token),
        )
        async with self._present(workspace_id), aclosing(batches):
            async for batch in batches:
                yield batch

    @asynccontextmanager
    async def _present(self, workspace_id: UUID) -> AsyncIterator[None]:
        """Somebody's socket that follows a workspace is a tab of theirs in it, if they belong there."""
        me = self.caller().ref
        if self.tab is None or me.kind is not ActorKind.USER:
            yield
            return
        async with self.presences.present(workspace_id, me.id, self.tab):
            yield

    async def watch_presence(
        self, workspace_id: UUID, task_id: UUID | None, event_of: PresenceOf
    ) -> AsyncGenerator[PresenceBatch]:
        batches = self.presences.watch(workspace_id, self.me().user_id, task_id)
        async with aclosing(batches), AsyncExitStack() as here:
            is_here = False
            async for batch in batches:
                if not await self._pass_on(workspace_id, batch, event_of):
                    yield batch
                if not is_here:
                    await here.enter_async_context(self._present(workspace_id))
                    is_here = True

    async def follow_notifications(self) -> AsyncGenerator[tuple[News, Led]]:
        application, user_id = self._application, self.me().user_id
        async with application.realtime.heads.watch(user_id) as head:
            told: News | None = None
            epoch = head.epoch
            while True:
                after = told.seq if told is not None and head.epoch == epoch else None
                epoch = head.epoch
                await self.renew()
                try:
                    news, led = await self._read_news(user_id, after)
                except Unavailable:
                    if told is None:
                        raise
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                if told is None or not news.adds_nothing_to(told):
                    yield news, led
                told = news
                await self.renew()  # nothing is held while this waits
                await head.beyond(news.seq, epoch)

    async def _read_news(self, user_id: UUID, after: int | None) -> tuple[News, Led]:
        """Read it with all who ask at the same time; what is selected of it is then read of the same snapshot."""
        found = await self._application.newsroom.read(user_id, after)
        self._reading = found.part
        if found.common is not None:
            self._loaders = JointLoaders(found.part, self.scope, found.common)
        self._known_scope = found.scope
        return found.news, await led_to(self.loaders, found.news.shown)

    async def _pass_on(self, workspace_id: UUID, batch: PresenceBatch, event_of: PresenceOf) -> bool:
        """Pass on what is the same for all with these rights, made by whoever comes first. -> whether it was."""
        if self._sharing is None:
            return False
        sharing = self._sharing
        if sharing.key not in batch.made:
            context = SharedContext(self._application, shared_grant(workspace_id, batch.tags))
            context.through = batch.as_of
            batch.made[sharing.key] = asyncio.create_task(
                shared_payload(context, sharing, event_of(batch, context.loaders))
            )
        payload: bytes | None = await asyncio.shield(batch.made[sharing.key])
        if payload is None:
            return False
        sharing.outlet.deliver(payload, 1)
        return True


class SharedContext(Snapshot):
    """The context of batches that everybody with the same rights in a workspace gets: rights, and no person.

    Its rights hold for events up to `through`. A snapshot that is newer than a change of anybody's rights after that
    must not be shown by them: then `has_moved` is set, and what was made of it must not be sent.
    """

    def __init__(self, application: Application, grant: Grant) -> None:
        super().__init__(application)
        self._grant = grant
        self.through = 0
        self.has_moved = False

    @property
    def actor(self) -> Actor | None:
        raise RuntimeError("A field that depends on who asks must be marked as personal.")

    def me(self) -> Actor:
        raise RuntimeError("A field that depends on who asks must be marked as personal.")

    def caller(self) -> Actor:
        raise RuntimeError("A field that depends on who asks must be marked as personal.")

    async def _read_scope(self) -> Scope:
        if await has_revocations(self._reading, self._grant.workspace_id, after=self.through):
            self.has_moved = True
            return Scope(())
        return Scope((self._grant,))


@dataclass(frozen=True, slots=True)
class SharedTerms:
    """On what terms one subscriber of a workspace shares: realtime.group.Terms."""

    application: Application
    sharing: Sharing
    workspace_id: UUID
    event_of: EventOf

    @property
    def outlet(self) -> Outlet:
        return self.sharing.outlet

    @property
    def key(self) -> Hashable:
        return self.sharing.key

    def tags(self, tags: frozenset[str]) -> frozenset[str]:
        return shared_grant(self.workspace_id, tags).tags

    def renderer(self, tags: frozenset[str]) -> SharedRenderer:
        context = SharedContext(self.application, shared_grant(self.workspace_id, tags))
        return SharedRenderer(context, self.event_of, self.sharing.render, self.sharing.render_at_once)


@dataclass(frozen=True, slots=True)
class SharedRenderer:
    """Makes batches payloads for all who share: realtime.group.Renderer."""

    context: SharedContext
    event_of: EventOf
    render: Callable[[Any, SharedContext], Awaitable[bytes]]
    render_at_once: Callable[[Any, SharedContext], bytes | None] | None

    def at_once(self, batch: Batch) -> bytes | None:
        return None if self.render_at_once is None else self.render_at_once(self.event_of(batch), self.context)

    async def later(self, batch: Batch) -> bytes:
        self.context.through = batch.cursor.seq
        try:
            return await patiently(lambda: self._read(batch), self.context)
        except Unavailable:
            raise CannotShare from None

    async def _read(self, batch: Batch) -> bytes:
        context = self.context
        try:
            payload = await self.render(self.event_of(batch), context)
            if context.has_moved:
                raise CannotShare
            return payload
        finally:
            context.has_moved = False


async def shared_payload(context: SharedContext, sharing: Sharing, event: Awaitable[Any]) -> bytes | None:
    """What is the same for everybody with the rights of the context; None: it must be made for each."""
    try:
        payload: bytes = await sharing.render(await event, context)
        return None if context.has_moved else payload
    except Unavailable:
        return None
    finally:
        await release(context)
