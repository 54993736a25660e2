"""Cursors that a client should not have, over a real socket and by the query: refused, or answered with a resync."""

from __future__ import annotations

import asyncpg
import pytest

from tests.people import EVENTS, Api, GraphQLFailed, Person
from tests.stack_fixture import TestStack

POLL = """query ($id: ID!, $after: EventCursor!) {
  workspaceEvents(workspaceId: $id, after: $after) { cursor caughtUp resync events { cursor } }
}"""


async def _with_tasks(api: Api, count: int = 3) -> tuple[Person, str, list[str]]:
    """Somebody, their workspace, and the cursors of its last changes."""
    ann = await api.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    cursors = [await ann.cursor(workspace_id)]
    for number in range(count):
        await ann.create_task(workspace_id, f"Task {number}")
        cursors.append(await ann.cursor(workspace_id))
    return ann, workspace_id, cursors


async def _prune(stack: TestStack, workspace_id: str, through: int) -> None:
    """What retention does: the floor first, in a transaction of its own."""
    connection = await asyncpg.connect(stack.database_url.replace("+asyncpg", "", 1))
    raw = workspace_id.split("_", 1)[1]
    try:
        await connection.execute("UPDATE workspace_heads SET floor_seq = $2 WHERE workspace_id = $1", raw, through)
        await connection.execute("DELETE FROM events WHERE workspace_id = $1 AND seq <= $2", raw, through)
    finally:
        await connection.close()


def _seq(cursor: str) -> int:
    return int(cursor.rsplit(":", 1)[1])


def _at(cursor: str, seq: int, epoch: str | None = None) -> str:
    version, workspace, known, _ = cursor.split(":")
    return f"{version}:{workspace}:{epoch or known}:{seq:019d}"


@pytest.mark.parametrize("text", ["", "garbage", "v1:::", "v2:" + "0" * 80, "\u0000", "v1:" + "x" * 5000])
async def test_garbage_is_refused(api: Api, text: str) -> None:
    ann, workspace_id, _ = await _with_tasks(api, 0)
    with pytest.raises(GraphQLFailed) as failed:
        await ann.ask(POLL, id=workspace_id, after=text)
    assert failed.value.codes == ["BAD_REQUEST"]
    async with ann.socket() as socket:
        stream = await socket.subscribe(EVENTS, workspaceId=workspace_id, after=text)
        end = await stream.end()
        assert (end["type"], end["payload"][0]["extensions"]["code"]) == ("error", "BAD_REQUEST")
        # The socket stays.
        fine = await socket.subscribe(EVENTS, workspaceId=workspace_id)
        await fine.until(lambda batch: batch["caughtUp"])


async def test_a_cursor_of_another_workspace_is_refused(api: Api) -> None:
    ann, workspace_id, _ = await _with_tasks(api, 0)
    other = await ann.cursor(ann.personal_workspace_id)
    async with ann.socket() as socket:
        stream = await socket.subscribe(EVENTS, workspaceId=workspace_id, after=other)
        assert (await stream.end())["payload"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("kind", ["ahead", "far ahead", "of another epoch", "too old"])
async def test_what_the_log_does_not_hold_asks_for_a_fresh_fetch(api: Api, stack: TestStack, kind: str) -> None:
    ann, workspace_id, cursors = await _with_tasks(api)
    head = cursors[-1]
    after = {
        "ahead": _at(head, _seq(head) + 1),
        "far ahead": _at(head, 2**63 - 1),
        "of another epoch": _at(head, _seq(head), "00000000"),
        "too old": cursors[0],
    }[kind]
    if kind == "too old":
        await _prune(stack, workspace_id, _seq(cursors[1]))
    batch = (await ann.ask(POLL, id=workspace_id, after=after))["workspaceEvents"]
    assert batch == {"cursor": head, "caughtUp": True, "resync": "CURSOR_EXPIRED", "events": []}
    async with ann.socket() as socket:
        stream = await socket.subscribe(EVENTS, workspaceId=workspace_id, after=after)
        first = await stream.until(lambda batch: True)
        assert first == {"cursor": head, "caughtUp": True, "resync": "CURSOR_EXPIRED", "events": []}
        await ann.create_task(workspace_id, "Next")
        event = await stream.event(lambda event: True)
        assert _seq(event["cursor"]) > _seq(head)


async def test_the_oldest_cursor_that_the_log_holds_is_served(api: Api, stack: TestStack) -> None:
    ann, workspace_id, cursors = await _with_tasks(api)
    await _prune(stack, workspace_id, _seq(cursors[1]))
    async with ann.listening(workspace_id, after=cursors[1]) as stream:
        assert [batch["resync"] for batch in stream.batches] == [None] * len(stream.batches)
        assert [_seq(event["cursor"]) for event in stream.events] == list(
            range(_seq(cursors[1]) + 1, _seq(cursors[-1]) + 1)
        )


async def test_a_log_that_is_pruned_while_somebody_replays_tells_them(api: Api, stack: TestStack) -> None:
    """Read by a client that takes its time: it has the events up to some place without a hole, then has to fetch."""
    ann, workspace_id, cursors = await _with_tasks(api, 0)
    connection = await asyncpg.connect(stack.database_url.replace("+asyncpg", "", 1))
    raw, start = workspace_id.split("_", 1)[1], _seq(cursors[0])
    await ann.create_task(workspace_id, "x" * 400)
    # Many copies of a real event, each a commit of its own: more than fits into what is under way.
    count = 20_000
    try:
        await connection.execute(
            "INSERT INTO events SELECT (jsonb_populate_record(e, jsonb_build_object('seq', e.seq + n, 'commit_seq',"
            " e.seq + n))).* FROM events e, generate_series(1, $3::int) n WHERE workspace_id = $1 AND seq = $2",
            raw,
            start + 1,
            count,
        )
        await connection.execute("UPDATE workspace_heads SET seq = seq + $2 WHERE workspace_id = $1", raw, count)
    finally:
        await connection.close()
    async with ann.socket() as socket:
        stream = await socket.subscribe(EVENTS, workspaceId=workspace_id, after=cursors[0])
        await stream.until(lambda batch: batch["events"])
        socket.connection.transport.pause_reading()
        await _prune(stack, workspace_id, start + count)
        socket.connection.transport.resume_reading()
        told = await stream.until(lambda batch: batch["resync"] or batch["caughtUp"], 30)
        assert told["resync"] == "CURSOR_EXPIRED"
        assert _seq(told["cursor"]) == start + 1 + count
    got = [_seq(event["cursor"]) for event in stream.events]
    assert got == list(range(start + 1, start + 1 + len(got)))
    assert len(got) < count
