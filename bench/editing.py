"""Editing together: many people on one task, what the history costs, and a move in a long column.

Invariant: every update is answered, by its effect or by a typed conflict; what was accepted is in the history, once each;
and a move wrote one row, or there is no figure.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from bench.fleet import Faulty, median, percentile
from bench.measure import Figure, Ground
from bench.people import Person, ask, database, do, make_task, make_team, make_workspace
from bench.programs import tutti
from bench.rounds import quietly
from bench.wire import Http

NAME = "Editing together"
CLIENTS, SECONDS = 20, 3.0
RATES = (50.0, 100.0, 200.0)
WARM_SECONDS = 2.0
LATE_MS = 100
PAIRS, TURN = 8, 20
DEARER = 1.3
CARDS, MOVES = 10_000, 200
MOVE_MS = 15
HOW = f"""*One task*: {CLIENTS} people with so many updates a second together, over HTTP, open loop: each is sent when its time has come,
whatever became of those before, and timed from then. Each goes by the version that its sender last heard of in an answer (with MERGE) and
changes the sender's own line of the description, or title, priority, estimate or due date, or adds or takes off a label. Then all that
was accepted must be in the history, once each. The median of the rounds of {SECONDS:g} s. *The history*: updates one after another, in turns
of {TURN} on the server and on one that remembers no changes but is the same in all else, on the same database; the time that the sender
sees, the median of {PAIRS * TURN} each; the median of the rounds. *A move*: a card of {CARDS:,} in one column of a project goes before or after another,
both at random, one after another; after each it is counted which rows of tasks it wrote."""

UPDATE = """mutation ($input: UpdateTaskInput!) { updateTask(input: $input) {
  task { id version description } merged eventCursor userErrors { __typename code message ... on ConflictError { currentVersion } } } }"""
HISTORY = """query ($id: ID!, $after: String) { node(id: $id) { ... on Task { version description
  history(first: 100, after: $after) { nodes { version } pageInfo { endCursor hasNextPage } } } } }"""


async def measure(ground: Ground) -> list[Figure]:
    """-> all three. Raises Faulty."""
    return [*await _together(ground), *await _with_history(ground), *await _moves(ground)]


# ---- many people on one task


@dataclass(slots=True)
class Editor:
    """Somebody with as many connections as they have updates under way."""

    person: Person
    number: int
    idle: list[Http] = field(default_factory=list)
    version: int = 0
    description: str = ""
    lines: int = 0


@dataclass(slots=True)
class Tally:
    """What became of a round's updates."""

    took_ms: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    written: int = 0


async def _together(ground: Ground) -> list[Figure]:
    count = 4 if ground.plan.is_quick else CLIENTS
    team = await make_team(ground.server.url, ground.stack, count)
    editors = [Editor(person, number) for number, person in enumerate(team.people)]
    http = Http(ground.server.url)
    owner = team.people[0].token
    try:
        found = await do(http, owner, "createLabel", {"workspaceId": team.workspace_id, "name": "ours"}, "label { id }")
        label_id = found["label"]["id"]
        await _round(ground, http, team.workspace_id, editors, label_id, RATES[0], WARM_SECONDS)
        figures = []
        for rate in RATES:

            async def one(rate: float = rate) -> Tally:
                return await _round(ground, http, team.workspace_id, editors, label_id, rate)

            rounds = []
            for number in range(ground.plan.rounds):
                tally: Tally = await quietly(ground.plan, one)
                rounds.append(tally)
                shown = f"p50 {percentile(tally.took_ms, 0.5):.1f} ms, p95 {percentile(tally.took_ms, 0.95):.1f} ms"
                ground.say(f"{rate:g}/s, round {number + 1}: {shown}, {dict(tally.outcomes)}")
            figures += _figures(rate, rounds)
    finally:
        http.close()
        for editor in editors:
            for idle in editor.idle:
                idle.close()
    return figures


def _figures(rate: float, rounds: list[Tally]) -> list[Figure]:
    def of(share: float) -> float:
        return median([percentile(one.took_ms, share) for one in rounds])

    load = f"one task, {CLIENTS} people, {rate:g} updates/s"
    conflicts = median([one.outcomes["conflict"] / len(one.took_ms) for one in rounds])
    is_promised = rate == RATES[-1]
    return [
        Figure(f"{load}: p50", of(0.5), "ms"),
        Figure(f"{load}: p95", of(0.95), "ms", f"< {LATE_MS} ms" if is_promised else ""),
        Figure(f"{load}: answered by a conflict", 100 * conflicts, "%"),
        Figure(f"{load}: answered by any other error", 0, "%", "0 %"),
    ]


async def _round(
    ground: Ground,
    http: Http,
    workspace_id: str,
    editors: list[Editor],
    label_id: str,
    rate: float,
    seconds: float = SECONDS,
) -> Tally:
    """Change one new task for a while, all at once. Raises Faulty for any error that is no conflict."""
    owner = editors[0].person
    task_id = await make_task(http, owner, workspace_id, "A task of all")
    lines = "\n".join(f"{one.number}. This is the line of editor {one.number}: 0" for one in editors)
    await do(http, owner.token, "updateTask", {"id": task_id, "description": lines}, "task { id }")
    for one in editors:
        one.version, one.description, one.lines = 2, lines, 0
    tally = Tally()
    rate *= len(editors) / CLIENTS
    count = round(ground.plan.seconds(seconds) * rate)
    began = time.monotonic() + 0.1
    under_way = []
    for turn in range(count):
        due = began + turn / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        editor = editors[turn % len(editors)]
        step = _step(editor, turn // len(editors), task_id, label_id)
        under_way.append(asyncio.create_task(_update(ground, editor, step, due, tally)))
    await asyncio.gather(*under_way)
    await _all_is_kept(http, owner, task_id, tally, editors)
    return tally


def _step(editor: Editor, turn: int, task_id: str, label_id: str) -> dict[str, Any]:
    """What an editor changes next, from the version that they know."""
    match (turn + editor.number) % 6:
        case 0:
            changes: dict[str, Any] = {"description": _own_line_changed(editor)}
        case 1:
            changes = {"title": f"By {editor.number}, {turn}"}
        case 2:
            changes = {"priority": ("LOW", "HIGH", "URGENT")[turn % 3]}
        case 3:
            changes = {"estimate": float(turn)}
        case 4:
            changes = {"dueDate": f"2030-01-{1 + turn % 28:02}"}
        case _:
            changes = {"addLabelIds" if turn % 12 < 6 else "removeLabelIds": [label_id]}
    return {"id": task_id, "baseVersion": editor.version, **changes}


async def _update(ground: Ground, editor: Editor, step: dict[str, Any], due: float, tally: Tally) -> None:
    http = editor.idle.pop() if editor.idle else Http(ground.server.url)
    answer = await http.post({"query": UPDATE, "variables": {"input": step}}, editor.person.token)
    tally.took_ms.append((time.monotonic() - due) * 1e3)
    editor.idle.append(http)
    if answer.get("errors"):
        raise Faulty(f"{answer['errors']}")
    payload = answer["data"]["updateTask"]
    if payload["task"]["version"] > editor.version:
        editor.version, editor.description = payload["task"]["version"], payload["task"]["description"]
    for error in payload["userErrors"]:
        if error["__typename"] != "ConflictError":
            raise Faulty(f"{error}")
    tally.outcomes["conflict" if payload["userErrors"] else "merged" if payload["merged"] else "written"] += 1
    tally.written += payload["eventCursor"] is not None


def _own_line_changed(editor: Editor) -> str:
    """The description as the editor knows it, with another end of their own line."""
    editor.lines += 1
    lines = editor.description.split("\n")
    lines[editor.number] = f"{lines[editor.number].rpartition(' ')[0]} {editor.lines}"
    return "\n".join(lines)


async def _all_is_kept(http: Http, owner: Person, task_id: str, tally: Tally, editors: list[Editor]) -> None:
    """Raises Faulty unless the history has as many changes as were accepted, one for each version."""
    versions: list[int] = []
    after = None
    while True:
        found = (await ask(http, owner.token, HISTORY, id=task_id, after=after))["node"]
        versions += [one["version"] for one in found["history"]["nodes"]]
        if not found["history"]["pageInfo"]["hasNextPage"]:
            break
        after = found["history"]["pageInfo"]["endCursor"]
    if versions != list(range(found["version"], 1, -1)) or len(versions) != tally.written + 1:
        raise Faulty(f"{tally.written} updates were accepted, the history has {len(versions) - 1}")
    if len(found["description"].split("\n")) != len(editors):
        raise Faulty(f"the description came apart: {found['description'][:300]}")


# ---- what the history costs


async def _with_history(ground: Ground) -> list[Figure]:
    http = Http(ground.server.url)
    person = ground.team.people[0]
    text = "\n".join(f"Line {number} of a text that is rather long: it says this and that." for number in range(150))
    kinds: list[tuple[str, Callable[[int], dict[str, Any]]]] = [
        ("an update of a title", lambda turn: {"title": f"Title {turn}"}),
        (f"of a description of {len(text):,} characters", lambda turn: {"description": f"{text}\nTurn {turn}"}),
    ]
    with tutti(ground.stack, ground.cores.server, has_history=False) as other:
        forgetful = Http(other.url)
        try:
            task_id = await make_task(http, person, ground.team.workspace_id, "A task with a past")
            figures = []
            for what, change in kinds:
                ratios, costs = [], []
                turns = itertools.count()

                async def paired(
                    change: Callable[[int], dict[str, Any]] = change, turns: itertools.count[int] = turns
                ) -> tuple[float, float]:
                    return await _paired(ground, (http, forgetful), person, lambda: (task_id, change(next(turns))))

                for _ in range(ground.plan.rounds):
                    with_ms, without_ms = await quietly(ground.plan, paired)
                    ratios.append(with_ms / without_ms)
                    costs.append(with_ms)
                    ground.say(f"{what}: {with_ms:.2f} ms, without history {without_ms:.2f} ms")
                figures += [
                    Figure(what, median(costs), "ms"),
                    Figure(f"{what}, by one without history", median(ratios), "x", f"<= {DEARER} x"),
                ]
        finally:
            http.close()
            forgetful.close()
    return figures


async def _paired(
    ground: Ground, servers: tuple[Http, Http], person: Person, step: Callable[[], tuple[str, dict[str, Any]]]
) -> tuple[float, float]:
    """-> milliseconds of an update on each, in turns."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(2 if ground.plan.is_quick else PAIRS):
        for server, times in zip(servers, took, strict=True):
            for _ in range(TURN):
                task_id, change = step()
                began = time.perf_counter()
                await do(server, person.token, "updateTask", {"id": task_id, **change}, "task { id version }")
                times.append((time.perf_counter() - began) * 1e3)
    return median(took[0]), median(took[1])


# ---- moves in a long column


async def _moves(ground: Ground) -> list[Figure]:
    http, connection = Http(ground.server.url), await database(ground.stack)
    person = ground.team.people[0]
    try:
        workspace_id = await make_workspace(http, person, "A long column")
        asked = {"workspaceId": workspace_id, "name": "Long", "key": "LONG"}
        project_id = (await do(http, person.token, "createProject", asked, "project { id }"))["project"]["id"]
        asked = {"workspaceId": workspace_id, "title": "A card", "projectId": project_id}
        first_id = (await do(http, person.token, "createTask", asked, "task { id }"))["task"]["id"]
        ids = await _fill(connection, workspace_id, first_id, 500 if ground.plan.is_quick else CARDS)
        rounds = []
        for number in range(ground.plan.rounds):

            async def moves() -> list[float]:
                return await _moved(ground, http, connection, person, workspace_id, ids)

            rounds.append(await quietly(ground.plan, moves))
            ground.say(f"moves, round {number + 1}: p95 {percentile(rounds[-1], 0.95):.1f} ms")
    finally:
        http.close()
        await connection.close()
    what = f"a move in a column of {CARDS:,} cards"
    return [
        Figure(f"{what}: p50", median([percentile(one, 0.5) for one in rounds]), "ms"),
        Figure(f"{what}: p95", median([percentile(one, 0.95) for one in rounds]), "ms", f"< {MOVE_MS} ms"),
        Figure(f"{what}: rows of tasks written by each", 1, "row", "1 row"),
    ]


async def _fill(connection: asyncpg.Connection, workspace_id: str, first_id: str, count: int) -> list[str]:
    """Cards like the first one, in its column. -> their ids."""
    ids = [uuid.uuid4() for _ in range(count)]
    ranks = [_rank(number) for number in range(count)]
    await connection.execute(
        """INSERT INTO tasks (id, version, created_at, updated_at, workspace_id, project_id, key, title, description,
        status_id, priority, rank, created_by_kind, created_by) SELECT new.id, 1, created_at, updated_at, workspace_id, project_id,
        new.key, title, description, status_id, priority, new.rank, created_by_kind, created_by
        FROM tasks, unnest($2::uuid[], $3::text[], $4::text[]) AS new (id, key, rank) WHERE tasks.id = $1""",
        uuid.UUID(first_id[-36:]),
        ids,
        [f"BENCH-{number}" for number in range(count)],
        ranks,
    )
    await connection.execute("VACUUM ANALYZE tasks")
    return [f"task_{one}" for one in ids]


_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _rank(number: int) -> str:
    """Ranks as they are when each card was put below the last: whole numbers of three digits."""
    digits = [_DIGITS[number // 62**power % 62] for power in (2, 1, 0)]
    return f"c{''.join(digits)}V"


async def _moved(
    ground: Ground, http: Http, connection: asyncpg.Connection, person: Person, workspace_id: str, ids: list[str]
) -> list[float]:
    """-> milliseconds of each move. Raises Faulty when one wrote another row than its own."""
    took = []
    for _ in range(10 if ground.plan.is_quick else MOVES):
        moving, anchor = random.sample(ids, 2)
        since = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
        asked = {"id": moving, "position": {random.choice(("before", "after")): anchor}}
        began = time.perf_counter()
        await do(http, person.token, "moveTask", asked, "task { id rank version }")
        took.append((time.perf_counter() - began) * 1e3)
        written = await connection.fetch(
            "SELECT id FROM tasks WHERE workspace_id = $1 AND xmin::text::bigint > $2",
            uuid.UUID(workspace_id[-36:]),
            since,
        )
        if [f"task_{row['id']}" for row in written] != [moving]:
            raise Faulty(f"A move wrote {len(written)} rows")
    return took
