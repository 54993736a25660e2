"""What one process knows of one workspace's presence: the tabs it holds there, whose they are, and the room.

Invariant: `attendees` are those of people who have a tab here and nobody else's, as the log keeps only them current.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from db.presence import Attendee
from realtime.presence_room import Room
from realtime.presence_state import Status


@dataclass(eq=False, slots=True)
class Tab:
    """A socket of somebody in one workspace."""

    person_id: UUID
    id: UUID
    uses: int = 0
    attendee: Attendee | None = None
    status: Status | None = None

    @property
    def is_shown(self) -> bool:
        return self.attendee is not None and self.attendee.is_shown and self.status is not Status.OFFLINE


@dataclass(eq=False, slots=True)
class Place:
    """One workspace in this process, while a tab or a viewer is there."""

    workspace_id: UUID
    room: Room
    users: int = 0
    tabs: dict[tuple[UUID, UUID], Tab] = field(default_factory=dict)
    tab_counts: Counter[UUID] = field(default_factory=Counter)
    attendees: dict[UUID, Attendee] = field(default_factory=dict)
    """Those who have a tab here, by person; the log keeps them current, so the next tab need not ask."""
    member_ids: set[UUID] = field(default_factory=set)
    """The ids of these attendees."""
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    heeds: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the log is followed: rights that are read before that might change unheard."""
    heeding: asyncio.Task[None] | None = None
    loading: asyncio.Task[None] | None = None
    is_load_wanted: bool = False
    is_inhabited: bool = False
    """Whether anybody who belongs there had a tab here: a stranger's leaves nothing to be swept."""
    swept_to: tuple[bytes, int] | None = None

    def know(self, person_id: UUID, attendee: Attendee) -> None:
        """What there is to know of somebody who has a tab here."""
        if person_id in self.tab_counts:
            self.attendees[person_id] = attendee
            self.member_ids.add(attendee.id)

    def lose_tab(self, person_id: UUID) -> None:
        """One tab of somebody less."""
        self.tab_counts[person_id] -= 1
        if not self.tab_counts[person_id]:
            del self.tab_counts[person_id]
            attendee = self.attendees.pop(person_id, None)
            if attendee is not None:
                self.member_ids.discard(attendee.id)
