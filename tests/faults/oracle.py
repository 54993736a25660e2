"""What must be true after every fault, whatever it was.

For each follower: what they got is what the log holds for their tags between
their start and their end, in order and once; a resync only moves where that
begins again. And every write that was acknowledged is in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from db.log import heads_by_workspace_ids, read_events
from db.models import Event
from db.session import Database, Session
from realtime.reader import Batch


@dataclass(frozen=True, slots=True)
class Witness:
    """A follower's whole story, over all of their connections. Their rights did not change."""

    name: str
    workspace_id: UUID
    tags: frozenset[str]
    start: int
    batches: Sequence[Batch]


def violations(witness: Witness, log: Sequence[Event]) -> list[str]:
    """How the story differs from the log; nothing if it is right."""
    found: list[str] = []
    at = witness.start
    for number, batch in enumerate(witness.batches):
        where = f"{witness.name}, batch {number}, ({at}, {batch.cursor.seq}]"
        if batch.cursor.seq < at:
            found.append(f"{where}: it goes back")
        if batch.resync is not None:
            if batch.events:
                found.append(f"{where}: a resync with events")
        else:
            expected = [event for event in log if at < event.seq <= batch.cursor.seq and is_visible(event, witness)]
            got = [seen.event for seen in batch.events]
            if got != expected:
                found.append(f"{where}: {[one.seq for one in got]} instead of {[one.seq for one in expected]}")
        at = batch.cursor.seq
    if left := [event.seq for event in log if event.seq > at and is_visible(event, witness)]:
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


async def read_log(database: Database, workspace_id: UUID) -> list[Event]:
    """All of a workspace's log, which must be dense."""

    async def read(session: Session) -> list[Event]:
        head = (await heads_by_workspace_ids(session, [workspace_id]))[workspace_id]
        return await read_events(session, workspace_id, after=0, through=head.seq, limit=head.seq + 1)

    log = await database.alone(read)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    return log
