"""Ids as people send them: `task_<uuidv7>`.

An id of another kind, or no id at all, is answered like an id that leads to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from db import ids
from db.ids import of_kind, typed
from domain.errors import Invalid, NotFound

__all__ = ["minted", "of_kind", "parse", "parse_all", "typed"]


def parse(kind: str, global_id: str, *path: str) -> UUID:
    """The UUID of an id of this kind. Raises NotFound."""
    found = ids.of_kind(kind, global_id)
    if found is None:
        raise NotFound(global_id, *path)
    return found


def parse_all(kind: str, global_ids: Sequence[str], *path: str) -> list[UUID]:
    """Each once, in the order they came. Raises NotFound for the first that is no such id."""
    return list(dict.fromkeys(parse(kind, one, *path) for one in global_ids))


def minted(kind: str, global_id: str | None, *path: str) -> UUID:
    """The id that a client made for something new, or a new one. Raises Invalid unless it is a version 7 UUID."""
    if global_id is None:
        return ids.new_id()
    found = ids.of_kind(kind, global_id)
    if found is None or found.version != 7:
        raise Invalid(f"An id made by a client is `{kind}_` and a version 7 UUID in lower case.", *path)
    return found
