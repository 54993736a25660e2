"""New ids, and how they look from outside: `task_<uuidv7>`.

The prefix is the type, so an id of the wrong kind is refused before any row is
looked for.
"""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A version 7 UUID: later ones sort after earlier ones, which keeps indexes dense."""
    return uuid7()


def typed(kind: str, value: UUID) -> str:
    """("task", uuid) -> "task_0190..."."""
    return f"{kind}_{value}"


def split(global_id: str) -> tuple[str, UUID] | None:
    """ "task_0190..." -> ("task", uuid); None if it is no id of ours. Only the canonical spelling counts."""
    kind, _, rest = global_id.partition("_")
    try:
        value = UUID(rest)
    except ValueError:
        return None
    return (kind, value) if kind and str(value) == rest else None


def of_kind(kind: str, global_id: str) -> UUID | None:
    """The UUID of an id of this kind, else None."""
    parts = split(global_id)
    return parts[1] if parts is not None and parts[0] == kind else None
