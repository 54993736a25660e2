"""Reads what people are told for all who were woken together: one snapshot, and one statement of each kind.

A comment that mentions fifty wakes fifty; each reading by themselves would wait for the forty-nine before.

Invariant: everybody is judged by rights of their own, of the same snapshot. What several read together is only what
each of them sees, and nothing that is somebody's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from dataloaders.loaders import Loaders
from db.news import News, news_of
from db.scope import Scope
from db.session import Database, Part, Session
from domain import access

MAX_AT_ONCE = 100
"""So many share a snapshot: the first of them wait until the last is read."""
MAX_SNAPSHOTS = 4
"""So many are held at once: a thousand who are woken leave connections for others."""
HELD_SECONDS = 5.0
"""PostgreSQL ends a transaction that rests for so long."""


@dataclass(frozen=True, slots=True)
class Found:
    """One reader's news, with the snapshot that these are of and what is read along with it. Close `part`."""

    news: News
    scope: Scope
    part: Part
    common: Loaders | None


@dataclass(frozen=True, slots=True)
class _Reader:
    user_id: UUID
    after: int | None
    found: asyncio.Future[Found]


class Newsroom:
    """One per process. `most`: so many changes make a batch; more are told as a snapshot."""

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._most = most
        self._waiting: list[_Reader] = []
        self._turns = asyncio.Semaphore(MAX_SNAPSHOTS)
        self._serving: set[asyncio.Task[None]] = set()

    async def read(self, user_id: UUID, after: int | None) -> Found:
        """What somebody's notifications became after a number, read together with all who ask in this turn of the loop.

        Raises Unavailable.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._begin)
        reader = _Reader(user_id, after, loop.create_future())
        self._waiting.append(reader)
        try:
            return await reader.found
        except asyncio.CancelledError:
            if not reader.found.cancelled() and reader.found.exception() is None:
                await reader.found.result().part.close()  # it was answered in this very moment
            raise

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), MAX_AT_ONCE):
            task = asyncio.create_task(self._serve(waiting[start : start + MAX_AT_ONCE]))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    async def _serve(self, readers: Sequence[_Reader]) -> None:
        async with self._turns:
            snapshot = self._database.shared_reading()
            mine = snapshot.part()
            try:
                scopes = await access.scopes_of(snapshot, {one.user_id for one in readers})
                news = await news_of(snapshot, [(one.user_id, one.after) for one in readers], scopes, self._most)
                commons = _Commons(snapshot)
                for reader, own in zip(readers, news, strict=True):
                    if not reader.found.done():
                        scope = scopes[reader.user_id]
                        reader.found.set_result(Found(own, scope, snapshot.part(), commons.of(scope, own)))
            except Exception as error:  # noqa: BLE001 - each of them raises it
                for reader in readers:
                    if not reader.found.done():
                        reader.found.set_exception(error)
            finally:
                await mine.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(HELD_SECONDS):
                    await snapshot.ended.wait()


class _Commons:
    """What is read once for all who see the same of what is shown to them."""

    def __init__(self, reading: Session) -> None:
        self._reading = reading
        self._loaders: dict[Scope, Loaders] = {}

    def of(self, scope: Scope, news: News) -> Loaders | None:
        """None where there is little that others are shown as well."""
        if news.is_snapshot or not news.shown:
            return None
        sight = scope.narrowed({one.workspace_id for one in news.shown}, news.project_ids)
        if sight not in self._loaders:

            async def seen() -> Scope:
                return sight

            self._loaders[sight] = Loaders(self._reading, seen)
        return self._loaders[sight]
