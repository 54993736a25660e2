"""Trello's boards: the JSON of "Print, export, and share".

The board becomes a project, an open list a status, a card a task, and what is to be checked on it a subtask. Archived
cards, and those of archived lists, are archived. Trello puts the newest thousand actions into a file, and comments are
actions. Each part is read in a pass of its own, as they stand in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db.models import StatusCategory
from db.unit_of_work import now
from domain.fields import MAX_NAME
from domain.ordering import numbered_rank
from transfer.lines import LabelLine, Malformed, Numbered, ProjectLine, TaskLine
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

KIND = "trello"

_CATEGORIES = (
    (StatusCategory.DONE, ("done", "complete", "finished", "shipped", "released")),
    (StatusCategory.IN_PROGRESS, ("doing", "progress", "review", "testing", "wip")),
    (StatusCategory.BACKLOG, ("backlog", "idea", "icebox", "someday")),
)
"""Words in a list's name that tell what it is for; without one, it is to be done."""

_COLORS = {
    "green": "#4bce97",
    "yellow": "#f5cd47",
    "orange": "#fea362",
    "red": "#f87168",
    "purple": "#9f8fef",
    "blue": "#579dff",
    "sky": "#6cc3e0",
    "lime": "#94c748",
    "pink": "#e774bb",
    "black": "#8590a2",
}
_POSITIONS = 1024
"""Positions are numbers with a fraction; so many steps of one are told apart."""


@dataclass
class _Board:
    project_id: UUID
    statuses: dict[str, tuple[UUID, StatusCategory]] = field(default_factory=dict)
    """Of the open lists."""
    labels: dict[str, UUID] = field(default_factory=dict)
    members: dict[str, UUID] = field(default_factory=dict)
    cards: dict[str, tuple[UUID, StatusCategory, datetime | None]] = field(default_factory=dict)
    """(status, its category, archived at) of each card."""


_TO_DO = status(KIND, "To do", StatusCategory.TODO)
_DONE = status(KIND, "Done", StatusCategory.DONE)


def read(source: Source) -> Iterator[Numbered]:
    """Raises Malformed."""
    name = next(items(source.file, "name"), None)
    own = next(items(source.file, "id"), None)
    if not isinstance(name, str) or not isinstance(own, str) or next(items(source.file, "lists"), None) is None:
        raise Malformed("the file is no board, as Trello exports it: it has no id, name or lists")
    board = _Board(named_id(KIND, "board", own))
    at = now()
    yield "the board", ProjectLine("project", board.project_id, one_line(name, MAX_NAME) or "Board", at, at)
    for part in (_lists, _labels, _members, _cards, _check_items, _comments):
        yield from part(source, board)


def _each(source: Source, part: str) -> Iterator[tuple[str, Any]]:
    for number, item in enumerate(items(source.file, f"{part}.item"), 1):
        with reading(f"{part} {number}", "Trello"):
            if not isinstance(item, dict):
                raise TypeError("it is no object")
        yield f"{part} {number}", item


def _lists(source: Source, board: _Board) -> Iterator[Numbered]:
    yield "a status", _TO_DO
    found = []
    for where, item in _each(source, "lists"):
        with reading(where, "Trello"):
            if not item.get("closed"):
                found.append((float(item["pos"]), where, item["id"], one_line(item["name"], MAX_NAME) or "List"))
    for _, where, own, name in sorted(found):
        words = name.lower()
        category = next(
            (one for one, signs in _CATEGORIES if any(sign in words for sign in signs)), StatusCategory.TODO
        )
        line = status(KIND, name, category)
        board.statuses[own] = (line.id, category)
        yield where, line
    yield "a status", _DONE


def _labels(source: Source, board: _Board) -> Iterator[Numbered]:
    at = now()
    for where, item in _each(source, "labels"):
        with reading(where, "Trello"):
            color = item.get("color")
            name = one_line(item["name"] or color or "label", MAX_NAME)
            board.labels[item["id"]] = named_id(KIND, "label", name.lower())
            # Shades are called green_dark, green_light.
            shade = _COLORS.get((color or "").partition("_")[0])
            yield where, LabelLine("label", board.labels[item["id"]], name, at, at, color=shade)


def _members(source: Source, board: _Board) -> Iterator[Numbered]:
    """Of the board, and who has commented on it and left."""
    seen: set[str] = set()
    for part in ("members", "actions"):
        for where, item in _each(source, part):
            with reading(where, "Trello"):
                is_comment = item.get("type") == "commentCard"
                person = item if part == "members" else item.get("memberCreator") if is_comment else None
                if person is None or person["id"] in seen:
                    continue
                seen.add(person["id"])
                line = source.person(KIND, person["username"], person.get("fullName"))
                board.members[person["id"]] = line.id
                yield where, line


def _cards(source: Source, board: _Board) -> Iterator[Numbered]:
    for where, item in _each(source, "cards"):
        with reading(where, "Trello"):
            created_at = _made_at(item["id"], where)
            updated_at = instant(item.get("dateLastActivity"), where) or created_at
            status_id, category = board.statuses.get(item["idList"], (_TO_DO.id, StatusCategory.TODO))
            is_archived = item.get("closed") or item["idList"] not in board.statuses
            archived_at = updated_at if is_archived else None
            board.cards[item["id"]] = (status_id, category, archived_at)
            title, description = titled(item["name"], item.get("desc") or "")
            url = item.get("shortUrl") or item.get("url")
            start, due = instant(item.get("start"), where), instant(item.get("due"), where)
            yield (
                where,
                TaskLine(
                    "task",
                    id=named_id(KIND, "card", item["id"]),
                    title=title,
                    description=with_remark(description, f"Imported from {url}") if url else description,
                    status_id=status_id,
                    project_id=board.project_id,
                    start_date=start.date() if start and (due is None or start <= due) else None,
                    due_date=due.date() if due else None,
                    rank=numbered_rank(int(float(item["pos"]) * _POSITIONS)),
                    created_at=created_at,
                    updated_at=updated_at,
                    completed_at=updated_at if category is StatusCategory.DONE else None,
                    archived_at=archived_at,
                    assignee_ids=tuple(board.members[one] for one in item.get("idMembers", []) if one in board.members),
                    label_ids=tuple(
                        dict.fromkeys(board.labels[one] for one in item.get("idLabels", []) if one in board.labels)
                    ),
                ),
            )


def _check_items(source: Source, board: _Board) -> Iterator[Numbered]:
    for where, checklist in _each(source, "checklists"):
        with reading(where, "Trello"):
            if checklist["idCard"] not in board.cards:
                source.dropped["checklists of cards that are not in the file"] += 1
                continue
            status_id, category, archived_at = board.cards[checklist["idCard"]]
            is_open = category not in {StatusCategory.DONE, StatusCategory.CANCELED}
            for item in checklist["checkItems"]:
                at = _made_at(item["id"], where)
                is_done = item.get("state") == "complete"
                title, description = titled(item["name"], "")
                yield (
                    where,
                    TaskLine(
                        "task",
                        id=named_id(KIND, "check item", item["id"]),
                        title=title,
                        description=description,
                        status_id=_DONE.id if is_done else status_id if is_open else _TO_DO.id,
                        project_id=board.project_id,
                        parent_id=named_id(KIND, "card", checklist["idCard"]),
                        rank=numbered_rank(int(float(item["pos"]) * _POSITIONS)),
                        created_at=at,
                        updated_at=at,
                        completed_at=at if is_done else None,
                        archived_at=archived_at,
                    ),
                )


def _comments(source: Source, board: _Board) -> Iterator[Numbered]:
    for where, item in _each(source, "actions"):
        with reading(where, "Trello"):
            if item.get("type") != "commentCard":
                continue
            card = item["data"]["card"]["id"]
            if card not in board.cards:
                source.dropped["comments on cards that are not in the file"] += 1
                continue
            at = instant(item["date"], where)
            if at is None:
                raise Malformed(f"{where} has no date")
            edited_at = instant(item["data"].get("dateLastEdited"), where)
            author = board.members.get((item.get("memberCreator") or {}).get("id", ""))
            for line in comment_lines(
                KIND, item["id"], named_id(KIND, "card", card), item["data"]["text"], author, at, edited_at
            ):
                yield where, line


def _made_at(own: str, where: str) -> datetime:
    """An id begins with the second in which it was made, as eight hexadecimal digits."""
    try:
        return datetime.fromtimestamp(int(own[:8], 16), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(f"{where}: {own!r} is no id of Trello's") from error
