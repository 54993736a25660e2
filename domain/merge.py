"""Two people changed one object: which fields go together, and which clash.

Judged on the locked row with its history, so nothing can come in between.
Without a base version the later write wins, field by field, and the history
keeps what it overwrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from db.history import TEXTS, changes_since
from db.models import Change, ChangedField, FieldChange
from db.unit_of_work import UnitOfWork
from domain import texts
from domain.errors import Conflict, FieldConflict, Invalid
from domain.fields import MAX_COMMENT, MAX_DESCRIPTION


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


Asked = Mapping[ChangedField, tuple[Any, Any]]
"""field -> (now, wanted), as the API shows them"""


async def settle(
    uow: UnitOfWork, thing: Versioned, base: Base, asked: Asked, known: Sequence[Change] | None = None
) -> tuple[list[FieldChange], list[ChangedField]]:
    """What of it changes to what, and which fields of these were merged with another's change.

    Fields that are as wanted already are left out, and so are those that were not changed from the base. A text may
    become another than the wanted one: with the changes of both. `known`: the changes since the base, where they were
    read already. Raises Conflict, and Invalid for a base from the
    future.
    """
    wanted = [FieldChange(field, now, then) for field, (now, then) in asked.items() if now != then]
    if base.version is None or base.version == thing.version:
        return wanted, []
    if not 0 < base.version <= thing.version:
        raise Invalid(f"baseVersion {base.version} is no version of this: it is at {thing.version}.", "baseVersion")
    since = list(known or [])
    if not since:
        has_texts = base.policy is ConflictPolicy.REJECT or any(change.field in TEXTS for change in wanted)
        since = await changes_since(uow, thing.workspace_id, thing.entity_id, base.version, has_texts=has_texts)
    touched = {one.field: one.before for change in reversed(since) for one in change.fields}
    if base.policy is ConflictPolicy.REJECT and touched:
        raise _conflict(thing, since, sorted(touched), asked)
    settled: list[FieldChange] = []
    merged: list[ChangedField] = []
    clashing: list[ChangedField] = []
    for change in wanted:
        if change.field not in touched:
            settled.append(change)
            continue
        merged.append(change.field)
        if change.field in SETS:
            settled.append(change)
        elif touched[change.field] == change.after:
            pass  # Not changed from the base: theirs stays.
        elif (text := merged_text(change, touched[change.field])) is not None:
            settled.append(FieldChange(change.field, change.before, text))
        else:
            clashing.append(change.field)
    if clashing:
        raise _conflict(thing, since, sorted(clashing), asked)
    return [one for one in settled if one.before != one.after], merged


def merged_text(change: FieldChange, base: Any) -> str | None:
    """The words of both, of a text and what is wanted of it (`change`), from one base; None where that cannot be."""
    if change.field not in TEXTS:
        return None
    text = texts.merged(base or "", change.before or "", change.after or "")
    limit = MAX_COMMENT if change.field is ChangedField.BODY else MAX_DESCRIPTION
    return None if text is None or len(text) > limit else text


def values_to_store(wanted: Mapping[ChangedField, Any], changes: Sequence[FieldChange]) -> dict[ChangedField, Any]:
    """The wanted values, with what texts became when they were merged."""
    return {**wanted, **{one.field: one.after for one in changes if one.field in TEXTS}}


def _conflict(thing: Versioned, since: list[Change], clashing: Sequence[ChangedField], asked: Asked) -> Conflict:
    conflicts = [conflict_of(since, field, asked) for field in clashing]
    return Conflict(thing.workspace_id, thing.entity_id, thing.version, conflicts)


def conflict_of(since: Sequence[Change], field: ChangedField, asked: Asked) -> FieldConflict:
    """How a field that was changed `since` and what was asked for clash."""
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
