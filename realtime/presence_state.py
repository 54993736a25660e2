"""Who is here and what they do, as values: one person in one workspace, all their tabs and devices folded into one.

Whom a thing may be shown to is part of it (`audience`, as in the log), so nothing has to be read to deliver it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from db.presence import ActivityMode

SNAPSHOT_SECONDS = 60.0
TRUST = timedelta(seconds=90)
"""How long a client may believe what it was told: a snapshot comes earlier, so only a lost server lets it run out."""


class Status(StrEnum):
    ONLINE = "ONLINE"
    AWAY = "AWAY"
    DO_NOT_DISTURB = "DO_NOT_DISTURB"
    OFFLINE = "OFFLINE"


@dataclass(frozen=True, slots=True)
class Activity:
    """What somebody does with a thing, perhaps with one field of it."""

    thing_id: UUID
    field: str | None
    mode: ActivityMode
    since: datetime
    audience: frozenset[str] = dataclasses.field(compare=False)


@dataclass(frozen=True, slots=True)
class Presence:
    """One person. `id` is their membership's. Two are equal when they look the same, whenever they were seen."""

    person_id: UUID
    id: UUID
    status: Status
    activities: tuple[Activity, ...]
    seen_at: datetime | None = dataclasses.field(compare=False)
    audience: frozenset[str] = dataclasses.field(compare=False, default=frozenset())

    def as_seen_by(self, tags: frozenset[str]) -> Presence | None:
        """What a holder of these tags sees of it; None: nothing."""
        if tags.isdisjoint(self.audience):
            return None
        shown = tuple(one for one in self.activities if not tags.isdisjoint(one.audience))
        return self if len(shown) == len(self.activities) else replace(self, activities=shown)

    def gone(self) -> Presence:
        """The same person, not here any more."""
        return replace(self, status=Status.OFFLINE, activities=())

    def with_audiences(self, known: Mapping[UUID, frozenset[str]]) -> Presence:
        """With the audiences that are known to be newer, by the ids of the things they are of."""
        if not known:
            return self
        activities = tuple(
            replace(one, audience=known[one.thing_id]) if one.thing_id in known else one for one in self.activities
        )
        return replace(self, activities=activities, audience=known.get(self.id, self.audience))


@dataclass(frozen=True, slots=True)
class PresenceBatch:
    """What one message says, the same value for all who see the same.

    `tags` are the rights of those it is for, as of the place `as_of` in the log. `made` is for what is made of it once
    for many, `kept` for who shows batches of a room: people, until something is heard of them.
    """

    is_snapshot: bool
    is_stale: bool
    rev: int
    presences: tuple[Presence, ...]
    expires_at: datetime
    tags: frozenset[str]
    as_of: int
    made: dict[Any, Any] = dataclasses.field(default_factory=dict, compare=False)
    kept: dict[Any, Any] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everybody who is in a workspace, as Redis knows it. `hold_seconds`: so long it may not know all again."""

    epoch: bytes
    rev: int
    hold_seconds: float
    people: dict[UUID, Presence]


def encode_audience(audience: frozenset[str]) -> str:
    return "\n".join(sorted(audience))


def decode_presence(person: bytes, state: bytes, seen: bytes) -> Presence:
    """What the scripts say of somebody. Raises ValueError."""
    member_id, status, audience, doing = orjson.loads(state)
    return Presence(
        person_id=UUID(person.decode()),
        id=UUID(member_id),
        status=Status(status),
        # Lua knows no difference between an empty list and an empty object.
        activities=tuple(_decode_activity(one) for one in doing or ()),
        seen_at=instant(seen),
        audience=frozenset(audience.split("\n")),
    )


def _decode_activity(stored: list[Any]) -> Activity:
    thing_id, field_name, mode, since, audience = stored
    return Activity(
        UUID(thing_id),
        field_name or None,
        ActivityMode(mode),
        datetime.fromtimestamp(since / 1000, UTC),
        frozenset(audience.split("\n")),
    )


def instant(milliseconds: bytes) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
