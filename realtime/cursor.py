"""A place in a workspace's log, as clients keep it: `v1:<workspace>:<epoch>:<seq>`.

Every part has a fixed width, so that within one workspace and epoch a later
cursor compares higher byte by byte. A cursor of another epoch is refused, never
read as a place in this one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_FORM = re.compile(rf"v1:({_UUID}):([0-9a-f]{{8}}):([0-9]{{19}})", re.ASCII)
MAX_SEQ = 2**63 - 1
"""What PostgreSQL's bigint holds: 19 digits."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to and including `seq` has been told. `epoch` is eight hex digits, see db.log.read_epoch."""

    workspace_id: UUID
    epoch: str
    seq: int

    def __str__(self) -> str:
        return written(self.log, self.seq)

    @property
    def log(self) -> str:
        """How all cursors of this log begin."""
        return f"v1:{self.workspace_id}:{self.epoch}:"

    def at(self, seq: int) -> Cursor:
        """Another place in the same log."""
        return Cursor(self.workspace_id, self.epoch, seq)


def written(log: str, seq: int) -> str:
    """A cursor as clients keep it, of a log that is written already (`Cursor.log`)."""
    return f"{log}{seq:019d}"


def read(text: str) -> Cursor:
    """Read a client's cursor, of whichever workspace. Raises ValueError if it is malformed."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("This is not a cursor.")
    cursor = Cursor(UUID(found[1]), found[2], int(found[3]))
    if cursor.seq > MAX_SEQ:
        raise ValueError("This is not a cursor.")
    return cursor


def parse(text: str, workspace_id: UUID) -> Cursor:
    """Read a client's cursor. Raises ValueError if it is malformed or belongs to another workspace."""
    cursor = read(text)
    if cursor.workspace_id != workspace_id:
        raise ValueError("This cursor belongs to another workspace.")
    return cursor
