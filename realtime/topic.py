"""One workspace inside this process: how far its log has been heard, the newest of it, and who listens.

Invariant: commits pass `_deliver` in order and without a hole, and delivering
never awaits. Whatever a message, a poll or a query says, it can only tell that
the log is longer than `last`; a hole is filled from the log and nowhere else.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING
from uuid import UUID

from db.errors import Unavailable
from realtime import messages
from realtime.commits import Commit
from realtime.counters import Counters
from realtime.log import Log

if TYPE_CHECKING:
    from realtime.group import Group

RING_EVENTS, RING_BYTES = 1_000, 4 * 1024 * 1024
INBOX_EVENTS, INBOX_BYTES = 1_000, 1024 * 1024
PATIENCE_SECONDS = 0.01
"""Two processes' messages may overtake each other: what is missing mostly comes by itself this soon."""
EARLY_COMMITS = 256
RETRY_SECONDS = 0.25

logger = logging.getLogger(__name__)


class Inbox:
    """What one listener has not taken yet. One that is full forgets it all and says so: the log still has it.

    `on_news` is called with every commit, and when the inbox breaks.
    """

    def __init__(self, on_news: Callable[[], None] | None = None) -> None:
        self._on_news = on_news
        self._commits: list[Commit] = []
        self._events = 0
        self._bytes = 0
        self._something = asyncio.Event()
        self.is_broken = False

    def offer(self, commit: Commit) -> None:
        self._events += len(commit.events)
        self._bytes += commit.size
        if self._events > INBOX_EVENTS or self._bytes > INBOX_BYTES:
            self.break_off()
        else:
            self._commits.append(commit)
            self._tell()

    def break_off(self) -> None:
        """Make the listener go back to the log."""
        self.is_broken = True
        self._commits.clear()
        self._tell()

    def _tell(self) -> None:
        self._something.set()
        if self._on_news is not None:
            self._on_news()

    @property
    def has_news(self) -> bool:
        """Whether there is something to take, or it is broken."""
        return bool(self._commits) or self.is_broken

    def take(self) -> list[Commit]:
        """Everything that waits."""
        taken, self._commits = self._commits, []
        self._events = self._bytes = 0
        if not self.is_broken:
            self._something.clear()
        return taken

    async def wait(self) -> None:
        """Until there is something, or it is broken."""
        await self._something.wait()


class Topic:
    """A workspace somebody here listens to. Made and dropped by the hub."""

    def __init__(self, workspace_id: UUID, log: Log, counters: Counters) -> None:
        self.workspace_id = workspace_id
        self.users = 0
        self.opened = asyncio.Event()
        self.opening: asyncio.Task[None] | None = None
        self.failure: Exception | None = None
        self.epoch = ""
        self.last = 0
        self._log = log
        self.counters = counters
        self._target = 0  # the log is known to reach this far
        self._ring: deque[Commit] = deque()
        self._ring_events = 0
        self._ring_bytes = 0
        self._early: dict[int, Commit] = {}  # heard before what comes first, by first seq
        self._inboxes: set[Inbox] = set()
        self._refilling: asyncio.Task[None] | None = None
        # By the epoch as well: elsewhere the same seq is another place.
        self._pages: dict[tuple[str, int], asyncio.Task[list[Commit]]] = {}
        self.groups: dict[Hashable, Group] = {}
        self.shown: dict[Hashable, bytes] = {}
        """What groups have rendered in this turn."""
        self.made: OrderedDict[Hashable, asyncio.Task[bytes | None]] = OrderedDict()

    def open(self, epoch: str, head_seq: int) -> None:
        """Begin at the head, as read from PostgreSQL after the channel was subscribed."""
        self.epoch, self.last = epoch, head_seq
        self.opened.set()
        self.expect(head_seq)

    def start_anew(self, epoch: str, head_seq: int) -> None:
        """Begin again elsewhere: the database was replaced, or part of the log is gone. All listeners must look."""
        self.epoch, self.last, self._target = epoch, head_seq, head_seq
        self._early.clear()
        self._ring.clear()
        self._ring_events = self._ring_bytes = 0
        for inbox in self._inboxes:
            inbox.break_off()

    def close(self) -> None:
        for task in (self.opening, self._refilling, *self._pages.values()):
            if task is not None:
                task.cancel()

    def listen(self, on_news: Callable[[], None] | None = None) -> Inbox:
        """An inbox for every commit after `last` as it is now: nothing may be awaited between reading it and this."""
        inbox = Inbox(on_news)
        self._inboxes.add(inbox)
        return inbox

    def leave(self, inbox: Inbox) -> None:
        self._inboxes.discard(inbox)

    def recent(self, seq: int) -> list[Commit] | None:
        """The commits after `seq` from memory; None if it does not reach back so far."""
        if not self._ring or seq < self._ring[0].first - 1:
            return None
        found: list[Commit] = []
        for commit in reversed(self._ring):
            if commit.last <= seq:
                break
            found.append(commit)
        return found[::-1]

    async def page(self, after: int, through: int) -> list[Commit]:
        """The next commits after `after` from the log, perhaps not as far as `through`. Raises Unavailable.

        Those who ask for the same share a read, and what was read is kept for those to come if it reaches up to the
        newest: when a process has just begun, thousands resume from where its memory does not reach yet.
        """
        key = (self.epoch, after)
        reading = self._pages.get(key)
        if reading is None:
            reading = self._pages[key] = asyncio.create_task(self._read_page(key, through))
            reading.add_done_callback(_look_at)  # perhaps nobody waits for it any more
        return await asyncio.shield(reading)

    async def _read_page(self, key: tuple[str, int], through: int) -> list[Commit]:
        epoch, after = key
        try:
            page = await self._log.page(self.workspace_id, after=after, through=through)
        finally:
            del self._pages[key]
        self.counters.replays += 1
        if epoch == self.epoch:
            self._remember(page)
        return page

    def _remember(self, page: list[Commit]) -> None:
        """Put older commits before the ring, as far as they adjoin it and there is room."""
        for commit in reversed(page):
            beginning = self._ring[0].first if self._ring else self.last + 1
            events, size = self._ring_events + len(commit.events), self._ring_bytes + commit.size
            if commit.last + 1 > beginning:
                continue  # in it already, or newer than what has been heard
            if commit.last + 1 < beginning or events > RING_EVENTS or size > RING_BYTES:
                return
            self._ring.appendleft(commit)
            self._ring_events, self._ring_bytes = events, size

    def hear(self, message: bytes) -> None:
        """A message from Redis. Raises ValueError if it is malformed."""
        first, last, body = messages.decode_range(message)
        if self.opened.is_set() and last <= self.last:
            self.counters.stale_hints += 1
        elif body and self.opened.is_set():
            self._offer(messages.decode_commit(first, last, body))
        else:
            self.expect(last)

    def expect(self, seq: int) -> None:
        """The log reaches at least to `seq`: get what is missing."""
        self._target = max(self._target, seq)
        if self.opened.is_set() and self._target > self.last and self._refilling is None:
            self._refilling = asyncio.create_task(self._refill())

    def _offer(self, commit: Commit) -> None:
        if commit.first == self.last + 1:
            self._deliver(commit)
            while (following := self._early.pop(self.last + 1, None)) is not None:
                self._deliver(following)
        elif commit.first > self.last:
            if len(self._early) < EARLY_COMMITS:
                self._early[commit.first] = commit
            self.expect(commit.last)

    def _deliver(self, commit: Commit) -> None:
        self.last = commit.last
        self._ring.append(commit)
        self._ring_events += len(commit.events)
        self._ring_bytes += commit.size
        while self._ring_events > RING_EVENTS or self._ring_bytes > RING_BYTES:
            oldest = self._ring.popleft()
            self._ring_events -= len(oldest.events)
            self._ring_bytes -= oldest.size
        for inbox in self._inboxes:
            if inbox.is_broken:
                continue
            inbox.offer(commit)
            if inbox.is_broken:
                self.counters.overflows += 1
            else:
                self.counters.deliveries += 1

    async def _refill(self) -> None:
        """Read what is missing, one reader per workspace, until the target is reached."""
        try:
            await asyncio.sleep(PATIENCE_SECONDS)
            while self.last < self._target:
                epoch, after = self.epoch, self.last
                try:
                    page = await self._log.page(self.workspace_id, after=after, through=self._target)
                except Unavailable:
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                self.counters.refills += 1
                if epoch == self.epoch:
                    self._fill(page, after)
        except Exception:
            logger.exception("The log of workspace %s could not be read; the next poll tries again.", self.workspace_id)
        finally:
            self._refilling = None
            self._early = {first: commit for first, commit in self._early.items() if first > self.last}

    def _fill(self, page: list[Commit], after: int) -> None:
        if not page:
            self._target = self.last  # somebody told of events that are not there
        elif page[0].first > after + 1 and self.last == after:
            target = self._target
            self.start_anew(self.epoch, page[0].first - 1)  # what was missing has been pruned
            self._target = target
        for commit in page:
            if commit.first > self.last:
                self._offer(commit)


def _look_at(task: asyncio.Task[list[Commit]]) -> None:
    """A failure that nobody hears of is not worth a line in the log."""
    if not task.cancelled():
        task.exception()
