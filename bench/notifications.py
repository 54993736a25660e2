"""Telling people in person: one comment that mentions fifty, at their sockets, and the unread count of who keeps all.

Invariant: everybody was told of every comment, once each, or there is no figure.
"""

from __future__ import annotations

import time
import uuid

import orjson

from bench.fleet import Faulty, percentile
from bench.measure import Figure, Ground
from bench.people import Person, ask, database, do, make_team, quiet
from bench.rounds import quietly
from bench.wire import Http, Subscriber, connect

NAME = "Notifications"
MENTIONED, QUICK = 50, 5
COMMENTS = 20
PAUSE_SECONDS = 0.25
WAIT_SECONDS = 10.0
STORED = (100, 100_000)
COUNTS = 200
HOW = f"""{COMMENTS} comments over HTTP, one each {PAUSE_SECONDS:g} s, each with {MENTIONED} people mentioned, who have a socket each with
`notificationEvents` (kind, actor, task and comment selected); the delay is from the commit (PostgreSQL's own time of it, as in *From
commit to client*), or from sending the mutation, to the frame at each socket, parsed. All fifty are woken at once and read one snapshot
together, six statements however many they are. Unread counts: `viewer.notifications.unreadCount` of one person over HTTP, {COUNTS}
times, with so many notifications stored, all unread; the median."""

DOCUMENT = """subscription { notificationEvents {
  isSnapshot unreadCount removedIds
  notifications { id kind groupCount createdAt readAt actor { id name } task { id key title } comment { id body } }
} }"""
COUNT = "{ viewer { notifications(first: 1) { unreadCount } } }"


class Listener(Subscriber):
    """Keeps when it was told what."""

    def __init__(self, index: int, token: str) -> None:
        super().__init__(
            f"listener-{index}",
            "/graphql",
            {"authorization": f"Bearer {token}"},
            {"query": DOCUMENT},
            has_first_result=True,
        )
        self.heard: list[tuple[str, float]] = []

    def _text(self, data: bytes, start: int, end: int, now: float) -> None:
        message = orjson.loads(data[start:end])
        if message["type"] != "next" or "errors" in message["payload"]:
            self._message(message)
            return
        batch = message["payload"]["data"]["notificationEvents"]
        if not batch["isSnapshot"]:
            self.heard += [(one["comment"]["id"], now) for one in batch["notifications"]]
        if not self.ready.done():
            self.ready.set_result(None)


async def measure(ground: Ground) -> list[Figure]:
    """-> the delays of being told, and what an unread count takes."""
    size = QUICK if ground.plan.is_quick else MENTIONED
    team = await make_team(ground.server.url, ground.stack, size + 1)
    author, *mentioned = team.people
    listeners = [Listener(index, one.token) for index, one in enumerate(mentioned)]
    http = Http(ground.server.url)
    try:
        ids = [(await ask(http, one.token, "{ viewer { user { id } } }"))["viewer"]["user"]["id"] for one in mentioned]
        for one in listeners:
            await connect(ground.server.url, one)
        body = "Look: " + " ".join(f"@[{one}]" for one in ids)
        committed, sent = await quietly(
            ground.plan, lambda: _comments(ground, http, author, team.task_ids[0], body, listeners)
        )
        ground.say(
            f"to {size}: p95 {percentile(committed, 0.95):.1f} ms after the commit, {percentile(sent, 0.95):.1f} ms in all"
        )
        counts = [await _count(ground, mentioned[0], ids[0], team.workspace_id, stored) for stored in STORED]
        ground.say(f"unread counts: {counts}")
    finally:
        http.close()
        for one in listeners:
            one.cut()
    return [
        Figure(f"a comment that mentions {MENTIONED}: commit to client, p50", percentile(committed, 0.5), "ms"),
        Figure(
            f"a comment that mentions {MENTIONED}: commit to client, p95", percentile(committed, 0.95), "ms", "< 30 ms"
        ),
        Figure(f"a comment that mentions {MENTIONED}: from sending it, p95", percentile(sent, 0.95), "ms"),
        *[
            Figure(f"the unread count with {stored:,} stored", one, "ms")
            for stored, one in zip(STORED, counts, strict=True)
        ],
    ]


async def _comments(
    ground: Ground, http: Http, author: Person, task_id: str, body: str, listeners: list[Listener]
) -> tuple[list[float], list[float]]:
    """-> milliseconds at each listener for each comment: after the commit, and after it was sent."""
    told_at: list[tuple[str, float]] = []
    sent = []
    offset = time.time() - time.monotonic()
    for _ in range(3 if ground.plan.is_quick else COMMENTS):
        began = time.monotonic()
        payload = await do(http, author.token, "createComment", {"taskId": task_id, "body": body}, "comment { id }")
        comment_id = payload["comment"]["id"]
        while any(heard != comment_id for one in listeners for heard, _ in one.heard[-1:] or [("", 0.0)]):
            if time.monotonic() > began + WAIT_SECONDS:
                raise Faulty("Somebody was not told.")
            await quiet(0.005)
        await quiet(max(0.0, began + PAUSE_SECONDS - time.monotonic()))
        for one in listeners:
            told = [at for heard, at in one.heard if heard == comment_id]
            if len(told) != 1:
                raise Faulty(f"{one.name} was told {len(told)} times: {one.faults[:3]}")
            told_at.append((comment_id, told[0] + offset))
            sent.append((told[0] - began) * 1e3)
    commits = await _commits(ground, task_id)
    return [(at - commits[comment_id]) * 1e3 for comment_id, at in told_at], sent


async def _commits(ground: Ground, task_id: str) -> dict[str, float]:
    """Comments of a task -> the moment of their commit, in seconds since 1970."""
    connection = await database(ground.stack)
    try:
        rows = await connection.fetch(
            "SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at FROM comments WHERE task_id = $1",
            uuid.UUID(task_id.partition("_")[2]),
        )
    finally:
        await connection.close()
    return {f"comment_{row['id']}": row["at"] for row in rows}


async def _count(ground: Ground, person: Person, user_id: str, workspace_id: str, stored: int) -> float:
    """-> milliseconds that an unread count takes once so many are stored."""
    user, workspace = (uuid.UUID(one.partition("_")[2]) for one in (user_id, workspace_id))
    connection = await database(ground.stack)
    try:
        for statement in _FILL:
            await connection.execute(statement, user, workspace, stored)
        await connection.execute("VACUUM ANALYZE notifications")
    finally:
        await connection.close()
    took = []
    http = Http(ground.server.url)
    try:
        for _ in range(10 if ground.plan.is_quick else COUNTS):
            began = time.monotonic()
            found = (await ask(http, person.token, COUNT))["viewer"]["notifications"]["unreadCount"]
            took.append((time.monotonic() - began) * 1e3)
            if found != stored:
                raise Faulty(f"{found} are unread, not {stored}")
    finally:
        http.close()
    return percentile(took, 0.5)


_FILL = (
    "DELETE FROM notifications WHERE user_id = $1 AND workspace_id = $2 AND $3::int > 0",
    "DELETE FROM notification_counts WHERE user_id = $1 AND $2::uuid IS NOT NULL AND $3::int > 0",
    """INSERT INTO notifications (id, user_id, workspace_id, seq, kind, group_key, sources, group_count, actor_kind, actor_id,
    is_in_app, created_at) SELECT gen_random_uuid(), $1, $2, 1, 'COMMENT', 'bench:' || nr, '[]', 1, 'USER', $1, true,
    now() - nr * interval '1 second' FROM generate_series(1, $3::int) nr""",
    """INSERT INTO notification_counts (user_id, workspace_id, kind, unread) VALUES ($1, $2, 'COMMENT', $3::int)""",
)
