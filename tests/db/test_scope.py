"""Who sees which rows: one predicate in SQL, and the same answer from the grant in Python."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest

from db import projects, tables, workspaces
from db.models import Permission, Project, Role, Task
from db.pages import PageRequest
from db.scope import PERMISSIONS, Grant, Scope, permission_tag, person_tag, project_tag, visible
from db.task_filters import TaskFilter
from db.task_lists import TaskPage, search_page, subtask_counts_by_parent_ids, task_pages
from db.tasks import tasks_by_ids
from tests.db.crowd import Crowd, make_crowd
from tests.db.office import Office

NOBODY = Scope(())


@pytest.fixture(scope="module")
async def here(office: Office) -> Crowd:
    return await make_crowd(office, 30, seed=4)


@pytest.fixture(scope="module")
async def elsewhere(office: Office) -> Crowd:
    return await make_crowd(office, 30, seed=5)


def seen_by(scope: Scope, task: Task) -> bool:
    grant = scope.grant(task.workspace_id)
    return grant is not None and grant.sees_project(task.project_id)


def scopes_of(here: Crowd, elsewhere: Crowd) -> list[Scope]:
    """Nobody, each person of both workspaces, and people who are in both."""
    own = [here.whole, here.guest, elsewhere.whole, elsewhere.guest]
    both = [Scope((*one.grants, *other.grants)) for one, other in itertools.product(own[:2], own[2:])]
    no_project = Scope(tuple(_without_projects(grant) for grant in here.guest.grants))
    return [NOBODY, *own, *both, no_project]


def _without_projects(grant: Grant) -> Grant:
    return Grant(grant.workspace_id, grant.membership_id, grant.user_id, grant.role, frozenset())


async def test_every_way_to_a_task_goes_by_the_same_rule(office: Office, here: Crowd, elsewhere: Crowd) -> None:
    tasks = [*here.tasks, *elsewhere.tasks]
    ids = [task.id for task in tasks]
    page = TaskPage(PageRequest(500), TaskFilter())
    for scope in scopes_of(here, elsewhere):
        expected = {task.id for task in tasks if seen_by(scope, task)}
        found = await office.read(tasks_by_ids, scope, ids)
        assert set(found) == expected
        listed = await office.read(task_pages, scope, "workspace", [here.workspace_id, elsewhere.workspace_id], page)
        assert {task.id for one in listed.values() for task in one.rows} == expected
        counts = await office.read(subtask_counts_by_parent_ids, scope, ids)
        by_parent = {
            parent_id: sum(task.parent_id == parent_id and task.id in expected for task in tasks) for parent_id in ids
        }
        assert {one: count.total for one, count in counts.items()} == {one: n for one, n in by_parent.items() if n}
        matching = [task for task in tasks if "log" in f"{task.title} {task.description}".lower()]
        for crowd in (here, elsewhere):
            result = await office.read(search_page, scope, crowd.workspace_id, "log", TaskFilter(), PageRequest(500))
            here_seen = {one.id for one in matching if one.workspace_id == crowd.workspace_id and one.id in expected}
            assert {task.id for task in result.rows} == here_seen


async def test_a_project_is_seen_as_its_tasks_are(office: Office, here: Crowd, elsewhere: Crowd) -> None:
    ids = [*here.projects, *elsewhere.projects]
    workspace_by_project = {one: crowd.workspace_id for crowd in (here, elsewhere) for one in crowd.projects}
    for scope in scopes_of(here, elsewhere):
        expected = {
            one
            for one in ids
            if (grant := scope.grant(workspace_by_project[one])) is not None and grant.sees_project(one)
        }
        found = await office.read(projects.rows_by_ids, Project, scope, ids)
        assert set(found) == expected


async def test_a_project_s_id_alone_opens_nothing(office: Office, here: Crowd, elsewhere: Crowd) -> None:
    """A grant that names a project of another workspace, as no membership could, shows nothing of it."""
    (grant,) = here.guest.grants
    forged = Scope(
        (Grant(grant.workspace_id, grant.membership_id, grant.user_id, Role.GUEST, frozenset(elsewhere.projects)),)
    )
    ids = [task.id for task in elsewhere.tasks]
    assert await office.read(tasks_by_ids, forged, ids) == {}


async def test_a_guest_sees_whole_members_and_the_guests_beside_them(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    one, two = [await office.project(ann, workspace_id, key) for key in ("ONE", "TWO")]
    bob = await office.member(ann, workspace_id, Role.VIEWER)
    gil = await office.member(ann, workspace_id, Role.GUEST, one)
    gus = await office.member(ann, workspace_id, Role.GUEST, one, two)
    guy = await office.member(ann, workspace_id, Role.GUEST, two)
    lone = await office.member(ann, workspace_id, Role.GUEST)
    people = {"ann": ann, "bob": bob, "gil": gil, "gus": gus, "guy": guy, "lone": lone}
    user_ids = [person.user_id for person in people.values()]
    expected = {
        "ann": set(people),
        "bob": set(people),
        "gil": {"ann", "bob", "gil", "gus"},
        "gus": {"ann", "bob", "gil", "gus", "guy"},
        "guy": {"ann", "bob", "gus", "guy"},
        "lone": {"ann", "bob", "lone"},
    }
    for name, person in people.items():
        scope = await office.scope(person)
        known = set(await office.read(workspaces.known_users_by_ids, scope, user_ids))
        assert known == {people[other].user_id for other in expected[name]}, name
    outsider = await office.scope(await office.person())
    assert await office.read(workspaces.known_users_by_ids, outsider, user_ids) == {}


def test_the_rights_of_each_role_are_those_of_the_table() -> None:
    table = {
        Permission.TASK_READ: "OAMGV",
        Permission.TASK_WRITE: "OAMG",
        Permission.COMMENT_WRITE: "OAMG",
        Permission.TASK_DELETE: "OAM",
        Permission.PROJECT_ADMIN: "OAM",
        Permission.MEMBER_INVITE: "OAM",
        Permission.MEMBER_ADMIN: "OA",
        Permission.TOKEN_ADMIN: "OA",
        Permission.WEBHOOK_ADMIN: "OA",
        Permission.EXPORT: "OA",
        Permission.WORKSPACE_ADMIN: "O",
    }
    assert set(table) == set(Permission)
    for permission, roles in table.items():
        assert {role for role in Role if permission in PERMISSIONS[role]} == {
            role for role in Role if role.value[0] in roles
        }, permission


def test_tags_say_what_a_grant_sees() -> None:
    project_id, user_id = UUID(int=1), UUID(int=2)
    for role in Role:
        project_ids = frozenset({project_id}) if role is Role.GUEST else None
        tags = Grant(UUID(int=3), UUID(int=4), user_id, role, project_ids).tags
        assert {"everybody", person_tag(user_id)} <= tags
        assert ("members" in tags) == (role is not Role.GUEST)
        assert (project_tag(project_id) in tags) == (role is Role.GUEST)
        assert {one for one in tags if one.startswith("permission:")} == {
            permission_tag(permission) for permission in PERMISSIONS[role]
        }


def test_who_has_no_grant_sees_no_rows() -> None:
    assert str(visible(tables.tasks, NOBODY)) == "false"
