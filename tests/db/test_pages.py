"""Cursors: made for one order, refused by every other, and never the cause of an internal error."""

from __future__ import annotations

import base64
import gc
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, column

from db import pages
from db.pages import BadCursor, PageRequest, SortKey, decode_cursor, encode_cursor
from db.scope import Scope
from db.task_filters import TaskFilter
from db.task_lists import TaskOrder, TaskPage, task_pages
from tests.db.office import Office, bounded

PARSERS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "created_at": (pages.instant, st.datetimes(timezones=st.just(UTC))),
    "due_date": (pages.day, st.dates()),
    "priority": (pages.whole_number(4), st.integers(0, 4)),
    "title": (pages.words, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
    "id": (UUID, st.uuids()),
}


def keys_of(names: tuple[str, ...], *, is_descending: bool = False) -> list[SortKey]:
    return [SortKey(name, column(name), PARSERS[name][0], is_descending) for name in names]


NAMES = st.lists(st.sampled_from(sorted(PARSERS)), min_size=1, max_size=4, unique=True).map(tuple)


@bounded(100)
@given(st.data(), NAMES, st.booleans())
def test_a_cursor_holds_exactly_the_keys_of_its_row(data: st.DataObject, names: tuple[str, ...], down: bool) -> None:
    values = [data.draw(PARSERS[name][1]) for name in names]
    keys = keys_of(names, is_descending=down)
    cursor = encode_cursor(keys, values)
    assert decode_cursor(keys, cursor) == values
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum(), "it goes into addresses as it is"


@bounded(60)
@given(st.data(), NAMES, NAMES, st.booleans(), st.booleans())
def test_a_cursor_of_another_order_is_refused(
    data: st.DataObject, names: tuple[str, ...], others: tuple[str, ...], down: bool, other_down: bool
) -> None:
    cursor = encode_cursor(keys_of(names, is_descending=down), [data.draw(PARSERS[name][1]) for name in names])
    if (names, down) == (others, other_down):
        return
    with pytest.raises(BadCursor):
        decode_cursor(keys_of(others, is_descending=other_down), cursor)


def written(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


GARBAGE = ["", "x", "====", "é", "\0", "a" * 5000, "bm90IGpzb24", written(None), written(5), written([]), written({})]


@pytest.mark.parametrize("cursor", GARBAGE)
def test_garbage_is_no_cursor(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(keys_of(("created_at", "id")), cursor)


ORDERS = {
    "RANK": "rank",
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
    "DUE_DATE": "due_date",
    "PRIORITY": "priority",
    "TITLE": "title",
}
SOME_ID = "0190f7a2-0000-7000-8000-000000000000"
FORGED: list[Any] = [
    None,
    True,
    -1,
    2**31,
    2**40,
    2**63,
    2**64 - 1,
    1.5,
    "",
    "\0",
    "a\0b",
    "😀",
    "2026-03-01",
    "2026-03-01T00:00:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01",
    "9999-12-31",
    SOME_ID,
    [],
    {},
    ["a"],
]


@pytest.mark.parametrize("field", ORDERS)
async def test_a_forged_cursor_gives_a_page_or_is_refused(office: Office, field: str) -> None:
    """Clients can make any cursor: whatever is in it, the answer is typed."""
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    scope: Scope = await office.scope(ann)
    for value in FORGED:
        for row_id in (SOME_ID, value):
            request = PageRequest(5, after=written([f"{ORDERS[field]},id", value, row_id]))
            page = TaskPage(request, TaskFilter(), (TaskOrder(field),))
            try:
                found = await office.read(task_pages, scope, "workspace", [workspace_id], page)
            except BadCursor:
                continue
            assert found[workspace_id].rows == ()


async def test_a_page_of_one_parent_leaves_nothing_that_must_be_searched_for(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    scope: Scope = await office.scope(ann)
    page = TaskPage(PageRequest(5), TaskFilter(), (TaskOrder("RANK"),))

    async def columns_after_reading() -> int:
        await office.read(task_pages, scope, "workspace", [workspace_id], page)
        return sum(issubclass(type(one), Column) for one in gc.get_objects())

    await columns_after_reading()
    gc.collect()
    gc.disable()
    try:
        first = await columns_after_reading()
        assert await columns_after_reading() <= first
    finally:
        gc.enable()


def test_a_day_and_an_instant_are_read_as_they_were_written() -> None:
    assert pages.day("2026-03-01") == date(2026, 3, 1)
    assert pages.instant("2026-03-01T12:00:00.123456+00:00") == datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
    with pytest.raises(ValueError, match="2026"):
        pages.instant("2026-03-01T12:00:00")
