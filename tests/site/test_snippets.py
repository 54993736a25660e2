"""What pages show works as it stands there: every block of code is run, or told here why it cannot be.

Blocks are run where a reader would run them: beside the server that the README's first command has started, with the
password that it printed. Nothing in them is replaced but addresses, passwords and ids that say so themselves.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate

from resolvers import schema
from tests.jobs.receiver import Receiver
from tests.people import Api, Person
from tests.processes import ROOT, SECRET
from tests.site.pages import PAGES, block, blocks
from tests.stack_fixture import TestStack, temporary_state_dir

BIN = Path(sys.prefix) / "bin"
WAIT_SECONDS = 180

CLIENTS = "tests/clients/test_"
CONVERGENCE = "test_copies_of_several_people_converge_over_cut_links_and_lose_nothing"
ELSEWHERE = {
    "docs/webhooks.md:python:0": "tests/jobs/test_webhook_docs.py::test_the_python_code_verifies",
    "docs/webhooks.md:js:0": "tests/jobs/test_webhook_docs.py::test_the_node_code_verifies",
    **dict.fromkeys(
        [f"docs/import-export.md:{one}" for one in ("shell:0", "shell:1", "shell:2", "shell:3", "text:0", "text:1")],
        "tests/transfer/test_page.py::test_the_commands_that_the_page_shows",
    ),
    "docs/replica.md:ts:0": f"{CLIENTS}typescript_client.py::test_the_replica_is_used_as_its_page_shows",
    "docs/replica.md:sh:0": f"{CLIENTS}clients.py::{CONVERGENCE}",
    "clients/python/README.md": f"{CLIENTS}python_client.py::test_the_snippets_of_its_readme_run_and_are_typed",
    "clients/typescript/README.md": f"{CLIENTS}typescript_client.py::test_the_snippets_of_its_readme_are_typed_and_run",
}
"""Blocks, or whole pages, and the test that runs them."""

RUN_HERE: set[str] = set()
Test = TypeVar("Test", bound=Callable[..., Any])


def shows(*shown: str) -> Callable[[Test], Test]:
    """Says which blocks a test runs."""
    RUN_HERE.update(shown)
    return lambda test: test


def test_every_block_is_run() -> None:
    found = [one for page in PAGES for one in blocks(page)]
    assert len(found) > 40
    by_language = {"graphql", "{toctree}"}  # the operations below, and the site's own
    lost = []
    for one in found:
        is_included = one.language == "{literalinclude}" and "../tests/clients/" in (ROOT / one.page).read_text()
        are_variables = one.language == "json" and one.follows == "graphql"
        is_elsewhere = str(one) in ELSEWHERE or one.page in ELSEWHERE
        if not (one.language in by_language or is_included or are_variables or is_elsewhere or str(one) in RUN_HERE):
            lost.append(str(one))
    assert lost == []
    there = {str(one) for one in found} | {one.page for one in found}
    assert (RUN_HERE | ELSEWHERE.keys()) - there == set()
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(), test


# ---- GraphQL


@dataclass(frozen=True, slots=True)
class Garden:
    """Somebody and what they have, to be put where a document wants an id."""

    ann: Person
    workspace_id: str
    task_id: str
    cursor: str

    def value(self, name: str) -> Any:
        """A variable of a document that has no variables beside it."""
        known = {"id": self.workspace_id, "workspaceId": self.workspace_id, "taskId": self.task_id}
        return {**known, "after": self.cursor}[name]

    def filled(self, text: str) -> str:
        return text.replace("workspace_...", self.workspace_id)


@pytest.fixture(scope="module")
async def garden(api: Api) -> Garden:
    ann = await api.sign_up("Ann")
    workspace_id = await ann.create_workspace("Garden")
    cursor = await ann.cursor(workspace_id)
    return Garden(ann, workspace_id, await ann.create_task(workspace_id, "Water the roses"), cursor)


SHOWN = [one for page in PAGES for one in blocks(page) if one.language in ("graphql", "json")]
OPERATIONS = [one for one in SHOWN if one.language == "graphql"]


@pytest.mark.parametrize("shown", OPERATIONS, ids=str)
async def test_an_operation_is_answered(garden: Garden, shown: Any) -> None:
    parsed = parse(shown.text)
    assert validate(schema._schema, parsed) == []
    (operation,) = parsed.definitions
    assert isinstance(operation, OperationDefinitionNode)
    after = SHOWN[SHOWN.index(shown) + 1 :][:1]
    given = after[0].text if after and (after[0].page, after[0].follows) == (shown.page, "graphql") else None
    names = [one.variable.name.value for one in operation.variable_definitions or ()]
    if given is not None and after[0].language == "json":
        variables = json.loads(garden.filled(given))
        assert set(variables) <= set(names)
    else:
        variables = {name: garden.value(name) for name in names}
    if operation.operation is OperationType.SUBSCRIPTION:
        async with garden.ann.socket() as socket:
            stream = await socket.subscribe(shown.text, **variables)
            await stream.until(lambda batch: True)
            assert stream.ended is None
        return
    data = await garden.ann.ask(shown.text, **variables)
    ((_, found),) = data.items()
    assert found
    if operation.operation is OperationType.MUTATION:
        assert found["userErrors"] == []


# ---- what is typed into a shell


class Shell:
    """A block that runs in bash; it and all that it started are ended at the end."""

    def __init__(self, text: str, cwd: Path, environment: dict[str, str]) -> None:
        path = [Path(__file__).parent / "bin", BIN, os.environ["PATH"]]
        tools = {"PATH": ":".join(map(str, path)), "PYTHON": sys.executable}
        self.said = ""
        self._process = subprocess.Popen(
            ["bash", "-e", "-c", text],
            cwd=cwd,
            env={**os.environ, **tools, **environment},
            stdin=subprocess.PIPE,  # open, as a terminal is
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until(self, wanted: str) -> re.Match[str]:
        """Read what it says up to a line in which this is found. Raises AssertionError if it ends before."""
        assert self._process.stdout is not None
        timer = threading.Timer(WAIT_SECONDS, self.kill)
        timer.start()
        try:
            for line in self._process.stdout:
                self.said += line
                if found := re.search(wanted, line):
                    return found
        finally:
            timer.cancel()
        raise AssertionError(f"{wanted} was not said, but: {self.said}")

    def end(self) -> None:
        """Wait until it has ended well."""
        said, _ = self._process.communicate(timeout=WAIT_SECONDS)
        self.said += said
        assert self._process.returncode == 0, self.said

    def wait(self) -> None:
        self._process.communicate()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ctrl-C, as what serves wants to be ended."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=60)


@contextmanager
def shell(text: str, cwd: Path = ROOT, **environment: str) -> Iterator[Shell]:
    started = Shell(text, cwd, environment)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def ran(text: str, cwd: Path = ROOT, **environment: str) -> str:
    """What a block said that ended well."""
    with shell(text, cwd, **environment) as started:
        started.end()
        return started.said


@dataclass(frozen=True, slots=True)
class Served:
    """The product as the README's first command serves it."""

    url: str
    password: str

    def here(self, text: str) -> str:
        """A block, with this server's address and the password that it printed."""
        return text.replace("http://127.0.0.1:8000", self.url).replace("the one that was printed", self.password)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """`make serve`, with a state folder and a port of its own, and in the environment in which the tests run."""
    with temporary_state_dir() as state_dir:
        given = {
            "TUTTI_STATE_DIR": str(state_dir),
            "TUTTI_PORT": "0",
            "TUTTI_WEBHOOK_ALLOW_LOOPBACK": "on",
            "MAKEFLAGS": f"--no-print-directory VENV={sys.prefix}",
        }
        with shell(block("README.md", "sh", 0), **given) as started:
            url = started.until(r"Web client +(http://\S+)/")[1]
            password = started.until(r"Password +(\S+)")[1]
            started.until("Ctrl-C stops everything")
            yield Served(url, password)
            started.stop()


@shows("README.md:sh:0", "README.md:sh:2")
def test_the_first_steps(served: Served) -> None:
    said = ran(served.here(block("README.md", "sh", 2)))
    assert '"title":' in said
    assert '"name":"Foxglove' in said


@shows("README.md:sh:1")
def test_the_other_commands() -> None:
    """But not `make test` itself, which is what runs this: what it would do is only listed."""
    both = block("README.md", "sh", 1)
    assert "make test " in both
    said = ran(both.replace("make test ", "make --dry-run test "), MAKEFLAGS=f"VENV={sys.prefix}")
    assert "pytest -n " in said
    assert "make serve" in said


@shows("docs/recipes.md:sh:0", "docs/recipes.md:sh:1")
@pytest.mark.parametrize("number", [0, 1])
async def test_a_stream_by_websocat_and_one_by_curl(garden: Garden, number: int) -> None:
    text = block("docs/recipes.md", "sh", number).replace("//127.0.0.1:8000", garden.ann.api.url.partition(":")[2])
    with shell(text, TOKEN=garden.ann.token, WORKSPACE=garden.workspace_id) as started:
        await asyncio.to_thread(started.until, '"workspaceEvents":{"cursor":')


@shows("docs/operations.md:sh:0")
def test_production(stack: TestStack) -> None:
    """With this machine's servers for those of the example, and its settings as they stand there."""
    with stack.new_database() as database_url, temporary_state_dir() as state_dir:
        text = block("docs/operations.md", "sh", 0)
        for name, value in {
            "DATABASE_URL": database_url.replace("+asyncpg", ""),
            "REDIS_URL": stack.redis_url,
            "TUTTI_JWT_SECRET": SECRET,
            "TUTTI_HOST": "127.0.0.1",
        }.items():
            text, count = re.subn(rf"\b{name}=\S+", f"{name}={value}", text)
            assert count == 1
        text = text.replace(".venv/bin/", f"{BIN}/")
        assert "..." not in text
        with shell(text, TUTTI_PORT="0", TUTTI_STATE_DIR=str(state_dir)) as started:
            started.until("Ctrl-C stops everything")
            assert "https://tutti.example.com/graphql" in started.said
            started.stop()


# ---- what a webhook gets


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    await made.start()
    yield made
    await made.stop()


@shows("docs/webhooks.md:http:0")
async def test_a_webhook_gets_what_is_shown(served: Served, receiver: Receiver, api: Api) -> None:
    head, _, shown = block("docs/webhooks.md", "http", 0).partition("\n\n")
    ann = await Api(served.url, api.http).sign_up()
    workspace_id = await ann.create_workspace()
    task_id = await ann.create_task(workspace_id)
    await ann.do("createWebhook", {"workspaceId": workspace_id, "url": receiver.url, "kinds": ["TASK"]})
    await ann.do("updateTask", {"id": task_id, "title": "Water the roses"})
    await receiver.until(lambda: bool(receiver.taken))
    (got,) = receiver.taken
    example, said = json.loads(shown), got.said
    assert (said["type"], set(said)) == (example["type"], set(example))
    assert example["data"].keys() <= said["data"].keys()
    names = {line.partition(":")[0] for line in head.splitlines()[1:]}
    assert names <= got.headers.keys()
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        alike = re.search(rf"^{name}: (.*)$", head, re.MULTILINE)
        assert alike
        assert re.sub(r"[\w+/=]", "x", alike[1]) == re.sub(r"[\w+/=]", "x", got.headers[name])
