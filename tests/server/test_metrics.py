"""What `/metrics` says, to whom, and that it speaks for all workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.test_draining import serve
from tests.people import Api, Person, open_socket
from tests.processes import ServerProcess, assert_untroubled, server_processes
from tests.stack_fixture import TestStack

TOKEN = "a-token-for-scrapes"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(http: httpx.AsyncClient, url: str) -> Samples:
    answer = await http.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def total(samples: Samples, name: str, **labels: str) -> float:
    return sum(value for (one, of), value in samples.items() if one == name and labels.items() <= dict(of).items())


async def scraped_until(url: str, is_so: Callable[[Samples], bool]) -> Samples:
    """The samples once they are so, each time on a connection of its own: the system chooses the worker.

    A worker or a database that is busy for a second is left out.
    """
    async with asyncio.timeout(30):
        while True:
            async with httpx.AsyncClient(timeout=60) as fresh:
                samples = await scraped(fresh, url)
            if is_so(samples):
                return samples


@pytest.fixture(scope="module")
def watched(stack: TestStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server with a token for metrics."""
    with server_processes(
        tmp_path_factory.mktemp("metrics"), stack.database_url, stack.redis_url, ("one",), TUTTI_METRICS_TOKEN=TOKEN
    ) as (server,):
        yield server
        assert_untroubled(server.log.read_text())


@asynccontextmanager
async def counted(http: httpx.AsyncClient, url: str) -> AsyncIterator[dict[str, float]]:
    """By how much each metric grew, all labels together."""
    before = await scraped(http, url)
    grown: dict[str, float] = {}
    yield grown
    after = await scraped(http, url)
    grown.update({name: total(after, name) - total(before, name) for name, _ in after})


async def test_without_a_token_there_is_no_such_address(api: Api, http: httpx.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Bearer {TOKEN}"}):
        answer = await http.get(f"{api.url}/metrics", headers=headers)
        assert answer.status_code == 404
        assert "tutti_" not in answer.text


@pytest.mark.parametrize("said", ["", "Bearer", "Bearer another-token-of-16", f"Basic {TOKEN}", TOKEN, "Bearer ä"])
async def test_nobody_gets_a_number_without_the_token(
    watched: ServerProcess, http: httpx.AsyncClient, said: str
) -> None:
    headers = {"Authorization": said.encode()} if said else {}
    for path in ("/metrics", "/metrics?token=" + TOKEN):
        answer = await http.get(watched.url + path, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 401
        assert "tutti_" not in answer.text


async def test_what_happens_is_counted(watched: ServerProcess, http: httpx.AsyncClient) -> None:
    ann = await Api(watched.url, http).sign_up("Ann")
    workspace_id = await ann.create_workspace()
    async with counted(http, watched.url) as grown:
        async with ann.listening(workspace_id) as stream, ann.listening(workspace_id) as other:
            await ann.create_task(workspace_id)
            for told in (stream, other):
                await told.event(lambda event: event["__typename"] == "TaskCreatedEvent")
            outbox = "tutti_outbox_mails", frozenset[tuple[str, str]]()
            during = await scraped_until(
                watched.url, lambda told: outbox in told and total(told, "tutti_log_lag_events") == 0
            )
            assert total(during, "tutti_sockets") == 2
            assert total(during, "tutti_socket_operations") == 2
            assert total(during, "tutti_workspaces_followed") == 1
            assert (total(during, "tutti_groups"), total(during, "tutti_group_seats")) == (1, 2)
            assert (total(during, "tutti_worker_up"), total(during, "tutti_redis_up")) == (1, 1)
            assert during["tutti_webhooks_failing", frozenset()] == 0
            await stream.socket.send("nonsense")
            assert (await stream.end())["code"] == 4400
        await ann.answer("{ nonsense }")
        async with asyncio.timeout(30):
            while total(await scraped(http, watched.url), "tutti_sockets"):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
    assert grown["tutti_sockets_opened_total"] == 2
    assert grown["tutti_sockets_closed_total"] == 2
    assert grown["tutti_subscriptions_total"] == 2
    assert grown["tutti_group_deliveries_total"] >= 2
    assert grown["tutti_batches_rendered_total"] >= 1
    assert grown["tutti_batches_fallen_back_total"] == 0
    assert grown["tutti_operations_refused_total"] == 1
    assert grown["tutti_operation_seconds_count"] == 1
    assert grown["tutti_operation_seconds_sum"] > 0
    assert grown["tutti_messages_published_total"] == 1
    assert grown["tutti_loop_lag_seconds_count"] >= 0
    after = await scraped(http, watched.url)
    assert total(after, "tutti_sockets_closed_total", code="4400") >= 1
    assert total(after, "tutti_operation_seconds_count", transport="http", kind="mutation", outcome="ok") >= 1
    assert total(after, "tutti_subscription_plans_total", by="projector") >= 1
    assert total(after, "tutti_memory_bytes") > 10_000_000
    assert total(after, "tutti_tasks") > 5


async def test_whichever_worker_is_asked_speaks_for_all(stack: TestStack, api: Api, http: httpx.AsyncClient) -> None:
    somebody = await api.sign_up("Ann")
    async with serve(stack, 3, TUTTI_METRICS_TOKEN=TOKEN) as (url, server):
        ann: Person = somebody.on(Api(url, http))
        workspace_id = await ann.create_workspace()
        async with ann.listening(workspace_id), ann.listening(workspace_id), ann.listening(workspace_id):
            for _ in range(6):
                samples = await scraped_until(url, lambda told: total(told, "tutti_worker_up") == 3)
                assert {dict(of)["worker"] for name, of in samples if name == "tutti_sockets"} == {"0", "1", "2"}
                assert total(samples, "tutti_sockets") == 3
                assert total(samples, "tutti_subscriptions_total") == 3
        assert await asyncio.to_thread(server.end) == 0


LARGE = """subscription ($id: ID!, $after: EventCursor) { workspaceEvents(workspaceId: $id, after: $after) {
  cursor caughtUp resync events { ... on TaskCreatedEvent { task { title description } } } } }"""
LARGE_TASKS = 100
"""More than fit on the way to somebody who does not read."""


async def test_who_reads_nothing_is_counted_and_closed_1013_and_comes_back_to_all_that_they_missed(
    watched: ServerProcess, http: httpx.AsyncClient
) -> None:
    ann = await Api(watched.url, http).sign_up("Ann")
    workspace_id = await ann.create_workspace()
    before = total(await scraped(http, watched.url), "tutti_sockets_slow_total")
    made: list[str] = []
    async with open_socket(watched.url, max_queue=1) as stalled:
        await stalled.send({"type": "connection_init", "payload": {"authorization": f"Bearer {ann.token}"}})
        assert (await stalled.receive())["type"] == "connection_ack"
        stream = await stalled.subscribe(LARGE, id=workspace_id)
        stream.take(await stalled.receive())
        stalled.connection.transport.pause_reading()
        while total(await scraped(http, watched.url), "tutti_sockets_slow_total") == before:
            assert len(made) < LARGE_TASKS, "nobody minds that it does not read"
            made.append(f"Task {len(made)}")
            await ann.create_task(workspace_id, made[-1], description="x" * 100_000)
        stalled.connection.transport.resume_reading()
        stalled.listen()
        assert await stream.end() == {"type": "closed", "code": 1013}
    for _ in range(2):  # after what it was sent before it was closed
        made.append(f"Task {len(made)}")
        await ann.create_task(workspace_id, made[-1])
    async with ann.socket() as again:
        resumed = await again.subscribe(LARGE, id=workspace_id, after=stream.cursor)
        await resumed.until(lambda batch: batch["caughtUp"])
    assert len(resumed.events) >= 2
    told = [event["task"]["title"] for event in [*stream.events, *resumed.events]]
    assert told == made
    assert not any(batch["resync"] for batch in resumed.batches)
