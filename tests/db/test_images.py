"""Rows become JSON for the log, and come back equal."""

from __future__ import annotations

import types
from dataclasses import fields
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson
import pytest
from asyncpg.pgproto import pgproto
from hypothesis import given
from hypothesis import strategies as st

from db.images import from_image, image
from db.log import decode_events, encode_events
from db.models import (
    ActorKind,
    ActorRef,
    ChangeOp,
    Event,
    EventKind,
    FieldChange,
    Invite,
    Label,
    Membership,
    Priority,
    Project,
    Revocation,
    Status,
    Task,
    Workspace,
)
from tests.db.office import bounded

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INSTANTS = st.datetimes(timezones=st.just(UTC))
NUMBERS = st.integers(-(2**31), 2**31)
UUIDS = st.one_of(st.uuids(), st.uuids().map(lambda one: pgproto.UUID(one.bytes)))

SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    UUID: UUIDS,
    str: TEXTS,
    int: NUMBERS,
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: INSTANTS,
    date: st.dates(),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return st.one_of(*[st.none() if one is type(None) else values_of(one) for one in inner])
    if origin is tuple:
        return st.lists(values_of(inner[0]), max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    return rows_of(hint)


def rows_of(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{one.name: values_of(hints[one.name]) for one in fields(kind)})


@pytest.mark.parametrize("kind", [Task, Workspace, Membership, Invite, Project, Status, Label])
def test_a_row_comes_back_from_its_image_equal(kind: type) -> None:
    @bounded(40)
    @given(rows_of(kind))
    def property_of(row: Any) -> None:
        stored = orjson.loads(orjson.dumps(image(row)))
        assert from_image(kind, stored) == row

    property_of()


def test_an_image_from_before_a_field_existed_has_nothing_for_it() -> None:
    task = Task(**{**dict.fromkeys(one.name for one in fields(Task)), **_needed()})  # type: ignore[arg-type]
    stored = {name: value for name, value in image(task).items() if name not in {"estimate", "label_ids", "due_date"}}
    read = from_image(Task, {**stored, "field_of_the_future": 1})
    assert (read.estimate, read.due_date, read.label_ids) == (None, None, ())


def _needed() -> dict[str, Any]:
    one, at = UUID(int=7), datetime(2026, 3, 1, tzinfo=UTC)
    return {
        **dict.fromkeys(["id", "workspace_id", "status_id"], one),
        **dict.fromkeys(["created_at", "updated_at"], at),
        "priority": Priority.LOW,
        "created_by": ActorRef(ActorKind.USER, one),
        "assignee_ids": (),
        "label_ids": (),
    }


JSON = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.lists(TEXTS, max_size=2))
CHANGES = st.builds(FieldChange, field=values_of(get_type_hints(FieldChange)["field"]), before=JSON, after=JSON)
TAGS = st.frozensets(TEXTS, max_size=3)
EVENTS = st.builds(
    Event,
    workspace_id=UUIDS,
    seq=NUMBERS,
    commit_seq=NUMBERS,
    occurred_at=INSTANTS,
    kind=st.sampled_from(EventKind),
    op=st.sampled_from(ChangeOp),
    entity_id=UUIDS,
    task_id=st.none() | UUIDS,
    project_ids=st.frozensets(st.uuids(), max_size=3),
    actor=rows_of(ActorRef),
    client_mutation_id=st.none() | UUIDS,
    seen_before=TAGS,
    seen_after=TAGS,
    changes=st.lists(CHANGES, max_size=2).map(tuple),
    image=st.none() | st.dictionaries(TEXTS, JSON, max_size=3),
    revokes=st.none() | st.builds(Revocation, person_id=st.none() | UUIDS, tags=st.none() | TAGS),
)


@bounded(60)
@given(st.lists(EVENTS, max_size=3))
def test_events_come_back_equal_from_their_message_between_processes(batch: list[Event]) -> None:
    assert decode_events(encode_events(batch)) == batch
