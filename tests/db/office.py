"""People, workspaces and tasks made by units of work, without a server in between."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import settings

from db import accounts, workspaces
from db.ids import new_id
from db.models import Actor, ActorKind, ActorRef, ChangedField, Event, Role, StatusCategory, User
from db.scope import Grant, Scope
from db.session import Database
from db.unit_of_work import Key, Outcome, UnitOfWork, Writer, now
from domain import arrangement, members, tasks
from domain import workspaces as workspace_rules
from domain.access import scope_of

Answer = TypeVar("Answer")


def bounded(examples: int) -> settings:
    """A property test of so many examples."""
    return settings(max_examples=examples)


@dataclass
class Office:
    """Runs units of work; `committed` is what they told."""

    database: Database
    committed: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writer = Writer(self.database, self.committed.extend)

    async def do(
        self, actor: Actor, work: Callable[[UnitOfWork], Awaitable[object]], key: Key | None = None
    ) -> Outcome:
        """One unit of work."""

        async def unit(uow: UnitOfWork) -> Outcome:
            done = await work(uow)
            return done if isinstance(done, Outcome) else Outcome()

        return await self.writer.run(actor, unit, key=key)

    async def read(self, read: Callable[..., Awaitable[Answer]], *args: Any) -> Answer:
        """What `read(session, *args)` reads on a snapshot of its own."""
        session = self.database.reading()
        try:
            return await read(session, *args)
        finally:
            await session.close()

    async def person(self, name: str = "Ann") -> Actor:
        """Somebody new."""
        at, mark = now(), secrets.token_hex(8)
        user = User(
            id=new_id(),
            version=1,
            created_at=at,
            updated_at=at,
            email=f"{mark}@example.com",
            email_verified_at=None,
            name=name,
            handle=f"{name.lower()}-{mark}",
            time_zone="UTC",
            password_hash="!",
            deleted_at=None,
        )
        async with self.database.transaction() as connection:
            assert await accounts.insert_user(connection, user)
        return Actor(ActorRef(ActorKind.USER, user.id))

    async def workspace(self, owner: Actor) -> UUID:
        """A team workspace with its default statuses."""
        workspace_id = new_id()
        values = {ChangedField.NAME: "Acme", ChangedField.KEY: "ACME"}
        await self.do(owner, lambda uow: workspace_rules.create_workspace(uow, workspace_id, values))
        return workspace_id

    async def member(self, owner: Actor, workspace_id: UUID, role: Role, *project_ids: UUID) -> Actor:
        """Somebody new in a workspace."""
        person = await self.person(role.value.title())
        await self.do(owner, lambda uow: members.add_member(uow, workspace_id, person.user_id, role, project_ids))
        return person

    async def project(self, owner: Actor, workspace_id: UUID, key: str) -> UUID:
        project_id = new_id()
        values = {ChangedField.NAME: key.title(), ChangedField.KEY: key}
        await self.do(owner, lambda uow: arrangement.create_project(uow, workspace_id, project_id, values))
        return project_id

    async def label(self, owner: Actor, workspace_id: UUID, name: str) -> UUID:
        label_id = new_id()
        await self.do(
            owner, lambda uow: arrangement.create_label(uow, workspace_id, label_id, {ChangedField.NAME: name})
        )
        return label_id

    async def task(self, owner: Actor, workspace_id: UUID, title: str = "Do it", **more: Any) -> UUID:
        new = tasks.NewTask(id=new_id(), workspace_id=workspace_id, title=title, **more)
        await self.do(owner, lambda uow: tasks.create_task(uow, new))
        return new.id

    async def statuses(self, workspace_id: UUID) -> dict[StatusCategory, UUID]:
        """The default statuses by their categories."""
        from db.projects import statuses_of

        found = await self.read(statuses_of, workspace_id)
        return {one.category: one.id for one in found}

    async def scope(self, person: Actor) -> Scope:
        return await self.read(scope_of, person)

    async def grant(self, person: Actor, workspace_id: UUID) -> Grant:
        (found,) = await self.read(workspaces.grants_by_user_id, person.user_id, workspace_id)
        return found
