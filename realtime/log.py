"""Reads the log for the real-time core, taking only a small part of the connection pool.

When a thousand clients resume at once they queue here, not for the pool that
requests live on. The poll alone does not queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from db.log import heads_by_workspace_ids, read_epoch, read_events
from db.models import Event, Head
from db.session import Database, Session
from realtime.commits import Commit, commits_of
from realtime.cursor import Cursor

PAGE = 500
READS_AT_ONCE = 8

ReadRights = Callable[[Session], Awaitable[frozenset[str] | None]]
"""Reads somebody's audience tags in one workspace on the given snapshot; None: they may not see it."""


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

    async def heads(self, workspace_ids: Sequence[UUID]) -> tuple[str, dict[UUID, Head]]:
        """-> the database's epoch, and the heads of those that are there."""

        async def read(session: Session) -> tuple[str, dict[UUID, Head]]:
            return await read_epoch(session), await heads_by_workspace_ids(session, workspace_ids)

        return await self._database.alone(read)

    async def page(self, workspace_id: UUID, *, after: int, through: int) -> list[Commit]:
        """The next commits in (after, through]: about 500 events, fewer only at the end."""

        async def read(session: Session) -> list[Event]:
            return await read_events(session, workspace_id, after=after, through=through, limit=PAGE)

        async with self._turns:
            return commits_of(await self._database.alone(read))

    async def standing(self, workspace_id: UUID, read_rights: ReadRights) -> Standing | None:
        """Head, floor and rights in one snapshot; None if there is no such workspace."""
        async with self._turns:
            session = self._database.reading()
            try:
                head = (await heads_by_workspace_ids(session, [workspace_id])).get(workspace_id)
                if head is None:
                    return None
                epoch = await read_epoch(session)
                return Standing(Cursor(workspace_id, epoch, head.seq), head.floor_seq, await read_rights(session))
            finally:
                await session.close()
