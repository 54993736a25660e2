"""What changed each object: kept for ever, asked by object."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from db.log import changes_from_json
from db.models import ActorKind, ActorRef, Change
from db.session import Session
from db.tables import changes


def _change(row: Any) -> Change:
    return Change(
        id=row.id,
        workspace_id=row.workspace_id,
        entity_id=row.entity_id,
        version=row.version,
        change_set_id=row.change_set_id,
        at=row.at,
        actor=ActorRef(ActorKind(row.actor_kind), row.actor_id),
        fields=changes_from_json(row.fields),
    )


async def changes_since(session: Session, workspace_id: UUID, entity_id: UUID, version: int) -> list[Change]:
    """Every change of an object after a version of it, oldest first."""
    found = await session.execute(
        select(changes)
        .where(
            changes.c.workspace_id == workspace_id,
            changes.c.entity_id == entity_id,
            changes.c.version > version,
        )
        .order_by(changes.c.version)
    )
    return [_change(row) for row in found]
