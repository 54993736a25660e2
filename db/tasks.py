"""Tasks in SQL: rows by id, locking, writing, the tree, keys and ranks. Lists are in `task_lists`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Select,
    Table,
    Update,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from db.direct import Direct
from db.models import PRIORITIES, ActorKind, ActorRef, Task
from db.scope import Scope, sight_of, visible, visible_by_parameters
from db.session import Session, WriteSession
from db.tables import key_counters, task_assignees, task_keys, task_labels, tasks

_assignee_ids = func.array(
    select(task_assignees.c.user_id)
    .where(task_assignees.c.task_id == tasks.c.id)
    .order_by(task_assignees.c.added_at, task_assignees.c.user_id)
    .correlate(tasks)
    .scalar_subquery(),
    type_=ARRAY(Uuid),
).label("assignee_ids")
_label_ids = func.array(
    select(task_labels.c.label_id)
    .where(task_labels.c.task_id == tasks.c.id)
    .order_by(task_labels.c.added_at, task_labels.c.label_id)
    .correlate(tasks)
    .scalar_subquery(),
    type_=ARRAY(Uuid),
).label("label_ids")
_columns = [column for column in tasks.c if column.name != "search"]

_these = tasks.c.workspace_id == bindparam("workspace_id"), tasks.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
_READ = Direct(select(*_columns, _assignee_ids, _label_ids).where(*_these))
_SEEN = Direct(
    select(*_columns, _assignee_ids, _label_ids).where(
        tasks.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        visible_by_parameters(tasks),
        tasks.c.deleted_at.is_(None),
    )
)
_RANKS = Direct(select(tasks.c.id, tasks.c.rank).where(*_these, tasks.c.deleted_at.is_(None)))
_LOCK = Direct(select(tasks.c.id).where(*_these).order_by(tasks.c.id).with_for_update(key_share=True))


def task_of(row: Any) -> Task:
    """A row of `live_tasks`."""
    return Task(
        id=row.id,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        workspace_id=row.workspace_id,
        key=row.key,
        project_id=row.project_id,
        parent_id=row.parent_id,
        title=row.title,
        description=row.description,
        status_id=row.status_id,
        priority=PRIORITIES[row.priority],
        start_date=row.start_date,
        due_date=row.due_date,
        estimate=row.estimate,
        rank=row.rank,
        created_by=ActorRef(ActorKind(row.created_by_kind), row.created_by),
        completed_at=row.completed_at,
        archived_at=row.archived_at,
        deleted_at=row.deleted_at,
        assignee_ids=tuple(row.assignee_ids),
        label_ids=tuple(row.label_ids),
    )


def _select() -> Select[Any]:
    return select(*_columns, _assignee_ids, _label_ids)


def live_tasks(scope: Scope) -> Select[Any]:
    """The tasks that somebody may see, as `task_of` reads them. Deleted ones are gone for everybody."""
    return _select().where(visible(tasks, scope), tasks.c.deleted_at.is_(None))


def deleted_tasks(scope: Scope) -> Select[Any]:
    """The deleted ones of those, for whoever may restore them."""
    return _select().where(visible(tasks, scope), tasks.c.deleted_at.is_not(None))


async def tasks_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Task]:
    """ids -> the tasks of those that the scope sees."""
    found = await session.fetch(_SEEN, {"ids": list(ids), **sight_of(scope)})
    return {row.id: task_of(row) for row in found}


async def task_id_by_key(session: Session, workspace_id: UUID, key: str) -> UUID | None:
    """The task that has, or once had, this key."""
    found = await session.execute(
        select(task_keys.c.task_id).where(task_keys.c.workspace_id == workspace_id, task_keys.c.key == key)
    )
    return found.scalar_one_or_none()


async def lock_tasks(session: Session, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, Task]:
    """Lock tasks to the end of the transaction, in the order of their ids, and read them. Deleted ones too."""
    ordered = sorted(set(ids))
    if not ordered:
        return {}
    await session.fetch(_LOCK, {"workspace_id": workspace_id, "ids": ordered})
    # In a statement of its own: the sets of a row that was waited for are seen only by a newer snapshot.
    return await read_tasks(session, workspace_id, ordered)


async def read_tasks(session: Session, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, Task]:
    """Tasks that are locked already, as they are now. Deleted ones too."""
    found = await session.fetch(_READ, {"workspace_id": workspace_id, "ids": list(ids)})
    return {row.id: task_of(row) for row in found}


# ---- the tree


async def subtask_ids(session: Session, workspace_id: UUID, parent_ids: Collection[UUID]) -> list[UUID]:
    """The subtasks of these tasks, in the order of ids; none that are deleted."""
    found = await session.execute(
        select(tasks.c.id)
        .where(
            tasks.c.workspace_id == workspace_id, tasks.c.parent_id.in_(list(parent_ids)), tasks.c.deleted_at.is_(None)
        )
        .order_by(tasks.c.id)
    )
    return list(found.scalars())


async def parents_above(session: Session, workspace_id: UUID, task_ids: Collection[UUID]) -> dict[UUID, UUID | None]:
    """These tasks and all above them up to the roots -> the parent of each."""
    walk = text(
        "WITH RECURSIVE up(id, parent_id) AS ("
        " SELECT id, parent_id FROM tasks WHERE workspace_id = :workspace_id AND id = ANY (CAST(:task_ids AS uuid[]))"
        " UNION SELECT t.id, t.parent_id FROM tasks t JOIN up ON t.id = up.parent_id"
        " WHERE t.workspace_id = :workspace_id"
        ") SELECT id, parent_id FROM up"
    )
    found = await session.execute(walk, {"workspace_id": workspace_id, "task_ids": list(task_ids)})
    return {row.id: row.parent_id for row in found}


async def heights_below(session: Session, workspace_id: UUID, task_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many levels of subtasks hang below each of these tasks; none of these counts below another."""
    walk = text(
        "WITH RECURSIVE down(root, id, depth) AS ("
        " SELECT root, root, 0 FROM unnest(CAST(:task_ids AS uuid[])) AS root"
        " UNION ALL SELECT down.root, t.id, down.depth + 1 FROM tasks t JOIN down ON t.parent_id = down.id"
        " WHERE t.workspace_id = :workspace_id AND t.deleted_at IS NULL AND down.depth < 100"
        " AND t.id <> ALL (CAST(:task_ids AS uuid[]))"
        ") SELECT root, max(depth) AS height FROM down GROUP BY root"
    )
    found = await session.execute(walk, {"workspace_id": workspace_id, "task_ids": list(task_ids)})
    return {row.root: row.height for row in found}


async def workspace_ids_by_task_ids(session: Session, task_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """ids -> the workspaces of those that are there, without asking who asks; a door decides."""
    found = await session.execute(select(tasks.c.id, tasks.c.workspace_id).where(tasks.c.id.in_(list(task_ids))))
    return {row.id: row.workspace_id for row in found}


# ---- ranks


async def neighbour_rank(
    session: Session,
    workspace_id: UUID,
    column: tuple[UUID | None, UUID],
    *,
    of: tuple[str, UUID] | None,
    is_before: bool,
    leave_out: UUID | None = None,
) -> tuple[str, UUID] | None:
    """The place next to `of` in a column (project, status): the one before it, or after it.

    `of` None: the first of the column when `is_before` is False, the last when it is True.
    -> (rank, id), or None at the end of the column.
    """
    parameters = {**_in_column(workspace_id, column), "leave_out": leave_out}
    if of is not None:
        parameters |= {"rank": of[0], "beside": of[1]}
    query = _neighbour(column[0] is not None, is_before, of is not None)
    row = (await session.execute(query, parameters)).first()
    return None if row is None else (row.rank, row.id)


@lru_cache
def _neighbour(has_project: bool, is_before: bool, has_place: bool) -> Select[Any]:
    query = _places_in_column(has_project).where(tasks.c.id.is_distinct_from(bindparam("leave_out", type_=Uuid)))
    here = tuple_(tasks.c.rank, tasks.c.id)
    if has_place:
        there = tuple_(bindparam("rank", type_=tasks.c.rank.type), bindparam("beside", type_=Uuid))
        query = query.where(here < there if is_before else here > there)
    order = [tasks.c.rank.desc(), tasks.c.id.desc()] if is_before else [tasks.c.rank, tasks.c.id]
    return query.order_by(*order).limit(1)


@lru_cache
def _places_in_column(has_project: bool) -> Select[Any]:
    """Said one way or the other, as an index finds neither a value nor none by IS NOT DISTINCT FROM a parameter."""
    project = tasks.c.project_id
    return select(tasks.c.rank, tasks.c.id).where(
        tasks.c.workspace_id == bindparam("workspace_id"),
        tasks.c.deleted_at.is_(None),
        tasks.c.status_id == bindparam("status_id"),
        project == bindparam("project_id") if has_project else project.is_(None),
    )


def _in_column(workspace_id: UUID, column: tuple[UUID | None, UUID]) -> dict[str, Any]:
    project_id, status_id = column
    project = {} if project_id is None else {"project_id": project_id}
    return {"workspace_id": workspace_id, "status_id": status_id, **project}


async def task_place(
    session: Session, workspace_id: UUID, column: tuple[UUID | None, UUID], task_id: UUID
) -> tuple[str, UUID] | None:
    """(rank, id) of a task, if it is in this column (project, status)."""
    found = await session.execute(
        _place(column[0] is not None), {**_in_column(workspace_id, column), "task_id": task_id}
    )
    row = found.first()
    return None if row is None else (row.rank, row.id)


@lru_cache
def _place(has_project: bool) -> Select[Any]:
    return _places_in_column(has_project).where(tasks.c.id == bindparam("task_id"))


async def places_beside(
    session: Session,
    workspace_id: UUID,
    of: tuple[str, UUID],
    *,
    is_before: bool,
    how_many: int,
    with_it: bool = False,
    leave_out: UUID | None = None,
) -> list[tuple[str, UUID]]:
    """The nearest places before or after one in the order of the whole workspace, nearest first; none of deleted tasks.

    `with_it`: beginning with that one itself.
    """
    here, there = tuple_(tasks.c.rank, tasks.c.id), tuple_(literal(of[0]), literal(of[1], Uuid))
    order: list[ColumnElement[Any]] = [tasks.c.rank, tasks.c.id]
    if is_before:
        beyond = here <= there if with_it else here < there
        order = [tasks.c.rank.desc(), tasks.c.id.desc()]
    else:
        beyond = here >= there if with_it else here > there
    query = select(tasks.c.rank, tasks.c.id).where(
        tasks.c.workspace_id == workspace_id, tasks.c.deleted_at.is_(None), beyond
    )
    if leave_out is not None:
        query = query.where(tasks.c.id != leave_out)
    found = await session.execute(query.order_by(*order).limit(how_many))
    return [(row.rank, row.id) for row in found]


async def ids_between(
    session: Session, workspace_id: UUID, low: str | None, high: str | None, *, but: str
) -> list[UUID]:
    """The tasks with ranks above `low` and below `high` (None: without end), `but` this; none that are deleted."""
    query = select(tasks.c.id).where(
        tasks.c.workspace_id == workspace_id, tasks.c.deleted_at.is_(None), tasks.c.rank != but
    )
    if low is not None:
        query = query.where(tasks.c.rank > low)
    if high is not None:
        query = query.where(tasks.c.rank < high)
    return list((await session.execute(query)).scalars())


async def ranks_of(session: Session, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, str]:
    """ids -> the ranks of those that are not deleted."""
    found = await session.fetch(_RANKS, {"workspace_id": workspace_id, "ids": list(ids)})
    return {row.id: row.rank for row in found}


# ---- writing


async def next_keys(session: Session, workspace_id: UUID, prefix: str, how_many: int = 1) -> list[str]:
    """New human keys of a prefix, `WEB-142`...; the counter stays locked to the end of the transaction.

    Counted by prefix, so a key is never given twice even when a project takes over an old prefix.
    """
    found = await session.execute(
        upsert(key_counters)
        .values(workspace_id=workspace_id, prefix=prefix, last_number=how_many)
        .on_conflict_do_update(
            index_elements=["workspace_id", "prefix"], set_={"last_number": key_counters.c.last_number + how_many}
        )
        .returning(key_counters.c.last_number)
    )
    last = int(found.scalar_one())
    return [f"{prefix}-{number}" for number in range(last - how_many + 1, last + 1)]


async def insert_task(session: Session, row: Mapping[str, Any]) -> None:
    """Insert one task and its key. `row` has the table's columns. Raises Duplicate when the id is taken."""
    await session.execute(insert(tasks), dict(row))
    await add_task_keys(session, row["workspace_id"], [(row["key"], row["id"])])


async def add_task_keys(session: Session, workspace_id: UUID, keys: Sequence[tuple[str, UUID]]) -> None:
    """From now on these keys, too, lead to their tasks; a task may get one back that it had."""
    await session.execute(
        upsert(task_keys).on_conflict_do_nothing(),
        [{"workspace_id": workspace_id, "key": key, "task_id": task_id} for key, task_id in keys],
    )


async def update_tasks(session: WriteSession, rows: Sequence[Mapping[str, Any]], updated_at: datetime) -> None:
    """Set columns and raise versions. Each row: `id` and the columns to set, the same ones in all rows.

    The rows are locked by the caller.
    """
    columns = tuple(name for name in rows[0] if name != "id")
    parameters = [
        {"which": row["id"], "at": updated_at, **{f"new_{name}": row[name] for name in columns}} for row in rows
    ]
    await session.write_each(_update(columns), parameters)


async def update_task(session: Session, row: Mapping[str, Any], updated_at: datetime) -> Task:
    """The same of one task; -> how it is then, with its sets as they were before this statement."""
    columns = tuple(name for name in row if name != "id")
    parameters = {"which": row["id"], "at": updated_at, **{f"new_{name}": row[name] for name in columns}}
    (found,) = await session.fetch(_update_returning(columns), parameters)
    return task_of(found)


@lru_cache(maxsize=500)
def _update_returning(columns: tuple[str, ...]) -> Direct:
    return Direct(_update_of(columns).returning(*_columns, _assignee_ids, _label_ids))


@lru_cache(maxsize=500)
def _update(columns: tuple[str, ...]) -> Direct:
    return Direct(_update_of(columns))


def _update_of(columns: tuple[str, ...]) -> Update:
    return (
        update(tasks)
        .where(tasks.c.id == bindparam("which"))
        .values(
            {name: bindparam(f"new_{name}") for name in columns}
            | {"version": tasks.c.version + 1, "updated_at": bindparam("at")}
        )
    )


async def change_members(
    session: Session,
    table_name: str,
    workspace_id: UUID,
    *,
    add: Sequence[tuple[UUID, UUID]],
    remove: Sequence[tuple[UUID, UUID]],
    at: datetime,
) -> None:
    """Add to and remove from tasks' sets, `assignees` or `labels`, by (task, member)."""
    table, member = _member_table(table_name)
    if remove:
        await session.execute(
            delete(table).where(table.c.task_id == bindparam("which"), member == bindparam("member")),
            [{"which": task_id, "member": one} for task_id, one in remove],
        )
    if add:
        # One instant later each, so that a set keeps the order in which it was given.
        rows = [
            {
                "workspace_id": workspace_id,
                "task_id": task_id,
                member.name: one,
                "added_at": at + timedelta(microseconds=index),
            }
            for index, (task_id, one) in enumerate(add)
        ]
        await session.execute(upsert(table).on_conflict_do_nothing(), rows)


def _member_table(table_name: str) -> tuple[Table, Column[UUID]]:
    if table_name == "assignees":
        return task_assignees, task_assignees.c.user_id
    return task_labels, task_labels.c.label_id


async def task_ids_where(session: Session, workspace_id: UUID, **columns: UUID) -> list[UUID]:
    """Every task of a workspace with these column values, deleted ones too, in the order of ids."""
    query = select(tasks.c.id).where(tasks.c.workspace_id == workspace_id)
    for name, value in columns.items():
        query = query.where(tasks.c[name] == value)
    return [row.id for row in await session.execute(query.order_by(tasks.c.id))]


async def task_ids_by_member(session: Session, table_name: str, workspace_id: UUID, member_id: UUID) -> list[UUID]:
    """Every task of a workspace whose `assignees` or `labels` hold this one, in the order of ids."""
    table, member = _member_table(table_name)
    found = await session.execute(
        select(table.c.task_id)
        .where(table.c.workspace_id == workspace_id, member == member_id)
        .order_by(table.c.task_id)
    )
    return [row.task_id for row in found]
