"""The Python client, built as a package, against a real server: what it promises, and that its README runs."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clients.programs import ROOT, SHOWN_PATH, alone, run
from tests.faults.links import Proxy, proxies
from tests.people import PASSWORD, Api, Person
from tests.processes import server_processes
from tests.site.pages import block
from tests.stack_fixture import TestStack

PACKAGE = ROOT / "clients/python"
UV = Path(sys.executable).with_name("uv")
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the package, installed as its README says. One test process builds it at a time."""
    venv = tmp_path_factory.mktemp("python") / "venv"
    run(UV, "venv", "--quiet", "--python", sys.executable, venv)
    constraints = {
        "UV_CONSTRAINT": str(ROOT / "requirements-dev.txt"),
        "UV_BUILD_CONSTRAINT": str(PACKAGE / "build-constraints.txt"),
    }
    with alone(PACKAGE):
        say = block("clients/python/README.md", "sh")
        run("bash", "-e", "-c", say, cwd=ROOT, UV=str(UV), VIRTUAL_ENV=str(venv), **SHOWN_PATH, **constraints)
    return venv / "bin/python"


@pytest.fixture(scope="session")
def tutti_client(python: Path) -> Iterator[ModuleType]:
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    sys.path.append(str(packages))
    import tutti_client

    yield tutti_client
    sys.path.remove(str(packages))


@pytest.fixture
def link(server_url: str) -> Iterator[Proxy]:
    with proxies(urlsplit(server_url).port or 80) as (link,):
        yield link


async def bot(api: Api, scopes: list[str] | None = None) -> tuple[Person, str, str]:
    """(who made it, workspace, secret) of a new API token that writes."""
    ann = await api.sign_up()
    workspace_id = await ann.create_workspace()
    _, secret = await ann.create_token(workspace_id, scopes or ["TASK_READ", "TASK_WRITE"])
    return ann, workspace_id, secret


@asynccontextmanager
async def connected(package: ModuleType, url: str, token: str) -> AsyncIterator[Any]:
    async with package.Tutti(url, token) as tutti:
        yield tutti


async def test_a_program_reads_and_writes_with_types(tutti_client: ModuleType, api: Api) -> None:
    ann, workspace_id, secret = await bot(api)
    async with connected(tutti_client, api.url, secret) as tutti:
        made = await tutti.create_task(
            tutti_client.CreateTaskInput(workspace_id=workspace_id, title="Tune the violin", priority="HIGH")
        )
        assert (made.task.title, made.task.priority) == ("Tune the violin", tutti_client.Priority.HIGH)
        assert made.task.created_by.name == "Bot"
        for number in range(3):
            await ann.create_task(workspace_id, f"Task {number}")
        found = [task.title async for task in tutti.all_tasks(workspace_id)]
        assert sorted(found) == ["Task 0", "Task 1", "Task 2", "Tune the violin"]
        high = tutti_client.TaskFilter(priority=tutti_client.PriorityFilter(in_=["HIGH"]))
        assert [task.title async for task in tutti.all_tasks(workspace_id, high)] == ["Tune the violin"]
        assert (await tutti.ask("{ viewer { user { name } } }"))["viewer"]["user"]["name"] == "Ann"


async def test_what_is_refused_is_an_exception_of_its_kind(tutti_client: ModuleType, api: Api) -> None:
    ann, workspace_id, secret = await bot(api)
    task_id = await ann.create_task(workspace_id, "Tune the violin")
    update = tutti_client.UpdateTaskInput
    async with connected(tutti_client, api.url, secret) as tutti:
        await ann.do("updateTask", {"id": task_id, "title": "Tune both violins"})
        with pytest.raises(tutti_client.Conflict) as conflict:
            await tutti.update_task(update(id=task_id, title="Sell the violin", base_version=1))
        assert conflict.value.conflicts[0]["theirs"] == "Tune both violins"
        assert conflict.value.current_version == 2
        with pytest.raises(tutti_client.Invalid) as invalid:
            await tutti.update_task(update(id=task_id, title=""))
        assert (invalid.value.code, invalid.value.path) == ("REQUIRED", ["input", "title"])
        with pytest.raises(tutti_client.NotFound):
            await tutti.update_task(update(id="task_0199e8a0-0000-7000-8000-000000000000", title="x"))
        with pytest.raises(tutti_client.Forbidden) as forbidden:
            await tutti.delete_task(tutti_client.DeleteTaskInput(id=task_id))
        assert forbidden.value.required == "TASK_DELETE"
        with pytest.raises(tutti_client.TuttiError) as bad:
            await tutti.ask("{ nonsense }")
        assert bad.value.code == "BAD_REQUEST"
    async with connected(tutti_client, api.url, "tutti_nothing") as stranger:
        with pytest.raises(tutti_client.Unauthenticated):
            await stranger.get_workspace(tutti_client.WorkspaceBy(id=workspace_id))
        with pytest.raises(tutti_client.Unauthenticated):
            await anext(stranger.workspace_events(workspace_id))


async def test_a_mutation_whose_answer_was_lost_has_one_effect(
    tutti_client: ModuleType, api: Api, link: Proxy, server_url: str
) -> None:
    ann, workspace_id, secret = await bot(api)
    async with connected(tutti_client, link.url(server_url), secret) as tutti:
        async with ann.listening(workspace_id) as stream:
            link.holds_answers = True
            made = asyncio.create_task(
                tutti.create_task(tutti_client.CreateTaskInput(workspace_id=workspace_id, title="Once"))
            )
            event = await stream.event(lambda event: event["__typename"] == "TaskCreatedEvent")
            link.cut()
            link.holds_answers = False
            payload = await made
            assert payload.replayed
            assert payload.task.id == event["task"]["id"]
        assert [task.title async for task in tutti.all_tasks(workspace_id)] == ["Once"]


async def test_a_mutation_without_a_key_is_not_repeated(
    tutti_client: ModuleType, api: Api, link: Proxy, server_url: str
) -> None:
    ann, workspace_id, secret = await bot(api)
    document = "mutation ($i: CreateTaskInput!) { createTask(input: $i) { task { id } } }"
    async with connected(tutti_client, link.url(server_url), secret) as tutti:
        async with ann.listening(workspace_id) as stream:
            link.holds_answers = True
            asked = asyncio.create_task(tutti.ask(document, {"i": {"workspaceId": workspace_id, "title": "Once"}}))
            await stream.event(lambda event: event["__typename"] == "TaskCreatedEvent")
            link.cut()
            link.holds_answers = False
            with pytest.raises(tutti_client.Unavailable):
                await asked
        assert len([task async for task in tutti.all_tasks(workspace_id)]) == 1


async def test_a_stream_misses_and_repeats_nothing_over_a_cut(
    tutti_client: ModuleType, api: Api, link: Proxy, server_url: str
) -> None:
    ann, workspace_id, secret = await bot(api)
    titles: list[str] = []
    async with connected(tutti_client, link.url(server_url), secret) as tutti:
        workspace = await tutti.get_workspace(tutti_client.WorkspaceBy(id=workspace_id))
        await ann.create_task(workspace_id, "before")
        async with asyncio.timeout(30):
            async for batch in tutti.workspace_events(workspace_id, after=workspace.event_cursor):
                titles += [event.task.title for event in batch.events if isinstance(event, tutti_client.TaskCreated)]
                if titles == ["before"] and not link.is_closed:
                    link.is_closed = True
                    link.cut()
                    await ann.create_task(workspace_id, "meanwhile")
                    await ann.create_task(workspace_id, "as well")
                    asyncio.get_running_loop().call_later(0.3, setattr, link, "is_closed", False)
                elif len(titles) == 3:
                    await ann.create_task(workspace_id, "live again")
                elif len(titles) > 3:
                    break
    assert titles == ["before", "meanwhile", "as well", "live again"]


async def test_a_stream_ends_when_its_token_is_revoked(tutti_client: ModuleType, api: Api) -> None:
    ann = await api.sign_up()
    workspace_id = await ann.create_workspace()
    token_id, secret = await ann.create_token(workspace_id)
    async with connected(tutti_client, api.url, secret) as tutti, asyncio.timeout(30):
        batches = tutti.workspace_events(workspace_id)
        assert (await anext(batches)).caught_up
        await ann.do("revokeApiToken", {"id": token_id})
        with pytest.raises(tutti_client.Unauthenticated):
            async for _ in batches:
                pass


@pytest.fixture(scope="module")
def hasty(stack: TestStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose access tokens live for five seconds."""
    folder = tmp_path_factory.mktemp("hasty")
    with server_processes(folder, stack.database_url, stack.redis_url, names=("hasty",), TEST_TOKEN_SECONDS="5") as (
        server,
    ):
        yield server.url


async def has_ended(api: Api, token: str) -> None:
    """Wait until an access token is not taken any more."""
    while "errors" not in await api.answer("{ viewer { email } }", token=token):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.1)


async def drained(batches: AsyncIterator[Any]) -> None:
    async for _ in batches:
        pass


async def test_a_stream_of_a_person_outlives_its_access_token_on_the_same_connection(
    tutti_client: ModuleType, api: Api, hasty: str
) -> None:
    ann = await api.sign_up()
    workspace_id = await ann.create_workspace()
    kept: list[str] = []
    session = tutti_client.Session(ann.refresh_token, keep=kept.append, renew_before_seconds=3)
    with proxies(urlsplit(hasty).port or 80) as (link,):
        async with connected(tutti_client, hasty, session) as tutti, asyncio.timeout(30):
            tutti.ws_url = link.url(tutti.ws_url)
            batches = tutti.workspace_events(workspace_id)
            assert (await anext(batches)).caught_up
            await has_ended(api, session._access_token)
            await ann.create_task(workspace_id, "Still here")
            while not (batch := await anext(batches)).events:
                pass
            assert batch.events[0].task.title == "Still here"
            assert link.taken_count == 1
            assert (await tutti.ask("{ viewer { user { id } } }"))["viewer"]["user"]["id"] == ann.id
    assert len(set(kept)) == len(kept) > 2


async def test_a_stream_goes_on_after_its_access_token_ended(tutti_client: ModuleType, api: Api, hasty: str) -> None:
    """As after a computer has slept: nobody renewed in time."""
    ann = await api.sign_up()
    workspace_id = await ann.create_workspace()
    kept: list[str] = []
    session = tutti_client.Session(ann.refresh_token, keep=kept.append, renew_before_seconds=-60)
    async with connected(tutti_client, hasty, session) as tutti, asyncio.timeout(30):
        batches = tutti.workspace_events(workspace_id)
        assert (await anext(batches)).caught_up
        await has_ended(api, session._access_token)
        await ann.create_task(workspace_id, "Awake")
        while not (batch := await anext(batches)).events:
            pass
        assert batch.events[0].task.title == "Awake"
        assert len(kept) == 2


async def test_a_session_that_is_over_ends_what_is_done_by_it(tutti_client: ModuleType, api: Api) -> None:
    ann = await api.sign_up()
    kept: list[str] = []
    with pytest.raises(tutti_client.Refused):
        await tutti_client.Tutti.sign_in(api.url, ann.email, "wrong")
    async with await tutti_client.Tutti.sign_in(api.url, ann.email, PASSWORD, device="Lute", keep=kept.append) as tutti:
        sessions = (await tutti.ask("{ viewer { sessions { device current } } }"))["viewer"]["sessions"]
        assert {"device": "Lute", "current": True} in sessions
        batches = tutti.workspace_events(ann.personal_workspace_id)
        assert (await anext(batches)).caught_up
        await tutti.sign_out()
        with pytest.raises(tutti_client.Unauthenticated):
            await asyncio.wait_for(drained(batches), 30)
    async with connected(tutti_client, api.url, tutti_client.Session(kept[-1])) as over:
        with pytest.raises(tutti_client.Unauthenticated):
            await over.ask("{ viewer { user { id } } }")


def test_a_newer_server_is_understood(tutti_client: ModuleType) -> None:
    assert tutti_client.Priority("SOON") == "SOON"
    actor = {"__typename": "Robot", "id": "robot_1", "name": "R"}
    event = {"__typename": "RobotEvent", "cursor": "2", "occurredAt": "2026-01-01T00:00:00Z", "actor": actor}
    batch = {"cursor": "2", "caughtUp": True, "resync": None, "events": [{**event, "clientMutationId": None}]}
    from tutti_client.client import readable

    read = tutti_client.Batch.model_validate(readable({"workspaceEvents": batch})["workspaceEvents"])
    assert read.events[0].actor.name == "R"


async def test_the_snippets_of_its_readme_run_and_are_typed(python: Path, served_api: Api, tmp_path: Path) -> None:
    ann, workspace_id, secret = await bot(served_api)
    snippets = SNIPPET.findall((PACKAGE / "README.md").read_text())
    assert len(snippets) == 3
    given = {"TUTTI_URL": served_api.url, "TUTTI_TOKEN": secret, "TUTTI_WORKSPACE": workspace_id}
    given |= {"TUTTI_EMAIL": ann.email, "TUTTI_PASSWORD": PASSWORD}
    printed = []
    for number, snippet in enumerate(snippets):
        file = tmp_path / f"snippet_{number}.py"
        file.write_text(snippet)
        printed.append(await asyncio.to_thread(run, python, "-W", "error", file, cwd=tmp_path, **given))
    assert "Somebody wrote Tune both violins" in printed[0]
    assert "Book the hall by Bot" in printed[1]
    assert "'device': 'Report', 'current': True" in printed[2]
    checked = [word for number in range(len(snippets)) for word in ("-m", f"snippet_{number}")]
    options = ["--python-executable", python, "--config-file", PACKAGE / "pyproject.toml", "--cache-dir", tmp_path]
    run(Path(sys.executable).with_name("mypy"), *options, "-m", "tutti_client.client", *checked, MYPYPATH=str(tmp_path))
