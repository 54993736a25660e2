"""Tasks as a table: CSV for spreadsheets (RFC 4180), one row for each task that is not deleted.

Invariant: no cell is a formula. A spreadsheet runs what begins with = + - @, so such a text begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from db import projects, transfer
from db.models import Label, Project
from db.session import ReadSession

COLUMNS = (
    "key",
    "title",
    "description",
    "project",
    "status",
    "status_category",
    "priority",
    "start_date",
    "due_date",
    "estimate",
    "assignees",
    "labels",
    "parent",
    "created_by",
    "created_at",
    "updated_at",
    "completed_at",
    "archived_at",
    "id",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BETWEEN = "; "


async def table(session: ReadSession, workspace_id: UUID) -> AsyncIterator[bytes]:
    """The header and each task's row, as UTF-8; those above before those below.

    People are e-mail addresses, times are UTC. Several assignees or labels stand in one cell, a semicolon between.
    """
    statuses = {one.id: one for one in await projects.statuses_of(session, workspace_id)}
    named = {one.id: one.name for one in await projects.all_rows(session, Project, workspace_id)}
    labels = {one.id: one.name for one in await projects.all_rows(session, Label, workspace_id)}
    emails = {one.id: one.email for one in await transfer.people_of(session, workspace_id)}
    yield _row(COLUMNS)
    async for task, row in transfer.all_tasks(session, workspace_id):
        status = statuses[task.status_id]
        yield _row(
            [
                task.key,
                _text(task.title),
                _text(task.description),
                "" if task.project_id is None else _text(named[task.project_id]),
                _text(status.name),
                status.category.value,
                task.priority.value,
                "" if task.start_date is None else task.start_date.isoformat(),
                "" if task.due_date is None else task.due_date.isoformat(),
                "" if task.estimate is None else f"{task.estimate:g}",
                _text(_BETWEEN.join(emails[one] for one in task.assignee_ids if one in emails)),
                _text(_BETWEEN.join(labels[one] for one in task.label_ids)),
                row.parent_key or "",
                _text(emails.get(task.created_by.id, "")),
                _instant(task.created_at),
                _instant(task.updated_at),
                _instant(task.completed_at),
                _instant(task.archived_at),
                f"task_{task.id}",
            ]
        )


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _instant(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _row(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
