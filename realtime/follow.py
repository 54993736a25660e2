"""A workspace's changes for one person: as a stream without end, or one batch by one query.

Where rights changed (a revocation of this person in the log), the stream first
tells what came before, then ends (no rights left) or says ACCESS_CHANGED; the
client then fetches anew, so what it missed or must forget heals. Somebody who
resumes behind old changes of their rights has today's rights, is told
ACCESS_CHANGED once, and goes on from where the rights were read: a removal that
was undone since does not throw them out, one that comes while they replay does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

from db.errors import Unavailable
from db.log import heads_by_workspace_ids, read_epoch, read_events
from db.session import Session
from realtime.commits import commits_of
from realtime.cursor import Cursor
from realtime.group import Terms, rendered_once, take_seat
from realtime.hub import Hub, NoSuchWorkspace
from realtime.listener import Expired, Listener
from realtime.log import PAGE, Standing
from realtime.reader import Batch, Change, Matches, Narrow, Reader, Resync, Seen, everything, whole
from realtime.topic import RETRY_SECONDS, Topic

CHECKPOINT_SECONDS = 15.0


class NotVisible(Exception):
    """There is no such workspace for this person."""


class AccessRevoked(Exception):
    """The person may no longer see the workspace."""


async def follow(
    hub: Hub,
    workspace_id: UUID,
    person_id: UUID,
    *,
    after: Cursor | None = None,
    matches: Matches = everything,
    terms: Terms | None = None,
    narrow: Narrow = whole,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> AsyncGenerator[Batch]:
    """Everything the person may see after `after` (None: from now), each event once, in commit order, for ever.

    The first batch comes at once and is empty if there is nothing to replay; after `checkpoint_seconds` without a
    batch an empty one carries the newest cursor. A commit is never split over two batches. While PostgreSQL is away
    the stream pauses.

    With `terms`, what is the same for others is not yielded but given to `terms.outlet`, once all that was yielded
    before has been taken; order and completeness are those of the two together. `narrow`: who reads on the person's
    behalf, and may see less.

    Raises NotVisible or Unavailable before the first batch, AccessRevoked later. Close it with `aclosing`.
    """
    try:
        async with hub.join(workspace_id) as topic:
            standing = await _stand(hub, topic, person_id, narrow)
            if standing is None or standing.tags is None:
                raise NotVisible
            listener = Listener(topic)
            resync = None if after is None or standing.holds(after) else Resync.CURSOR_EXPIRED
            start = standing.head if after is None or resync else after
            try:
                while True:
                    listener.seek(start, standing.head.seq)
                    reader = Reader(person_id, standing.tags, standing.head.seq, matches, narrow)
                    stream = _Stream(topic, listener, reader, terms, checkpoint_seconds)
                    try:
                        batches = stream.read_on(resync, after is None)
                        async with aclosing(batches):
                            async for batch in batches:
                                yield batch
                    except Expired:
                        standing = await _stand_again(hub, topic, person_id, narrow)
                        if standing is None or standing.tags is None:
                            raise AccessRevoked from None
                        start, resync = standing.head, Resync.CURSOR_EXPIRED
            finally:
                listener.close()
    except NoSuchWorkspace:
        raise NotVisible from None


async def _stand(hub: Hub, topic: Topic, person_id: UUID, narrow: Narrow) -> Standing | None:
    """Rights and head, once the hub agrees which database this is."""
    while True:
        standing = await hub.log.standing(topic.workspace_id, person_id)
        if standing is None:
            return None
        if standing.head.epoch == topic.epoch:
            return standing if standing.tags is None else replace(standing, tags=narrow(standing.tags))
        hub.alarm()
        await asyncio.sleep(RETRY_SECONDS)


async def _stand_again(hub: Hub, topic: Topic, person_id: UUID, narrow: Narrow) -> Standing | None:
    """Rights and head anew, as what was skipped may have changed them; waits for PostgreSQL."""
    while True:
        try:
            return await _stand(hub, topic, person_id, narrow)
        except Unavailable:
            await asyncio.sleep(RETRY_SECONDS)


@dataclass(slots=True)
class _Stream:
    """One follower between two looks at their rights."""

    topic: Topic
    listener: Listener
    reader: Reader
    terms: Terms | None
    checkpoint_seconds: float

    async def read_on(self, resync: Resync | None, is_due: bool) -> AsyncGenerator[Batch]:
        """Batches from where the listener stands; the first at once if `is_due`. Raises Expired, AccessRevoked."""
        loop = asyncio.get_running_loop()
        listener, reader = self.listener, self.reader
        is_told = False  # that they have caught up
        is_due = is_due or resync is not None
        due_at = loop.time() + self.checkpoint_seconds
        seen: list[Seen] = []
        since = listener.seq
        while True:
            is_caught_up = listener.seq >= listener.end
            if seen or is_due or (is_caught_up and not is_told):
                batch = Batch(tuple(seen), listener.cursor, is_caught_up, resync)
                if is_caught_up and self.terms is not None:
                    async with aclosing(self._share(self.terms, batch, since)) as shared:
                        async for one in shared:
                            yield one
                else:
                    yield batch
                seen, resync, is_told, since = [], None, is_caught_up, listener.seq
                due_at = loop.time() + self.checkpoint_seconds
            commits = await listener.read(until=due_at)
            is_due = loop.time() >= due_at
            for commit in commits:
                passage = reader.read(commit)
                seen += passage.seen
                if passage.change is None:
                    continue
                if seen:
                    yield Batch(tuple(seen), listener.cursor.at(passage.through), is_caught_up=False)
                if passage.change is Change.LOST:
                    raise AccessRevoked
                # What comes up to the moment the rights were read is part of what the client fetches now.
                listener.seek(listener.cursor.at(max(commit.last, reader.as_of)), listener.end)
                seen, resync, is_due = [], Resync.ACCESS_CHANGED, True
                break

    async def _share(self, terms: Terms, batch: Batch, since: int) -> AsyncGenerator[Batch]:
        """Tell what came after `since`, with which they have caught up; then a group serves them while it can."""
        listener, reader = self.listener, self.reader
        taken = take_seat(self.topic, terms, reader, listener.cursor, self.checkpoint_seconds)
        if taken is None:
            yield batch
            return
        group, seat = taken
        try:
            cursor = listener.cursor
            listener.close()  # the group listens
            payload = await rendered_once(self.topic, terms, reader, since, batch)
            if payload is None:
                yield batch
            else:
                terms.outlet.deliver(payload, len(batch.events))
            seat.open()
            await seat.left
            listener.seek(cursor.at(seat.position), listener.end)
        finally:
            group.leave(seat)


async def read_batch(
    session: Session,
    workspace_id: UUID,
    person_id: UUID,
    tags: frozenset[str],
    after: Cursor,
    first: int,
    matches: Matches = everything,
) -> Batch:
    """The same by polling: what the person may see after `after`, on the caller's snapshot.

    `tags` must be of that snapshot too. At most `first` events, more only if a single commit has more; perhaps none
    though `is_caught_up` is False, then ask on from the batch's cursor. Raises NotVisible if there is no such log.
    """
    head = (await heads_by_workspace_ids(session, [workspace_id])).get(workspace_id)
    if head is None:
        raise NotVisible
    now = Standing(Cursor(workspace_id, await read_epoch(session), head.seq), head.floor_seq, tags)
    expired = Batch((), now.head, True, Resync.CURSOR_EXPIRED)
    if not now.holds(after):
        return expired
    commits = commits_of(await read_events(session, workspace_id, after=after.seq, through=head.seq, limit=PAGE))
    if after.seq < head.seq and (not commits or commits[0].first != after.seq + 1):
        return expired
    reader = Reader(person_id, tags, head.seq, matches)
    seen: list[Seen] = []
    through = after.seq
    for commit in commits:
        passage = reader.read(commit)
        if seen and (passage.change is not None or len(seen) + len(passage.seen) > first):
            break
        if passage.change is not None:
            return Batch((), now.head, True, Resync.ACCESS_CHANGED)
        seen += passage.seen
        through = passage.through
    return Batch(tuple(seen), now.head.at(through), through == head.seq)
