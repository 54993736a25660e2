"""The event log: heads, rows, and where a cursor stands.

A workspace's head row is the only place that hands out `seq`: it is locked from
then to the commit, so the order of `seq` is the order of commits, without holes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as DriverUuid  # noqa: N811
from sqlalchemy import ARRAY, Uuid, any_, bindparam, cast, func, insert, select, text

from db.direct import Direct
from db.models import (
    ActorKind,
    ActorRef,
    ChangedField,
    ChangeOp,
    Event,
    EventKind,
    FieldChange,
    Head,
    NewEvent,
    Revocation,
)
from db.session import Session, WriteSession
from db.tables import events, workspace_heads

LIFE_SQL = (
    "SELECT system_identifier::text AS system, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline"
    " FROM pg_control_system()"
)
"""One row of which `epoch_of` makes the epoch; for statements that read it along with something else."""
_LIFE = Direct(text(LIFE_SQL))
_HEADS = text(
    f"SELECT life.*, heads.* FROM ({LIFE_SQL}) AS life"  # noqa: S608 - of constants
    " LEFT JOIN workspace_heads heads ON heads.workspace_id = ANY (CAST(:workspace_ids AS uuid[]))"
)


def epoch_of(row: Any) -> str:
    """Eight hex digits that change when the database is restored or failed over: system identifier and timeline."""
    return _epoch(row.system, row.timeline)


@lru_cache(maxsize=4)
def _epoch(system: str, timeline: str) -> str:
    return hashlib.sha256(f"{system}:{timeline}".encode()).hexdigest()[:8]


async def read_epoch(session: Session) -> str:
    """Which life of the database this is."""
    return epoch_of((await session.fetch(_LIFE))[0])


async def heads_by_workspace_ids(session: Session, workspace_ids: Sequence[UUID]) -> dict[UUID, Head]:
    """workspace ids -> their heads, without those that are not there."""
    found = await session.execute(
        # One array and not a list of parameters, of which a statement takes 32,767 at most.
        select(workspace_heads).where(workspace_heads.c.workspace_id == any_(cast(list(workspace_ids), ARRAY(Uuid))))
    )
    return {row.workspace_id: Head(row.workspace_id, row.seq, row.floor_seq) for row in found}


async def read_heads(session: Session, workspace_ids: Sequence[UUID]) -> tuple[str, dict[UUID, Head]]:
    """-> the epoch, and the heads of those that are there. One statement."""
    found = (await session.execute(_HEADS, {"workspace_ids": list(workspace_ids)})).all()
    return epoch_of(found[0]), {
        row.workspace_id: Head(row.workspace_id, row.seq, row.floor_seq)
        for row in found
        if row.workspace_id is not None
    }


_RAISE = Direct(
    text(
        "UPDATE workspace_heads SET seq = seq + CAST(:by AS bigint)"  # noqa: S608 - of constants
        f" FROM ({LIFE_SQL}) AS life WHERE workspace_id = :which RETURNING seq, system, timeline"
    )
)


async def raise_head(session: Session, workspace_id: UUID, by: int) -> tuple[int, str]:
    """Lock the workspace's head to the end of the transaction; -> its seq after `by` more events, and the epoch."""
    (row,) = await session.fetch(_RAISE, {"which": workspace_id, "by": by})
    return row.seq, epoch_of(row)


def numbered(
    new: Sequence[NewEvent],
    *,
    last_seq: int,
    occurred_at: datetime,
    actor: ActorRef,
    client_mutation_id: UUID | None,
) -> list[Event]:
    """One commit's events of one workspace, placed at the end of its log."""
    first = last_seq - len(new) + 1
    return [
        Event(
            workspace_id=event.workspace_id,
            seq=first + index,
            commit_seq=last_seq,
            occurred_at=occurred_at,
            kind=event.kind,
            op=event.op,
            entity_id=event.entity_id,
            task_id=event.task_id,
            project_ids=event.project_ids,
            actor=actor,
            client_mutation_id=client_mutation_id,
            seen_before=event.seen_before,
            seen_after=event.seen_after,
            changes=event.changes,
            image=event.image,
            revokes=event.revokes,
        )
        for index, event in enumerate(new)
    ]


async def insert_events(session: WriteSession, batch: Sequence[Event]) -> None:
    """Append events that have their place."""
    await session.write_each(_INSERT, [_to_row(event) for event in batch])


_INSERT = Direct(insert(events))


async def read_events(
    session: Session, workspace_id: UUID, *, after: int, through: int, limit: int = 500
) -> list[Event]:
    """Events in (after, through], oldest first. At least `limit` if there are as many; a commit is never cut."""
    query = (
        select(events)
        .where(events.c.workspace_id == workspace_id, events.c.seq > after, events.c.seq <= through)
        .order_by(events.c.seq)
    )
    page = [_from_row(row) for row in await session.execute(query.limit(limit))]
    if len(page) == limit and page[-1].seq < min(page[-1].commit_seq, through):
        rest = query.where(events.c.seq > page[-1].seq, events.c.seq <= page[-1].commit_seq)
        page.extend([_from_row(row) for row in await session.execute(rest)])
    return page


async def has_revocations(session: Session, workspace_id: UUID, *, after: int) -> bool:
    """Whether anybody's rights changed after a place in a workspace's log."""
    (row,) = await session.fetch(_HAS_REVOCATIONS, {"workspace_id": workspace_id, "after": after})
    return bool(row.found)


_HAS_REVOCATIONS = Direct(
    select(
        select(events.c.seq)
        .where(
            events.c.workspace_id == bindparam("workspace_id"),
            events.c.seq > bindparam("after"),
            # Events of before have JSON's null where there is nothing.
            func.jsonb_typeof(events.c.revokes) == "object",
        )
        .exists()
        .label("found")
    )
)


def changes_to_json(changes: Sequence[FieldChange]) -> list[dict[str, Any]]:
    """As they are stored in the history and the log."""
    return [{"field": change.field.value, "before": change.before, "after": change.after} for change in changes]


def changes_from_json(stored: Sequence[Mapping[str, Any]]) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(_FIELDS[one["field"]], one["before"], one["after"]) for one in stored)


def _revokes_to_json(revokes: Revocation | None) -> dict[str, Any] | None:
    if revokes is None:
        return None
    return {
        "person_id": str(revokes.person_id) if revokes.person_id else None,
        "tags": None if revokes.tags is None else sorted(revokes.tags),
    }


def _revokes_from_json(stored: Mapping[str, Any] | None) -> Revocation | None:
    if stored is None:
        return None
    return Revocation(
        person_id=UUID(stored["person_id"]) if stored["person_id"] else None,
        tags=None if stored["tags"] is None else frozenset(stored["tags"]),
    )


def _to_row(event: Event) -> dict[str, Any]:
    return {
        "workspace_id": event.workspace_id,
        "seq": event.seq,
        "commit_seq": event.commit_seq,
        "occurred_at": event.occurred_at,
        "kind": event.kind.value,
        "op": event.op.value,
        "entity_id": event.entity_id,
        "task_id": event.task_id,
        "project_ids": sorted(event.project_ids),
        "actor_kind": event.actor.kind.value,
        "actor_id": event.actor.id,
        "client_mutation_id": event.client_mutation_id,
        "seen_before": sorted(event.seen_before),
        "seen_after": sorted(event.seen_after),
        "changes": changes_to_json(event.changes),
        "image": event.image,
        "revokes": _revokes_to_json(event.revokes),
    }


def _from_row(row: Any) -> Event:
    return Event(
        workspace_id=row.workspace_id,
        seq=row.seq,
        commit_seq=row.commit_seq,
        occurred_at=row.occurred_at,
        kind=EventKind(row.kind),
        op=ChangeOp(row.op),
        entity_id=row.entity_id,
        task_id=row.task_id,
        project_ids=frozenset(row.project_ids),
        actor=ActorRef(ActorKind(row.actor_kind), row.actor_id),
        client_mutation_id=row.client_mutation_id,
        seen_before=frozenset(row.seen_before),
        seen_after=frozenset(row.seen_after),
        changes=changes_from_json(row.changes),
        image=row.image,
        revokes=_revokes_from_json(row.revokes),
    )


def encode_events(batch: Sequence[Event]) -> bytes:
    """Events as one message between processes; `decode_events` gives back equal values."""
    return orjson.dumps([_to_row(event) for event in batch], default=str)


def decode_events(message: bytes | str) -> list[Event]:
    """What `encode_events` wrote."""
    return [_decoded(row) for row in orjson.loads(message)]


# Each process decodes every change that anybody in it follows: looking up takes a tenth of what calling an enum does,
# and the driver's UUID, equal to Python's own, is read ten times as fast.
_KINDS = {one.value: one for one in EventKind}
_OPS = {one.value: one for one in ChangeOp}
_ACTOR_KINDS = {one.value: one for one in ActorKind}
_FIELDS = {one.value: one for one in ChangedField}


@lru_cache(4096)
def _set_of(tags: tuple[str, ...]) -> frozenset[str]:
    """The same set for the same tags: of the thousands of events that a process keeps, most have one of a few."""
    return frozenset(tags)


_NOWHERE: frozenset[UUID] = frozenset()


def _decoded(row: dict[str, Any]) -> Event:
    task_id, key = row["task_id"], row["client_mutation_id"]
    return Event(
        workspace_id=DriverUuid(row["workspace_id"]),
        seq=row["seq"],
        commit_seq=row["commit_seq"],
        occurred_at=datetime.fromisoformat(row["occurred_at"]),
        kind=_KINDS[row["kind"]],
        op=_OPS[row["op"]],
        entity_id=DriverUuid(row["entity_id"]),
        task_id=None if task_id is None else DriverUuid(task_id),
        project_ids=frozenset(map(DriverUuid, row["project_ids"])) if row["project_ids"] else _NOWHERE,
        actor=ActorRef(_ACTOR_KINDS[row["actor_kind"]], DriverUuid(row["actor_id"])),
        client_mutation_id=None if key is None else DriverUuid(key),
        seen_before=_set_of(tuple(row["seen_before"])),
        seen_after=_set_of(tuple(row["seen_after"])),
        changes=changes_from_json(row["changes"]),
        image=row["image"],
        revokes=_revokes_from_json(row["revokes"]),
    )
