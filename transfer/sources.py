"""What the readers of other programs' files share: ids, names that fit, colors, people.

Invariant: an id is made of what the other program calls a thing, so that reading a file again names the same things.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID, uuid5

import ijson

from db.models import Role, StatusCategory
from db.unit_of_work import now
from domain.fields import MAX_COMMENT, MAX_DESCRIPTION, MAX_NAME, MAX_TITLE
from transfer.lines import FIRST, LAST, CommentLine, Malformed, Numbered, PersonLine, StatusLine, as_stored

_NAMESPACE = UUID("0b0c4b7e-52b5-4f0b-8a39-6a55c2d0a6f3")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_PIECE = MAX_COMMENT - 1_000
"""Of a comment that is too long for one; it leaves room for the name of who wrote it."""


@dataclass
class Source:
    """One file that is read, perhaps several times. `people`: a name in the file -> an e-mail address here."""

    file: IO[bytes]
    name: str
    people: Mapping[str, str] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    """What has no place here, by a phrase that says what and why."""

    def person(self, kind: str, name: str, shown: str | None = None) -> PersonLine:
        """Somebody of the file. Whom `people` knows becomes a MEMBER of a new workspace."""
        email = self.people.get(name)
        return PersonLine(
            "person",
            id=named_id(kind, "person", name),
            name=one_line(shown or name, MAX_NAME),
            handle=name,
            email=email,
            role=None if email is None else Role.MEMBER,
        )


Reader = Callable[[Source], Iterator[Numbered]]
"""Reads a file from its beginning. Raises Malformed."""


def named_id(*names: object) -> UUID:
    """The id of what another program knows by these names."""
    return uuid5(_NAMESPACE, json.dumps([str(one) for one in names]))


def one_line(text: str, limit: int) -> str:
    """A text as one line that fits, with an ellipsis where something is missing."""
    plain = _CONTROL.sub(" ", text).strip()
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def titled(title: str, description: str) -> tuple[str, str]:
    """A title that fits, and a description with what did not."""
    short = one_line(title, MAX_TITLE) or "Untitled"
    whole = description.replace("\0", "")
    if short.endswith("…") and short != _CONTROL.sub(" ", title).strip():
        whole = f"{title}\n\n{whole}".replace("\0", "")
    return short, whole[:MAX_DESCRIPTION]


def with_remark(description: str, remark: str) -> str:
    """The description with a last line, where that fits."""
    whole = f"{description}\n\n{remark}" if description else remark
    return whole if len(whole) <= MAX_DESCRIPTION else description


def comment_lines(
    kind: str, own: object, task_id: UUID, body: str, author: UUID | None, at: datetime, edited_at: datetime | None
) -> Iterator[CommentLine]:
    """A comment, in several where it is too long for one; none where it says nothing."""
    plain = body.replace("\0", "")
    for place, start in enumerate(range(0, len(plain), _PIECE)):
        piece = plain[start : start + _PIECE]
        if piece.strip():
            yield CommentLine(
                "comment",
                id=named_id(kind, "comment", own, place),
                task_id=task_id,
                body=piece,
                author=author,
                created_at=at,
                updated_at=edited_at or at,
                edited_at=edited_at,
            )


def status(kind: str, name: str, category: StatusCategory, color: str | None = None) -> StatusLine:
    """A status by its name, made now."""
    at = now()
    return StatusLine(
        "status",
        id=named_id(kind, "status", name),
        name=name,
        category=category,
        color=color,
        created_at=at,
        updated_at=at,
    )


def instant(value: Any, where: str) -> datetime | None:
    """An ISO time. Raises Malformed."""
    if value is None or value == "":
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Malformed(f"{where}: {value!r} is no time") from error
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    if not FIRST <= aware < LAST:
        raise Malformed(f"{where}: {value!r} is no time of our days")
    return as_stored(aware)


@contextmanager
def reading(where: str, what: str) -> Iterator[None]:
    """Raises Malformed for something of another shape than `what` has."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise Malformed(f"{where} is not as {what} has it: {said}") from error


def items(file: IO[bytes], prefix: str) -> Iterator[Any]:
    """The values at a place of a JSON file, one after the other, from its beginning. Raises Malformed."""
    file.seek(0)
    try:
        yield from ijson.items(file, prefix, use_float=True, multiple_values=True)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise Malformed(f"the file is no JSON, or ends too early: {error}") from error
