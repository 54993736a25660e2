"""Files of GitHub, Trello and Todoist: what of them becomes what, twice the same, and what is told of other files."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from db import accounts
from db.models import Actor, Priority
from tests.db.office import Office
from tests.transfer.test_jsonl import export, quiet, sorted_by_type
from transfer.lines import CommentLine, Malformed, TaskLine
from transfer.loading import Loader, Plan, Report
from transfer.reading import BY_CATEGORY, READERS
from transfer.sources import Source
from transfer.tables import COLUMNS, table
from transfer.workspaces import id_of_new, make_workspace

FILES = Path(__file__).parent / "files"
NAMES = {"github": "github.json", "trello": "trello.json", "todoist": "Home [2204abc].csv"}


def source(form: str, **people: str) -> Source:
    path = FILES / NAMES[form]
    return Source(io.BytesIO(path.read_bytes()), path.stem, people)


async def run(office: Office, actor: Actor, form: str, into: UUID | None = None, **people: str) -> tuple[UUID, Report]:
    """Import a file into a workspace, or as a new one."""
    workspace_id = into or id_of_new(form, actor, form)
    if into is None:
        await make_workspace(office.writer, office.database, actor, workspace_id, form, None)
    plan = Plan(workspace_id, actor, is_new=into is None, is_by_category=form in BY_CATEGORY)
    given = source(form, **people)
    report = await Loader(office.database, office.writer, plan, quiet).load(READERS[form](given))
    report.dropped.update(given.dropped)
    return workspace_id, report


async def lines_of(office: Office, workspace_id: UUID) -> dict[str, list[dict[str, object]]]:
    return sorted_by_type(await export(office, workspace_id))


def names(lines: dict[str, list[dict[str, object]]], kind: str) -> dict[object, object]:
    return {line["id"]: line["name"] for line in lines[kind]}


@pytest.fixture
async def ann(office: Office) -> Actor:
    return await office.person("Ann")


async def email_of(office: Office, actor: Actor) -> str:
    user = await office.read(accounts.user_by_id, actor.user_id)
    assert user is not None
    return user.email


async def test_issues_of_github_become_tasks_by_their_repository(office: Office, ann: Actor) -> None:
    bob = await office.person("Bob")
    workspace_id, report = await run(office, ann, "github", hubot=await email_of(office, bob))
    lines = await lines_of(office, workspace_id)
    statuses, labels, projects = (names(lines, kind) for kind in ("status", "label", "project"))
    assert list(statuses.values()) == ["Backlog", "To do", "In progress", "Done", "Canceled"]
    tasks = {str(task["title"]): task for task in lines["task"]}
    assert {title: (statuses[task["status_id"]], projects[task["project_id"]]) for title, task in tasks.items()} == {
        "The fox jumps twice": ("To do", "fox"),
        "Feed the fox": ("Done", "fox"),
        "A second den": ("Canceled", "den"),
    }
    fox = tasks["The fox jumps twice"]
    assert str(fox["description"]).endswith("Imported from https://github.com/octo/fox/issues/3, opened by octocat.")
    assert [labels[one] for one in fox["label_ids"]] == ["bug", "Good First Issue", "v1.0"]  # type: ignore[attr-defined]
    assert fox["assignee_ids"] == [str(bob.user_id)]
    assert (fox["created_at"], fox["created_by"]) == ("2024-03-01T10:00:00+00:00", str(ann.user_id))
    assert tasks["Feed the fox"]["completed_at"] == "2024-02-10T10:00:00+00:00"
    (comment,) = lines["comment"]
    assert (comment["body"], comment["author"]) == ("I have seen it, too.", str(bob.user_id))
    assert comment["edited_at"] == "2024-03-03T10:00:00+00:00"
    assert [one.name for one in report.strangers.values()] == ["octocat"]
    assert +report.dropped == {
        "pull requests": 1,
        "comments on pull requests, and on issues that are not in the file": 1,
        "assignments of people who are not in the workspace": 1,
    }


async def test_a_board_of_trello_becomes_a_project_with_its_lists_as_statuses(office: Office, ann: Actor) -> None:
    workspace_id, report = await run(office, ann, "trello")
    lines = await lines_of(office, workspace_id)
    statuses, labels = names(lines, "status"), names(lines, "label")
    assert [line["name"] for line in lines["project"]] == ["Kitchen"]
    assert list(statuses.values()) == ["Backlog", "To do", "In progress", "Done", "Canceled", "Done!"]
    tasks = {str(task["title"]): task for task in lines["task"]}
    assert {title: statuses[task["status_id"]] for title, task in tasks.items()} == {
        "Choose a table": "To do",
        "Paint the wall": "To do",
        "Throw the old one away": "Done!",
        "Old idea": "To do",
        "The one at the corner": "Done",
        "The large one": "To do",
    }
    chosen = tasks["Choose a table"]
    assert str(chosen["rank"]) < str(tasks["Paint the wall"]["rank"])
    assert (chosen["start_date"], chosen["due_date"]) == ("2024-04-01", "2024-04-05")
    assert [labels[one] for one in chosen["label_ids"]] == ["Furniture", "red"]  # type: ignore[attr-defined]
    assert {title for title, task in tasks.items() if task.get("parent_id") == chosen["id"]} == {
        "The one at the corner",
        "The large one",
    }
    assert [title for title, task in tasks.items() if "archived_at" in task] == ["Old idea"]
    (comment,) = lines["comment"]
    assert comment["body"] == "**Gone Guest** wrote:\n\nThe oak one, please."
    assert report.dropped["comments on cards that are not in the file"] == 1


async def test_a_project_of_todoist_becomes_tasks_in_their_sections(office: Office, ann: Actor) -> None:
    workspace_id, report = await run(office, ann, "todoist", Ann=await email_of(office, ann))
    lines = await lines_of(office, workspace_id)
    statuses, labels = names(lines, "status"), names(lines, "label")
    assert [line["name"] for line in lines["project"]] == ["Home"]
    milk, receipt, *plants = sorted(lines["task"], key=lambda task: str(task["rank"]))
    assert (milk["title"], milk["description"]) == ('Buy "oat" milk', "Two, if\nthere are two")
    assert (milk["priority"], milk["due_date"]) == ("URGENT", "2026-08-20")
    assert [labels[one] for one in milk["label_ids"]] == ["shop", "weekly"]  # type: ignore[attr-defined]
    assert receipt["parent_id"] == milk["id"]
    assert [statuses[one["status_id"]] for one in (milk, receipt, *plants)] == ["To do", "To do", "Garden", "Garden"]
    assert plants[0]["description"] == "Due: every! 3 days"
    assert plants[1]["due_date"] == "2026-07-20"
    (note,) = lines["comment"]
    assert (note["body"], note["created_at"]) == ("**Bob** wrote:\n\nThe blue one", "2026-07-10T14:03:22+00:00")
    assert note["task_id"] == milk["id"]
    assert [one.name for one in report.strangers.values()] == ["Bob"]


@pytest.mark.parametrize("form", NAMES)
async def test_a_file_into_a_workspace_that_is_there_adds_it_once(office: Office, ann: Actor, form: str) -> None:
    workspace_id = await office.workspace(ann)
    before = await lines_of(office, workspace_id)
    _, first = await run(office, ann, form, into=workspace_id)
    lines = await lines_of(office, workspace_id)
    assert first.added["task"] == len(lines["task"]) - len(before.get("task", [])) > 0
    keys = [str(task["key"]) for task in lines["task"]]
    assert len(set(keys)) == len(keys)
    told = len(office.committed)
    _, second = await run(office, ann, form, into=workspace_id)
    assert not +second.added
    assert len(office.committed) == told
    assert await lines_of(office, workspace_id) == lines


def test_a_long_comment_becomes_several_and_a_long_title_goes_on_in_the_description() -> None:
    (issues, *_) = orjson.loads(b"[" + (FILES / "github.json").read_bytes().replace(b"]\n[", b"],\n[") + b"]")
    comment = {
        "issue_url": issues[0]["url"],
        "id": 5,
        "user": None,
        "created_at": "2024-03-02T10:00:00Z",
        "updated_at": "2024-03-02T10:00:00Z",
        "body": "word " * 9_000,
    }
    issues[0]["title"] = "long " * 200
    file = io.BytesIO(orjson.dumps([[*issues, comment]]))
    lines = [line for _, line in READERS["github"](Source(file, "slurped"))]
    pieces = [line.body for line in lines if isinstance(line, CommentLine)]
    assert len(pieces) == 3
    assert "".join(pieces) == comment["body"]
    task = next(line for line in lines if isinstance(line, TaskLine))
    assert len(task.title) == 500
    assert task.description.startswith("long long")


@pytest.mark.parametrize(
    ("form", "file", "said"),
    [
        ("github", b"", "the file is no JSON, or ends too early"),
        ("github", b"[]", "the file has no array of issues"),
        ("github", b'[{"name": "x"}]', "item 1 is neither an issue nor a comment"),
        ("github", b'[{"repository_url": "u", "url": "v", "labels": []}, {"repo', "the file is no JSON, or ends too"),
        ("github", b'[{"repository_url": "u", "url": "v"}]', "item 1 is not as GitHub has it: no 'labels'"),
        ("trello", b"[]", "the file is no board"),
        ("trello", b'{"id": "a", "name": "b", "lists": [], "cards": [{"id": "zz"}]}', "cards 1: 'zz' is no id"),
        ("trello", b'{"id": "a", "name": "b", "lists": [1]}', "lists 1 is not as Trello has it: it is no object"),
        ("todoist", b"", "the file is no CSV of Todoist's"),
        ("todoist", b"a,b\n1,2\n", "the file is no CSV of Todoist's"),
        ("todoist", b"TYPE,CONTENT\nrobot,x\n", "line 2: a row is a task, section or note, and not 'robot'"),
        ("todoist", b"TYPE,CONTENT\ntask,\xff\n", "the file is no CSV of Todoist's"),
    ],
)
def test_another_file_is_refused_with_what_is_wrong(form: str, file: bytes, said: str) -> None:
    with pytest.raises(Malformed) as caught:
        list(READERS[form](Source(io.BytesIO(file), "x")))
    assert said in str(caught.value)


def test_priorities_and_dates_of_todoist_are_read_as_they_are_shown() -> None:
    rows = "TYPE,CONTENT,PRIORITY,INDENT,DATE\n" + "".join(
        f"task,t{priority},{priority},1,{day}\n"
        for priority, day in (("1", "2026-02-03"), ("2", "3 Feb 2026"), ("3", "Feb 3 2026"), ("4", '"Feb 3, 2026"'))
    )
    lines = [line for _, line in READERS["todoist"](Source(io.BytesIO(rows.encode()), "x"))]
    tasks = [line for line in lines if isinstance(line, TaskLine)]
    assert [one.priority for one in tasks] == [Priority.URGENT, Priority.HIGH, Priority.MEDIUM, Priority.NONE]
    assert {one.due_date for one in tasks} == {date(2026, 2, 3)}


async def test_a_table_has_a_row_for_each_task_and_no_formula(office: Office, ann: Actor) -> None:
    workspace_id, _ = await run(office, ann, "todoist")
    session = office.database.reading()
    try:
        whole = b"".join([row async for row in table(session, workspace_id)])
    finally:
        await session.close()
    rows = list(csv.DictReader(io.StringIO(whole.decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    by_title = {row["title"]: row for row in rows}
    milk = by_title['Buy "oat" milk']
    assert (milk["project"], milk["status"], milk["labels"]) == ("Home", "To do", "shop; weekly")
    assert milk["description"] == "Two, if\nthere are two"
    assert by_title["Ask for a receipt"]["parent"] == milk["key"]
    assert datetime.fromisoformat(milk["created_at"]).tzinfo == UTC
    assert milk["created_by"] == await email_of(office, ann)


async def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(office: Office, ann: Actor) -> None:
    workspace_id = await office.workspace(ann)
    rows = b"TYPE,CONTENT,DESCRIPTION\ntask,=1+1,-2\n"
    plan = Plan(workspace_id, ann)
    lines = READERS["todoist"](Source(io.BytesIO(rows), "@x"))
    await Loader(office.database, office.writer, plan, quiet).load(lines)
    session = office.database.reading()
    try:
        whole = b"".join([row async for row in table(session, workspace_id)])
    finally:
        await session.close()
    assert b",'=1+1,'-2,'@x," in whole
