"""`tutti export` and `tutti import` as people run them: what they print, and what they refuse."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson
import pytest

from db import accounts
from db.models import Actor, ChangedField
from domain.merge import Base
from domain.workspaces import update_workspace
from tests.db.office import Office
from tests.server.test_cli import tutti
from tests.stack_fixture import TestStack

Result = subprocess.CompletedProcess[str]


class Command:
    """Runs `tutti` on the tests' servers."""

    def __init__(self, stack: TestStack, folder: Path) -> None:
        self._settings = {"DATABASE_URL": stack.database_url, "REDIS_URL": stack.redis_url}
        self.folder = folder

    def __call__(self, *arguments: object) -> Result:
        return tutti(self.folder, *map(str, arguments), **self._settings, TUTTI_JWT_SECRET="s" * 40)


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
    office: Office, command: Command, ann: Actor
) -> None:
    workspace_id = await office.workspace(ann)
    name = f"Out {workspace_id}"
    await office.do(ann, lambda uow: update_workspace(uow, workspace_id, {ChangedField.NAME: name}, Base()))
    await office.task(ann, workspace_id)
    file, email = command.folder / "out.jsonl", await email_of(office, ann)
    done = command("export", name, "--out", file)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert f"lines written to {file}" in done.stderr
    assert [path.name for path in command.folder.glob("out*")] == ["out.jsonl"]
    assert command("export", f"workspace_{workspace_id}").stdout == file.read_text()

    arguments = ("import", file, "--format", "jsonl", "--new", f"In {workspace_id}", "--as", email)
    dry = command(*arguments, "--dry-run")
    assert "tasks: 1 new, 0 there already" in dry.stdout, dry.stderr
    assert "nothing was written" in dry.stdout
    assert "tasks: 1 new, 0 there already" in command(*arguments).stdout
    assert "tasks: 0 new, 1 there already" in command(*arguments).stdout
    again = command("export", f"In {workspace_id}").stdout
    assert [line["title"] for line in map(orjson.loads, again.splitlines()) if line["type"] == "task"] == [
        line["title"] for line in map(orjson.loads, file.read_text().splitlines()) if line["type"] == "task"
    ]


async def test_what_a_person_can_mend_is_said_in_a_sentence(office: Office, command: Command, ann: Actor) -> None:
    email = await email_of(office, ann)
    bob = await office.person("Bob")
    workspace_id = await office.workspace(bob)
    empty = command.folder / "empty.jsonl"
    empty.write_text("")
    header = command.folder / "header.jsonl"
    header.write_text('{"type":"header","format":"tutti-workspace","version":1}\n{"type":"label"}\n')
    into = ("--format", "jsonl", "--into", f"workspace_{workspace_id}", "--as")
    for arguments, said in (
        (("export", "nowhere"), "there is no workspace with the slug, name or id 'nowhere'"),
        (("import", command.folder / "none", *into, email), "there is no file"),
        (("import", empty, *into, "nobody@example.com"), "nobody here has the e-mail address 'nobody@example.com'"),
        (("import", empty, *into, email), "the file is empty"),
        (("import", header, *into, email), "line 2: id: Field required"),
    ):
        done = command(*arguments)
        assert done.returncode == 1, done.stdout
        assert said in done.stderr
        assert "Traceback" not in done.stderr
