"""What must be true after every fault, whatever it was.

For each follower: what they got is what the log holds for their tags between
their start and their end, in order and once. A resync is a violation: the log
was neither pruned nor replaced and rights did not change, so nobody may be told
to fetch everything again. And every write that was acknowledged is in the log,
once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db.log import heads_by_workspace_ids, read_events
from db.models import Event
from db.session import Database, Session
from realtime.reader import Batch


@dataclass(frozen=True, slots=True)
class Told:
    """One batch as a follower got it: events as they can tell them apart, and how far it reaches."""

    events: Sequence[Any]
    through: int
    is_resync: bool = False


@dataclass(frozen=True, slots=True)
class Witness:
    """A follower's whole story, over all of their connections. Their rights did not change.

    `sees` gives of an event of the log what `Told.events` has of it.
    """

    name: str
    workspace_id: UUID
    tags: frozenset[str]
    start: int
    story: Sequence[Told]
    sees: Callable[[Event], Any] = lambda event: event


def told(batch: Batch) -> Told:
    """A batch as the hub gives it."""
    return Told([seen.event for seen in batch.events], batch.cursor.seq, batch.resync is not None)


def violations(witness: Witness, log: Sequence[Event]) -> list[str]:
    """How the story differs from the log; nothing if it is right."""
    found: list[str] = []
    at = witness.start
    visible = [event for event in log if is_visible(event, witness)]
    seqs = [event.seq for event in visible]
    for number, batch in enumerate(witness.story):
        where = f"{witness.name}, batch {number}, ({at}, {batch.through}]"
        if batch.through < at:
            found.append(f"{where}: it goes back")
        if batch.is_resync:
            found.append(f"{where}: a resync, though the log has everything")
        else:
            here = visible[bisect_right(seqs, at) : bisect_right(seqs, batch.through)]
            expected = [witness.sees(event) for event in here]
            if list(batch.events) != expected:
                found.append(f"{where}: {batch.events} instead of {expected}")
        at = batch.through
    if left := [event.seq for event in visible if event.seq > at]:
        found.append(f"{witness.name}: ends at {at} without {left}")
    return found


def is_visible(event: Event, witness: Witness) -> bool:
    return bool(witness.tags & (event.seen_before | event.seen_after))


def missing(acknowledged: Iterable[tuple[UUID, int]], logs: dict[UUID, list[Event]]) -> list[str]:
    """Acknowledged writes that are not in the log."""
    return [
        f"{workspace_id}: {seq} was acknowledged, the log ends at {len(logs[workspace_id])}"
        for workspace_id, seq in acknowledged
        if seq > len(logs[workspace_id])
    ]


def repeated(acknowledged: Mapping[UUID, int], log: Sequence[Event]) -> list[str]:
    """Keys whose mutation is not in the log just once, ending where the answer said."""
    commits = Counter((event.client_mutation_id, event.commit_seq) for event in log if event.commit_seq == event.seq)
    of_key = Counter(key for key, _ in commits.elements())
    return [
        f"{key} was acknowledged at {seq}, and was committed {of_key[key]} times"
        for key, seq in acknowledged.items()
        if of_key[key] != 1 or commits[key, seq] != 1
    ]


async def read_log(database: Database, workspace_id: UUID) -> list[Event]:
    """All of a workspace's log, which must be dense."""

    async def read(session: Session) -> list[Event]:
        head = (await heads_by_workspace_ids(session, [workspace_id]))[workspace_id]
        return await read_events(session, workspace_id, after=0, through=head.seq, limit=head.seq + 1)

    log = await database.alone(read)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    return log
