"""What one person gets of a workspace's log.

Rights change in the log's own order: a `Reader` holds somebody's audience tags
as they were read together with the head `as_of`. A change of rights up to
`as_of` is therefore already in the tags and is not applied again; a later one is
applied exactly where it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from uuid import UUID

from db.models import Event
from db.scope import MEMBERS_TAG
from realtime.commits import Commit
from realtime.cursor import Cursor

Matches = Callable[[Event], bool]


class Resync(StrEnum):
    """Why a client must fetch everything again and then go on from the batch's cursor."""

    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    ACCESS_CHANGED = "ACCESS_CHANGED"


@dataclass(frozen=True, slots=True)
class Seen:
    """An event, and whether its object was visible to the reader before it and is so after it; one of both is true.

    `is_all_seen`: the reader sees the whole workspace, so nothing that the event names is hidden from them.
    """

    event: Event
    before: bool
    after: bool
    is_all_seen: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything the reader may see up to `cursor` that they have not had before. With `resync` there are no events."""

    events: tuple[Seen, ...]
    cursor: Cursor
    is_caught_up: bool
    resync: Resync | None = None


class Change(Enum):
    """What a commit did to the reader's rights."""

    LOST = "lost"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Passage:
    """What a reader gets of one commit: their events up to `through`."""

    seen: list[Seen]
    through: int
    change: Change | None


def everything(event: Event) -> bool:
    """The predicate of a reader without a filter."""
    return True


Narrow = Callable[[frozenset[str]], frozenset[str] | None]
"""What is left of a person's tags for whoever reads on their behalf; None: nothing."""


def whole(tags: frozenset[str]) -> frozenset[str]:
    """Whoever reads for themselves has all of their tags."""
    return tags


@dataclass(slots=True)
class Reader:
    """A person, what they may see as of a seq of the log, and what of it they want."""

    person_id: UUID
    tags: frozenset[str]
    as_of: int
    matches: Matches = everything
    narrow: Narrow = whole

    def read(self, commit: Commit) -> Passage:
        """Pass one commit, each exactly once and in order. Once rights are LOST nothing more may be read."""
        seen: list[Seen] = []
        change: Change | None = None
        for event in commit.events:
            tags_before = self.tags
            revokes = event.revokes
            if revokes is not None and revokes.person_id in (None, self.person_id):
                if event.seq <= self.as_of:
                    # Already in our tags. What the person could see before it is not known any more, and what they
                    # were told then was judged by other tags: they have to fetch anew, which covers the rest.
                    return Passage(seen, event.seq - 1, Change.CHANGED)
                left = None if revokes.tags is None else self.narrow(revokes.tags)
                if left is None:
                    return Passage(seen, event.seq - 1, Change.LOST)
                if left != self.tags:
                    self.tags, change = left, Change.CHANGED
            before = not tags_before.isdisjoint(event.seen_before)
            after = not self.tags.isdisjoint(event.seen_after)
            if (before or after) and self.matches(event):
                seen.append(Seen(event, before, after, MEMBERS_TAG in tags_before and MEMBERS_TAG in self.tags))
        return Passage(seen, commit.last, change)
