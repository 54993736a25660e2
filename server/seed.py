"""A demo workspace for the first start: a small team in the middle of its work.

Everything is made by the domain's own functions, so history, keys and events are
as real as if people had done it. Never in production.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from db.ids import new_id
from db.models import Actor, ChangedField, Priority, Role, StatusCategory, User
from db.session import Database
from db.unit_of_work import Outcome, UnitOfWork, Writer
from db.workspaces import count_people
from domain import accounts, arrangement, invites, tasks, workspaces
from domain.accounts import SignUp
from domain.merge import Base
from domain.passwords import Passwords
from domain.sessions import Desk, person
from server.seed_talk import talk
from server.settings import Settings
from server.tokens import refresh_keys


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Whom to sign in as."""

    email: str
    password: str


PEOPLE = (
    ("Ada Demo", "demo@example.com", "Europe/London"),
    ("Bruno Costa", "bruno@example.com", "Europe/Lisbon"),
    ("Chidi Okafor", "chidi@example.com", "Africa/Lagos"),
    ("Dalia Haddad", "dalia@example.com", "Asia/Amman"),
)

PROJECTS = (
    ("Website", "WEB", "#4f46e5", "The public site: **fast**, accessible, and in three languages."),
    ("Mobile app", "APP", "#0891b2", "One app for both phones. Offline first."),
    ("Operations", "OPS", "#b45309", "What keeps the lights on."),
)

LABELS = (
    ("bug", "#dc2626"),
    ("feature", "#16a34a"),
    ("design", "#9333ea"),
    ("docs", "#2563eb"),
    ("good first task", "#0d9488"),
)

_B, _T, _P, _D, _C = (
    StatusCategory.BACKLOG,
    StatusCategory.TODO,
    StatusCategory.IN_PROGRESS,
    StatusCategory.DONE,
    StatusCategory.CANCELED,
)


@dataclass(frozen=True, slots=True)
class Item:
    """A task of the demo: who is assigned (places in PEOPLE), due in so many days."""

    project: str | None
    status: StatusCategory
    title: str
    who: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    priority: Priority = Priority.NONE
    due: int | None = None
    description: str = ""
    estimate: float | None = None
    subtasks: tuple[str, ...] = ()


ITEMS = (
    Item(
        "WEB",
        _P,
        "Rework the pricing page",
        (0, 2),
        ("design", "feature"),
        Priority.HIGH,
        3,
        "People do not find the **team plan**.\n\n- [ ] one table instead of three\n- [ ] prices per month",
        5,
        ("Collect the questions support gets", "Sketch two layouts", "Check the numbers with finance"),
    ),
    Item(
        "WEB",
        _P,
        "Cut the first load to under one second",
        (1,),
        ("feature",),
        Priority.URGENT,
        1,
        "Measured 1.8 s on a mid-range phone. The fonts are the largest part.",
        8,
    ),
    Item("WEB", _T, "Dark mode for the documentation", (2,), ("design", "docs"), Priority.MEDIUM, 9),
    Item(
        "WEB",
        _T,
        "Form errors are not read aloud",
        (3,),
        ("bug",),
        Priority.HIGH,
        4,
        "With a screen reader the message under the field stays silent.",
    ),
    Item("WEB", _T, "Translate the onboarding to Portuguese", (1,), ("good first task",), Priority.LOW, 14),
    Item("WEB", _B, "Search that forgives typing mistakes", (), ("feature",), Priority.MEDIUM),
    Item("WEB", _B, "A page that explains our uptime", (), ("docs",)),
    Item("WEB", _D, "Redirect the old blog addresses", (0,), (), Priority.LOW, -6),
    Item("WEB", _D, "Compress pictures while building", (1,), ("feature",), Priority.MEDIUM, -2),
    Item("WEB", _C, "Animated background", (2,), ("design",)),
    Item(
        "APP",
        _P,
        "Edits made offline survive a restart",
        (3, 0),
        ("bug",),
        Priority.URGENT,
        2,
        "Steps:\n\n1. go offline\n2. edit a title\n3. kill the app\n\nThe edit is gone.",
        8,
        ("Write the failing test", "Store the queue on disk"),
    ),
    Item("APP", _P, "Badge with the number of unread notices", (2,), ("feature",), Priority.MEDIUM, 6),
    Item("APP", _T, "Sign in with a link sent by mail", (0,), ("feature",), Priority.HIGH, 12),
    Item("APP", _T, "Long titles overlap the due date", (3,), ("bug", "good first task"), Priority.MEDIUM, 5),
    Item("APP", _T, "Larger tap targets in the task list", (2,), ("design",), Priority.MEDIUM, 8),
    Item("APP", _B, "Widget with today's tasks", (), ("feature",)),
    Item("APP", _B, "Tablet layout", (), ("design",), Priority.LOW),
    Item("APP", _D, "Ask before leaving an unsaved comment", (3,), (), Priority.MEDIUM, -4),
    Item("APP", _D, "Update the libraries", (1,), (), Priority.LOW, -1),
    Item(
        "OPS",
        _P,
        "Rehearse a restore from backup",
        (1, 3),
        (),
        Priority.HIGH,
        2,
        "Last time it took 50 minutes. The aim is 15.",
        3,
        ("Restore into an empty cluster", "Compare row counts", "Write down every step"),
    ),
    Item("OPS", _T, "Rotate the signing secret", (1,), (), Priority.HIGH, 7),
    Item("OPS", _T, "Alert when the queue grows for ten minutes", (3,), ("feature",), Priority.MEDIUM, 10),
    Item("OPS", _B, "Second region", (), (), Priority.LOW),
    Item("OPS", _D, "Move the logs to the new store", (3,), (), Priority.MEDIUM, -8),
    Item(None, _T, "Plan the offsite in spring", (0,), (), Priority.LOW, 30),
    Item(None, _T, "Renew the domain names", (1,), (), Priority.MEDIUM, 20),
    Item(None, _P, "Interview for the design role", (2, 0), (), Priority.HIGH, 5),
    Item(None, _D, "Choose a name for the fox in the logo", (0, 1, 2, 3), (), Priority.NONE, -10),
)


class _Team:
    """Works on one database as several people."""

    def __init__(self, database: Database, secrets_: tuple[str, ...]) -> None:
        self.writer = Writer(database, lambda events: None)
        self.desk = Desk(database, self.writer, Passwords(), refresh_keys(secrets_))
        self.users: list[User] = []

    def actor(self, index: int) -> Actor:
        return person(self.users[index].id)

    async def do(self, index: int, work: Callable[[UnitOfWork], Awaitable[Outcome]]) -> Outcome:
        return await self.writer.run(self.actor(index), work)


async def seed(settings: Settings) -> DemoAccount | None:
    """Make the demo team and its work; -> whom to sign in as, or None if there are people already."""
    assert settings.env != "production", "demo data has no place in production"
    assert settings.database_url is not None
    database = Database(settings.database_url, pool_size=2)
    try:
        if await database.alone(count_people):
            return None
        password = f"tutti-{secrets.token_hex(4)}"
        team = _Team(database, settings.jwt_secrets)
        for name, email, zone in PEOPLE:
            form = SignUp(email=email, password=password, name=name, time_zone=zone, device="Demo")
            signed_in = await accounts.sign_up(team.desk, form, "127.0.0.1", workspaces.create_personal_workspace)
            team.users.append(signed_in.user)
        await _fill(team, date.today())  # noqa: DTZ011 - a demo's dates are about today, wherever it is
        return DemoAccount(PEOPLE[0][1], password)
    finally:
        await database.close()


async def _fill(team: _Team, today: date) -> None:
    workspace_id = new_id()
    named: dict[ChangedField, Any] = {
        ChangedField.NAME: "Foxglove Studio",
        ChangedField.SLUG: "foxglove",
        ChangedField.KEY: "FOX",
        ChangedField.DESCRIPTION: "A made-up team, so that there is something to look at.",
    }
    await team.do(0, lambda uow: workspaces.create_workspace(uow, workspace_id, named))
    token = invites.new_token()
    invite = invites.NewInvite(workspace_id, Role.MEMBER)
    await team.do(0, lambda uow: invites.create_invite(uow, invite, token))
    for index in range(1, len(PEOPLE)):
        await team.do(index, _joining(token, team.users[index]))
    projects = {key: new_id() for _, key, _, _ in PROJECTS}
    for name, key, color, description in PROJECTS:
        values = {
            ChangedField.NAME: name,
            ChangedField.KEY: key,
            ChangedField.COLOR: color,
            ChangedField.DESCRIPTION: description,
        }
        await team.do(0, _creating(arrangement.create_project, workspace_id, projects[key], values))
    labels = {name: new_id() for name, _ in LABELS}
    for name, color in LABELS:
        values = {ChangedField.NAME: name, ChangedField.COLOR: color}
        await team.do(0, _creating(arrangement.create_label, workspace_id, labels[name], values))
    statuses = await team.desk.database.alone(lambda one: arrangement.first_status_by_category(one, workspace_id))
    task_ids = {item.title: new_id() for item in ITEMS}
    for number, item in enumerate(ITEMS):
        task_id = task_ids[item.title]
        new = tasks.NewTask(
            id=task_id,
            workspace_id=workspace_id,
            title=item.title,
            description=item.description,
            project_id=None if item.project is None else projects[item.project],
            status_id=statuses[StatusCategory.TODO if item.status is _D else item.status],
            priority=item.priority,
            due_date=None if item.due is None else today + timedelta(days=item.due),
            estimate=item.estimate,
            assignee_ids=[team.users[one].id for one in item.who],
            label_ids=[labels[one] for one in item.labels],
        )
        await team.do(number % len(PEOPLE), _creating_task(new))
        for title in item.subtasks:
            await team.do(0, _creating_task(tasks.NewTask(new_id(), workspace_id, title, parent_id=task_id)))
        if item.status is _D:
            done = {ChangedField.STATUS: statuses[_D]}
            await team.do(item.who[0] if item.who else 0, _moving(task_id, done))
    await talk(team.do, team.users, task_ids)


def _creating(
    create: Callable[..., Awaitable[Outcome]], workspace_id: UUID, row_id: UUID, values: dict[ChangedField, Any]
) -> Callable[[UnitOfWork], Awaitable[Outcome]]:
    return lambda uow: create(uow, workspace_id, row_id, values)


def _joining(token: str, user: User) -> Callable[[UnitOfWork], Awaitable[Outcome]]:
    return lambda uow: invites.accept_invite(uow, token, user)


def _creating_task(new: tasks.NewTask) -> Callable[[UnitOfWork], Awaitable[Outcome]]:
    return lambda uow: tasks.create_task(uow, new)


def _moving(task_id: UUID, patch: dict[ChangedField, Any]) -> Callable[[UnitOfWork], Awaitable[Outcome]]:
    return lambda uow: tasks.move_task(uow, task_id, patch, None, Base())
