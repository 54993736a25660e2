"""GitHub's issues: the arrays of their REST API, of issues and of comments on issues, one after the other in a file.

Each repository becomes a project, a milestone a label. Pull requests have no place here. Only comments know their
issue, by its address; the issue's own array comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from db.models import StatusCategory
from db.unit_of_work import now
from domain.fields import MAX_NAME
from domain.tasks import MAX_LABELS
from transfer.lines import LabelLine, Line, Malformed, Numbered, ProjectLine, TaskLine
from transfer.sources import (
    Source,
    comment_lines,
    instant,
    items,
    named_id,
    one_line,
    reading,
    status,
    titled,
    with_remark,
)

KIND = "github"
_TO_DO = status(KIND, "To do", StatusCategory.TODO)
_DONE = status(KIND, "Done", StatusCategory.DONE)
_CANCELED = status(KIND, "Canceled", StatusCategory.CANCELED)


def read(source: Source) -> Iterator[Numbered]:
    """Raises Malformed."""
    for one in (_TO_DO, _DONE, _CANCELED):
        yield "a status", one
    yield from _around(source)
    known: set[int] = set()
    for where, item in _things(source):
        with reading(where, "GitHub"):
            if _is_issue(item):
                known.add(hash(item["url"]))
                yield where, _task(item, where)
    for where, item in _things(source):
        with reading(where, "GitHub"):
            if "issue_url" not in item:
                continue
            if hash(item["issue_url"]) in known:
                for line in _comments(item, where):
                    yield where, line
            else:
                source.dropped["comments on pull requests, and on issues that are not in the file"] += 1


def _things(source: Source) -> Iterator[tuple[str, Any]]:
    count = 0
    for found in items(source.file, "item"):
        # `gh api --slurp` puts the pages into one more array.
        for item in found if isinstance(found, list) else [found]:
            count += 1
            where = f"item {count}"
            if not isinstance(item, dict) or not ({"issue_url", "repository_url"} & item.keys()):
                raise Malformed(f"{where} is neither an issue nor a comment on one, as GitHub's REST API tells them")
            yield where, item
    if not count:
        raise Malformed("the file has no array of issues, as GitHub's REST API gives it")


def _is_issue(item: dict[str, Any]) -> bool:
    return "issue_url" not in item and "pull_request" not in item


def _around(source: Source) -> Iterator[Numbered]:
    """The projects, labels and people of all issues, each once."""
    found: dict[Any, Numbered] = {}
    for where, item in _things(source):
        with reading(where, "GitHub"):
            people = [item.get("user"), *item.get("assignees", [])]
            if "issue_url" not in item:
                if not _is_issue(item):
                    source.dropped["pull requests"] += 1
                    continue
                project = _project(item["repository_url"])
                found.setdefault(project.id, (where, project))
                for label in _labels(item):
                    found.setdefault(label.id, (where, label))
            for one in people:
                if one is not None:
                    person = source.person(KIND, one["login"])
                    found.setdefault(person.id, (where, person))
    repositories = Counter(line.name for _, line in found.values() if isinstance(line, ProjectLine))
    for own, (where, line) in found.items():
        # Those of the same name say whose they are.
        if isinstance(line, ProjectLine) and repositories[line.name] > 1:
            found[own] = where, replace(line, name=line.description)
    # By their type, so that a batch has many of them.
    yield from sorted(found.values(), key=lambda one: one[1].type, reverse=True)


def _project(url: str) -> ProjectLine:
    at = now()
    return ProjectLine(
        "project",
        id=named_id(KIND, "project", url),
        name=one_line(url.rsplit("/", 1)[-1], MAX_NAME),
        description=one_line("/".join(url.rsplit("/", 2)[-2:]), MAX_NAME),
        created_at=at,
        updated_at=at,
    )


def _labels(item: dict[str, Any]) -> Iterator[LabelLine]:
    at = now()
    wanted = [(one, None) if isinstance(one, str) else (one["name"], one.get("color")) for one in item["labels"]]
    if item.get("milestone"):
        wanted.append((item["milestone"]["title"], None))
    for name, color in wanted:
        short = one_line(name, MAX_NAME)
        yield LabelLine(
            "label",
            id=named_id(KIND, "label", short.lower()),
            name=short,
            color=f"#{color}" if color else None,
            created_at=at,
            updated_at=at,
        )


def _task(item: dict[str, Any], where: str) -> Line:
    created_at, updated_at = _at(item, "created_at", where), _at(item, "updated_at", where)
    is_closed = item["state"] == "closed"
    is_done = is_closed and item.get("state_reason") not in {"not_planned", "duplicate"}
    title, description = titled(item["title"], item.get("body") or "")
    author = (item.get("user") or {}).get("login", "ghost")
    return TaskLine(
        "task",
        id=named_id(KIND, "issue", item["url"]),
        title=title,
        description=with_remark(description, f"Imported from {item['html_url']}, opened by {author}."),
        status_id=(_DONE if is_done else _CANCELED if is_closed else _TO_DO).id,
        project_id=named_id(KIND, "project", item["repository_url"]),
        created_by=named_id(KIND, "person", author),
        created_at=created_at,
        updated_at=updated_at,
        completed_at=instant(item.get("closed_at"), where) if is_done else None,
        assignee_ids=tuple(named_id(KIND, "person", one["login"]) for one in item.get("assignees") or []),
        label_ids=tuple(dict.fromkeys(one.id for one in _labels(item)))[:MAX_LABELS],
    )


def _comments(item: dict[str, Any], where: str) -> Iterator[Line]:
    created_at, updated_at = _at(item, "created_at", where), _at(item, "updated_at", where)
    author = (item.get("user") or {}).get("login")
    yield from comment_lines(
        KIND,
        item["id"],
        named_id(KIND, "issue", item["issue_url"]),
        item.get("body") or "",
        None if author is None else named_id(KIND, "person", author),
        created_at,
        updated_at if updated_at > created_at else None,
    )


def _at(item: dict[str, Any], name: str, where: str) -> datetime:
    found = instant(item[name], where)
    if found is None:
        raise Malformed(f"{where} has no {name}")
    return found
