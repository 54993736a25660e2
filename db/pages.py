"""Keyset pages: a cursor holds the sort keys of its row, so rows that come or go never shift a page.

One query serves the same page of many parents at once (LATERAL), so the number
of queries never grows with the number of rows.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, and_, column, func, literal, or_, select, true, tuple_

from db.session import Session

Row = TypeVar("Row")


class BadCursor(Exception):
    """A page cursor that this list did not make."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order. `expression` is never null; `parse` reads its value from a cursor."""

    name: str
    expression: ColumnElement[Any]
    parse: Callable[[Any], Any]
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The first `limit` rows between the cursors `after` and `before`, or, `is_backward`, the last ones."""

    limit: int
    after: str | None = None
    before: str | None = None
    is_backward: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows in their order with a cursor each."""

    rows: tuple[Row, ...]
    cursors: tuple[str, ...]
    has_next: bool
    has_previous: bool


def encode_cursor(keys: Sequence[SortKey], values_of_row: Sequence[Any]) -> str:
    """The position of a row under an order, opaque to clients."""
    plain = [_order_name(keys), *values_of_row]
    return base64.urlsafe_b64encode(orjson.dumps(plain, default=str)).rstrip(b"=").decode()


def decode_cursor(keys: Sequence[SortKey], cursor: str) -> list[Any]:
    """The sort keys of a cursor's row. Raises BadCursor if it was made for another order or is garbage."""
    try:
        plain = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        name, *found = plain
        if name != _order_name(keys) or len(found) != len(keys):
            raise BadCursor
        return [key.parse(value) for key, value in zip(keys, found, strict=True)]
    except (ValueError, TypeError, binascii.Error, AttributeError, OverflowError) as error:
        raise BadCursor from error


def _order_name(keys: Sequence[SortKey]) -> str:
    return ",".join(f"{'-' if key.is_descending else ''}{key.name}" for key in keys)


def instant(value: str) -> datetime:
    """A cursor's instant. Raises ValueError if it has no zone, OverflowError if it is no day of the calendar in UTC."""
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is None:
        raise ValueError(value)
    return parsed.astimezone(UTC)


def whole_number(limit: int) -> Callable[[int], int]:
    """A parser for numbers that a column holds: between -limit and limit."""

    def parse(value: int) -> int:
        if type(value) is not int or abs(value) > limit:
            raise ValueError(value)
        return value

    return parse


def words(value: str) -> str:
    # PostgreSQL's text cannot hold a zero character.
    if not isinstance(value, str) or "\0" in value:
        raise TypeError(value)
    return value


day = date.fromisoformat


def beyond(keys: Sequence[SortKey], position: Sequence[Any], *, is_backward: bool) -> ColumnElement[bool]:
    """Rows strictly after a position in the order (before it, when backward)."""
    if len({key.is_descending for key in keys}) == 1:
        row = tuple_(*[key.expression for key in keys])
        at = tuple_(*position)
        return row < at if keys[0].is_descending != is_backward else row > at
    ways = []
    for index, key in enumerate(keys):
        same = [earlier.expression == value for earlier, value in zip(keys[:index], position, strict=False)]
        step = (
            key.expression < position[index] if key.is_descending != is_backward else key.expression > position[index]
        )
        ways.append(and_(*same, step))
    return or_(*ways)


def _page_query(query: Select[Any], keys: Sequence[SortKey], request: PageRequest) -> Select[Any]:
    """One more row than asked, to know whether there are more."""
    if request.after is not None:
        query = query.where(beyond(keys, decode_cursor(keys, request.after), is_backward=False))
    if request.before is not None:
        query = query.where(beyond(keys, decode_cursor(keys, request.before), is_backward=True))
    order = [
        key.expression.desc() if key.is_descending != request.is_backward else key.expression.asc() for key in keys
    ]
    sort_columns = [key.expression.label(f"sort_{index}") for index, key in enumerate(keys)]
    return query.add_columns(*sort_columns).order_by(*order).limit(request.limit + 1)


def _page(
    found: Sequence[Any], keys: Sequence[SortKey], request: PageRequest, from_row: Callable[[Any], Row]
) -> Page[Row]:
    has_more = len(found) > request.limit
    kept = list(found[: request.limit])
    if request.is_backward:
        kept.reverse()
    cursors = [encode_cursor(keys, [getattr(row, f"sort_{i}") for i in range(len(keys))]) for row in kept]
    return Page(
        rows=tuple(from_row(row) for row in kept),
        cursors=tuple(cursors),
        has_next=(request.before is not None) if request.is_backward else has_more,
        has_previous=has_more if request.is_backward else request.after is not None,
    )


async def read_page(
    session: Session,
    query: Select[Any],
    keys: Sequence[SortKey],
    request: PageRequest,
    from_row: Callable[[Any], Row],
) -> Page[Row]:
    """One page of a query. `keys` end with a unique one. Raises BadCursor."""
    found = (await session.execute(_page_query(query, keys, request))).all()
    return _page(found, keys, request, from_row)


async def read_pages(
    session: Session,
    query: Select[Any],
    parent: ColumnElement[UUID],
    parent_ids: Sequence[UUID],
    keys: Sequence[SortKey],
    request: PageRequest,
    from_row: Callable[[Any], Row],
) -> dict[UUID, Page[Row]]:
    """The same page for each of many parents, in one statement. Every parent has an entry. Raises BadCursor."""
    if len(parent_ids) == 1:
        # Hardly ever are there more, and for those SQLAlchemy makes a thousand objects that refer to each other.
        (only,) = parent_ids
        return {only: await read_page(session, query.where(parent == only), keys, request, from_row)}
    # An array, not VALUES: SQLAlchemy would compile those anew for every page.
    ids = func.unnest(literal(list(parent_ids), ARRAY(Uuid)))
    parents = ids.table_valued(column("parent_id", Uuid), name="parents").render_derived()
    inner = _page_query(query.where(parent == parents.c.parent_id), keys, request).lateral("page")
    order = [
        inner.c[f"sort_{index}"].desc() if key.is_descending != request.is_backward else inner.c[f"sort_{index}"].asc()
        for index, key in enumerate(keys)
    ]
    outer = (
        select(parents.c.parent_id.label("page_parent_id"), *inner.c)
        .select_from(parents)
        .join(inner, true())
        .order_by(*order)
    )
    grouped: dict[UUID, list[Any]] = {one: [] for one in parent_ids}
    for row in await session.execute(outer):
        grouped[row.page_parent_id].append(row)
    return {one: _page(rows, keys, request, from_row) for one, rows in grouped.items()}


async def count_by_parents(
    session: Session, query: Select[Any], parent: ColumnElement[UUID], parent_ids: Sequence[UUID]
) -> Mapping[UUID, int]:
    """How many rows of the query each parent has. Every parent has an entry."""
    counted = query.with_only_columns(parent.label("parent_id"), func.count().label("rows")).where(
        parent.in_(list(parent_ids))
    )
    found = await session.execute(counted.group_by(parent))
    counts = dict.fromkeys(parent_ids, 0)
    counts.update({row.parent_id: row.rows for row in found})
    return counts
