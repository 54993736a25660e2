"""The history: every value there ever was can be read, and long texts cost about what changed in them."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from db.history import change_by_id, changes_since, history_pages
from db.ids import new_id
from db.models import Actor, ActorKind, ActorRef, ChangedField, EventKind, FieldChange
from db.pages import PageRequest
from db.tables import changes
from db.unit_of_work import UnitOfWork
from tests.db.office import Office, bounded


@pytest.fixture(scope="module")
async def place(office: Office) -> tuple[Actor, UUID]:
    ann = await office.person()
    return ann, await office.workspace(ann)


async def write(
    office: Office, place: tuple[Actor, UUID], thing: UUID, version: int, fields: list[FieldChange]
) -> None:
    async def work(uow: UnitOfWork) -> None:
        uow.remember(EventKind.TASK, place[1], thing, version, fields)

    await office.do(place[0], work)


def described(before: str, after: str) -> FieldChange:
    return FieldChange(ChangedField.DESCRIPTION, before, after)


PARAGRAPH = " ".join(f"word{number}" for number in range(120))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("title"), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)),
        st.tuples(st.just("short"), st.sampled_from(["", "a", "b c"])),
        st.tuples(st.just("add"), st.sampled_from(["🐈 ", "a line\n", PARAGRAPH, PARAGRAPH * 5])),
        st.tuples(st.just("cut"), st.integers(0, 900)),
    ),
    max_size=12,
)


def _next(text: str, kind: str, value: Any) -> str:
    if kind == "short":
        return str(value)
    return f"{text[:50]}{value}{text[50:]}" if kind == "add" else text[value // 3 : len(text) - value // 2]


@bounded(40)
@given(steps=STEPS, start=st.sampled_from(["", "x", PARAGRAPH, PARAGRAPH * 20]), size=st.integers(1, 6))
async def test_every_text_there_was_is_read_as_it_was(
    office: Office, place: tuple[Actor, UUID], steps: list[tuple[str, Any]], start: str, size: int
) -> None:
    thing, text, written = new_id(), start, []
    for version, (kind, value) in enumerate(steps, 2):
        if kind == "title":
            fields = [FieldChange(ChangedField.TITLE, "before", value)]
        else:
            after = _next(text, kind, value)
            fields = [FieldChange(ChangedField.ESTIMATE, None, version), described(text, after)]
            text = after
        written.append((version, tuple(fields)))
        await write(office, place, thing, version, fields)

    found = await office.read(changes_since, place[1], thing, 0)
    assert [(one.version, one.fields) for one in found] == written
    assert {one.kind for one in found} <= {EventKind.TASK}
    for one in found[-2:]:
        assert await office.read(change_by_id, one.id) == one

    paged, after_cursor = [], None
    scope = await office.scope(place[0])
    while True:
        pages = await office.read(history_pages, scope, [thing], PageRequest(size, after_cursor))
        page = pages[thing]
        paged += page.rows
        if not page.has_next:
            break
        after_cursor = page.cursors[-1]
    assert paged == found[::-1]


async def test_one_statement_knows_the_texts_of_many_objects(office: Office, place: tuple[Actor, UUID]) -> None:
    things = [new_id() for _ in range(3)]

    async def work(uow: UnitOfWork) -> None:
        for version in (2, 3, 4):
            for index, thing in enumerate(things):
                texts = [f"{PARAGRAPH} {index} {number}" for number in (version - 1, version)]
                uow.remember(EventKind.TASK, place[1], thing, version, [described(*texts)])

    await office.do(place[0], work)
    pages = await office.read(history_pages, await office.scope(place[0]), things, PageRequest(1))
    for index, thing in enumerate(things):
        (change,) = pages[thing].rows
        assert change.fields == (described(f"{PARAGRAPH} {index} 3", f"{PARAGRAPH} {index} 4"),)


async def test_histories_of_other_workspaces_are_not_there(office: Office, place: tuple[Actor, UUID]) -> None:
    thing = new_id()
    await write(office, place, thing, 2, [described("a", "b")])
    stranger = await office.person()
    await office.workspace(stranger)
    pages = await office.read(history_pages, await office.scope(stranger), [thing], PageRequest(5))
    assert pages[thing].rows == ()


async def test_a_history_costs_about_what_changed(office: Office, place: tuple[Actor, UUID]) -> None:
    """Three hundred edits of a few words each, in a text of 100,000 characters."""
    random, thing = Random(2), new_id()
    words = [f"{random.randrange(100_000):06}" for _ in range(14_000)]
    texts = [" ".join(words)]
    for number in range(300):
        words[random.randrange(len(words))] = f"edit{number} of a few words"
        texts.append(" ".join(words))

    edits = list(enumerate(pairwise(texts), 2))
    for start in range(0, len(edits), 20):  # comparing takes time, and no transaction may be idle for long

        async def work(uow: UnitOfWork, start: int = start) -> None:
            for version, (before, after) in edits[start : start + 20]:
                uow.remember(EventKind.TASK, place[1], thing, version, [described(before, after)])

        await office.do(place[0], work)
    async with office.database.transaction() as connection:
        size = select(func.sum(func.pg_column_size(changes.c.fields))).where(changes.c.entity_id == thing)
        stored = (await connection.execute(size)).scalar_one()
    # A text and a half whole would be more than all that changed; twice 300 texts would be 60 MB.
    assert stored < 500_000
    found = await office.read(changes_since, place[1], thing, 0)
    assert [one.fields[0].after for one in found] == texts[1:]


async def test_who_did_it_and_in_which_mutation_stands_beside_it(office: Office, place: tuple[Actor, UUID]) -> None:
    thing, other = new_id(), new_id()

    async def work(uow: UnitOfWork) -> None:
        for one in (thing, other):
            uow.remember(EventKind.LABEL, place[1], one, 2, [FieldChange(ChangedField.NAME, "a", "b")], is_audit=True)

    await office.do(place[0], work)
    first, second = [(await office.read(changes_since, place[1], one, 0))[0] for one in (thing, other)]
    assert first.change_set_id == second.change_set_id
    assert first.actor == ActorRef(ActorKind.USER, place[0].user_id)
    assert first.is_audit
    assert first.kind is EventKind.LABEL
