"""Todoist's projects: the CSV of "Export as a template", or of a backup.

The file becomes a project of its name, a section a status, a note a comment on the task above it, an indented task a
subtask. The file has no ids, so a thing is known by its text and by how many of the same text came before it: a file
that was exported again can be imported again.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from db.models import Priority, StatusCategory
from db.unit_of_work import now
from domain.fields import MAX_NAME
from domain.task_tree import MAX_DEPTH
from transfer.lines import LabelLine, Malformed, Numbered, ProjectLine, TaskLine
from transfer.sources import (
    Source,
    comment_lines,
    instant,
    named_id,
    one_line,
    status,
    titled,
    with_remark,
)

KIND = "todoist"
_TO_DO = status(KIND, "To do", StatusCategory.TODO)
_LABEL = re.compile(r"(?:^|\s)@([\w-]+)")
_PERSON = re.compile(r"(.+?) \((\d+)\)\Z")
_PRIORITIES = {"1": Priority.URGENT, "2": Priority.HIGH, "3": Priority.MEDIUM, "4": Priority.NONE}
"""As they are shown: p1 is the highest, p4 says nothing."""
_DATES = ("%Y-%m-%d", "%d %b %Y", "%b %d %Y", "%d %B %Y", "%B %d %Y", "%b %d, %Y")


def read(source: Source) -> Iterator[Numbered]:
    """Raises Malformed."""
    at = now()
    # A backup has the project's id after its name.
    name = one_line(re.sub(r" \[\w+\]\Z", "", source.name), MAX_NAME) or "Todoist"
    project = ProjectLine("project", named_id(KIND, "project", name), name, at, at)
    yield "the file", project
    yield "a status", _TO_DO
    yield from _around(source, at)
    yield from _tasks(source, project.id, at)
    yield from _notes(source, project.id, at)


def _rows(source: Source) -> Iterator[tuple[str, dict[str, str]]]:
    """(line, column -> text) of each row that says something."""
    source.file.seek(0)
    text = io.TextIOWrapper(source.file, encoding="utf-8-sig", newline="")
    rows = csv.DictReader(text)
    try:
        if rows.fieldnames is None or not {"TYPE", "CONTENT"} <= set(rows.fieldnames):
            raise Malformed("the file is no CSV of Todoist's: its first line has no TYPE and CONTENT")
        for row in rows:
            found: dict[str, Any] = {name: (value or "").strip() for name, value in row.items() if name is not None}
            if found["TYPE"] and found["CONTENT"]:
                yield f"line {rows.line_num}", found
    except (csv.Error, UnicodeDecodeError) as error:
        raise Malformed(f"the file is no CSV of Todoist's: {error}") from error
    finally:
        text.detach()


def _around(source: Source, at: datetime) -> Iterator[Numbered]:
    """The statuses, labels and people, each once."""
    found: dict[UUID, Numbered] = {}
    for where, row in _rows(source):
        if row["TYPE"] == "section":
            line = status(KIND, one_line(row["CONTENT"], MAX_NAME), StatusCategory.TODO)
            found.setdefault(line.id, (where, line))
        elif row["TYPE"] == "task":
            for name in _LABEL.findall(row["CONTENT"]):
                short = one_line(name, MAX_NAME)
                label = LabelLine("label", named_id(KIND, "label", short.lower()), short, at, at)
                found.setdefault(label.id, (where, label))
        elif row["TYPE"] not in {"note", "meta"}:
            raise Malformed(f"{where}: a row is a task, section or note, and not {row['TYPE']!r}")
        for column in ("AUTHOR", "RESPONSIBLE"):
            known = _PERSON.match(row.get(column, ""))
            if known is not None:
                person = source.person(KIND, known[1])
                found.setdefault(person.id, (where, person))
    yield from sorted(found.values(), key=lambda one: one[1].type, reverse=True)


def _person(row: dict[str, str], column: str) -> UUID | None:
    known = _PERSON.match(row.get(column, ""))
    return None if known is None else named_id(KIND, "person", known[1])


def _numbered_tasks(source: Source, project_id: UUID) -> Iterator[tuple[str, dict[str, str], UUID]]:
    """(line, row, id of the task that it is or is about) of each task and note."""
    before: Counter[int] = Counter()
    current: UUID | None = None
    for where, row in _rows(source):
        if row["TYPE"] == "section":
            yield where, row, project_id
        elif row["TYPE"] == "task":
            same = hash(row["CONTENT"])
            current = named_id(KIND, "task", project_id, row["CONTENT"], before[same])
            before[same] += 1
            yield where, row, current
        elif row["TYPE"] == "note" and current is not None:
            yield where, row, current


def _tasks(source: Source, project_id: UUID, at: datetime) -> Iterator[Numbered]:
    status_id = _TO_DO.id
    above: list[UUID] = []
    for where, row, own in _numbered_tasks(source, project_id):
        if row["TYPE"] == "section":
            status_id, above = named_id(KIND, "status", one_line(row["CONTENT"], MAX_NAME)), []
        if row["TYPE"] != "task":
            continue
        depth = int(row.get("INDENT") or "1") - 1 if (row.get("INDENT") or "1").isdigit() else 0
        above = above[: max(0, min(depth, MAX_DEPTH))]
        content = row["CONTENT"]
        title, description = titled(_LABEL.sub("", content).strip() or content, row.get("DESCRIPTION", ""))
        due = _date(row.get("DATE", ""))
        if due is None and row.get("DATE"):
            description = with_remark(description, f"Due: {row['DATE']}")
            source.dropped["due dates that are no single day, which stand in the descriptions"] += 1
        responsible = _person(row, "RESPONSIBLE")
        yield (
            where,
            TaskLine(
                "task",
                id=own,
                title=title,
                description=description,
                status_id=status_id,
                project_id=project_id,
                parent_id=above[-1] if above else None,
                priority=_PRIORITIES.get(row.get("PRIORITY", ""), Priority.NONE),
                due_date=due or _date(row.get("DEADLINE", "")),
                created_by=_person(row, "AUTHOR"),
                created_at=at,
                updated_at=at,
                assignee_ids=() if responsible is None else (responsible,),
                label_ids=tuple(
                    dict.fromkeys(
                        named_id(KIND, "label", one_line(one, MAX_NAME).lower()) for one in _LABEL.findall(content)
                    )
                ),
            ),
        )
        above.append(own)


def _notes(source: Source, project_id: UUID, at: datetime) -> Iterator[Numbered]:
    before: Counter[UUID] = Counter()
    for where, row, task_id in _numbered_tasks(source, project_id):
        if row["TYPE"] != "note":
            continue
        before[task_id] += 1
        try:
            said_at = instant(row.get("DATE"), where) or at
        except Malformed:
            said_at = at
        own = f"{task_id}:{before[task_id]}"
        for line in comment_lines(KIND, own, task_id, row["CONTENT"], _person(row, "AUTHOR"), said_at, None):
            yield where, line


def _date(text: str) -> date | None:
    """A day with its year, if the text is nothing else."""
    for form in _DATES:
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None
