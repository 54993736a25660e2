"""`tutti export` and `tutti import` as people run them: what they print, and what they refuse."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from db import accounts, workspaces
from db.ids import new_id
from db.log import read_events
from db.models import Actor, ChangedField, EventKind
from db.tasks import task_ids_where
from domain.merge import Base
from domain.workspaces import update_workspace
from server.transfers import Export, Import, TransferProblem, run_export, run_import
from tests.db.office import Office
from tests.server.test_cli import START_SECONDS, environment, tutti
from tests.stack_fixture import TestStack
from tests.transfer.test_other_programs import FILES

HEADER = '{"type":"header","format":"tutti-workspace","version":1}\n'
WORKSPACE = f'{{"type":"workspace","id":"{new_id()}","name":"A","slug":"a","key":"A"}}\n'
Result = subprocess.CompletedProcess[str]


class Command:
    """Runs `tutti` on the tests' servers."""

    def __init__(self, stack: TestStack, folder: Path) -> None:
        self._settings = {"DATABASE_URL": stack.database_url, "REDIS_URL": stack.redis_url}
        self.folder = folder

    def __call__(self, *arguments: object) -> Result:
        return tutti(self.folder, *map(str, arguments), **self._settings, TUTTI_JWT_SECRET="s" * 40)

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "server.cli", *map(str, arguments)],
            env=environment(self.folder, **self._settings, TUTTI_JWT_SECRET="s" * 40),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture
def command(stack: TestStack, tmp_path: Path) -> Command:
    return Command(stack, tmp_path)


@pytest.fixture
async def ann(office: Office) -> Actor:
    return await office.person("Ann")


async def email_of(office: Office, actor: Actor) -> str:
    user = await office.read(accounts.user_by_id, actor.user_id)
    assert user is not None
    return user.email


async def test_a_workspace_goes_out_into_a_file_and_comes_in_as_another_one(
    stack: TestStack, office: Office, command: Command, ann: Actor
) -> None:
    workspace_id = await office.workspace(ann)
    name = f"Out {workspace_id}"
    await office.do(ann, lambda uow: update_workspace(uow, workspace_id, {ChangedField.NAME: name}, Base()))
    await office.task(ann, workspace_id)
    file, email = command.folder / "out.jsonl", await email_of(office, ann)
    said: list[str] = []
    await run_export(stack.database_url, Export(name, "jsonl", file), said.append)
    assert f"lines written to {file}" in said[-1]
    assert [path.name for path in command.folder.glob("out*")] == ["out.jsonl"]
    done = command("export", f"workspace_{workspace_id}")
    assert (done.returncode, done.stdout) == (0, file.read_text()), done.stderr

    wanted = Import(file, "jsonl", None, f"In {workspace_id}", email, is_dry=False, has_kept_ids=False)
    for one, shown in (
        (replace(wanted, is_dry=True), ["tasks: 1 new, 0 there already", "nothing was written"]),
        (wanted, ["tasks: 1 new, 0 there already"]),
        (wanted, ["tasks: 0 new, 1 there already"]),
    ):
        said.clear()
        await run_import(stack.database_url, one, said.append)
        assert all(words in "\n".join(said) for words in shown)
    again = command.folder / "again.jsonl"
    await run_export(stack.database_url, Export(f"In {workspace_id}", "jsonl", again), said.append)
    assert titles(again) == titles(file) != []


def titles(file: Path) -> list[str]:
    """Of the tasks in an export."""
    return [line["title"] for line in map(orjson.loads, file.read_text().splitlines()) if line["type"] == "task"]


async def test_what_a_person_can_mend_is_a_sentence_and_code_1(command: Command) -> None:
    done = command("export", "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "tutti: there is no workspace with the slug, name or id 'nowhere'"


@pytest.fixture
async def bobs(office: Office) -> str:
    """A workspace in which Ann is not."""
    return f"workspace_{await office.workspace(await office.person('Bob'))}"


@pytest.mark.parametrize(
    ("given", "text", "said"),
    [
        ({"file": Path("none")}, "", "there is no file none"),
        ({"people": Path("none")}, "", "there is no file none"),
        ({"has_kept_ids": True, "format": "trello"}, "", "only an export of Tutti"),
        ({"email": "nobody@example.com"}, "", "nobody here has the e-mail address 'nobody@example.com'"),
        ({}, "", "is neither OWNER nor ADMIN"),
        ({"into": "nowhere"}, "", "there is no workspace with the slug, name or id 'nowhere'"),
        ({"into": None, "new": "New"}, "", "the file is empty"),
        ({"into": None, "new": "New"}, HEADER + '{"type":"label"}\n', "line 2: id: Field required"),
        ({"into": None, "new": "New"}, HEADER, "line 2: an export tells of its workspace there"),
        ({"into": None, "new": ""}, HEADER + WORKSPACE, "This cannot be empty."),
        ({"into": None, "new": "New", "is_dry": True}, HEADER + WORKSPACE + "[", "line 3: Invalid JSON"),
    ],
)
async def test_what_is_asked_for_wrongly_is_told(
    stack: TestStack,
    office: Office,
    ann: Actor,
    bobs: str,
    tmp_path: Path,
    given: dict[str, Any],
    text: str,
    said: str,
) -> None:
    file = tmp_path / "given"
    file.write_text(text)
    plain = Import(file, "jsonl", bobs, None, await email_of(office, ann), is_dry=False, has_kept_ids=False)
    wanted = replace(plain, **given)
    lines: list[str] = []
    with pytest.raises(TransferProblem) as caught:
        await run_import(stack.database_url, wanted, lines.append)
    assert said in str(caught.value)


async def test_people_of_another_program_are_those_that_a_table_names(
    stack: TestStack, office: Office, ann: Actor, tmp_path: Path
) -> None:
    email = await email_of(office, ann)
    people = tmp_path / "people.csv"
    people.write_text(f"octocat, {email}\n\n")
    file = FILES / "github.json"
    wanted = Import(file, "github", None, "Foxes", email, is_dry=False, has_kept_ids=False, people=people)
    lines: list[str] = []
    report = await run_import(stack.database_url, wanted, lines.append)
    assert [one.name for one in report.strangers.values()] == ["hubot"]
    said = "\n".join(lines)
    assert "Foxes: imported" in said
    assert "tasks: 3 new, 0 there already" in said
    assert "left out: 1 pull requests" in said
    assert "    hubot" in said

    table = tmp_path / "foxes.csv"
    (grant,) = await office.read(workspaces.grants_by_user_id, ann.user_id)
    await run_export(stack.database_url, Export(f"workspace_{grant.workspace_id}", "csv", table), lines.append)
    assert table.read_text().count("github.com/octo") == 3
    people.write_text("octocat\n")
    with pytest.raises(TransferProblem, match=r"people.csv, line 1: a name and an e-mail address"):
        await run_import(stack.database_url, wanted, lines.append)


async def test_an_import_that_was_killed_is_finished_by_running_it_again(
    stack: TestStack, office: Office, ann: Actor, command: Command
) -> None:
    tasks = 1_800
    workspace_id = await office.workspace(ann)
    file = command.folder / "many.csv"
    file.write_text("TYPE,CONTENT\n" + "".join(f"task,Task {number}\n" for number in range(tasks)))
    arguments = ("import", file, "--format", "todoist", "--into", f"workspace_{workspace_id}", "--as")
    process = command.start(*arguments, await email_of(office, ann))
    try:
        async with asyncio.timeout(START_SECONDS):
            while await count_tasks(office, workspace_id) == 0:
                assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    begun = await count_tasks(office, workspace_id)
    assert 0 < begun < tasks
    done = command(*arguments, await email_of(office, ann))
    assert f"tasks: {tasks - begun:,} new, {begun:,} there already" in done.stdout, done.stderr
    assert await count_tasks(office, workspace_id) == tasks
    told = await office.read(partial(read_events, after=0, through=10_000, limit=10_000), workspace_id)
    created = [event.entity_id for event in told if event.kind is EventKind.TASK]
    assert len(set(created)) == len(created) == tasks


async def count_tasks(office: Office, workspace_id: UUID) -> int:
    return len(await office.read(task_ids_where, workspace_id))
