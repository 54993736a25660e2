"""A workspace as a file and back: what went out comes in, once, with events, wherever it stops in between."""

from __future__ import annotations

import io
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from db import accounts, transfer, workspaces
from db.ids import new_id, typed
from db.models import (
    Actor,
    ActorKind,
    ActorRef,
    ChangedField,
    EventKind,
    Permission,
    Priority,
    Role,
    TokenRights,
)
from db.unit_of_work import now
from domain import api_tokens, archiving, arrangement, comments, members, reactions, tasks
from domain.errors import Refusals
from domain.merge import Base
from domain.reactions import Subject
from domain.tasks import NewTask, SetPatch
from domain.workspaces import update_workspace
from tests.db.office import Office
from transfer.exporting import exported
from transfer.lines import LabelLine, Malformed, WorkspaceLine, read_line, write_line
from transfer.loading import Loader, Plan, Progress, Report
from transfer.reading import jsonl
from transfer.sources import Source
from transfer.workspaces import Unknown, id_of_new, make_workspace


async def export(office: Office, workspace_id: UUID) -> bytes:
    session = office.database.reading()
    try:
        return b"".join([write_line(line) async for line in exported(session, workspace_id)])
    finally:
        await session.close()


class Crash(Exception):
    pass


def quiet(report: Report) -> None:
    """Nobody looks on."""


async def run(
    office: Office,
    actor: Actor,
    file: bytes,
    *,
    name: str | None = None,
    keep: bool = False,
    dry: bool = False,
    progress: Progress = quiet,
) -> tuple[UUID, Report]:
    """Import a file as a new workspace: of its own name with the ids, else of one that nobody used before."""
    name = name or ("Copy" if keep else f"Copy {secrets.token_hex(8)}")
    said = next(line for _, line in jsonl(Source(io.BytesIO(file), "out")) if isinstance(line, WorkspaceLine))
    workspace_id = said.id if keep else id_of_new("file", actor, name)
    await make_workspace(office.writer, office.database, actor, workspace_id, name, said, is_dry=dry)
    plan = Plan(workspace_id, actor, is_new=True, has_kept_ids=keep, is_dry=dry)
    report = await Loader(office.database, office.writer, plan, progress).load(jsonl(Source(io.BytesIO(file), "out")))
    return workspace_id, report


async def settle_in(elsewhere: Office, office: Office, people: list[Actor]) -> None:
    """These people have accounts there, too, with the same ids."""
    for one in people:
        user = await office.read(accounts.user_by_id, one.user_id)
        async with elsewhere.database.transaction() as connection:
            assert await accounts.insert_user(connection, user)


@pytest.fixture(scope="session")
async def people(office: Office) -> list[Actor]:
    return [await office.person("Ann"), await office.person("Bob")]


@pytest.fixture(scope="session")
async def full(office: Office, people: list[Actor]) -> UUID:
    """A workspace that no test changes."""
    return await fill(office, people)


async def fill(office: Office, people: list[Actor]) -> UUID:
    """A workspace with some of everything, called Copy."""
    ann, bob = people
    workspace_id = await office.workspace(ann)
    copy = {ChangedField.NAME: "Copy", ChangedField.DESCRIPTION: "All of **it**"}
    await office.do(ann, lambda uow: update_workspace(uow, workspace_id, copy, Base()))
    await office.do(ann, lambda uow: members.add_member(uow, workspace_id, bob.user_id, Role.MEMBER))
    project, label = new_id(), new_id()
    named = {ChangedField.NAME: "Website", ChangedField.KEY: "WEB"}
    await office.do(ann, lambda uow: arrangement.create_project(uow, workspace_id, project, named))
    await office.do(ann, lambda uow: arrangement.create_label(uow, workspace_id, label, {ChangedField.NAME: "bug"}))
    parent, child, gone, archived = (new_id() for _ in range(4))
    text = f"Ask @[{typed('user', bob.user_id)}].\n" + "A long text. " * 60
    for new in (
        NewTask(parent, workspace_id, "Parent", text, project, assignee_ids=[bob.user_id], label_ids=[label]),
        NewTask(child, workspace_id, "Child", parent_id=parent, priority=Priority.HIGH, estimate=2.5),
        NewTask(gone, workspace_id, "Deleted"),
        NewTask(archived, workspace_id, "Archived"),
    ):
        await office.do(ann, lambda uow, new=new: tasks.create_task(uow, new))
    titled = {ChangedField.TITLE: "Parent, renamed", ChangedField.DESCRIPTION: text + "More."}
    await office.do(bob, lambda uow: tasks.update_task(uow, parent, titled, SetPatch(), Base()))
    await office.do(ann, lambda uow: tasks.move_task(uow, archived, {ChangedField.PROJECT: project}, None, Base()))
    await office.do(ann, lambda uow: archiving.archive_task(uow, archived, None))
    first, reply = new_id(), new_id()
    await office.do(bob, lambda uow: comments.create_comment(uow, first, parent, None, "Why?"))
    await office.do(ann, lambda uow: comments.create_comment(uow, reply, parent, first, "Because."))
    await office.do(ann, lambda uow: comments.create_comment(uow, new_id(), gone, None, "Of no task"))
    await office.do(bob, lambda uow: reactions.add_reaction(uow, Subject("comment", reply), "👍"))
    await office.do(ann, lambda uow: reactions.add_reaction(uow, Subject("task", parent), "🎉"))
    await office.do(ann, lambda uow: archiving.delete_task(uow, gone, None))
    return workspace_id


async def test_what_is_exported_imported_and_exported_again_is_the_same(
    office: Office, elsewhere: Office, people: list[Actor], full: UUID
) -> None:
    await settle_in(elsewhere, office, people)
    file = await export(office, full)
    there, report = await run(elsewhere, people[0], file, keep=True)
    assert there == full
    assert not report.strangers
    assert await export(elsewhere, there) == file
    kinds = [orjson.loads(line)["type"] for line in file.splitlines()]
    assert {kind: kinds.count(kind) for kind in ("task", "comment", "reaction", "label", "project", "person")} == {
        "task": 3,
        "comment": 2,
        "reaction": 2,
        "label": 1,
        "project": 1,
        "person": 2,
    }
    assert kinds.count("change") >= 3
    # The numbers of keys go on where they were, also behind what was deleted.
    counted = await elsewhere.read(transfer.key_counters_of, there)
    assert counted == await office.read(transfer.key_counters_of, full)


async def test_each_imported_thing_is_an_event_in_the_log(
    office: Office, elsewhere: Office, people: list[Actor], full: UUID
) -> None:
    await settle_in(elsewhere, office, people)
    elsewhere.committed.clear()
    _, report = await run(elsewhere, people[0], await export(office, full))
    kinds = [event.kind for event in elsewhere.committed]
    for kind in (EventKind.TASK, EventKind.COMMENT, EventKind.REACTION, EventKind.STATUS, EventKind.LABEL):
        assert kinds.count(kind) == report.added[kind.value.lower()] > 0, kind
    assert [event.seq for event in elsewhere.committed] == list(range(1, len(kinds) + 1))


async def test_importing_with_new_ids_beside_the_original_keeps_what_belongs_together(
    office: Office, people: list[Actor], full: UUID
) -> None:
    file = await export(office, full)
    there, _ = await run(office, people[0], file)
    copy = await export(office, there)
    before, after = (sorted_by_type(one) for one in (file, copy))
    assert before.keys() == after.keys()
    ids = {one["id"]: two["id"] for one, two in pairs(before["task"], after["task"], "key")}
    for one, two in pairs(before["task"], after["task"], "key"):
        assert two["id"] != one["id"]
        assert two.get("parent_id") == ids.get(one.get("parent_id"))
        same = {"id", "status_id", "project_id", "parent_id", "label_ids"}
        assert {name: value for name, value in one.items() if name not in same} == {
            name: value for name, value in two.items() if name not in same
        }
    texts = [change for change in after["change"] if change["entity_id"] in ids.values()]
    assert len(texts) == len([change for change in before["change"] if change["entity_id"] in ids])


def sorted_by_type(file: bytes) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for line in map(orjson.loads, file.splitlines()):
        found.setdefault(line["type"], []).append(line)
    return found


def pairs(one: list[dict], two: list[dict], by: str) -> list[tuple[dict, dict]]:  # type: ignore[type-arg]
    assert len(one) == len(two)
    other = {line[by]: line for line in two}
    return [(line, other[line[by]]) for line in one]


@pytest.mark.parametrize("batches", [4, 9])
async def test_an_import_that_was_cut_off_goes_on_where_it_was(
    office: Office, elsewhere: Office, people: list[Actor], full: UUID, batches: int
) -> None:
    await settle_in(elsewhere, office, people)
    file = await export(office, full)
    done = 0

    def crash(report: Report) -> None:
        nonlocal done
        done += 1
        if done == batches:
            raise Crash

    with pytest.raises(Crash):
        await run(elsewhere, people[0], file, keep=True, progress=crash)
    await run(elsewhere, people[0], file, keep=True)
    told = len(elsewhere.committed)
    there, report = await run(elsewhere, people[0], file, keep=True)
    assert sum(report.added.values()) == 0
    assert len(elsewhere.committed) == told
    assert await export(elsewhere, there) == file


async def test_a_dry_run_counts_and_writes_nothing(
    office: Office, elsewhere: Office, people: list[Actor], full: UUID
) -> None:
    await settle_in(elsewhere, office, people[:1])
    file = await export(office, full)
    there, report = await run(elsewhere, people[0], file, dry=True)
    assert report.added["task"] == 3
    assert [one.email for one in report.strangers.values()] == [
        (await office.read(accounts.user_by_id, people[1].user_id)).email
    ]
    assert await elsewhere.read(transfer.workspace_is_there, there) is False
    assert not elsewhere.committed


async def test_who_is_not_known_is_listed_and_named_in_their_comments(
    office: Office, elsewhere: Office, people: list[Actor], full: UUID
) -> None:
    await settle_in(elsewhere, office, people[:1])
    there, report = await run(elsewhere, people[0], await export(office, full))
    assert list(report.strangers) == [people[1].user_id]
    lines = sorted_by_type(await export(elsewhere, there))
    assert "**Bob** wrote:\n\nWhy?" in [line["body"] for line in lines["comment"]]
    (parent,) = [line for line in lines["task"] if line["title"] == "Parent, renamed"]
    assert "assignee_ids" not in parent
    assert str(parent["description"]).startswith("Ask @Bob.")
    assert report.dropped["assignments of people who are not in the workspace"] == 1


async def test_what_an_integration_wrote_is_not_taken_for_the_word_of_whoever_imports_it(
    office: Office, elsewhere: Office, people: list[Actor]
) -> None:
    ann = people[0]
    workspace_id, task = await office.workspace(ann), new_id()
    scopes = frozenset({Permission.TASK_READ, Permission.TASK_WRITE, Permission.COMMENT_WRITE})
    new = api_tokens.NewToken(workspace_id, "Robot", list(scopes), None)
    made = await office.do(ann, lambda uow: api_tokens.create_token(uow, new, "tutti_" + secrets.token_hex(20)))
    token_id = UUID(str(made.ids["api_token"]))
    rights = TokenRights(token_id, workspace_id, ann.user_id, scopes, None)
    bot = Actor(ActorRef(ActorKind.INTEGRATION, token_id), token=rights)
    await office.do(bot, lambda uow: tasks.create_task(uow, NewTask(task, workspace_id, "Made by a robot")))
    await office.do(bot, lambda uow: comments.create_comment(uow, new_id(), task, None, "Built."))
    renamed = {ChangedField.TITLE: "Renamed by a robot"}
    await office.do(bot, lambda uow: tasks.update_task(uow, task, renamed, SetPatch(), Base()))
    file = await export(office, workspace_id)
    lines = sorted_by_type(file)
    (robot,) = [line for line in lines["person"] if line.get("kind") == "INTEGRATION"]
    assert (robot["name"], robot.get("email")) == ("Robot", None)
    assert {lines["task"][0]["created_by"], lines["comment"][0]["author"]} == {robot["id"]}
    assert robot["id"] in {line.get("actor") for line in lines["change"]}

    await settle_in(elsewhere, office, [ann])
    there, report = await run(elsewhere, ann, file)
    assert [one.name for one in report.strangers.values()] == ["Robot"]
    again = sorted_by_type(await export(elsewhere, there))
    assert [line["body"] for line in again["comment"]] == ["**Robot** wrote:\n\nBuilt."]
    assert "actor" not in [line for line in again["change"] if line["entity_id"] == again["task"][0]["id"]][-1]


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("task", {"title": ""}, "title: This cannot be empty."),
        ("task", {"title": 5}, "title: Input should be a valid string"),
        ("task", {"status_id": str(new_id())}, "status_id: There is no such thing"),
        ("task", {"rank": "b1"}, "rank: This is no rank"),
        ("task", {"key": "web"}, "key: A task's key is"),
        ("task", {"parent_id": str(new_id())}, "parent_id: There is no such thing"),
        ("task", {"project_id": str(new_id())}, "project_id: There is no such thing"),
        ("task", {"label_ids": [str(new_id())]}, "label_ids: There is no such thing"),
        ("comment", {"task_id": str(new_id())}, "task_id: There is no such thing"),
        ("comment", {"parent_id": str(new_id())}, "parent_id: There is no such thing"),
        ("reaction", {"task_id": str(new_id())}, "task_id: There is no such thing"),
        ("reaction", {"comment_id": str(new_id())}, "comment_id: There is no such thing"),
        ("reaction", {"emoji": "no"}, "emoji: React with a single emoji."),
        ("label", {"color": "red"}, "color: A color is"),
        ("change", {"fields": [{"field": "PRIORITY", "after": "SOON"}]}, "PRIORITY was never 'SOON'"),
        ("change", {"fields": [{"field": "STATUS", "after": ["x"]}]}, "STATUS is an id"),
        ("change", {"fields": [{"field": "TITLE", "after": "a\0"}]}, "zero character"),
        ("workspace", {"key_numbers": {"low": 1}}, "key_numbers: Use capital letters"),
        ("person", {"role": "GUEST", "project_ids": [str(new_id())]}, "project_ids: There is no such thing"),
        ("change", {"kind": "MEMBERSHIP"}, "kind: the history of a MEMBERSHIP is not taken along"),
        ("person", {"type": "robot"}, "Input tag 'robot' found"),
    ],
)
async def test_what_is_wrong_is_told_with_its_line_also_by_a_dry_run(
    office: Office, people: list[Actor], full: UUID, kind: str, change: dict[str, object], said: str
) -> None:
    lines = (await export(office, full)).splitlines(keepends=True)
    parsed = [orjson.loads(line) for line in lines]
    number = next(
        place for place, line in enumerate(parsed) if line["type"] == kind and line.get("role") != Role.OWNER.value
    )
    lines[number] = orjson.dumps({**orjson.loads(lines[number]), **change}) + b"\n"
    for dry in (True, False):
        with pytest.raises(Malformed) as caught:
            await run(office, people[0], b"".join(lines), dry=dry)
        assert f"line {number + 1}: " in str(caught.value)
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "count", "change", "said"),
    [
        ("status", 60, {"rank": None}, "A workspace has at most 50 statuses."),
        ("project", 1, {"name": "Another"}, "key: "),
        ("task", 1, {"old_keys": []}, "is another task's."),
        ("task", 6, {"key": None, "old_keys": []}, "parent_id: Subtasks go 5 levels deep."),
    ],
)
async def test_what_is_too_much_or_comes_twice_is_told_with_its_line_also_by_a_dry_run(
    office: Office, people: list[Actor], full: UUID, kind: str, count: int, change: dict[str, object], said: str
) -> None:
    """After the last line of a kind there are more of it, each with another id and name, below the one before."""
    lines = (await export(office, full)).splitlines(keepends=True)
    place, last = [(place, one) for place, one in enumerate(map(orjson.loads, lines)) if one["type"] == kind][-1]
    added = []
    for number in range(count):
        own, name = str(new_id()), {"name": f"More {number}"} if kind == "status" else {}
        last = {**last, "id": own, **name, **change, **({"parent_id": last["id"]} if kind == "task" else {})}
        added.append(orjson.dumps({name: value for name, value in last.items() if value is not None}) + b"\n")
    file = b"".join([*lines[: place + 1], *added, *lines[place + 1 :]])
    told = []
    for dry in (True, False):
        with pytest.raises(Malformed) as caught:
            await run(office, people[0], file, dry=dry)
        told.append(str(caught.value))
    assert told[0] == told[1]
    assert said in told[0]


async def test_a_line_that_comes_twice_is_passed_over_also_by_a_dry_run(
    office: Office, people: list[Actor], full: UUID
) -> None:
    lines = (await export(office, full)).splitlines(keepends=True)
    kinds = ("task", "comment", "reaction", "change")
    twice = [line for line in lines for _ in range(2 if orjson.loads(line)["type"] in kinds else 1)]
    there = [line for line in lines if orjson.loads(line)["type"] in kinds]
    reports = [(await run(office, people[0], b"".join([*twice, *there]), dry=dry))[1] for dry in (True, False)]
    for report in reports:
        for kind in kinds:
            assert report.read[kind] == 3 * report.added[kind] > 0
    assert reports[0] == reports[1]


async def test_a_dry_run_judges_the_new_workspace(office: Office, people: list[Actor], full: UUID) -> None:
    file = await export(office, full)
    with pytest.raises(Refusals, match="at most 100 fit"):
        await run(office, people[0], file, name="x" * 300, dry=True)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"", "the file is empty"),
        (b'{"cards": []}\n', "this is no export of Tutti"),
        (b'{"type":"header","format":"tutti-workspace","version":2}\n', "is of version 2"),
        (b'{"type":"header","format":"tutti-workspace","version":1}\n{"type":"ta', "line 2: Invalid JSON"),
    ],
)
def test_another_file_is_told_apart(file: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        list(jsonl(Source(io.BytesIO(file), "out")))


async def test_who_was_removed_after_an_import_does_not_come_back_by_running_it_again(
    office: Office, people: list[Actor], full: UUID
) -> None:
    ann, bob = people
    file = await export(office, full)
    there, _ = await run(office, ann, file, name="Twice")
    member = (await office.read(workspaces.members_of, there, [bob.user_id]))[bob.user_id]
    await office.do(ann, lambda uow: members.remove_member(uow, member.membership_id))
    _, report = await run(office, ann, file, name="Twice")
    assert not +report.added
    assert await office.read(workspaces.members_of, there, [bob.user_id]) == {}


async def test_projects_of_one_name_stay_two(office: Office, people: list[Actor]) -> None:
    ann = people[0]
    full = await fill(office, people)
    named = {ChangedField.NAME: "Website", ChangedField.KEY: "WEB2"}
    await office.do(ann, lambda uow: arrangement.create_project(uow, full, new_id(), named))
    file = await export(office, full)
    there, _ = await run(office, ann, file)
    lines = sorted_by_type(await export(office, there))
    assert [line["key"] for line in lines["project"]] == ["WEB", "WEB2"]


async def test_ids_are_kept_only_where_they_are_not_taken(office: Office, people: list[Actor], full: UUID) -> None:
    ann = people[0]
    file = await export(office, full)
    with pytest.raises(Unknown, match="is here already, as 'Copy'"):
        await run(office, ann, file, keep=True, name="Another")
    other = await office.workspace(ann)
    plan = Plan(other, ann, has_kept_ids=True)
    with pytest.raises(Malformed, match=r"line \d+: .* is in another workspace of this server already"):
        await Loader(office.database, office.writer, plan, quiet).load(jsonl(Source(io.BytesIO(file), "out")))


async def test_only_an_owner_or_admin_imports(office: Office, people: list[Actor], full: UUID) -> None:
    bob = people[1]
    plan = Plan(full, bob)
    file = b'{"type":"header","format":"tutti-workspace","version":1}\n' + write_line(
        LabelLine("label", new_id(), "theirs", now(), now())
    )
    with pytest.raises(Malformed, match="Your role in this workspace lacks MEMBER_ADMIN"):
        await Loader(office.database, office.writer, plan, quiet).load(jsonl(Source(io.BytesIO(file), "out")))


def test_times_are_read_as_they_are_stored_in_utc_and_milliseconds() -> None:
    line = read_line(
        b'{"type":"label","id":"01a223c0-a689-748c-8e3e-2c93defe3ac2","name":"x",'
        b'"created_at":"2024-01-01T02:00:00.123456+02:00","updated_at":"2024-01-01T00:00:00Z"}'
    )
    assert isinstance(line, LabelLine)
    assert line.created_at.isoformat() == "2024-01-01T00:00:00.123000+00:00"
    with pytest.raises(Malformed, match="created_at: Input should be greater than"):
        read_line(write_line(replace(line, created_at=datetime(1, 1, 1, tzinfo=UTC))))
