"""From what people call a thing to its id, as far as they may see it."""

from __future__ import annotations

from uuid import UUID

from db import tasks, workspaces
from db.scope import Scope
from db.session import Session

MAX_KEY = 40
"""Longer than any key: 10 characters, a hyphen and a number."""


async def workspace_id_by_slug(session: Session, scope: Scope, slug: str) -> UUID | None:
    """The workspace of this slug; None when there is none for this scope."""
    return await workspaces.workspace_id_by_slug(session, scope, slug)


async def task_id_by_key(session: Session, scope: Scope, slug: str, key: str) -> UUID | None:
    """The task that has, or had, this key. Whether the scope sees the task itself is not asked here."""
    workspace_id = await workspaces.workspace_id_by_slug(session, scope, slug)
    if workspace_id is None or len(key) > MAX_KEY:
        return None
    return await tasks.task_id_by_key(session, workspace_id, key.upper())
