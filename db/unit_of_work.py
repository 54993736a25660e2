"""The only way to commit a domain change: rows, history, idempotency and events in one transaction.

The order of the last steps is what makes the log right: raise people's heads
and write what they are told, raise the workspaces' heads, judge the actor's
right again under that lock, then change rights, then write the events. Nothing
may await the network between the heads and the commit.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import uniform
from time import monotonic
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy import CursorResult, Executable, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from db import history, log
from db.direct import Direct
from db.errors import Busy
from db.ids import new_id
from db.lines import Lines
from db.models import Actor, AuditedKind, Change, Event, EventKind, FieldChange, NewEvent
from db.session import NOTHING, Connection, Database, translated
from db.tables import idempotency

MAX_ATTEMPTS = 10
ATTEMPTS_SECONDS = 5.0
"""For so long after its beginning a unit is tried again, where each attempt takes long."""
PAUSE_SECONDS = 0.02
"""The most that is waited after the first attempt, longer after each: those who met do not meet again."""

Answer = TypeVar("Answer")


def now() -> datetime:
    """This instant in UTC, cut to the milliseconds that the API shows: what is stored equals what is shown."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a mutation did, enough to answer it again: the ids of what its payload shows, and no secret.

    `ids`: payload field -> id, or list of ids. `cursor`: (workspace, seq) of the last event, if one was written, in the
    log's `epoch`. `rows`: what of these the unit holds in its hands, as it is at the commit. A replay has neither.
    """

    ids: dict[str, Any] = field(default_factory=dict)
    merged: tuple[str, ...] = ()
    cursor: tuple[UUID, int] | None = None
    change_set_id: UUID | None = None
    is_replay: bool = False
    epoch: str | None = None
    rows: Mapping[UUID, Any] = field(default_factory=dict)


class KeyReused(Exception):
    """The same clientMutationId came with another input."""


class Companion(Protocol):
    """Goes along with one unit of work, and writes before the logs' heads are raised."""

    async def finish(self) -> None: ...


Mate = TypeVar("Mate", bound=Companion)


class UnitOfWork:
    """One transaction of one actor. Reads and writes go through `execute`; `record` says what happened."""

    def __init__(self, connection: Connection, actor: Actor, client_mutation_id: UUID | None) -> None:
        self._connection = connection
        self.actor = actor
        self.client_mutation_id = client_mutation_id
        self.change_set_id = new_id()
        self.now = now()
        self._events: list[NewEvent] = []
        self._changes: list[Change] = []
        self._rechecks: dict[object, Callable[[], Awaitable[object]]] = {}
        self._rights: list[Callable[[], Awaitable[object]]] = []
        self._companions: dict[type, Companion] = {}
        self.epoch: str | None = None
        self.told: dict[UUID, int] = {}
        """Person -> the head of their notifications, of those for whom it was raised."""

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        with translated():
            return await self._connection.execute(statement, parameters)

    async def fetch(self, statement: Direct, parameters: Mapping[str, Any] = NOTHING) -> list[Any]:
        with translated():
            return await self._connection.fetch(statement, parameters)

    async def write_each(self, statement: Direct, rows: Sequence[Mapping[str, Any]]) -> None:
        with translated():
            await self._connection.write_each(statement, rows)

    def record(self, event: NewEvent) -> None:
        """Something happened; it joins its workspace's log in this order."""
        self._events.append(event)

    def remember(
        self,
        kind: EventKind | AuditedKind,
        workspace_id: UUID,
        entity_id: UUID,
        version: int,
        fields: Sequence[FieldChange],
        *,
        is_audit: bool = False,
    ) -> None:
        """Put one object's changed fields into the history; its row is locked. `is_audit`: into the audit log, too."""
        self._changes.append(
            Change(
                id=new_id(),
                workspace_id=workspace_id,
                kind=kind,
                entity_id=entity_id,
                version=version,
                change_set_id=self.change_set_id,
                at=self.now,
                actor=self.actor.ref,
                fields=tuple(fields),
                is_audit=is_audit,
            )
        )

    def companion(self, kind: Callable[[UnitOfWork], Mate]) -> Mate:
        """What collects something along the unit; made when first asked for, finished before the logs' heads."""
        assert isinstance(kind, type)
        found = self._companions.get(kind)
        if found is None:
            found = self._companions[kind] = kind(self)
        return cast("Mate", found)

    def recheck(self, key: object, judge: Callable[[], Awaitable[object]]) -> None:
        """Judge a right again under the heads' lock; `judge` raises if it is gone. Once per `key`."""
        self._rechecks.setdefault(key, judge)

    def change_rights(self, change: Callable[[], Awaitable[object]]) -> None:
        """Run a change of rights last, so that it is itself judged by the rights from before it."""
        self._rights.append(change)

    async def finish(self) -> list[Event]:
        """Write history, what people are told, and events. -> the events as they stand in the log."""
        if self._changes:
            await history.insert_changes(self, self._changes)
        for companion in self._companions.values():
            await companion.finish()
        by_workspace: dict[UUID, list[NewEvent]] = defaultdict(list)
        for event in self._events:
            by_workspace[event.workspace_id].append(event)
        written: list[Event] = []
        for workspace_id in sorted(by_workspace):
            new = by_workspace[workspace_id]
            last_seq, self.epoch = await log.raise_head(self, workspace_id, len(new))
            written += log.numbered(
                new,
                last_seq=last_seq,
                occurred_at=self.now,
                actor=self.actor.ref,
                client_mutation_id=self.client_mutation_id,
            )
        if written:
            for judge in self._rechecks.values():
                await judge()
        for change in self._rights:
            await change()
        if written:
            await log.insert_events(self, written)
        return written

    def close(self) -> None:
        """It has ended. What it was given refers to it, and would stay with it until somebody searches for garbage."""
        self._rechecks.clear()
        self._rights.clear()
        self._companions.clear()


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key: the client's id for a mutation, and the hash of all it asked for."""

    client_mutation_id: UUID
    input_hash: bytes


OnCommit = Callable[[Sequence[Event]], None]
OnTold = Callable[[Mapping[UUID, int]], None]
"""Hears of people whose notifications have changed, with their heads."""
Work = Callable[[UnitOfWork], Awaitable[Outcome]]


class Writer:
    """Runs units of work for the whole process, and tells `on_commit` what was committed."""

    def __init__(self, database: Database, on_commit: OnCommit, on_told: OnTold = lambda heads: None) -> None:
        self._database = database
        self._on_commit = on_commit
        self._on_told = on_told
        self._lines = Lines()

    async def run(
        self, actor: Actor, work: Work, *, key: Key | None = None, changes: Hashable | None = None
    ) -> Outcome:
        """Run `work` in one transaction and commit it. With a key, a repeat answers the first one's outcome.

        `changes`: what it will change, if that is one thing, so that it waits in line for it.
        A deadlock or a lock not had in time runs the whole unit again, ten times at most. Raises KeyReused,
        Busy, Unavailable, and what `work` raises; then nothing was written.
        """
        begun = monotonic()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                async with self._lines.turn(changes):
                    outcome, written, told = await self._once(actor, work, key)
            except Busy:
                if attempt == MAX_ATTEMPTS or monotonic() - begun > ATTEMPTS_SECONDS:
                    raise
                await asyncio.sleep(uniform(0, attempt * PAUSE_SECONDS))  # noqa: S311 (nothing depends on it)
                continue
            if written:
                self._on_commit(written)
            if told:
                self._on_told(told)
            return outcome
        raise AssertionError("unreachable")

    async def _once(self, actor: Actor, work: Work, key: Key | None) -> tuple[Outcome, list[Event], dict[UUID, int]]:
        async with self._database.transaction() as connection:
            unit = UnitOfWork(connection, actor, key.client_mutation_id if key else None)
            try:
                if key is not None:
                    earlier = await _claim(unit, key)
                    if earlier is not None:
                        return earlier, [], {}
                done = await work(unit)
                written = await unit.finish()
                outcome = Outcome(
                    ids=done.ids,
                    merged=done.merged,
                    cursor=(written[-1].workspace_id, written[-1].seq) if written else None,
                    change_set_id=unit.change_set_id if written else None,
                    epoch=unit.epoch,
                    rows=done.rows,
                )
                if key is not None:
                    await _keep(unit, key, outcome)
                return outcome, written, unit.told
            finally:
                unit.close()


_this_key = (
    idempotency.c.actor_id == bindparam("which_actor"),
    idempotency.c.client_mutation_id == bindparam("which_key"),
)
_CLAIM = Direct(
    upsert(idempotency).on_conflict_do_nothing().returning(idempotency.c.client_mutation_id),
    ["actor_id", "client_mutation_id", "input_hash", "created_at"],
)
_EARLIER = Direct(select(idempotency.c.input_hash, idempotency.c.outcome).where(*_this_key))
_KEEP = Direct(update(idempotency).where(*_this_key).values(outcome=bindparam("outcome")))


async def _claim(unit: UnitOfWork, key: Key) -> Outcome | None:
    """Take the key for this transaction, waiting for another that holds it. -> the outcome if it was used before."""
    claimed = await unit.fetch(
        _CLAIM,
        {
            "actor_id": unit.actor.ref.id,
            "client_mutation_id": key.client_mutation_id,
            "input_hash": key.input_hash,
            "created_at": unit.now,
        },
    )
    if claimed:
        return None
    (row,) = await unit.fetch(_EARLIER, {"which_actor": unit.actor.ref.id, "which_key": key.client_mutation_id})
    if row.input_hash != key.input_hash:
        raise KeyReused
    stored = row.outcome
    cursor = stored["cursor"]
    return Outcome(
        ids=stored["ids"],
        merged=tuple(stored["merged"]),
        cursor=(UUID(cursor[0]), cursor[1]) if cursor else None,
        change_set_id=UUID(stored["change_set_id"]) if stored["change_set_id"] else None,
        is_replay=True,
    )


async def _keep(unit: UnitOfWork, key: Key, outcome: Outcome) -> None:
    await unit.fetch(
        _KEEP,
        {
            "which_actor": unit.actor.ref.id,
            "which_key": key.client_mutation_id,
            "outcome": {
                "ids": outcome.ids,
                "merged": list(outcome.merged),
                "cursor": [str(outcome.cursor[0]), outcome.cursor[1]] if outcome.cursor else None,
                "change_set_id": str(outcome.change_set_id) if outcome.change_set_id else None,
            },
        },
    )
