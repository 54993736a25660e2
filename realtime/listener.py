"""A place in a workspace's log that moves forward, whoever it is for.

Start, resume, a full inbox and a hole have one remedy: read on from `seq`, from
memory if it reaches so far and else from the log. Invariant: between seeing that
`seq` has reached the topic's `last` and opening the inbox nothing is awaited, so
nothing can fall between the log and the inbox.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from db.errors import Unavailable
from realtime.commits import Commit
from realtime.cursor import Cursor
from realtime.topic import RETRY_SECONDS, Inbox, Topic

BATCH_EVENTS, BATCH_BYTES = 100, 256 * 1024


class Expired(Exception):
    """The log no longer has what comes next: it was pruned, or the database is another one."""


class Listener:
    """Commits after `seq`, each once, in order. Close it in the end.

    `on_news` is called whenever something comes once `now` has given nothing. It is forgotten in the end, as it mostly
    refers to who has the listener.
    """

    def __init__(self, topic: Topic, on_news: Callable[[], None] | None = None) -> None:
        self._on_news = on_news
        self._topic = topic
        self._waiting: deque[Commit] = deque()
        self._inbox: Inbox | None = None
        self._reach = 0
        self._epoch = ""
        self.seq = 0

    def seek(self, cursor: Cursor, reach: int) -> None:
        """Go on after `cursor`. The log is known to reach to `reach`, even if this process has not heard of it yet."""
        self._stop()
        self.seq, self._epoch, self._reach = cursor.seq, cursor.epoch, reach

    def close(self) -> None:
        """Hear of nothing more; `seek` goes on without telling of news."""
        self._stop()
        self._on_news = None

    def _stop(self) -> None:
        self._waiting.clear()
        if self._inbox is not None:
            self._topic.leave(self._inbox)
            self._inbox = None

    @property
    def has_more(self) -> bool:
        """Whether there is something that `now` has not given yet, and that `on_news` was called for already."""
        return bool(self._waiting) or (self._inbox is not None and self._inbox.has_news)

    @property
    def end(self) -> int:
        """How far the log is known to reach."""
        return max(self._topic.last, self._reach)

    @property
    def cursor(self) -> Cursor:
        return Cursor(self._topic.workspace_id, self._epoch, self.seq)

    def now(self) -> list[Commit] | None:
        """The next commits of those that are here, at most about 100 events or 256 KiB; None: the log must be read.

        Raises Expired.
        """
        if self._topic.epoch != self._epoch:
            raise Expired
        if chunk := self._chunk():
            return chunk
        if self._inbox is not None and self._inbox.is_broken:
            self._stop()
        if self._inbox is None:
            if self.seq < self.end:
                return None
            self._inbox = self._topic.listen(self._on_news)
        self._waiting.extend(self._inbox.take())
        chunk = self._chunk()
        return None if not chunk and self._inbox is None else chunk

    async def read(self, until: float) -> list[Commit]:
        """The next commits, however long it takes; nothing if `until` (loop time) comes first. Raises Expired."""
        loop = asyncio.get_running_loop()
        while True:
            if chunk := self.now():
                return chunk
            if loop.time() >= until:
                return []
            if self._inbox is None:
                try:
                    await self._replay()
                except Unavailable:
                    await asyncio.sleep(RETRY_SECONDS)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await self._inbox.wait()

    async def _replay(self) -> None:
        """Have the next commits wait, from memory or from the log. Raises Expired, Unavailable."""
        recent = self._topic.recent(self.seq)
        if recent:
            self._waiting.extend(recent)
            self._topic.counters.ring_replays += 1
            return
        page = await self._topic.page(self.seq, self.end)
        if not page or page[0].first != self.seq + 1:
            raise Expired
        self._waiting.extend(page)

    def _chunk(self) -> list[Commit]:
        """Take what waits and comes next, up to the size of a batch. A hole sends us back to the log."""
        chunk: list[Commit] = []
        events = size = 0
        while self._waiting:
            commit = self._waiting[0]
            if commit.last <= self.seq:
                self._waiting.popleft()
                continue
            commit = commit.after(self.seq)
            if commit.first != self.seq + 1:
                self._stop()
                break
            if chunk and (events + len(commit.events) > BATCH_EVENTS or size + commit.size > BATCH_BYTES):
                break
            self._waiting.popleft()
            chunk.append(commit)
            self.seq = commit.last
            events, size = events + len(commit.events), size + commit.size
        return chunk
