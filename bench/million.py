"""Import and export of a million tasks: whether memory and pace stay as they are, however much has gone through.

Invariant: what comes out is what went in, counted, or there is no figure.
"""

from __future__ import annotations

from bench.fleet import percentile
from bench.measure import Figure, Ground
from bench.people import database
from bench.transfer import MIB, QUICK_TASKS, Ran, move

NAME = "Import and export of a million tasks"
TASKS = 1_000_000
PARTS = 4
HOW = f"""As above, with {TASKS:,} tasks. The command's memory is the most it held (VmRSS) in each quarter of its time: what keeps anything of
what went by would grow. Its pace is told for the first and the last quarter of the tasks. Only by `make bench ONLY=million`, once;
it takes half an hour and ten gigabytes."""


async def measure(ground: Ground) -> list[Figure]:
    """-> tasks a second, mebibytes, milliseconds of others' changes, and gigabytes."""
    moved = await move(ground, QUICK_TASKS if ground.plan.is_quick else TASKS)
    came_in, went_out = moved.came_in, moved.went_out
    waited = sorted(moved.delays)
    connection = await database(ground.stack)
    stored = await connection.fetchval("SELECT pg_database_size(current_database())")
    await connection.close()
    first, last = _paces(came_in)
    return [
        Figure("the file", moved.file_bytes / 1e9, "GB"),
        Figure("import", moved.count / came_in.seconds, "tasks/s"),
        Figure("import: the first quarter", first, "tasks/s"),
        Figure("import: the last quarter", last, "tasks/s"),
        *_memories("import", came_in),
        Figure("import: others' changes, p50", percentile(waited, 0.5), "ms"),
        Figure("import: others' changes, p99", percentile(waited, 0.99), "ms"),
        Figure("the database then", stored / 1e9, "GB"),
        Figure("export", moved.found / went_out.seconds, "tasks/s"),
        *_memories("export", went_out),
    ]


def _memories(what: str, ran: Ran) -> list[Figure]:
    """The most that was held in each quarter of the time."""
    parts: list[list[int]] = [[] for _ in range(PARTS)]
    for sample in ran.samples:
        parts[min(PARTS - 1, int(sample.seconds / ran.seconds * PARTS))].append(sample.held_bytes)
    return [
        Figure(f"{what}: memory, quarter {number}", max(part, default=0) / MIB, "MiB", "< 300 MB")
        for number, part in enumerate(parts, 1)
    ]


def _paces(ran: Ran) -> tuple[float, float]:
    """Tasks a second in the first and in the last quarter of all tasks that it told to be new."""
    steps = [(0.0, 0)]
    for sample in ran.samples:
        if sample.tasks > steps[-1][1]:
            steps.append((sample.seconds, sample.tasks))
    most = steps[-1][1]

    def pace(least: float, last: float) -> float:
        within = [step for step in steps if least <= step[1] <= last]
        return (within[-1][1] - within[0][1]) / max(1e-9, within[-1][0] - within[0][0])

    return pace(0, most / 4), pace(most * 3 / 4, most)
