"""Lists of tasks: pages in an order, counts, search. Everything here sees through a `Scope`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Numeric, Select, Uuid, any_, case, false, func, literal, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from db import pages
from db.comments import comment_of, live_comments
from db.models import PRIORITIES, ActorRef, Comment, StatusCategory, Task
from db.pages import Page, PageRequest, SortKey
from db.scope import Scope, visible
from db.search_words import search_words
from db.session import Session
from db.tables import comments, statuses, task_assignees, tasks
from db.task_filters import TaskFilter, matching
from db.tasks import deleted_tasks, live_tasks, task_of


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """One key of an order: RANK, CREATED_AT, UPDATED_AT, DUE_DATE, PRIORITY or TITLE."""

    field: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Which tasks, in which order, which part of them."""

    request: PageRequest
    filter: TaskFilter
    order: tuple[TaskOrder, ...] = ()


def _sort_keys(order: Sequence[TaskOrder]) -> list[SortKey]:
    keys: list[SortKey] = []
    for one in order or (TaskOrder("RANK"),):
        down = one.is_descending
        if one.field == "DUE_DATE":
            # Tasks without a date come last in either direction; a cursor needs a value for them.
            far = date.min if down else date.max
            keys.append(SortKey("due_date", func.coalesce(tasks.c.due_date, far), pages.day, down))
        elif one.field == "TITLE":
            keys.append(SortKey("title", func.lower(tasks.c.title), pages.words, down))
        elif one.field == "PRIORITY":
            keys.append(SortKey("priority", tasks.c.priority, pages.whole_number(len(PRIORITIES)), down))
        elif one.field == "CREATED_AT":
            keys.append(SortKey("created_at", tasks.c.created_at, pages.instant, down))
        elif one.field == "UPDATED_AT":
            keys.append(SortKey("updated_at", tasks.c.updated_at, pages.instant, down))
        else:
            keys.append(SortKey("rank", tasks.c.rank, pages.words, down))
    keys.append(SortKey("id", tasks.c.id, UUID, keys[-1].is_descending))
    return keys


_PARENTS = {
    "workspace": tasks.c.workspace_id,
    "project": tasks.c.project_id,
    "parent": tasks.c.parent_id,
}


async def task_pages(
    session: Session, scope: Scope, parent: str, parent_ids: Sequence[UUID], page: TaskPage
) -> dict[UUID, Page[Task]]:
    """The same page of tasks for each `workspace`, `project` or `parent`. Raises BadCursor."""
    query = live_tasks(scope).where(matching(page.filter, scope))
    keys = _sort_keys(page.order)
    return await pages.read_pages(session, query, _PARENTS[parent], parent_ids, keys, page.request, task_of)


async def count_tasks(
    session: Session, scope: Scope, parent: str, parent_ids: Sequence[UUID], wanted: TaskFilter
) -> Mapping[UUID, int]:
    """How many tasks match, per parent."""
    query = live_tasks(scope).where(matching(wanted, scope))
    return await pages.count_by_parents(session, query, _PARENTS[parent], parent_ids)


@dataclass(frozen=True, slots=True)
class DeletedTasks:
    """Those that were deleted no longer ago than `kept`. `author`: who created them; None: whoever did."""

    kept: timedelta
    author: ActorRef | None


def _deleted(scope: Scope, wanted: DeletedTasks, now: datetime) -> Select[Any]:
    query = deleted_tasks(scope).where(tasks.c.deleted_at >= now - wanted.kept)
    if wanted.author is None:
        return query
    return query.where(tasks.c.created_by_kind == wanted.author.kind.value, tasks.c.created_by == wanted.author.id)


async def deleted_pages(
    session: Session,
    scope: Scope,
    workspace_ids: Sequence[UUID],
    wanted: DeletedTasks,
    request: PageRequest,
    now: datetime,
) -> dict[UUID, Page[Task]]:
    """The same page of each workspace's deleted tasks, the last deleted first. Raises BadCursor."""
    keys = [SortKey("deleted_at", tasks.c.deleted_at, pages.instant, True), SortKey("id", tasks.c.id, UUID, True)]
    query = _deleted(scope, wanted, now)
    return await pages.read_pages(session, query, tasks.c.workspace_id, workspace_ids, keys, request, task_of)


async def count_deleted(
    session: Session, scope: Scope, workspace_ids: Sequence[UUID], wanted: DeletedTasks, now: datetime
) -> Mapping[UUID, int]:
    """How many `deleted_pages` has, per workspace."""
    return await pages.count_by_parents(session, _deleted(scope, wanted, now), tasks.c.workspace_id, workspace_ids)


def _assigned_to(scope: Scope, user_id: UUID, wanted: TaskFilter) -> Select[Any]:
    mine = select(task_assignees.c.task_id).where(
        task_assignees.c.user_id == user_id, task_assignees.c.workspace_id.in_(scope.workspace_ids)
    )
    return live_tasks(scope).where(tasks.c.id.in_(mine), matching(wanted, scope))


async def assigned_page(session: Session, scope: Scope, user_id: UUID, page: TaskPage) -> Page[Task]:
    """Tasks assigned to somebody over all their workspaces. Raises BadCursor."""
    query = _assigned_to(scope, user_id, page.filter)
    return await pages.read_page(session, query, _sort_keys(page.order), page.request, task_of)


async def count_assigned(session: Session, scope: Scope, user_id: UUID, wanted: TaskFilter) -> int:
    found = await session.execute(
        _assigned_to(scope, user_id, wanted).with_only_columns(func.count(), maintain_column_froms=True)
    )
    return int(found.scalar_one())


_MAX_SCORE = 10**9


def _matching_words(workspace_id: UUID, query: str) -> tuple[Any, Any]:
    """-> (condition, score): full text with words that may be only begun, of tasks and of what was said about them;
    behind it, titles that look alike.

    A query with a "phrase" or a -word means exactly what it says, the latter of the task itself.
    """
    asked = search_words(query)
    wanted = _wanted(query)
    alike = func.word_similarity(query, tasks.c.title)
    has_words = tasks.c.search.op("@@")(wanted)
    in_talk, best_said = (false(), literal(0)) if asked.has_without else _said(workspace_id, wanted)
    found = or_(has_words, in_talk)
    condition = found if asked.is_exact else or_(found, literal(query).op("<%")(tasks.c.title))
    # Rounded, so that the score of a cursor compares equal when it is computed again.
    rank = (
        func.ts_rank(tasks.c.search, wanted) * 1000
        + alike * 100
        + case((has_words, 10_000), (in_talk, 5_000), else_=0)
        + best_said
    )
    score = func.round(rank.cast(Numeric), 3)
    return condition, (score * 1000).cast(BigInteger)


def _wanted(query: str) -> Any:
    """The words as full text search has them."""
    wanted: Any = func.websearch_to_tsquery("simple", query)
    asked = search_words(query)
    if asked.words and not asked.is_exact:
        wanted = wanted.op("||")(func.to_tsquery("simple", " & ".join(f"{word}:*" for word in asked.words)))
    return wanted


def _said(workspace_id: UUID, wanted: Any) -> tuple[Any, Any]:
    """-> (whether a comment of the task has the words, how well the best of them does)."""
    fits = [comments.c.deleted_at.is_(None), comments.c.search.op("@@")(wanted)]
    # Read once and first, as an array, so that the index of the ids takes part beside those of the words.
    task_ids = func.array(
        select(comments.c.task_id).where(comments.c.workspace_id == workspace_id, *fits).scalar_subquery(),
        type_=ARRAY(Uuid),
    )
    best = (
        select(func.max(func.ts_rank(comments.c.search, wanted)))
        .where(comments.c.task_id == tasks.c.id, *fits)
        .correlate(tasks)
        .scalar_subquery()
    )
    return tasks.c.id == any_(task_ids), func.coalesce(best, 0) * 100


async def search_page(
    session: Session, scope: Scope, workspace_id: UUID, query: str, wanted: TaskFilter, request: PageRequest
) -> Page[Task]:
    """The tasks of a workspace that match words, best first. Raises BadCursor."""
    condition, score = _matching_words(workspace_id, query)
    base = live_tasks(scope).where(tasks.c.workspace_id == workspace_id, condition, matching(wanted, scope))
    keys = [SortKey("score", score, pages.whole_number(_MAX_SCORE), True), SortKey("id", tasks.c.id, UUID, True)]
    return await pages.read_page(session, base, keys, request, task_of)


async def said_by_task_ids(
    session: Session, scope: Scope, query: str, task_ids: Collection[UUID]
) -> dict[UUID, Comment | None]:
    """The comment of each task that has the words best, the newest of those that do alike; every task has an entry."""
    best: dict[UUID, Comment | None] = dict.fromkeys(task_ids)
    if search_words(query).has_without:
        return best
    wanted = _wanted(query)
    rank = func.ts_rank(comments.c.search, wanted)
    found = await session.execute(
        live_comments(scope)
        .where(comments.c.task_id.in_(sorted(best)), comments.c.search.op("@@")(wanted))
        .ext(distinct_on(comments.c.task_id))
        .order_by(comments.c.task_id, rank.desc(), comments.c.created_at.desc(), comments.c.id)
    )
    best.update({row.task_id: comment_of(row) for row in found})
    return best


async def count_found(session: Session, scope: Scope, workspace_id: UUID, query: str, wanted: TaskFilter) -> int:
    """How many tasks `search_page` finds."""
    condition, _ = _matching_words(workspace_id, query)
    base = live_tasks(scope).where(tasks.c.workspace_id == workspace_id, condition, matching(wanted, scope))
    found = await session.execute(base.with_only_columns(func.count(), maintain_column_froms=True))
    return int(found.scalar_one())


@dataclass(frozen=True, slots=True)
class SubtaskCounts:
    total: int
    completed: int


async def subtask_counts_by_parent_ids(
    session: Session, scope: Scope, parent_ids: Collection[UUID]
) -> dict[UUID, SubtaskCounts]:
    """Visible subtasks per parent, archived ones too; completed means a status of category DONE."""
    done = func.count().filter(statuses.c.category == StatusCategory.DONE.value)
    found = await session.execute(
        select(tasks.c.parent_id, func.count().label("total"), done.label("completed"))
        .join(statuses, statuses.c.id == tasks.c.status_id)
        .where(tasks.c.parent_id.in_(list(parent_ids)), visible(tasks, scope), tasks.c.deleted_at.is_(None))
        .group_by(tasks.c.parent_id)
    )
    return {row.parent_id: SubtaskCounts(row.total, row.completed) for row in found}
