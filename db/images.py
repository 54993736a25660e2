"""Rows as JSON, for the log's after-images, and back again."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as DriverUuid  # noqa: N811

from db.models import ActorKind, ActorRef

Row = TypeVar("Row")


def image(row: object) -> dict[str, Any]:
    """A row of `db.models` as plain JSON values."""
    decoded: dict[str, Any] = orjson.loads(orjson.dumps(row, default=str))  # the driver has a UUID type of its own
    return decoded


def from_image(kind: type[Row], stored: Mapping[str, Any]) -> Row:
    """What `image` wrote. Fields that the image does not have yet are None."""
    of_kind: Any = kind
    found = stored.get
    row: Row = kind(
        *[found(name) if convert is None else convert(found(name)) for name, convert in _converters(of_kind)]
    )
    return row


@cache
def _converters(kind: Any) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, _converter(hints[field.name])) for field in fields(kind))


def _converter(hint: Any) -> Callable[[Any], Any] | None:
    """From the JSON value to what the hint says; None where they are the same."""
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        (inner,) = [one for one in get_args(hint) if one is not type(None)]
        convert = _converter(inner)
        return None if convert is None else lambda value: None if value is None else convert(value)
    if origin is tuple:
        item = _converter(get_args(hint)[0])
        return lambda value: tuple(value or ()) if item is None else tuple([item(one) for one in value or ()])
    if hint is UUID:
        # Equal to Python's own, and read ten times as fast.
        return DriverUuid  # type: ignore[no-any-return]
    if hint in {datetime, date}:
        return hint.fromisoformat  # type: ignore[no-any-return]
    if hint is ActorRef:
        return lambda value: ActorRef(ActorKind(value["kind"]), DriverUuid(value["id"]))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {one.value: one for one in hint}.__getitem__
    return None
