"""Import and export: how long 100,000 tasks take, how much memory the command needs, and what others notice of it.

Invariant: what comes out is what went in, counted, or there is no figure.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench import machine
from bench.fleet import percentile
from bench.measure import Figure, Ground
from bench.people import database, refresh, rename_task
from bench.programs import SECRET, ProgramFailed, product_root
from bench.wire import Http

NAME = "Import and export"
TASKS, QUICK_TASKS = 100_000, 500
EVERY = 5
"""Each so-many-th task has a comment, and a subtask."""
ASK_SECONDS = 0.2
SAMPLE_SECONDS = 0.05
FRESH_SECONDS = 300.0
"""An access token lives three times as long."""
MIB = 2**20
NEW = re.compile(r" %: .* ([\d,]+) tasks new")
HOW = f"""`tutti import` reads a JSON Lines file of {TASKS:,} tasks with descriptions of 400 characters, a subtask below and a comment on each {EVERY}th,
into the workspace of the measurement, on the server's core; PostgreSQL is on the client's. Meanwhile one person renames a task there
each {ASK_SECONDS:g} s: *others' changes* is from their request to its answer. Then `tutti export` writes all of it into a file. *Memory* is the most
that the command's process ever held (VmHWM, read each {SAMPLE_SECONDS * 1000:g} ms), its libraries included. Each once."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One command, run to its end."""

    seconds: float
    peak_bytes: int
    said: str
    samples: list[Sample]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a command held, so many seconds after its start, and how many tasks it had said to be new."""

    seconds: float
    held_bytes: int
    tasks: int


async def measure(ground: Ground) -> list[Figure]:
    """-> tasks a second, mebibytes, and milliseconds of others' changes."""
    moved = await move(ground, QUICK_TASKS if ground.plan.is_quick else TASKS)
    came_in, went_out = moved.came_in, moved.went_out
    waited = sorted(moved.delays)
    return [
        Figure("import", moved.count / came_in.seconds, "tasks/s"),
        Figure("import: memory", came_in.peak_bytes / MIB, "MiB", "< 300 MB"),
        Figure("import: lines of progress", came_in.said.count(" %: "), "lines"),
        Figure("import: others' changes, p50", percentile(waited, 0.5), "ms"),
        Figure("import: others' changes, p99", percentile(waited, 0.99), "ms"),
        Figure("export", moved.found / went_out.seconds, "tasks/s"),
        Figure("export: memory", went_out.peak_bytes / MIB, "MiB", "< 300 MB"),
    ]


@dataclass(frozen=True, slots=True)
class Moved:
    """So many tasks that came in, and those that went out; `delays` are milliseconds of others' changes meanwhile."""

    count: int
    found: int
    file_bytes: int
    came_in: Ran
    went_out: Ran
    delays: list[float]


async def move(ground: Ground, count: int) -> Moved:
    """Import a file of so many tasks, and export what is there then."""
    file, out = ground.stack.folder / "in.jsonl", ground.stack.folder / "out.jsonl"
    write_file(file, count)
    file_bytes = file.stat().st_size
    connection = await database(ground.stack)
    email = await connection.fetchval(
        "SELECT email FROM users u JOIN memberships m ON m.user_id = u.id WHERE m.role = 'OWNER' AND m.workspace_id = $1",
        uuid.UUID(ground.team.workspace_id.removeprefix("workspace_")),
    )
    await connection.close()
    into = ("--into", ground.team.workspace_id, "--as", email)
    done = asyncio.Event()
    asking = asyncio.create_task(_ask(ground, done))
    came_in = await _run(ground, "import", file, "--format", "jsonl", *into)
    done.set()
    delays = await asking
    if f"tasks: {count:,} new" not in came_in.said:
        raise ProgramFailed(came_in.said)
    went_out = await _run(ground, "export", ground.team.workspace_id, "--out", out)
    with out.open("rb") as lines:
        found = sum(line.startswith(b'{"type":"task"') for line in lines)
    if found != count + len(ground.team.task_ids):
        raise ProgramFailed(f"{found} tasks came out")
    out.unlink()
    file.unlink()
    ground.say(f"import {came_in.seconds:.1f} s, export {went_out.seconds:.1f} s")
    return Moved(count, found, file_bytes, came_in, went_out, delays)


def write_file(file: Path, count: int) -> None:
    """A workspace with so many tasks."""
    at = "2024-01-01T00:00:00Z"
    stamps = {"created_at": at, "updated_at": at}
    text = "What is to be done here, said in some words. " * 9
    with file.open("wb") as out:

        def write(line: dict[str, object]) -> None:
            out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

        write({"type": "header", "format": "tutti-workspace", "version": 1})
        write({"type": "workspace", "id": _id("w", 0), "name": "Large", "slug": "large", "key": "LRG"})
        write({"type": "status", "id": _id("s", 0), "name": "To do", "category": "TODO", **stamps})
        write({"type": "project", "id": _id("p", 0), "name": "Moved", **stamps})
        above = count - count // (EVERY + 1)
        for number in range(count):
            task = {
                "type": "task",
                "id": _id("t", number),
                "title": f"Task {number} of those that moved",
                "description": f"{number}. {text}",
                "status_id": _id("s", 0),
                "project_id": _id("p", 0),
                **stamps,
            }
            if number >= above:
                task["parent_id"] = _id("t", (number - above) * EVERY)
            write(task)
        for number in range(0, above, EVERY):
            write({"type": "comment", "id": _id("c", number), "task_id": _id("t", number), "body": "Yes.", **stamps})


def _id(kind: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}{number}"))


async def _ask(ground: Ground, done: asyncio.Event) -> list[float]:
    """Change a task again and again. -> milliseconds until each answer."""
    http = Http(ground.server.url)
    delays: list[float] = []
    fresh_until = 0.0
    try:
        while not done.is_set():
            if time.monotonic() > fresh_until:
                await refresh(ground.server.url, ground.stack, ground.team.people[:1])
                fresh_until = time.monotonic() + FRESH_SECONDS
            began = time.monotonic()
            await rename_task(http, ground.team.people[0], ground.team.task_ids[0], f"Renamed {len(delays)}")
            delays.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(ASK_SECONDS)
    finally:
        http.close()
    return delays


async def _run(ground: Ground, *arguments: object) -> Ran:
    """A `tutti` command on the server's core."""
    log = ground.stack.folder / "transfer.log"
    environment = {
        **os.environ,
        "DATABASE_URL": ground.stack.database_url,
        "REDIS_URL": ground.stack.redis_url,
        "TUTTI_JWT_SECRET": SECRET,
        "TUTTI_STATE_DIR": str(ground.stack.folder / "transfer"),
        "PYTHONPATH": str(product_root()),
    }
    with log.open("wb") as output:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "server.cli", *map(str, arguments)],
            env=environment,
            cwd=product_root(),
            stdout=output,
            stderr=output,
        )
        machine.pin(process.pid, ground.cores.server)
        peak = 0
        samples: list[Sample] = []
        with log.open() as lines:
            tasks = 0
            while process.returncode is None:
                for line in lines:
                    if told := NEW.search(line):
                        tasks = int(told[1].replace(",", ""))
                held, most = _memory(process.pid)
                peak = max(peak, most)
                if held:
                    samples.append(Sample(time.monotonic() - began, held, tasks))
                await asyncio.sleep(SAMPLE_SECONDS)
        seconds = time.monotonic() - began
    said = log.read_text()
    if process.returncode != 0:
        raise ProgramFailed(said)
    return Ran(seconds, peak, said, samples)


def _memory(pid: int) -> tuple[int, int]:
    """Bytes that a process holds, and the most it has held; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    told = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
    held, most = (int(told[name].split()[0]) * 1024 if name in told else 0 for name in ("VmRSS", "VmHWM"))
    return held, most
