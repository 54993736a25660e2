"""How soon, in seconds: news that nobody told comes, an answer is given, and all works again, whatever fails."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from db.errors import Unavailable
from db.log import raise_head
from db.session import Database, Session
from tests.api.presence import departures, tab, until_status, watching
from tests.faults.conftest import Fragile, Theatre
from tests.faults.crowd import Crowd, Follower, raw, until
from tests.faults.links import Unreliable
from tests.faults.sizes import IS_FULL, SCENE_SECONDS
from tests.faults.test_black_box import PUBLISHING_MAY_COST_SECONDS
from tests.faults.test_presence import KILLED_SECONDS, leaves
from tests.people import Api, Person, Stream
from tests.processes import server_processes

pytestmark = pytest.mark.serial
only_in_full_size = pytest.mark.skipif(not IS_FULL, reason="takes long, or needs a quiet machine: make faults")

Record = Callable[[str, object], None]

BUSY_SECONDS = 0.5 if IS_FULL else 3.0
"""What is added to a bound of answers for a busy machine; beside other tests more than a second may be lost at once."""


# ---- news that nobody told: the poll brings it


HEALED_SECONDS = 1.5
TRIES = 3
"""One of them is in time: a machine that is busy for half a second is so by chance, a poll that is late is always."""
TOLD_TO_NOBODY, EVERY_SECONDS = 6, 0.35
"""So many changes, so far apart: one of them comes just after a look at the heads, whenever that is."""


async def _arrives(stream: Stream, key: str) -> float:
    """-> when somebody is told of a change."""
    await stream.event(lambda event: event["clientMutationId"] == key)
    return time.time()


async def _committed(truth: Database, key: str) -> float:
    """-> when, by PostgreSQL."""
    when = text("SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM events WHERE client_mutation_id = :key")

    async def read(session: Session) -> float:
        return float((await session.execute(when, {"key": UUID(key)})).scalar_one())

    return await truth.alone(read)


async def _delays(truth: Database, streams: Sequence[Stream], keys: Sequence[str]) -> list[float]:
    """-> for each change and each who follows, the seconds from its commit until they were told."""
    came = await asyncio.gather(*(_arrives(stream, key) for key in keys for stream in streams))
    committed = [await _committed(truth, key) for key in keys for _ in streams]
    return [arrived - at for arrived, at in zip(came, committed, strict=True)]


@asynccontextmanager
async def _followed(theatre: Theatre, stage: Api) -> AsyncIterator[tuple[Person, str, list[Stream]]]:
    """Ann on the first server, and a workspace of hers that Bob follows on both others."""
    ann = await stage.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    bob = await ann.bring_in(workspace_id)
    async with AsyncExitStack() as open_ones:
        yield (
            ann,
            workspace_id,
            [
                await open_ones.enter_async_context(bob.on(Api(server.url, stage.http)).listening(workspace_id))
                for server in theatre.servers[1:]
            ],
        )


async def _crash(theatre: Theatre, ann: Person, workspace_id: str, key: str) -> None:
    """The first server commits a change, and dies before it has told anybody."""
    server = theatre.servers[0]
    server.signal(signal.SIGUSR1)
    with pytest.raises(httpx.TransportError):
        await ann.create_task(workspace_id, clientMutationId=key)
    assert await asyncio.to_thread(server.wait) == 137


async def test_what_a_process_committed_as_it_died_comes_within_a_second_and_a_half(
    theatre: Theatre, stage: Api, truth: Database, record_property: Record
) -> None:
    slowest: list[float] = []
    async with _followed(theatre, stage) as (ann, workspace_id, streams):
        while len(slowest) < TRIES and min(slowest, default=HEALED_SECONDS) >= HEALED_SECONDS:
            key = str(uuid4())
            try:
                # Nothing else is written there: only the log's head tells of it.
                await _crash(theatre, ann, workspace_id, key)
                slowest.append(max(await _delays(truth, streams, [key])))
            finally:
                await asyncio.to_thread(theatre.servers[0].start)
    record_property("told after, s", round(min(slowest), 2))
    assert min(slowest) < HEALED_SECONDS, slowest


async def test_what_redis_lost_comes_within_a_second_and_a_half(
    theatre: Theatre, stage: Api, truth: Database, record_property: Record
) -> None:
    slowest: list[float] = []
    async with _followed(theatre, stage) as (ann, workspace_id, streams):
        theatre.redis.unreliable = Unreliable(1, lost=1.0)
        try:
            while len(slowest) < TRIES and min(slowest, default=HEALED_SECONDS) >= HEALED_SECONDS:
                keys = [str(uuid4()) for _ in range(TOLD_TO_NOBODY)]
                coming = asyncio.create_task(_delays(truth, streams, keys))
                for key in keys:
                    await ann.create_task(workspace_id, clientMutationId=key)
                    await asyncio.sleep(EVERY_SECONDS)
                slowest.append(max(await coming))
        finally:
            theatre.redis.unreliable = None
    record_property("told after, s", round(min(slowest), 2))
    assert min(slowest) < HEALED_SECONDS, slowest


# ---- no connection to PostgreSQL is left


REFUSED_SECONDS, AGAIN_SECONDS = 2.0, 5.0
REFUSALS = 10
"""So many of each server, one after another."""
AT_ONCE, REFUSED = 60, 3
"""More than a server has connections, and of these so many that found none."""

ENOUGH = 20
"""Fewer mutations tell the oracle nothing."""


@asynccontextmanager
async def _every_connection_of_postgresql_is_taken(theatre: Theatre) -> AsyncIterator[None]:
    """No server has one."""
    url = theatre.stack.database_url.replace("+asyncpg", "", 1)
    taken: list[asyncpg.Connection] = []

    async def take_some() -> bool:
        new = await asyncio.gather(*(asyncpg.connect(url) for _ in range(20)), return_exceptions=True)
        taken.extend(one for one in new if isinstance(one, asyncpg.Connection))
        return any(isinstance(one, asyncpg.TooManyConnectionsError) for one in new)

    try:
        async with asyncio.timeout(30):
            while True:
                while not await take_some():
                    pass
                ended = await taken[0].fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tutti'"
                )
                if not ended:
                    break
        yield
    finally:
        for one in taken:
            one.terminate()


CREATE = "mutation ($input: CreateTaskInput!) { createTask(input: $input) { userErrors { code } task { id } } }"


class Asker:
    """Somebody who changes something on one server, again and again. `answers`: (when it came, how long it took, the
    code it was refused with, or nothing)."""

    def __init__(self, person: Person, workspace_id: str) -> None:
        self._person = person
        self._asked = {"workspaceId": workspace_id, "title": "Asked"}
        self.answers: list[tuple[float, float, str]] = []

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            began = time.monotonic()
            answer = await self._person.answer(CREATE, input=self._asked)
            now = time.monotonic()
            errors = answer.get("errors", ())
            self.answers.append((now, now - began, errors[0]["extensions"]["code"] if errors else ""))
            await asyncio.sleep(0.05)

    @property
    def refusals(self) -> list[tuple[float, str]]:
        """(how long it took, the code)"""
        return [(took, code) for _, took, code in self.answers if code]

    async def until_answered(self, since: float, seconds: float) -> None:
        """Until something that was asked after `since` is done."""
        await until(lambda: any(at - took >= since and not code for at, took, code in self.answers), seconds)


@pytest.fixture
async def many() -> AsyncIterator[httpx.AsyncClient]:
    """A client that asks as much as it likes at once."""
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as client:
        yield client


@only_in_full_size
async def test_without_a_connection_it_says_so_soon_and_goes_on_soon_after(
    theatre: Theatre, truth: Database, many: httpx.AsyncClient, record_property: Record
) -> None:
    apis = [Api(server.url, many) for server in theatre.servers]
    crowd = Crowd(theatre.urls, 1)
    await crowd.gather(apis[0])
    ann = await apis[0].sign_up("Ann")
    workspace_id = await ann.create_workspace()
    askers = [Asker(ann.on(api), workspace_id) for api in apis]
    asking: list[asyncio.Task[None]] = []
    try:
        await crowd.begin()
        asking += [asyncio.create_task(one.run()) for one in askers]
        async with _every_connection_of_postgresql_is_taken(theatre):
            await until(lambda: all(len(one.refusals) >= REFUSALS for one in askers), 30)
        began = time.monotonic()
        await asyncio.gather(*(one.until_answered(began, AGAIN_SECONDS) for one in askers))
        again = time.monotonic() - began
        await until(lambda: len(crowd.acknowledged) > ENOUGH, 30)
        await crowd.end()
        found = await crowd.judge(truth)
    finally:
        await _stop(asking)
        await crowd.go_home()
    refused = [refusal for one in askers for refusal in one.refusals]
    record_property("refused after, s", round(max(took for took, _ in refused), 2))
    record_property("working again after, s", round(again, 2))
    assert found == []
    assert crowd.closes == {}, "a socket was closed for it"
    assert {code for _, code in refused} == {"SERVICE_UNAVAILABLE"}
    assert max(took for took, _ in refused) < REFUSED_SECONDS + BUSY_SECONDS


@only_in_full_size
async def test_who_finds_every_connection_of_a_process_in_use_is_told_so_soon(
    theatre: Theatre, truth: Database, many: httpx.AsyncClient, record_property: Record
) -> None:
    crowd = Crowd(theatre.urls, 1)
    api = Api(theatre.servers[0].url, many)
    await crowd.gather(api)
    ann = await api.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    answers: list[tuple[float, str]] = []

    async def ask() -> None:
        began = time.monotonic()
        answer = await ann.answer(CREATE, input={"workspaceId": workspace_id, "title": "Asked"})
        codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
        answers.append((time.monotonic() - began, "".join(codes)))

    asking: list[asyncio.Task[None]] = []
    try:
        await crowd.begin()
        theatre.postgres.is_held = True  # so that whoever has a connection keeps it
        try:
            asking += [asyncio.create_task(ask()) for _ in range(AT_ONCE)]
            await until(lambda: len(answers) >= REFUSED, 5)  # in six, those who have a connection give up
        finally:
            theatre.postgres.is_held = False
        refused = answers[:REFUSED]
        began = time.monotonic()
        while answers[-1][1]:
            await ask()
        again = time.monotonic() - began
        await asyncio.gather(*asking)
        await until(lambda: len(crowd.acknowledged) > ENOUGH, 30)
        await crowd.end()
        found = await crowd.judge(truth)
    finally:
        await _stop(asking)
        await crowd.go_home()
    record_property("refused after, s", round(max(took for took, _ in refused), 2))
    record_property("working again after, s", round(again, 2))
    assert found == []
    assert crowd.closes == {}, "a socket was closed for it"
    assert {code for _, code in refused} == {"SERVICE_UNAVAILABLE"}
    assert {code for _, code in answers} == {"SERVICE_UNAVAILABLE", ""}
    assert max(took for took, _ in refused) < REFUSED_SECONDS + BUSY_SECONDS
    assert again < AGAIN_SECONDS


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


# ---- transactions that do not end


IDLE_SECONDS = 5.0 if IS_FULL else 2.0
"""After so long PostgreSQL ends a transaction in which nothing is asked; ours have five (tests/db/test_session.py)."""


@asynccontextmanager
async def _holding_the_head(database: Database, workspace_id: str) -> AsyncIterator[None]:
    """A transaction has the head of a workspace's log and does nothing more, until PostgreSQL ends it."""
    with suppress(Unavailable):
        async with database.transaction() as connection:
            await raise_head(connection, raw(workspace_id), 1)
            yield


async def test_a_transaction_that_does_not_end_holds_up_its_own_workspace_alone_and_not_for_long(
    fragile: Fragile, stage: Api, record_property: Record
) -> None:
    ann = await stage.sign_up("Ann")
    held, other = await ann.create_workspace(), await ann.create_workspace("Other")
    stuck = Database(fragile.database_url, pool_size=2, idle_seconds=IDLE_SECONDS)
    freed: list[float] = []
    slowest, number = 0.0, 0
    try:
        async with ann.listening(held) as here, ann.listening(other) as elsewhere:
            async with _holding_the_head(stuck, held):
                began = time.monotonic()
                waiting = asyncio.create_task(ann.create_task(held))
                waiting.add_done_callback(lambda _: freed.append(time.monotonic() - began))
                while not freed:
                    turn = time.monotonic()
                    task_id = await ann.create_task(other)
                    await elsewhere.event(lambda event, task_id=task_id: task_id in str(event))  # type: ignore[misc]
                    slowest, number = max(slowest, time.monotonic() - turn), number + 1
            task_id = await waiting
            await here.event(lambda event: task_id in str(event))
    finally:
        await stuck.close()
    record_property("freed after, s", round(freed[0], 2))
    record_property("changed and told elsewhere meanwhile after, s", round(slowest, 2))
    assert number > 1, "others waited as well"
    assert IDLE_SECONDS / 2 < freed[0] < IDLE_SECONDS + BUSY_SECONDS


# ---- full sizes


KILLS = 10
CAUGHT_UP_SECONDS = 3.0
FROZEN_SECONDS = 60.0


async def _is_back(one: Follower, connections: int, began: float) -> float:
    """-> the seconds from `began` until somebody who was cut off has all that they missed."""
    await until(lambda: len(one.connected_at) > connections and one.is_caught_up, 30)
    return time.monotonic() - began


@only_in_full_size
async def test_ten_processes_are_killed_and_who_was_there_is_back_soon_or_said_to_have_left_once(
    fragile: Fragile,
    theatre: Theatre,
    stage: Api,
    truth: Database,
    http: httpx.AsyncClient,
    tmp_path: Path,
    record_property: Record,
) -> None:
    with server_processes(tmp_path, fragile.database_url, fragile.redis_url, ("watching",)) as (watcher,):
        ann = await Api(watcher.url, http).sign_up("Ann")
        workspace_id = await ann.create_workspace()
        people = [await ann.bring_in(workspace_id, name=f"Ki{number}") for number in range(KILLS)]
        crowd = Crowd(theatre.urls, 1)
        await crowd.gather(stage, followers_each=4)
        back: list[float] = []
        leaving: list[asyncio.Task[float]] = []
        try:
            async with AsyncExitStack() as tabs, watching(ann, workspace_id) as stream:
                await crowd.begin()
                for person in people:
                    await until(lambda: all(one.is_caught_up for one in crowd.followers), 20)
                    place = crowd.chance.randrange(len(theatre.servers))
                    server = theatre.servers[place]
                    await tabs.enter_async_context(tab(person.on(Api(server.url, http)), workspace_id))
                    await until_status(stream, person, "ONLINE")
                    await asyncio.sleep(crowd.chance.random())
                    here = [one for one in crowd.followers if one.url == theatre.urls[place]]
                    connections = [len(one.connected_at) for one in here]
                    began = time.monotonic()
                    await asyncio.to_thread(server.kill)
                    leaving.append(asyncio.create_task(leaves(stream, person, began)))
                    back += await asyncio.gather(*map(_is_back, here, connections, [began] * len(here)))
                    await asyncio.to_thread(server.start)
                left = await asyncio.gather(*leaving)
                assert [departures(stream, person) for person in people] == [1] * KILLS
            await crowd.end()
            found = await crowd.judge(truth)
        finally:
            await crowd.go_home()
    caught_up = sorted(back)[int(len(back) * 0.99)]
    record_property("mutations", len(crowd.acknowledged))
    record_property("cut off and back", len(back))
    record_property("caught up, p99, s", round(caught_up, 2))
    record_property("said to have left after, s", round(max(left), 1))
    assert found == []
    assert caught_up < CAUGHT_UP_SECONDS
    assert max(left) <= KILLED_SECONDS


@only_in_full_size
async def test_redis_frozen_for_a_minute_costs_no_answer_and_no_socket(
    theatre: Theatre, stage: Api, truth: Database, record_property: Record
) -> None:
    crowd = Crowd(theatre.urls, 1)
    await crowd.gather(stage, pause_seconds=0.3)
    try:
        await crowd.begin()
        theatre.stack.valkey.freeze()
        try:
            await asyncio.sleep(FROZEN_SECONDS)
        finally:
            theatre.stack.valkey.thaw()
        await asyncio.sleep(SCENE_SECONDS)
        await crowd.end()
        found = await crowd.judge(truth)
    finally:
        await crowd.go_home()
    slowest = max(writer.slowest for writer in crowd.writers)
    record_property("mutations", len(crowd.acknowledged))
    record_property("slowest answer, s", round(slowest, 2))
    assert found == []
    assert set(crowd.attempts) == {1}, "a mutation failed for Redis"
    assert crowd.closes == {}, "a socket was closed for Redis"
    assert slowest < PUBLISHING_MAY_COST_SECONDS
