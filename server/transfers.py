"""`tutti export` and `tutti import`: files, progress, and what is said at the end.

Invariant: an export's file has its name only when it is whole. Everything that an import does is in `transfer`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO
from uuid import UUID

from db.errors import Busy, Unavailable
from db.models import Actor
from db.session import Database
from db.unit_of_work import Writer
from domain.errors import Refusal, Refusals
from transfer.exporting import exported
from transfer.lines import Line, Malformed, WorkspaceLine, write_line
from transfer.loading import Loader, Plan, Report
from transfer.reading import jsonl
from transfer.workspaces import Unknown, find_person, find_workspace, id_of_new, make_workspace

Say = Callable[[str], None]

READ_SECONDS = 3600.0
"""For a statement of an export: sorting a million tasks takes a while, and a pipe may be slow."""
WRITE_SECONDS = 60.0
"""For a statement of an import."""
EVERY_SECONDS = 2.0
"""Between two lines of progress."""
MAX_STRANGERS = 50
"""So many are listed."""


class TransferProblem(Exception):
    """What a person can mend: a sentence."""


@dataclass(frozen=True, slots=True)
class Export:
    """What was asked for. `out` None: the standard output."""

    workspace: str
    format: str
    out: Path | None


@dataclass(frozen=True, slots=True)
class Import:
    """What was asked for. Either `into` or `new` is given."""

    file: Path
    format: str
    into: str | None
    new: str | None
    email: str
    is_dry: bool
    has_kept_ids: bool

    def check(self) -> None:
        """Raises TransferProblem for what can be seen before any server is started."""
        if not self.file.is_file():
            raise TransferProblem(f"there is no file {self.file}")
        if self.has_kept_ids and self.format != "jsonl":
            raise TransferProblem("only an export of Tutti (--format jsonl) has ids that can be kept")


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a person can mend into a TransferProblem."""
    try:
        yield
    except (Unknown, Malformed, OSError) as error:
        raise TransferProblem(str(error)) from error
    except Refusals as error:
        raise TransferProblem("; ".join(one.message for one in error.refusals)) from error
    except Refusal as error:
        raise TransferProblem(error.message) from error
    except (Busy, Unavailable) as error:
        raise TransferProblem(f"{error} Run the same command again: it goes on where it was.") from error


@asynccontextmanager
async def _opened(url: str, seconds: float) -> AsyncIterator[Database]:
    database = Database(url, pool_size=2, statement_seconds=seconds, idle_seconds=seconds)
    try:
        yield database
    finally:
        await database.close()


async def run_export(url: str, wanted: Export, say: Say) -> None:
    """Write what was asked for. Raises TransferProblem, and what `say` raises."""
    with _told():
        async with _opened(url, READ_SECONDS) as database:
            workspace = await find_workspace(database, wanted.workspace)
            with _output(wanted.out) as file:
                count = await _write(database, workspace.id, file, say)
            where = "" if wanted.out is None else f" to {wanted.out}"
            say(f"{workspace.name}: {count:,} lines written{where}.")


async def _write(database: Database, workspace_id: UUID, file: IO[bytes], say: Say) -> int:
    pace = _Pace(say)
    session = database.reading()
    count = 0
    try:
        async for line in exported(session, workspace_id):
            file.write(write_line(line))
            count += 1
            if count % 500 == 0:
                pace.say(f"{count:,} lines written")
        file.flush()
    finally:
        await session.close()
    return count


@contextmanager
def _output(out: Path | None) -> Iterator[IO[bytes]]:
    """The standard output, or a file that takes its name at the end."""
    if out is None:
        yield sys.stdout.buffer
        return
    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


class _Pace:
    """Says how far it is, not too often; between two sayings it still looks whether to stop."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._next = time.monotonic() + EVERY_SECONDS

    def say(self, line: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_SECONDS
            self._say(line)
        else:
            self._say("")


async def run_import(url: str, wanted: Import, say: Say) -> Report:
    """Import what was asked for, and say what was done. Raises TransferProblem, and what `say` raises."""
    with _told(), wanted.file.open("rb") as file:
        async with _opened(url, WRITE_SECONDS) as database:
            # Who listens hears of it by the poll of the log's head, a second later at most.
            writer = Writer(database, lambda events: None)
            actor = await find_person(database, wanted.email)
            plan, name = await _planned(database, writer, wanted, actor, file)
            pace, size = _Pace(say), max(1, os.fstat(file.fileno()).st_size)

            def progress(report: Report) -> None:
                percent = min(100, file.tell() * 100 // size)
                pace.say(f"{percent} %: {sum(report.read.values()):,} read, {report.added['task']:,} tasks new")

            report = await Loader(database, writer, plan, progress).load(jsonl(file))
            for line in summary(report, name, is_dry=plan.is_dry):
                say(line)
            return report


async def _planned(
    database: Database, writer: Writer, wanted: Import, actor: Actor, file: IO[bytes]
) -> tuple[Plan, str]:
    """What to do, and the name of the workspace, which is there from now on (unless nothing is to be written)."""
    if wanted.into is not None:
        workspace = await find_workspace(database, wanted.into)
        plan = Plan(workspace.id, actor, has_kept_ids=wanted.has_kept_ids, is_dry=wanted.is_dry)
        return plan, workspace.name
    assert wanted.new is not None
    said = _workspace_line(jsonl(file))
    file.seek(0)
    if wanted.has_kept_ids:
        workspace_id = said.id
    else:
        workspace_id = id_of_new(_digest(file), actor, wanted.new)
        file.seek(0)
    if not wanted.is_dry:
        await make_workspace(writer, database, actor, workspace_id, wanted.new, said)
    plan = Plan(workspace_id, actor, is_new=True, has_kept_ids=wanted.has_kept_ids, is_dry=wanted.is_dry)
    return plan, wanted.new


def _digest(file: IO[bytes]) -> str:
    """What tells this file from any other."""
    digest = hashlib.sha256()
    while part := file.read(2**20):
        digest.update(part)
    return digest.hexdigest()


def _workspace_line(lines: Iterator[tuple[int, Line]]) -> WorkspaceLine:
    """What an export says of its workspace, in its second line."""
    for _, line in islice(lines, 2):
        if isinstance(line, WorkspaceLine):
            return line
    raise Malformed("line 2: an export tells of its workspace there")


PLURALS = {
    "status": "statuses",
    "label": "labels",
    "project": "projects",
    "person": "people",
    "task": "tasks",
    "comment": "comments",
    "reaction": "reactions",
    "change": "changes of the history",
}


def summary(report: Report, name: str, *, is_dry: bool) -> Iterator[str]:
    """What was done, or would be, in lines."""
    yield f"{name}: what would be imported (nothing was written)" if is_dry else f"{name}: imported"
    for kind, plural in PLURALS.items():
        if report.read[kind]:
            yield f"  {plural}: {report.added[kind]:,} new, {report.present[kind]:,} there already"
    for what, count in report.dropped.items():
        if count:
            yield f"  left out: {count:,} {what}"
    strangers = list(report.strangers.values())
    if strangers:
        yield f"  not in the workspace, so who imports stands for them: {len(strangers):,}"
    for one in strangers[:MAX_STRANGERS]:
        yield f"    {one.name} <{one.email}>" if one.email else f"    {one.name}"
    if len(strangers) > MAX_STRANGERS:
        yield f"    and {len(strangers) - MAX_STRANGERS:,} more"
