"""Reads the log for the real-time core, taking only a small part of the connection pool.

When a thousand clients resume at once they queue here, not for the pool that
requests live on. The poll alone does not queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from db import workspaces
from db.gathering import Gathering
from db.log import read_events, read_heads
from db.models import Event, Head
from db.session import Database, Session
from realtime.commits import Commit, commits_of
from realtime.cursor import Cursor

PAGE = 500
READS_AT_ONCE = 8
CROWD_SECONDS = 0.01
"""How long those of a crowd who want to know where they stand wait for each other: a statement takes less than that, so
without it two thousand who come back would be told by a thousand statements."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The log and somebody's rights in one snapshot: `tags` are what they may see as of `head`."""

    head: Cursor
    floor_seq: int
    tags: frozenset[str] | None

    def holds(self, cursor: Cursor) -> bool:
        """Whether the log still has everything after `cursor`, and has come as far."""
        return cursor.epoch == self.head.epoch and self.floor_seq <= cursor.seq <= self.head.seq


class Log:
    """The log of every workspace. All methods raise Unavailable while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(READS_AT_ONCE)
        self._standings = Gathering(self._read_standings, CROWD_SECONDS)

    async def heads(self, workspace_ids: Sequence[UUID]) -> tuple[str, dict[UUID, Head]]:
        """-> the database's epoch, and the heads of those that are there."""

        return await self._database.alone(lambda session: read_heads(session, workspace_ids))

    async def page(self, workspace_id: UUID, *, after: int, through: int) -> list[Commit]:
        """The next commits in (after, through]: about 500 events, fewer only at the end."""

        async def read(session: Session) -> list[Event]:
            return await read_events(session, workspace_id, after=after, through=through, limit=PAGE)

        async with self._turns:
            return commits_of(await self._database.alone(read))

    async def standing(self, workspace_id: UUID, person_id: UUID) -> Standing | None:
        """Head, floor and rights in one snapshot; None if there is no such workspace.

        Many who ask at once share a statement, so that a thousand clients that come back do not queue for one each.
        """
        return await self._standings.ask((workspace_id, person_id))

    async def _read_standings(self, readers: Sequence[tuple[UUID, UUID]]) -> Mapping[tuple[UUID, UUID], Standing]:
        found = await self._database.alone(lambda session: workspaces.standings_by_readers(session, readers))
        return {
            reader: Standing(
                head=Cursor(one.head.workspace_id, one.epoch, one.head.seq),
                floor_seq=one.head.floor_seq,
                tags=None if one.grant is None else one.grant.tags,
            )
            for reader, one in found.items()
        }
