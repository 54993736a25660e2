"""Which workspace is exported, or imported into, and on whose behalf."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID, uuid5

from db import accounts, transfer, workspaces
from db.ids import of_kind
from db.models import Actor, ActorKind, ActorRef, ChangedField, Workspace
from db.session import Database, Session
from db.unit_of_work import Outcome, UnitOfWork, Writer
from domain import access
from domain.imports import IMPORTERS
from domain.workspaces import create_workspace, slug_from
from transfer.lines import WorkspaceLine

_IMPORTS = UUID("5e9d1c1e-7a55-4a0b-9c3f-0e6f4f8f2b11")
"""The namespace of the ids of workspaces that imports make."""


class _TakenBack(Exception):
    """It could be done; the transaction ends here."""


class Unknown(Exception):
    """There is no such workspace or person here, or more than one. The message says what to do."""


async def find_workspace(database: Database, name: str) -> Workspace:
    """The workspace of this id, slug or name. Raises Unknown."""

    async def look(session: Session) -> Workspace | Sequence[UUID]:
        own = of_kind("workspace", name)
        ids = [own] if own is not None else await transfer.workspace_ids_by_name(session, name)
        found = await workspaces.workspace_by_id(session, ids[0]) if len(ids) == 1 else None
        return found or ids

    found = await database.alone(look)
    if isinstance(found, Workspace):
        return found
    if len(found) > 1:
        listed = ", ".join(f"workspace_{one}" for one in found)
        raise Unknown(f"several workspaces are called {name!r}; name one by its slug or id: {listed}")
    raise Unknown(f"there is no workspace with the slug, name or id {name!r}")


async def find_person(database: Database, email: str) -> Actor:
    """The person of this address, as who acts. Raises Unknown."""
    user = await database.alone(lambda session: accounts.user_by_email(session, email.strip().lower()))
    if user is None or user.deleted_at is not None:
        raise Unknown(f"nobody here has the e-mail address {email!r}; sign up first, or name another person")
    return Actor(ActorRef(ActorKind.USER, user.id))


async def require_admin(database: Database, actor: Actor, workspace: Workspace, email: str) -> None:
    """Raises Unknown for somebody who may not import into a workspace. Judged again at each commit."""
    grants = await database.alone(lambda session: access.grants_of(session, actor, workspace.id))
    if not grants or IMPORTERS not in grants[0].permissions:
        raise Unknown(f"{email} is neither OWNER nor ADMIN of {workspace.name!r}, so they cannot import into it")


def id_of_new(source: str, actor: Actor, name: str) -> UUID:
    """The id of the workspace that an import makes: the same whenever the same person imports the same file so."""
    return uuid5(_IMPORTS, f"{source}:{actor.user_id}:{name}")


async def make_workspace(
    writer: Writer,
    database: Database,
    actor: Actor,
    workspace_id: UUID,
    name: str,
    line: WorkspaceLine | None,
    *,
    is_dry: bool = False,
) -> bool:
    """Make the workspace that is imported into; -> False if an earlier run made it already.

    `line`: what the file says of it, and then it brings statuses of its own. `is_dry`: make it, and take that back.
    Raises Unknown, Refusal, Refusals.
    """
    is_there = await database.alone(lambda session: transfer.workspace_is_there(session, workspace_id))
    if is_there is None:
        raise Unknown(f"the workspace {name!r} that this import made was deleted here; import it under another name")
    if is_there:
        known = await database.alone(lambda session: workspaces.workspace_by_id(session, workspace_id))
        assert known is not None
        if known.name != name:
            raise Unknown(
                f"the workspace of the file is here already, as {known.name!r}: import it with new ids (without"
                " --keep-ids), or into it (with --into)"
            )
        return False
    values: dict[ChangedField, str | None] = {ChangedField.NAME: name}
    if line is not None:
        is_free = not await database.alone(lambda session: transfer.is_slug_taken(session, line.slug))
        slug = line.slug if is_free else f"{slug_from(name)}-{secrets.token_hex(3)}"
        values |= {
            ChangedField.SLUG: slug,
            ChangedField.KEY: line.key,
            ChangedField.DESCRIPTION: line.description,
        }

    async def work(uow: UnitOfWork) -> Outcome:
        made = await create_workspace(uow, workspace_id, values, has_statuses=line is None)
        if is_dry:
            raise _TakenBack
        return made

    with suppress(_TakenBack):
        await writer.run(actor, work)
    return True
