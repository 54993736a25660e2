"""What it takes to undo changes of one object, whatever kind it is.

Invariant: only what these changes made is taken back. A field that is as it was before them stays, a text keeps what
others wrote since, a set keeps who came since; any other field that has moved on is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db.history import TEXTS, changes_since
from db.models import AuditedKind, Change, ChangedField, EventKind, FieldChange
from db.unit_of_work import UnitOfWork
from domain.errors import Conflict, Invalid, NotFound, Refusal, Refusals, within
from domain.merge import SETS, conflict_of, merged_text

GONE = "What it was before is no longer there, or you may not see it."


@dataclass(frozen=True, slots=True)
class Target:
    """The change, or the change set, that somebody asked to undo; `asked`: its id as it came."""

    asked: str
    id: UUID
    is_set: bool

    @property
    def path(self) -> tuple[str, str]:
        return ("target", "changeSetId" if self.is_set else "changeId")

    def missing(self) -> NotFound:
        """The one answer for what is not there and for what is hidden."""
        return NotFound(self.asked, *self.path)

    def impossible(self, message: str) -> Invalid:
        return Invalid(message, *self.path)

    @contextmanager
    def seen(self) -> Iterator[None]:
        """Inside, whatever is not found hides the target."""
        try:
            yield
        except NotFound as error:
            raise self.missing() from error

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Inside, refusals are about the target. What the earlier values point at may be gone, or hidden."""
        try:
            yield
        except (Refusal, Refusals) as refused:
            raise Refusals([self._about(one) for one in within(refused)]) from refused

    def _about(self, refusal: Refusal) -> Refusal:
        if isinstance(refusal, NotFound):
            return self.impossible(GONE)
        if refusal.path:
            refusal.path = self.path
        return refusal


@dataclass(frozen=True, slots=True)
class Undo:
    """What is to be taken back of one object: each field from `after` to `before`. `version`: what it came to then."""

    kind: EventKind
    workspace_id: UUID
    entity_id: UUID
    version: int
    fields: tuple[FieldChange, ...]

    def touches(self, field: ChangedField) -> bool:
        return any(one.field is field for one in self.fields)


def undos_of(changes: Iterable[Change]) -> list[Undo]:
    """One for each object, in the order of ids. Several changes of an object, oldest first, are taken back as one.

    What is only in the audit log is never taken back.
    """
    by_object: dict[tuple[UUID, UUID], tuple[EventKind, list[Change]]] = {}
    for change in changes:
        if not isinstance(change.kind, AuditedKind):
            by_object.setdefault((change.workspace_id, change.entity_id), (change.kind, []))[1].append(change)
    return [
        Undo(kind, workspace_id, entity_id, some[-1].version, _joined(some))
        for (workspace_id, entity_id), (kind, some) in sorted(by_object.items())
    ]


def _joined(changes: Sequence[Change]) -> tuple[FieldChange, ...]:
    joined: dict[ChangedField, FieldChange] = {}
    for one in (field for change in changes for field in change.fields):
        first = joined.get(one.field, one)
        joined[one.field] = FieldChange(one.field, first.before, one.after)
    return tuple(joined.values())


Now = Mapping[ChangedField, Any]
"""field -> its value at present, as the API shows it"""


async def wanted_back(uow: UnitOfWork, undo: Undo, version: int, now: Now) -> dict[ChangedField, Any]:
    """field -> the value it gets, as the API shows it; without those that keep theirs.

    `version`: of the locked object at present. Raises Conflict with every field that has moved on.
    """
    wanted: dict[ChangedField, Any] = {}
    moved_on: list[ChangedField] = []
    for one in undo.fields:
        value = now[one.field]
        if one.field in SETS and isinstance(value, list):
            wanted[one.field] = _without(value, one)
        elif value == one.before:
            continue
        elif value == one.after:
            wanted[one.field] = one.before
        elif (
            one.field in TEXTS
            and (text := merged_text(FieldChange(one.field, value, one.before), one.after)) is not None
        ):
            wanted[one.field] = text
        else:
            moved_on.append(one.field)
    if moved_on:
        raise await _conflict(uow, undo, version, moved_on)
    return {field: value for field, value in wanted.items() if value != now[field]}


def _without(value: Sequence[str], change: FieldChange) -> list[str]:
    before, after = change.before or [], change.after or []
    kept = [one for one in value if one in before or one not in after]
    return [*kept, *[one for one in before if one not in after and one not in kept]]


async def _conflict(uow: UnitOfWork, undo: Undo, version: int, moved_on: Sequence[ChangedField]) -> Conflict:
    since = await changes_since(uow, undo.workspace_id, undo.entity_id, undo.version)
    asked = {one.field: (one.after, one.before) for one in undo.fields}
    conflicts = [conflict_of(since, field, asked) for field in sorted(moved_on)]
    message = "Somebody changed this again since."
    found = Conflict(undo.workspace_id, undo.entity_id, version, conflicts, message, "target")
    found.kind = undo.kind
    return found
