"""What pages show works as it stands there: every block of code is run, or told here why it cannot be.

Blocks are run where a reader would run them: beside the server that the README's first command has started, with the
password that it printed. Nothing in them is replaced but addresses, passwords and ids that say so themselves.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate

from resolvers import schema
from tests.jobs.receiver import Receiver
from tests.people import Api, Person
from tests.processes import ROOT, SECRET
from tests.site.pages import PAGES, block, blocks
from tests.site.served import BIN, Served, ran, shell
from tests.stack_fixture import TestStack, temporary_state_dir

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
async def garden(served_api: Api) -> Garden:
    ann = await served_api.sign_up("Ann")
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
async def test_a_webhook_gets_what_is_shown(served_api: Api, receiver: Receiver) -> None:
    head, _, shown = block("docs/webhooks.md", "http", 0).partition("\n\n")
    ann = await served_api.sign_up()
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
