"""`tutti export` and `tutti import`: files, progress, and what is said at the end.

Invariant: an export's file has its name only when it is whole. Everything that an import does is in `transfer`.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO
from uuid import UUID

from db.errors import Busy, Duplicate, Unavailable, Unstorable
from db.models import Actor
from db.session import Database, ReadSession
from db.unit_of_work import Writer
from domain.errors import Refusal, Refusals
from transfer.exporting import exported
from transfer.lines import Malformed, Numbered, WorkspaceLine, write_line
from transfer.loading import Loader, Plan, Report
from transfer.reading import BY_CATEGORY, OWN, READERS
from transfer.sources import Source
from transfer.tables import table
from transfer.workspaces import Unknown, find_person, find_workspace, id_of_new, make_workspace, require_admin

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
    people: Path | None = None

    def check(self) -> None:
        """Raises TransferProblem for what can be seen before any server is started."""
        for file in (self.file, self.people):
            if file is not None and not file.is_file():
                raise TransferProblem(f"there is no file {file}")
        if self.has_kept_ids and self.format != OWN:
            raise TransferProblem("only an export of Tutti (--format jsonl) has ids that can be kept")
        if self.people is not None and self.format == OWN:
            raise TransferProblem("an export of Tutti says itself who is who; --people is for other files")


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
    except Duplicate as error:
        raise TransferProblem("somebody adds the same just now: run the command again when they are done") from error
    except Unstorable as error:
        raise TransferProblem("the file has a zero character in a name or an address") from error
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
                count = await _write(database, workspace.id, wanted.format, file, say)
            where = "" if wanted.out is None else f" to {wanted.out}"
            say(f"{workspace.name}: {count:,} lines written{where}.")


async def _lines(session: ReadSession, workspace_id: UUID) -> AsyncIterator[bytes]:
    async for line in exported(session, workspace_id):
        yield write_line(line)


FORMATS: Mapping[str, Callable[[ReadSession, UUID], AsyncIterator[bytes]]] = {OWN: _lines, "csv": table}
"""What an export can be, by its name."""


async def _write(database: Database, workspace_id: UUID, form: str, file: IO[bytes], say: Say) -> int:
    pace = _Pace(say)
    session = database.reading()
    count = 0
    try:
        async for line in FORMATS[form](session, workspace_id):
            file.write(line)
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
    wanted.check()
    with _told(), wanted.file.open("rb") as file:
        async with _opened(url, WRITE_SECONDS) as database:
            # Who listens hears of it by the poll of the log's head, a second later at most.
            writer = Writer(database, lambda events: None)
            actor = await find_person(database, wanted.email)
            source = Source(file, wanted.file.stem, _people(wanted.people))
            plan, name = await _planned(database, writer, wanted, actor, source)
            pace, size = _Pace(say), max(1, os.fstat(file.fileno()).st_size)

            def progress(report: Report) -> None:
                percent = min(100, file.tell() * 100 // size)
                pace.say(f"{percent} %: {sum(report.read.values()):,} read, {report.added['task']:,} tasks new")

            report = await Loader(database, writer, plan, progress).load(READERS[wanted.format](source))
            report.dropped.update(source.dropped)
            for line in summary(report, name, is_dry=plan.is_dry):
                say(line)
            return report


async def _planned(
    database: Database, writer: Writer, wanted: Import, actor: Actor, source: Source
) -> tuple[Plan, str]:
    """What to do, and the name of the workspace, which is there from now on (unless nothing is to be written)."""
    plan = Plan(
        UUID(int=0),
        actor,
        is_new=wanted.new is not None,
        has_default_statuses=wanted.new is not None and wanted.format != OWN,
        has_kept_ids=wanted.has_kept_ids,
        is_by_category=wanted.format in BY_CATEGORY,
        is_dry=wanted.is_dry,
    )
    if wanted.into is not None:
        workspace = await find_workspace(database, wanted.into)
        await require_admin(database, actor, workspace, wanted.email)
        return replace(plan, workspace_id=workspace.id), workspace.name
    assert wanted.new is not None
    said = _workspace_line(READERS[OWN](source)) if wanted.format == OWN else None
    if wanted.has_kept_ids and said is not None:
        workspace_id = said.id
    else:
        workspace_id = id_of_new(_digest(source.file), actor, wanted.new)
    await make_workspace(writer, database, actor, workspace_id, wanted.new, said, is_dry=wanted.is_dry)
    return replace(plan, workspace_id=workspace_id), wanted.new


def _people(file: Path | None) -> dict[str, str]:
    """A table of two columns, names and e-mail addresses. Raises Malformed."""
    if file is None:
        return {}
    found: dict[str, str] = {}
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        for row in rows:
            if row and len(row) != 2:
                raise Malformed(f"{file}, line {rows.line_num}: a name and an e-mail address, with a comma between")
            if row:
                found[row[0].strip()] = row[1].strip()
    return found


def _digest(file: IO[bytes]) -> str:
    """What tells this file from any other."""
    file.seek(0)
    digest = hashlib.sha256()
    while part := file.read(2**20):
        digest.update(part)
    return digest.hexdigest()


def _workspace_line(lines: Iterator[Numbered]) -> WorkspaceLine:
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
