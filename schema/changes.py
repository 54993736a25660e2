"""What was changed: as the history tells it, and as events and conflicts show it.

Invariant: a value never says more than the viewer may know. A guest hears nothing of tasks above theirs, of projects
and of people that they do not see, whoever once put them there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from db import models
from db.ids import split, typed
from db.models import ChangedField
from schema.context import Info
from schema.nodes import Actor, Connection, Node, connection_of, page_of, page_request
from schema.people import actor_of
from schema.scalars import Json


@strawberry.type(description="One field from what to what.")
class FieldChange:
    field: ChangedField = strawberry.field(description="Which one.")
    before: Json | None = strawberry.field(description="What it was; null, too, where you may not see that.")
    after: Json | None = strawberry.field(description="What it became; null, too, where you may not see that.")


def shown_change(one: models.FieldChange) -> FieldChange:
    """To whom sees the whole workspace."""
    return FieldChange(field=one.field, before=one.before, after=one.after)


async def shown_changes(info: Info, workspace_id: UUID, changes: Sequence[models.FieldChange]) -> list[FieldChange]:
    """As the viewer may know them."""
    hidden = await hidden_values(info, workspace_id, changes)
    return [shown_change(one) for one in without(changes, hidden)]


async def shown_changes_of_event(event: models.Event, info: Info) -> list[FieldChange]:
    """Of a task that the viewer sees before and after the event, which `names_others`, as they may know them."""
    naming = [one for one in event.changes if one.field in _NAMING]
    hidden = await hidden_values(info, event.workspace_id, naming)
    return [shown_change(one) for one in without(event.changes, hidden)]


_NAMING = frozenset({ChangedField.PARENT, ChangedField.ASSIGNEES})


def names_others(event: models.Event) -> bool:
    """Whether the changes of a task name anything that may be hidden from somebody who sees it before and after.

    Its parents may be, and people: whoever reads what was before they came may never have been beside them.
    """
    return any(one.field in _NAMING for one in event.changes)


async def hidden_values(info: Info, workspace_id: UUID, changes: Iterable[models.FieldChange]) -> frozenset[str]:
    """Ids among the values that the viewer may not know of."""
    grant = (await info.context.scope()).grant(workspace_id)
    if grant is not None and grant.project_ids is None:
        return frozenset()
    loaders = info.context.loaders
    by_field: dict[ChangedField, Any] = {
        ChangedField.PARENT: loaders.tasks,
        ChangedField.PROJECT: loaders.projects,
        ChangedField.ASSIGNEES: loaders.known_users,
    }
    hidden: set[str] = set()
    for field, loader in by_field.items():
        ids = {one: split(one) for change in changes if change.field is field for one in _ids(change)}
        found = await loader.load_many([parts[1] for parts in ids.values() if parts is not None])
        hidden.update(one for one, row in zip(ids, found, strict=True) if row is None)
    return frozenset(hidden)


def _ids(change: models.FieldChange) -> list[str]:
    values = [change.before, change.after]
    return [one for value in values for one in (value if isinstance(value, list) else [value]) if one is not None]


def without(changes: Sequence[models.FieldChange], hidden: frozenset[str]) -> list[models.FieldChange]:
    """The changes with nothing of what is hidden; a key of a hidden project is hidden with it."""
    if not hidden:
        return list(changes)
    projects = next((one for one in changes if one.field is ChangedField.PROJECT), None)
    is_hidden = (False, False) if projects is None else (projects.before in hidden, projects.after in hidden)

    def value(field: ChangedField, found: Any, in_hidden_project: bool) -> Any:
        if field is ChangedField.KEY:
            return None if in_hidden_project else found
        if isinstance(found, list):
            return [one for one in found if one not in hidden]
        return None if isinstance(found, str) and found in hidden else found

    return [
        models.FieldChange(
            one.field, value(one.field, one.before, is_hidden[0]), value(one.field, one.after, is_hidden[1])
        )
        for one in changes
    ]


@strawberry.type(
    description="One recorded change. Kept for ever, unlike the event log: addressed by id, not by cursor."
)
class Change(Node):
    row: strawberry.Private[models.Change]
    change_set_id: strawberry.ID = strawberry.field(description="Changes made by one mutation share it.")
    at: datetime = strawberry.field(description="When it was made.")
    entity_id: strawberry.ID = strawberry.field(description="What was changed.")
    version: int = strawberry.field(description="The version that the object came to by it.")

    @strawberry.field(description="Who made it.")
    async def actor(self, info: Info) -> Actor:
        return await actor_of(info, self.row.actor)

    @strawberry.field(description="Field by field.")
    async def changes(self, info: Info) -> list[FieldChange]:
        return await shown_changes(info, self.row.workspace_id, self.row.fields)

    @staticmethod
    def from_row(row: models.Change) -> Change:
        return Change(
            row=row,
            id=strawberry.ID(typed("change", row.id)),
            change_set_id=strawberry.ID(typed("changeset", row.change_set_id)),
            at=row.at,
            entity_id=strawberry.ID(typed(row.kind.value.lower(), row.entity_id)),
            version=row.version,
        )


async def history_of(info: Info, entity_id: UUID, first: int | None, after: str | None) -> Connection[Change]:
    """The history of an object that the viewer sees, the newest change first. Raises TopLevel(BAD_REQUEST)."""
    page = await page_of(info.context.loaders.history_pages.load(page_request(first, after), entity_id))
    return connection_of(page, Change.from_row)


async def visible_change(info: Info, change_id: UUID) -> models.Change | None:
    """A change by its id, if the viewer sees what it changed, or may read the audit log that it is in."""
    row = await info.context.loaders.changes.load(change_id)
    if row is None:
        return None
    grant = (await info.context.scope()).grant(row.workspace_id)
    if grant is not None and models.Permission.MEMBER_ADMIN in grant.permissions:
        return row
    loaders = info.context.loaders
    by_kind: dict[models.EventKind | models.AuditedKind, Any] = {
        models.EventKind.TASK: loaders.tasks,
        models.EventKind.COMMENT: loaders.comments,
        models.EventKind.PROJECT: loaders.projects,
        models.EventKind.STATUS: loaders.statuses,
        models.EventKind.LABEL: loaders.labels,
        models.EventKind.WORKSPACE: loaders.workspaces,
    }
    if row.kind not in by_kind or await by_kind[row.kind].load(row.entity_id) is None:
        return None
    return row
