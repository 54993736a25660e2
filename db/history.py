"""What changed each object: kept for ever, asked by object.

Long texts are kept as differences. A change with one says by `text_base` which version's change has the text before
it whole; from there on each change of the text makes the next one. Invariant: such a chain is never longer, nor
heavier, than reading it whole again is worth, so any change is known from two statements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, bindparam, column, func, insert, or_, select, text, true

from db import pages
from db.differences import delta, patched
from db.direct import Direct
from db.log import changes_from_json, changes_to_json
from db.models import ActorKind, ActorRef, AuditedKind, Change, ChangedField, EventKind, FieldChange
from db.pages import Page, PageRequest, SortKey
from db.scope import Scope, in_workspaces
from db.session import Session, WriteSession
from db.tables import changes

TEXTS = frozenset({ChangedField.DESCRIPTION, ChangedField.BODY})
"""The fields that hold texts of many lines; an object has one of them at the most."""

SHORT = 400
"""Characters, before and after together, up to which a text is simply kept twice."""
MAX_STEPS = 100
"""Differences between two whole texts."""


# ---- writing

_INSERT = Direct(insert(changes))


async def insert_changes(session: WriteSession, new: Sequence[Change]) -> None:
    """Add changes of locked objects, those of one object in the order of its versions."""
    ends = await _chain_ends(session, [one for one in new if _text_of(one) is not None])
    rows = []
    for change in new:
        row = _to_row(change, ends.get(change.entity_id))
        if row["text_base"] is not None:
            ends[change.entity_id] = (row["text_base"], row["text_weight"])
        rows.append(row)
    await session.write_each(_INSERT, rows)


def _text_of(change: Change) -> FieldChange | None:
    return next((one for one in change.fields if one.field in TEXTS), None)


def _is_long(one: FieldChange) -> bool:
    return len(one.before or "") + len(one.after or "") > SHORT


_asked = func.unnest(bindparam("ids", type_=ARRAY(Uuid))).table_valued(column("entity_id", Uuid), name="entities")
_entities = _asked.render_derived()
_newest = (
    select(changes.c.text_base, changes.c.text_weight)
    .where(changes.c.entity_id == _entities.c.entity_id, changes.c.text_base.is_not(None))
    .order_by(changes.c.version.desc())
    .limit(1)
    .lateral("newest")
)
_CHAIN_ENDS = Direct(
    select(_entities.c.entity_id, _newest.c.text_base, _newest.c.text_weight)
    .select_from(_entities)
    .join(_newest, true())
)


async def _chain_ends(session: Session, with_text: Sequence[Change]) -> dict[UUID, tuple[int, int]]:
    """entity id -> (text_base, text_weight) of its newest change of a text, where a difference may follow on it."""
    asked = [one for one in with_text if (text := _text_of(one)) is not None and _is_long(text)]
    if not asked:
        return {}
    found = await session.fetch(_CHAIN_ENDS, {"ids": [one.entity_id for one in asked]})
    return {row.entity_id: (row.text_base, row.text_weight) for row in found}


def _to_row(change: Change, end: tuple[int, int] | None) -> dict[str, Any]:
    fields = changes_to_json(change.fields)
    base, weight = None, None
    text = _text_of(change)
    if text is not None:
        base, weight = change.version, 0
        if _is_long(text):
            before = text.before or ""
            steps = delta(before, text.after or "")
            cost = max(len(orjson.dumps(steps)), len(before) // MAX_STEPS)
            kept: dict[str, Any] = {"field": text.field.value, "delta": steps, "before": text.before}
            if end is not None and end[1] + cost <= max(len(before), SHORT * 10):
                del kept["before"]
                base, weight = end[0], end[1] + cost
            fields[change.fields.index(text)] = kept
    return {
        "id": change.id,
        "workspace_id": change.workspace_id,
        "kind": change.kind.value,
        "entity_id": change.entity_id,
        "version": change.version,
        "change_set_id": change.change_set_id,
        "at": change.at,
        "actor_kind": change.actor.kind.value,
        "actor_id": change.actor.id,
        "fields": fields,
        "is_audit": change.is_audit,
        "text_base": base,
        "text_weight": weight,
    }


# ---- reading


async def changes_since(
    session: Session, workspace_id: UUID, entity_id: UUID, version: int, *, has_texts: bool = True
) -> list[Change]:
    """Every change of an object after a version of it, oldest first.

    `has_texts` False: without the texts that are kept as differences, as putting these together takes most of it.
    """
    found = await session.fetch(
        _SINCE, {"workspace_id": workspace_id, "entity_id": entity_id, "known_version": version}
    )
    if has_texts:
        return await whole(session, found)
    return [_change(row, [one for one in row.fields if "delta" not in one]) for row in found]


_SINCE = Direct(
    select(changes)
    .where(
        changes.c.workspace_id == bindparam("workspace_id"),
        changes.c.entity_id == bindparam("entity_id"),
        changes.c.version > bindparam("known_version"),
    )
    .order_by(changes.c.version)
)


async def changes_since_each(
    session: Session, workspace_id: UUID, versions: Mapping[UUID, int]
) -> dict[UUID, list[Change]]:
    """Objects with a version each -> their changes after it, oldest first; every object has an entry."""
    if not versions:
        return {}
    since = [and_(changes.c.entity_id == one, changes.c.version > version) for one, version in versions.items()]
    found: dict[UUID, list[Change]] = {one: [] for one in versions}
    for change in await _read(session, and_(changes.c.workspace_id == workspace_id, or_(*since))):
        found[change.entity_id].append(change)
    return found


async def changes_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Change]:
    """ids -> changes of the workspaces that the scope sees; whether the object is seen has to be asked of it."""
    found = await _read(session, and_(changes.c.id.in_(list(ids)), in_workspaces(changes, scope)))
    return {one.id: one for one in found}


async def change_set(session: Session, change_set_id: UUID) -> list[Change]:
    """All changes of one mutation, by their objects. A door decides who may know them."""
    return await _read(session, changes.c.change_set_id == change_set_id)


async def change_by_id(session: Session, change_id: UUID) -> Change | None:
    """A door decides who may know it."""
    found = await _read(session, changes.c.id == change_id)
    return found[0] if found else None


async def _read(session: Session, which: ColumnElement[bool]) -> list[Change]:
    query = select(changes).where(which).order_by(changes.c.entity_id, changes.c.version)
    return await whole(session, (await session.execute(query)).all())


_HISTORY_KEYS = [
    SortKey("version", changes.c.version, pages.whole_number(2**31 - 1), True),
    SortKey("id", changes.c.id, UUID, True),
]
_AUDIT_KEYS = [SortKey("at", changes.c.at, pages.instant, True), SortKey("id", changes.c.id, UUID, True)]


async def history_pages(
    session: Session, scope: Scope, entity_ids: Sequence[UUID], request: PageRequest
) -> dict[UUID, Page[Change]]:
    """The same page of changes of each object, the newest first. Who asks sees the objects. Raises BadCursor."""
    query = select(changes).where(in_workspaces(changes, scope))
    found = await pages.read_pages(session, query, changes.c.entity_id, entity_ids, _HISTORY_KEYS, request, _row)
    return await _whole_pages(session, found)


async def audit_pages(
    session: Session, scope: Scope, workspace_ids: Sequence[UUID], request: PageRequest
) -> dict[UUID, Page[Change]]:
    """The same page of each workspace's audit log, the newest first. Who asks has the right to. Raises BadCursor."""
    query = select(changes).where(in_workspaces(changes, scope), changes.c.is_audit)
    found = await pages.read_pages(session, query, changes.c.workspace_id, workspace_ids, _AUDIT_KEYS, request, _row)
    return await _whole_pages(session, found)


def _row(row: Any) -> Any:
    return row


async def _whole_pages(session: Session, found: Mapping[UUID, Page[Any]]) -> dict[UUID, Page[Change]]:
    """Pages of rows as pages of changes."""
    texts_too = await whole(session, [row for page in found.values() for row in page.rows])
    by_id = {change.id: change for change in texts_too}
    return {
        one: Page(tuple(by_id[row.id] for row in page.rows), page.cursors, page.has_next, page.has_previous)
        for one, page in found.items()
    }


async def whole(session: Session, rows: Sequence[Any]) -> list[Change]:
    """Rows as changes, the texts put together: a second statement where some are kept as differences."""
    chains: dict[UUID, set[int]] = defaultdict(set)
    for row in rows:
        if any("delta" in one for one in row.fields):
            chains[row.entity_id].add(row.text_base)
    texts = await _texts(session, chains)
    return [_change(row, _with_texts(row, texts)) for row in rows]


async def _texts(
    session: Session, chains: Mapping[UUID, Collection[int]]
) -> dict[tuple[UUID, int], tuple[str | None, str]]:
    """Chains by (entity, version of their beginning) -> (entity, version) -> its text before and after."""
    if not chains:
        return {}
    of = [(entity_id, base) for entity_id, bases in chains.items() for base in bases]
    found = await session.fetch(_CHAINS, {"ids": [one for one, _ in of], "bases": [base for _, base in of]})
    texts: dict[tuple[UUID, int], tuple[str | None, str]] = {}
    after: str | None = None
    for row in found:
        kept = next(one for one in row.fields if one["field"] in TEXTS)
        before = kept.get("before", after)
        after = patched(before or "", kept["delta"]) if "delta" in kept else kept["after"]
        texts[row.entity_id, row.version] = (before, after or "")
    return texts


_CHAINS = Direct(
    # A chain begins with the version by which it is known.
    text(
        "SELECT changes.entity_id, changes.version, changes.fields"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:bases AS integer[])) AS chain(entity_id, base)"
        " JOIN changes ON changes.entity_id = chain.entity_id AND changes.text_base = chain.base"
        " AND changes.version >= chain.base ORDER BY changes.entity_id, changes.version"
    )
)


def _with_texts(row: Any, texts: Mapping[tuple[UUID, int], tuple[str | None, str]]) -> Sequence[Mapping[str, Any]]:
    fields: Sequence[Mapping[str, Any]] = row.fields
    if not any("delta" in one for one in fields):
        return fields
    before, after = texts[row.entity_id, row.version]
    return [{**one, "before": before, "after": after} if "delta" in one else one for one in fields]


_ALL_KINDS: dict[str, EventKind | AuditedKind] = {
    **{one.value: one for one in EventKind},
    **{one.value: one for one in AuditedKind},
}
_ACTOR_KINDS = {one.value: one for one in ActorKind}


def _change(row: Any, fields: Sequence[Mapping[str, Any]]) -> Change:
    return Change(
        id=row.id,
        workspace_id=row.workspace_id,
        kind=_ALL_KINDS[row.kind],
        entity_id=row.entity_id,
        version=row.version,
        change_set_id=row.change_set_id,
        at=row.at,
        actor=ActorRef(_ACTOR_KINDS[row.actor_kind], row.actor_id),
        fields=changes_from_json(fields),
        is_audit=row.is_audit,
    )
