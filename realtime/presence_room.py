"""One workspace's presence inside this process: who is here, and who is told.

Viewers who see the same share a `Group`: what it was shown is known, so a change is told as the difference, once for
all of them, and a change they may not see is nothing at all. Invariant: `Group.shown` is exactly what its viewers have
after batch `rev`; a viewer gets a snapshot and takes its seat in the same step, and delivering never awaits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db.models import Event, Revocation
from db.scope import sight
from realtime.presence_state import SNAPSHOT_SECONDS, TRUST, Presence, PresenceBatch, Snapshot, decode_presence, instant

BIG_ROOM = 200
"""With more people than this changes are gathered: the first is told at once, what follows in one batch."""
GATHER_SECONDS = 0.5
SLOT_SECONDS = 10.0
"""Snapshots of a quiet room are made once for all viewers who are due within so long."""
INBOX_BATCHES = 50
"""A viewer further behind gets a snapshot instead."""
EARLY_MESSAGES = 1_000
"""Heard while the room is being loaded; what does not fit is missed, and then found to be missing."""
MOVED = 100
MOVED_SECONDS = 60.0
"""So long the log's word about an audience counts more than Redis's: whoever is there says it anew long before."""


class Viewer:
    """Somebody who is told. `end` is set when they may see the workspace no more."""

    def __init__(self, person_id: UUID, thing_id: UUID | None, snapshot_seconds: float = SNAPSHOT_SECONDS) -> None:
        self.person_id = person_id
        self._snapshot_seconds = snapshot_seconds
        # The first one comes earlier, at a moment of their own, so that those who came together do not stay together.
        self._first_seconds = snapshot_seconds * (0.2 + 0.8 * (person_id.int % 97) / 97)
        self.thing_id = thing_id
        self.tags: frozenset[str] = frozenset()
        self.is_revoked = False
        self.group: Group | None = None
        self._as_of: int | None = None
        self._before: list[tuple[int, Revocation]] = []
        self._batches: deque[PresenceBatch] = deque()
        self._news = asyncio.Event()
        self._snapshot_at = 0.0

    def stand(self, tags: frozenset[str], as_of: int) -> None:
        """The tags as they were read together with the log's head `as_of`; what was heard meanwhile comes on top."""
        self.tags, self._as_of = tags, as_of
        for seq, revokes in self._before:
            self.revoke(seq, revokes)
        self._before.clear()

    def revoke(self, seq: int, revokes: Revocation) -> None:
        """A change of rights in the log, perhaps of this person."""
        if revokes.person_id not in (None, self.person_id):
            return
        if self._as_of is None:
            self._before.append((seq, revokes))
        elif seq > self._as_of:
            if revokes.tags is None:
                self.is_revoked = True
            else:
                self.tags = revokes.tags
            self.want_snapshot()

    def want_snapshot(self) -> None:
        """Forget what waits: the next batch is a snapshot."""
        if self.group is not None:
            self.group.leave(self)
        self._batches.clear()
        self._news.set()

    def offer(self, batch: PresenceBatch) -> None:
        if len(self._batches) >= INBOX_BATCHES:
            self.want_snapshot()
        else:
            self._batches.append(batch)
            self._news.set()

    def _set_due(self, now: float) -> None:
        seconds, self._first_seconds = self._first_seconds, self._snapshot_seconds
        slot = min(SLOT_SECONDS, seconds / 6)
        self._snapshot_at = now + seconds - (now + seconds) % slot

    async def next(self, room: Room) -> PresenceBatch | None:
        """The next batch; None when there is nothing more for this person."""
        loop = asyncio.get_running_loop()
        while not self.is_revoked:
            if self.group is not None and loop.time() >= self._snapshot_at:
                if room.may_snapshot(self.group):
                    self._batches.clear()  # it holds all that they say
                    self._set_due(loop.time())
                    return self.group.snapshot()
                self._snapshot_at = loop.time() + GATHER_SECONDS
            if self.group is None:
                await room.is_open_for_snapshots()
                if self.group is None and not self.is_revoked:
                    self._set_due(loop.time())
                    return room.seat(self)
                continue
            if self._batches:
                return self._batches.popleft()
            self._news.clear()
            try:
                async with asyncio.timeout_at(self._snapshot_at):
                    await self._news.wait()
            except TimeoutError:
                pass
        return None


class Group:
    """Viewers who see the same."""

    def __init__(self, room: Room, tags: frozenset[str], thing_id: UUID | None) -> None:
        self._room = room
        self._tags = tags
        self._thing_id = thing_id
        self.rev = 0
        self.viewers: set[Viewer] = set()
        self.shown: dict[UUID, Presence] = {}
        self._snapshot: PresenceBatch | None = None
        self._snapshot_ends = 0.0
        for person_id in room.people:
            seen = self._see(person_id)
            if seen is not None:
                self.shown[person_id] = seen

    def leave(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        viewer.group = None
        if not self.viewers:
            self._room.forget_group(self)

    def _see(self, person_id: UUID) -> Presence | None:
        """What these viewers are to know of somebody."""
        presence = self._room.people.get(person_id)
        seen = None if presence is None else presence.as_seen_by(self._tags)
        if seen is None or self._thing_id is None:
            return seen
        return seen if any(one.thing_id == self._thing_id for one in seen.activities) else None

    def tell(self, people: Iterable[UUID]) -> None:
        """Tell what is different about these people, if anything is."""
        changed: list[Presence] = []
        for person_id in people:
            before, after = self.shown.get(person_id), self._see(person_id)
            if before == after:
                continue
            if after is not None:
                self.shown[person_id] = after
                changed.append(after)
            elif before is not None:
                del self.shown[person_id]
                changed.append(self._room.farewell(before, self._tags))
        if changed:
            self.rev += 1
            self._snapshot = None
            batch = self._batch(False, changed)
            for viewer in list(self.viewers):
                viewer.offer(batch)

    @property
    def has_snapshot(self) -> bool:
        """Whether one is made already that is as good as new."""
        return self._snapshot is not None and asyncio.get_running_loop().time() < self._snapshot_ends

    def snapshot(self) -> PresenceBatch:
        """All that is shown; the same value for a while, if nothing changes."""
        if self._snapshot is None or not self.has_snapshot:
            self._snapshot = self._batch(True, self.shown.values())
            self._snapshot_ends = asyncio.get_running_loop().time() + SLOT_SECONDS
            self._room.snapshot_made()
        return self._snapshot

    def refresh(self) -> None:
        """Everybody gets a snapshot next."""
        self._snapshot = None
        for viewer in list(self.viewers):
            viewer.want_snapshot()

    def _batch(self, is_snapshot: bool, presences: Iterable[Presence]) -> PresenceBatch:
        ends = datetime.now(UTC) + TRUST
        return PresenceBatch(
            is_snapshot=is_snapshot,
            is_stale=self._room.is_stale,
            rev=self.rev,
            presences=tuple(presences),
            expires_at=ends,
            tags=self._tags,
            as_of=self._room.position,
            kept=self._room.kept,
        )


class Room:
    """Messages come in by `hear`, the log by `heed`, everything anew by `load`; viewers sit in `groups`."""

    def __init__(self, position: int = 0) -> None:
        self.position = position  # in the log, as far as it was heeded
        self.people: dict[UUID, Presence] = {}
        self.viewers: set[Viewer] = set()
        self.groups: dict[Hashable, Group] = {}
        self.kept: dict[Any, Any] = {}
        self.is_stale = True
        self.epoch = b""
        self.rev = 0
        self._is_loaded = False
        self._early: list[tuple[bytes, int, bytes, bytes, bytes]] = []
        self._moved: dict[UUID, tuple[float, frozenset[str]]] = {}
        self._most_moved = MOVED
        self._ids: set[UUID] | None = None
        self._farewells: dict[UUID, Presence] = {}
        self._changed: dict[UUID, None] = {}
        self._flush: asyncio.TimerHandle | None = None
        self._told_at = 0.0
        self._snapshot_made_at = 0.0

    @property
    def is_big(self) -> bool:
        return len(self.people) > BIG_ROOM

    def close(self) -> None:
        if self._flush is not None:
            self._flush.cancel()

    # What is known

    def hear(self, message: bytes) -> bool:
        """One message of Redis. -> whether all is well; else the room must be loaded anew. Raises ValueError."""
        head, _, state = message.partition(b"\n")
        epoch, number, person, seen = head.split(b" ")
        rev = int(number)
        if not self._is_loaded:
            if len(self._early) < EARLY_MESSAGES:
                self._early.append((epoch, rev, person, seen, state))
            return True
        if epoch == self.epoch and rev <= self.rev:
            return True
        if epoch != self.epoch or rev != self.rev + 1:
            return False
        self.rev = rev
        self._put(person, seen, state)
        return True

    def load(self, snapshot: Snapshot) -> None:
        """Take over all that Redis knows. While it holds, it may not know all again: others stay as they were last."""
        people = {person_id: self._newest(one) for person_id, one in snapshot.people.items()}
        kept = self.people if snapshot.hold_seconds else {}
        for person_id in self.people:
            if person_id not in people and person_id not in kept:
                self._farewells[person_id] = self.people[person_id]
        touched = [*self.people, *people]
        for person_id in people.keys() - self.people.keys():
            self.kept.pop(person_id, None)
        self.people = {**kept, **people}
        self.epoch, self.rev = snapshot.epoch, snapshot.rev
        self._is_loaded = True
        early, self._early = self._early, []
        for epoch, rev, person, seen, state in early:
            if epoch == self.epoch and rev == self.rev + 1:
                self.rev = rev
                self._put(person, seen, state)
        self._change(*touched)

    def unload(self) -> None:
        """What comes from now on is kept until the next `load`."""
        self._is_loaded = False
        self._early.clear()

    def remove(self, person_id: UUID) -> None:
        """Somebody may not be shown any more."""
        gone = self.people.pop(person_id, None)
        if gone is not None:
            self._farewells[person_id] = gone
            self._change(person_id)

    def _put(self, person: bytes, seen: bytes, state: bytes) -> None:
        person_id = UUID(person.decode())
        if state:
            if person_id not in self.people:
                self.kept.pop(person_id, None)  # what was known of them may be old
            self.people[person_id] = self._newest(decode_presence(person, state, seen))
            self._farewells.pop(person_id, None)
        elif person_id in self.people:
            gone = self.people.pop(person_id)
            self._farewells[person_id] = replace(gone, seen_at=instant(seen))
        self._change(person_id)

    def farewell(self, shown: Presence, tags: frozenset[str]) -> Presence:
        """How to tell that somebody is not shown any more: as they are now, if that may be seen, else as gone."""
        now = self.people.get(shown.person_id)
        if now is not None:
            return now.as_seen_by(tags) or replace(shown.gone(), seen_at=None)
        return self._farewells.get(shown.person_id, shown).gone()

    def heed(self, event: Event) -> bool:
        """One event of the log. -> whether it may be about somebody who is here, who then has to be looked at again."""
        self.position = event.seq
        if event.revokes is not None:
            for viewer in list(self.viewers):
                viewer.revoke(event.seq, event.revokes)
        if event.seen_before and event.seen_before != event.seen_after:
            self._move(event.entity_id, event.seen_after)
        if event.entity_id not in self._named():
            return False
        for person_id in [one.person_id for one in self.people.values() if one.id == event.entity_id]:
            self.kept.pop(person_id, None)
        return True

    def _named(self) -> set[UUID]:
        """All ids that are named by what is known: of members, and of what they do something with."""
        if self._ids is None:
            self._ids = {one.id for one in self.people.values()}
            self._ids.update(doing.thing_id for one in self.people.values() for doing in one.activities)
        return self._ids

    def _move(self, thing_id: UUID, audience: frozenset[str]) -> None:
        now = asyncio.get_running_loop().time()
        if len(self._moved) >= self._most_moved:
            self._moved = {one: told for one, told in self._moved.items() if told[0] > now}
            self._most_moved = max(MOVED, 2 * len(self._moved))
        self._moved[thing_id] = (now + MOVED_SECONDS, audience)
        if thing_id not in self._named():
            return
        for person_id, presence in list(self.people.items()):
            if presence.id == thing_id or any(one.thing_id == thing_id for one in presence.activities):
                self.people[person_id] = self._newest(presence)
                self._change(person_id)

    def _newest(self, presence: Presence) -> Presence:
        if not self._moved:
            return presence
        now = asyncio.get_running_loop().time()
        return presence.with_audiences({one: told[1] for one, told in self._moved.items() if told[0] > now})

    def set_stale(self, is_stale: bool) -> None:
        if is_stale != self.is_stale:
            self.is_stale = is_stale
            for group in list(self.groups.values()):
                group.refresh()

    # Who is told

    def seat(self, viewer: Viewer) -> PresenceBatch:
        """Give a viewer their place. -> the snapshot after which they get every batch."""
        key = (sight(viewer.tags), viewer.thing_id)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(self, *key)
        group.viewers.add(viewer)
        viewer.group = group
        return group.snapshot()

    def forget_group(self, group: Group) -> None:
        for key, one in list(self.groups.items()):
            if one is group:
                del self.groups[key]

    def snapshot_made(self) -> None:
        self._snapshot_made_at = asyncio.get_running_loop().time()

    def may_snapshot(self, group: Group) -> bool:
        """In a big room snapshots are made now and then only; one that is made may always be given."""
        return not self.is_big or group.has_snapshot or self._until_next_snapshot() <= 0

    async def is_open_for_snapshots(self) -> None:
        """In a big room those who come within a moment wait and share one."""
        wait = self._until_next_snapshot()
        if self.is_big and wait > 0:
            await asyncio.sleep(wait)

    def _until_next_snapshot(self) -> float:
        return self._snapshot_made_at + GATHER_SECONDS - asyncio.get_running_loop().time()

    def _change(self, *people: UUID) -> None:
        self._ids = None
        self._changed.update(dict.fromkeys(people))
        if self._flush is None:
            loop = asyncio.get_running_loop()
            wait = self._told_at + GATHER_SECONDS - loop.time() if self.is_big else 0.0
            self._flush = loop.call_later(max(0.0, wait), self._tell)

    def _tell(self) -> None:
        self._flush = None
        self._told_at = asyncio.get_running_loop().time()
        changed, self._changed = self._changed, {}
        for group in list(self.groups.values()):
            group.tell(changed)
        self._farewells = {one: told for one, told in self._farewells.items() if one in self._changed}
