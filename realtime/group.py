"""Followers who get the same bytes: the same rights, the same wishes. What happens is rendered once and given to all.

A follower comes in when they have caught up, and stands in one `Seat`. Whatever concerns one of them alone (a change of
their rights, an event meant for them) is not rendered here: they leave just before it, are served on their own from
exactly there, and come back.

Invariant: what a seat gets is exactly what comes after the place in the log where it was taken, once, in order, up to
`position`, where it was left. Giving never waits; only rendering does. A group is of one epoch, and so are its seats
and all it gives: who comes after the database was restored sits in another one, however long the old one still renders.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from realtime.commits import Commit
from realtime.cursor import Cursor
from realtime.listener import Expired, Listener
from realtime.reader import Batch, Reader, Seen
from realtime.turn import turn

if TYPE_CHECKING:
    from realtime.topic import Topic

FANOUT_AT_ONCE = 250
"""Seats served before the loop may do something else."""
HELD_EVENTS, HELD_BYTES = 1_000, 1024 * 1024
"""What a seat may keep for a follower who has not opened it yet."""
LOOK_SECONDS = 0.1
"""How soon to look again whether a checkpoint is due, while something is being given."""
REMEMBERED = 32
"""Batches of a workspace that are kept as they were sent."""
_NOBODY = UUID(int=0)

logger = logging.getLogger(__name__)


class CannotShare(Exception):
    """This batch must be rendered for each follower."""


class Renderer(Protocol):
    """Makes a batch the bytes that all followers of a group get. It must not keep any of them alive."""

    def at_once(self, batch: Batch) -> bytes | None:
        """Without waiting, so by nothing but the batch; None when that cannot be done."""

    async def later(self, batch: Batch) -> bytes:
        """Raises CannotShare."""


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

    def renderer(self, tags: frozenset[str]) -> Renderer:
        """Renders for all with these shared tags."""


class Seat:
    """One follower's place in a group. Wait for `left`; then `position` is where to go on."""

    __slots__ = (
        "_held",
        "_held_bytes",
        "_held_events",
        "deliver",
        "is_full",
        "is_open",
        "left",
        "own_tags",
        "person_id",
        "position",
    )

    def __init__(self, outlet: Outlet, person_id: UUID, own_tags: frozenset[str], position: int) -> None:
        self.deliver = outlet.deliver
        self.person_id = person_id
        self.own_tags = own_tags
        self.position = position
        self.left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_full = False
        self.is_open = False
        self._held: list[tuple[bytes, int]] = []
        self._held_events = 0
        self._held_bytes = 0

    def open(self) -> None:
        """What came before has been sent: pass on what was held, and from now on everything at once."""
        self.is_open = True
        for payload, events in self._held:
            self.deliver(payload, events)
        self._held.clear()

    def give(self, payload: bytes, events: int, through: int) -> None:
        """Pass a message on, or hold it; a seat that `is_full` has not taken it and must be left."""
        if self.is_open:
            self.deliver(payload, events)
        else:
            self._held_events += events
            self._held_bytes += len(payload)
            if self._held_events > HELD_EVENTS or self._held_bytes > HELD_BYTES:
                self.is_full = True
                return
            self._held.append((payload, events))
        self.position = through


Key = tuple[Hashable, frozenset[str], str]
"""What a group's followers have in common: their terms' key, their shared tags, and the epoch of their log."""


class Group:
    """One for each key and topic; there while somebody has a seat.

    What can be rendered without waiting is given in the turn of the loop in which it came; else a task does it, and
    meanwhile the listener gathers what comes next.
    """

    def __init__(self, topic: Topic, key: Key, renderer: Renderer, reader: Reader, pause: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._topic = topic
        self._key = key
        self._start = Cursor(topic.workspace_id, topic.epoch, topic.last)
        self._renderer = renderer
        self._reader = reader
        self._listener = Listener(topic, self._wake)
        self._listener.seek(self._start, topic.last)
        self._position = topic.last  # everything up to here has been given
        self._cuts: set[int] = set()  # where seats were taken ahead of that
        self._seats: set[Seat] = set()
        self._by_person: defaultdict[UUID, set[Seat]] = defaultdict(set)
        self._by_tag: defaultdict[str, set[Seat]] = defaultdict(set)
        self._work: asyncio.Task[None] | None = None
        self._is_woken = False
        self._pause = pause
        self._given_at = self._loop.time()
        self._checkpoint = self._loop.call_later(pause, self._check)
        self._listener.now()  # there is nothing yet, but from here on it hears of everything

    @property
    def size(self) -> int:
        """How many it serves."""
        return len(self._seats)

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
            self._close()

    def _close(self) -> None:
        if self._topic.groups.get(self._key) is self:
            del self._topic.groups[self._key]
        self._checkpoint.cancel()
        self._listener.close()
        if self._work is not None:
            self._work.cancel()

    # In the turn of the loop in which something came

    def _wake(self) -> None:
        if not self._is_woken and self._work is None:
            self._is_woken = True
            # At its end, so that what comes in one go is rendered in one go.
            turn.render(self._turn)

    def _turn(self) -> None:
        self._is_woken = False
        if not self._seats or self._work is not None:
            return
        try:
            rest = self._listener.now()
            if rest is None or (rest := self._pass_on(rest)):
                self._work = self._loop.create_task(self._pass_on_later(rest or []))
            elif self._listener.has_more:
                self._wake()
        except Exception as error:  # noqa: BLE001 - said there
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Whatever it is, nobody is left without their events: each learns alone what to do about it."""
        if not isinstance(error, Expired | CannotShare):
            logger.error("A group of %s failed; its followers go on alone.", self._topic.workspace_id, exc_info=error)
        self._topic.counters.groups_ended += 1
        for seat in list(self._seats):
            self.leave(seat)

    def _pass_on(self, commits: list[Commit]) -> list[Commit]:
        """Give what can be given without waiting; -> what is left over."""
        done = 0
        for run in self._runs(commits):
            self._part_with(self._named(run[0]))
            batch = self._batch(run) if self._seats else None
            if batch is not None and not self._give_at_once(batch):
                return commits[done:]
            done += len(run)
            self._move_to(run[-1].last)
        return []

    def _give_at_once(self, batch: Batch) -> bool:
        if len(self._seats) > FANOUT_AT_ONCE:
            return False
        payload = self._rendered_at_once(batch)
        if payload is None:
            return False
        events, through = len(batch.events), batch.cursor.seq
        for seat in list(self._seats):
            if seat.is_open and seat.position < through:
                seat.position = through
                seat.deliver(payload, events)
            else:
                self._give_to(seat, batch, payload)
        self._count(len(self._seats))
        return True

    def _rendered_at_once(self, batch: Batch) -> bytes | None:
        """The same bytes for groups who differ in rights only, where these make no difference to what is seen."""
        topic = self._topic
        if len(topic.groups) < 2:
            return self._renderer.at_once(batch)
        seen = tuple((one.event.seq, one.before, one.after, one.is_all_seen) for one in batch.events)
        key = (self._key[0], seen, batch.cursor.epoch, batch.cursor.seq, batch.is_caught_up)
        payload = topic.shown.get(key)
        if payload is None and (payload := self._renderer.at_once(batch)) is not None:
            if not topic.shown:
                turn.write(topic.shown.clear)  # they are rendered in the same turn
            topic.shown[key] = payload
        return payload

    def _check(self) -> None:
        """Give a checkpoint when there was nothing to give for a while."""
        due_at = self._given_at + self._pause
        if self._loop.time() >= due_at and self._work is None:
            due_at = self._loop.time() + self._pause
            try:
                batch = self._checkpoint_batch()
                if not self._give_at_once(batch):
                    self._work = self._loop.create_task(self._pass_on_later([], batch))
            except Exception as error:  # noqa: BLE001 - said there
                self._fail(error)
        if self._seats:
            self._checkpoint = self._loop.call_at(max(due_at, self._loop.time() + LOOK_SECONDS), self._check)

    # With waiting

    async def _pass_on_later(self, commits: list[Commit], checkpoint: Batch | None = None) -> None:
        """Give these, and what came meanwhile, until nothing is left."""
        try:
            if checkpoint is not None:
                await self._give(checkpoint)
            while self._seats:
                for run in self._runs(commits):
                    self._part_with(self._named(run[0]))
                    batch = self._batch(run) if self._seats else None
                    if batch is not None:
                        await self._give(batch)
                    self._move_to(run[-1].last)
                found = self._listener.now() if self._seats else []
                if found == []:
                    break
                commits = found or await self._listener.read(until=self._loop.time() + self._pause)
        except Exception as error:  # noqa: BLE001 - said there
            self._fail(error)
        finally:
            self._work = None

    async def _give(self, batch: Batch) -> None:
        payload = self._renderer.at_once(batch) or await self._renderer.later(batch)
        given = 0
        for seat in list(self._seats):
            if seat not in self._seats:
                continue  # left meanwhile
            self._give_to(seat, batch, payload)
            given += 1
            if given % FANOUT_AT_ONCE == 0:
                await asyncio.sleep(0)
        self._count(given)

    # Both ways

    def _batch(self, run: list[Commit]) -> Batch | None:
        """What a run of commits tells; None if that is nothing."""
        seen: list[Seen] = []
        for commit in run:
            seen += self._reader.read(commit).seen
        return self._batch_at(run[-1].last, tuple(seen)) if seen else None

    def _checkpoint_batch(self) -> Batch:
        return self._batch_at(self._position, ())

    def _batch_at(self, through: int, seen: tuple[Seen, ...]) -> Batch:
        return Batch(seen, self._start.at(through), through >= self._listener.end)

    def _runs(self, commits: list[Commit]) -> Iterator[list[Commit]]:
        """Cut what came where somebody has to leave before it, and where a seat was taken after it.

        What one yields must be passed before the next is asked for: by then it may concern others.
        """
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
            for tag in event.seen_before:
                if tag in self._by_tag:
                    named |= self._by_tag[tag]
            for tag in event.seen_after:
                if tag in self._by_tag:
                    named |= self._by_tag[tag]
        return named

    def _part_with(self, seats: set[Seat]) -> None:
        for seat in list(seats):
            self.leave(seat)

    def _give_to(self, seat: Seat, batch: Batch, payload: bytes) -> None:
        through = batch.cursor.seq
        if seat.position > through or (seat.position == through and batch.events):
            return  # taken later: they have it already
        seat.give(payload, len(batch.events), through)
        if seat.is_full:
            self.leave(seat)

    def _move_to(self, through: int) -> None:
        self._position = through
        if self._cuts:
            self._cuts = {cut for cut in self._cuts if cut > through}

    def _count(self, given: int) -> None:
        self._given_at = self._loop.time()
        self._topic.counters.group_batches += 1
        self._topic.counters.group_deliveries += given


def take_seat(topic: Topic, terms: Terms, reader: Reader, had: Cursor, pause: float) -> tuple[Group, Seat] | None:
    """A seat for a follower who has had everything up to `had`, the end of the log as known here; None: not shared.

    One step of the event loop, so that nothing falls between what they had and what the seat gets.
    """
    if had.epoch != topic.epoch or had.seq < topic.last:
        return None
    tags = terms.tags(reader.tags)
    key = (terms.key, tags, topic.epoch)
    group = topic.groups.get(key)
    if group is None:
        nobody = Reader(_NOBODY, tags, topic.last, reader.matches)
        group = topic.groups[key] = Group(topic, key, terms.renderer(tags), nobody, pause)
    seat = Seat(terms.outlet, reader.person_id, reader.tags - tags, had.seq)
    group.take(seat)
    return group, seat


async def rendered_once(topic: Topic, terms: Terms, reader: Reader, since: int, batch: Batch) -> bytes | None:
    """What a batch after `since` is for all who come from there with the same terms and rights; None: made for each.

    When thousands resume at once, most of them missed the same.
    """
    tags = terms.tags(reader.tags)
    own = reader.tags - tags
    if any(not own.isdisjoint(one.event.seen_before | one.event.seen_after) for one in batch.events):
        return None
    key = (terms.key, tags, since, batch.cursor, batch.resync)
    making = topic.made.get(key)
    if making is None:
        making = topic.made[key] = asyncio.create_task(_rendered(terms.renderer(tags), batch))
        if len(topic.made) > REMEMBERED:
            topic.made.popitem(last=False)
    try:
        return await asyncio.shield(making)
    except Exception:
        topic.made.pop(key, None)  # the next one tries again
        raise


async def _rendered(renderer: Renderer, batch: Batch) -> bytes | None:
    try:
        return renderer.at_once(batch) or await renderer.later(batch)
    except CannotShare:
        return None


def _discard(seats: defaultdict[UUID, set[Seat]] | defaultdict[str, set[Seat]], key: UUID | str, seat: Seat) -> None:
    found = seats[key]  # type: ignore[index]
    found.discard(seat)
    if not found:
        del seats[key]  # type: ignore[arg-type]
