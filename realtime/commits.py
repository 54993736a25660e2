"""What one transaction wrote to a workspace's log: the unit in which events travel.

A commit is never cut, so nobody ever sees half of a change; only a reader whose
cursor lies inside one gets the rest of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from db.log import encode_events
from db.models import Event


@dataclass(frozen=True, slots=True)
class Commit:
    """Events with consecutive `seq`, at least one. `size`: about as many bytes as they take as a message."""

    events: tuple[Event, ...]
    size: int

    @property
    def first(self) -> int:
        return self.events[0].seq

    @property
    def last(self) -> int:
        return self.events[-1].seq

    def after(self, seq: int) -> Commit:
        """Without the events up to `seq`, which must leave some."""
        return self if seq < self.first else Commit(self.events[seq - self.first + 1 :], self.size)


def commits_of(events: Sequence[Event]) -> list[Commit]:
    """Events in order -> their commits in order."""
    grouped = (tuple(one) for _, one in groupby(events, key=lambda event: event.commit_seq))
    return [Commit(one, len(encode_events(one))) for one in grouped]
