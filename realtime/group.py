"""Followers who get the same bytes: the same rights, the same wishes. What happens is rendered once and given to all.

A follower comes in when they have caught up, and stands in one `Seat`. Whatever concerns one of them alone (a change of
their rights, an event meant for them) is not rendered here: they leave just before it, are served on their own from
exactly there, and come back.

Invariant: what a seat gets is exactly what comes after the place in the log where it was taken, once, in order, up to
`position`, where it was left. Giving never waits; only rendering does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from realtime.commits import Commit
from realtime.cursor import Cursor
from realtime.listener import Expired, Listener
from realtime.log import Log
from realtime.reader import Batch, Reader, Seen

if TYPE_CHECKING:
    from realtime.topic import Topic

FANOUT_AT_ONCE = 250
"""Seats served before the loop may do something else."""
HELD_EVENTS, HELD_BYTES = 1_000, 1024 * 1024
"""What a seat may keep for a follower who has not opened it yet."""
_NOBODY = UUID(int=0)

Render = Callable[[Batch], Awaitable[bytes]]

logger = logging.getLogger(__name__)


class CannotShare(Exception):
    """This batch must be rendered for each follower."""


class Outlet(Protocol):
    """Where one follower's finished messages go."""

    def deliver(self, payload: bytes, events: int) -> None:
        """Pass a message on. Never waits, never raises; whoever cannot keep up is dropped elsewhere."""


class Terms(Protocol):
    """On what terms a follower shares."""

    @property
    def outlet(self) -> Outlet:
        """Where what is shared goes."""

    @property
    def key(self) -> Hashable:
        """Followers of a workspace with equal keys and equal shared tags get the same bytes."""

    def tags(self, tags: frozenset[str]) -> frozenset[str]:
        """Of somebody's audience tags, those that are not of them alone."""

    def renderer(self, tags: frozenset[str]) -> Render:
        """Renders for all with these shared tags. The rendering may raise CannotShare.

        It must not keep the follower alive.
        """


class Seat:
    """One follower's place in a group. Wait for `left`; then `position` is where to go on."""

    __slots__ = (
        "_held",
        "_held_bytes",
        "_held_events",
        "_is_open",
        "is_full",
        "left",
        "outlet",
        "own_tags",
        "person_id",
        "position",
    )

    def __init__(self, outlet: Outlet, person_id: UUID, own_tags: frozenset[str], position: int) -> None:
        self.outlet = outlet
        self.person_id = person_id
        self.own_tags = own_tags
        self.position = position
        self.left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_full = False
        self._is_open = False
        self._held: list[tuple[bytes, int]] = []
        self._held_events = 0
        self._held_bytes = 0

    def open(self) -> None:
        """What came before has been sent: pass on what was held, and from now on everything at once."""
        self._is_open = True
        for payload, events in self._held:
            self.outlet.deliver(payload, events)
        self._held.clear()

    def give(self, payload: bytes, events: int, through: int) -> None:
        """Pass a message on, or hold it; a seat that `is_full` has not taken it and must be left."""
        if self._is_open:
            self.outlet.deliver(payload, events)
        else:
            self._held_events += events
            self._held_bytes += len(payload)
            if self._held_events > HELD_EVENTS or self._held_bytes > HELD_BYTES:
                self.is_full = True
                return
            self._held.append((payload, events))
        self.position = through


class Group:
    """One for each key and topic; runs while somebody has a seat."""

    def __init__(self, topic: Topic, log: Log, key: Hashable, render: Render, reader: Reader, pause: float) -> None:
        self._topic = topic
        self._key = key
        self._pause = pause
        self._render = render
        self._reader = reader
        self._listener = Listener(topic, log)
        self._listener.seek(Cursor(topic.workspace_id, topic.epoch, topic.last), topic.last)
        self._position = topic.last  # everything up to here has been given
        self._cuts: set[int] = set()  # where seats were taken ahead of that
        self._seats: set[Seat] = set()
        self._by_person: defaultdict[UUID, set[Seat]] = defaultdict(set)
        self._by_tag: defaultdict[str, set[Seat]] = defaultdict(set)
        self._running = asyncio.create_task(self._run())

    def take(self, seat: Seat) -> None:
        self._seats.add(seat)
        if seat.position > self._position:
            self._cuts.add(seat.position)
        self._by_person[seat.person_id].add(seat)
        for tag in seat.own_tags:
            self._by_tag[tag].add(seat)

    def leave(self, seat: Seat) -> None:
        """Give a seat back; its `position` is where to go on."""
        if seat not in self._seats:
            return
        if not seat.is_full:
            seat.position = max(seat.position, self._position)
        self._seats.discard(seat)
        _discard(self._by_person, seat.person_id, seat)
        for tag in seat.own_tags:
            _discard(self._by_tag, tag, seat)
        if not seat.left.done():
            seat.left.set_result(None)
        if not self._seats:
            self._forget()
            self._running.cancel()

    def _forget(self) -> None:
        if self._topic.groups.get(self._key) is self:
            del self._topic.groups[self._key]

    async def _run(self) -> None:
        try:
            await self._follow()
        except Expired:
            pass  # each of them learns what to do about it
        except Exception:
            logger.exception(
                "A group of workspace %s failed; its followers go on by themselves.", self._topic.workspace_id
            )
        finally:
            self._forget()
            self._listener.close()
            for seat in list(self._seats):
                self.leave(seat)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        due_at = loop.time() + self._pause
        while True:
            commits = await self._listener.read(until=due_at)
            is_due = loop.time() >= due_at
            for run in self._runs(commits):
                self._part_with(self._named(run[0]))
                seen: list[Seen] = []
                for commit in run:
                    seen += self._reader.read(commit).seen
                through = run[-1].last
                if seen or is_due:
                    await self._give(tuple(seen), through)
                    due_at, is_due = loop.time() + self._pause, False
                self._move_to(through)
            if is_due and not commits:
                await self._give((), self._position)
                due_at = loop.time() + self._pause

    def _runs(self, commits: list[Commit]) -> Iterator[list[Commit]]:
        """Cut what came where somebody has to leave before it, and where a seat was taken after it."""
        run: list[Commit] = []
        for commit in commits:
            if run and (run[-1].last in self._cuts or self._named(commit)):
                yield run
                run = []
            run.append(commit)
        if run:
            yield run

    def _named(self, commit: Commit) -> set[Seat]:
        """Whom a commit concerns as persons."""
        named: set[Seat] = set()
        for event in commit.events:
            if event.revokes is not None:
                person = event.revokes.person_id
                named |= self._seats if person is None else self._by_person.get(person, set())
            for tag in event.seen_before | event.seen_after:
                named |= self._by_tag.get(tag, set())
        return named

    def _part_with(self, seats: set[Seat]) -> None:
        for seat in list(seats):
            self.leave(seat)

    async def _give(self, seen: tuple[Seen, ...], through: int) -> None:
        cursor = Cursor(self._topic.workspace_id, self._topic.epoch, through)
        try:
            payload = await self._render(Batch(seen, cursor, through >= self._listener.end))
        except CannotShare:
            self._topic.counters.unshared += 1
            self._part_with(self._seats)
            return
        counters = self._topic.counters
        counters.group_batches += 1
        given = 0
        for seat in list(self._seats):
            if seat.position > through or (seat.position == through and seen):
                continue  # taken later: they have it already
            if seat not in self._seats:
                continue  # left meanwhile
            seat.give(payload, len(seen), through)
            if seat.is_full:
                self.leave(seat)
            given += 1
            if given % FANOUT_AT_ONCE == 0:
                await asyncio.sleep(0)
        counters.group_deliveries += given

    def _move_to(self, through: int) -> None:
        self._position = through
        if self._cuts:
            self._cuts = {cut for cut in self._cuts if cut > through}


def take_seat(
    topic: Topic, log: Log, terms: Terms, reader: Reader, had: Cursor, pause: float
) -> tuple[Group, Seat] | None:
    """A seat for a follower who has had everything up to `had`, the end of the log as known here; None: not shared.

    One step of the event loop, so that nothing falls between what they had and what the seat gets.
    """
    if had.epoch != topic.epoch or had.seq < topic.last:
        return None
    tags = terms.tags(reader.tags)
    key = (terms.key, tags)
    group = topic.groups.get(key)
    if group is None:
        nobody = Reader(_NOBODY, tags, topic.last, reader.matches)
        group = topic.groups[key] = Group(topic, log, key, terms.renderer(tags), nobody, pause)
    seat = Seat(terms.outlet, reader.person_id, reader.tags - tags, had.seq)
    group.take(seat)
    return group, seat


def _discard(seats: defaultdict[UUID, set[Seat]] | defaultdict[str, set[Seat]], key: UUID | str, seat: Seat) -> None:
    found = seats[key]  # type: ignore[index]
    found.discard(seat)
    if not found:
        del seats[key]  # type: ignore[arg-type]
