"""Two people changed one object: which fields go together, and which clash.

Judged on the locked row with its history, so nothing can come in between.
Without a base version the later write wins, field by field, and the history
keeps what it overwrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from db.history import changes_since
from db.models import Change, ChangedField, FieldChange
from db.unit_of_work import UnitOfWork
from domain.errors import Conflict, FieldConflict, Invalid


class ConflictPolicy(StrEnum):
    MERGE = "MERGE"
    REJECT = "REJECT"


@dataclass(frozen=True, slots=True)
class Base:
    """What the change was made from. `version` None: whatever is there."""

    version: int | None = None
    policy: ConflictPolicy = ConflictPolicy.MERGE


SETS = frozenset({ChangedField.ASSIGNEES, ChangedField.LABELS, ChangedField.PROJECTS})
"""Changed by adding and removing, so two changes always go together."""


@dataclass(frozen=True, slots=True)
class Versioned:
    """The object that is about to change."""

    workspace_id: UUID
    entity_id: UUID
    version: int


async def settle(
    uow: UnitOfWork, thing: Versioned, base: Base, asked: Mapping[ChangedField, tuple[Any, Any]]
) -> tuple[list[FieldChange], list[ChangedField]]:
    """field -> (now, wanted), as the API shows them -> (what changes, which of it was merged with another's change).

    Fields that are as wanted already are left out. Raises Conflict, and Invalid for a base from the future.
    """
    wanted = [FieldChange(field, now, then) for field, (now, then) in asked.items() if now != then]
    if base.version is None or base.version == thing.version:
        return wanted, []
    if not 0 < base.version <= thing.version:
        raise Invalid(f"baseVersion {base.version} is no version of this: it is at {thing.version}.", "baseVersion")
    since = await changes_since(uow, thing.workspace_id, thing.entity_id, base.version)
    touched = {field.field for change in since for field in change.fields}
    if base.policy is ConflictPolicy.REJECT:
        clashing = sorted(touched)
    else:
        clashing = sorted({change.field for change in wanted if change.field in touched} - SETS)
    if clashing:
        conflicts = [_conflict(since, field, asked) for field in clashing]
        raise Conflict(thing.entity_id, thing.version, conflicts)
    return wanted, [change.field for change in wanted if change.field in touched]


def _conflict(since: list[Change], field: ChangedField, asked: Mapping[ChangedField, tuple[Any, Any]]) -> FieldConflict:
    steps = [(change, one) for change in since for one in change.fields if one.field is field]
    base = steps[0][1].before
    last, theirs = steps[-1]
    return FieldConflict(
        field=field,
        base=base,
        yours=asked[field][1] if field in asked else base,
        theirs=theirs.after,
        changed_by=last.actor,
        changed_at=last.at,
    )
