"""No list costs more statements when it has more rows.

Everything runs in this process, so that statements can be counted: the schema and its context are those of the server.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    parse,
    visit,
)

from db import accounts, models
from db.api_tokens import tokens_by_workspace_ids
from db.history import changes_since
from db.ids import new_id, typed
from db.invites import invite_pages
from db.models import Actor, ChangedField, EventKind, NotificationKind, Role, StatusCategory
from db.notifications import Wanted, heads_by_user_ids, shown_page
from db.pages import PageRequest
from db.session import Database
from db.unit_of_work import Outcome, UnitOfWork, Writer, now
from db.webhooks import insert_test
from domain import api_tokens, archiving, arrangement, comments, ids, invites, reactions, webhooks
from domain.merge import Base
from domain.passwords import Passwords
from domain.preferences import update_rule
from domain.presence import ActivityMode, read_attendees
from domain.reactions import Subject
from domain.sessions import Desk
from domain.tasks import SetPatch, update_task
from domain.webhook_targets import TargetRules
from realtime.cursor import Cursor
from realtime.presence_state import Status
from realtime.presence_store import Doing
from realtime.process import Realtime
from resolvers import schema
from schema.notifications import MAX_NEWS
from server.context import Application, OperationContext
from server.credentials import Credentials
from server.news import Newsroom
from server.tokens import AccessTokens, SessionCheck, TokenCheck
from tests.db.office import Office
from tests.realtime.world import eventually
from tests.stack_fixture import TestStack
from tests.statements import TRANSACTION, heard_by

SDL: GraphQLSchema = schema._schema
FEW, MANY = 2, 12


# ---- counting


@dataclass
class Counter:
    """The statements since `clear`."""

    statements: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.statements.clear()


@dataclass(frozen=True)
class Machine:
    """One server process without its transports."""

    application: Application
    office: Office
    counter: Counter


@pytest.fixture(scope="module")
async def machine(stack: TestStack) -> AsyncIterator[Machine]:
    database, counter = Database(stack.database_url), Counter()
    # The hub polls by itself, so it has connections of its own.
    hubs = Database(stack.database_url)

    def count(statement: str) -> None:
        if not statement.startswith(TRANSACTION):
            counter.statements.append(statement)

    realtime, passwords = Realtime(stack.redis_url, hubs, read_attendees), Passwords(workers=1)
    writer = Writer(database, realtime.announce)
    application = Application(
        database=database,
        writer=writer,
        realtime=realtime,
        desk=Desk(database, writer, passwords, (b"x" * 32,)),
        access_tokens=AccessTokens(("a-secret-for-tests-of-more-than-32-characters",)),
        sessions=SessionCheck(database),
        api_tokens=TokenCheck(database),
        public_url="http://localhost",
        newsroom=Newsroom(database, MAX_NEWS),
    )
    realtime.run()
    await eventually(lambda: realtime.presences.is_healthy)
    with heard_by(database._engine.sync_engine, count):
        yield Machine(application, Office(database), counter)
    await realtime.close()
    await database.close()
    await hubs.close()
    passwords.close()


# ---- two worlds of different size


@dataclass(frozen=True)
class Sized:
    """A person who has so many of everything, each row of a list with neighbours of its own."""

    ann: Actor
    session_id: UUID
    workspace_id: UUID
    ids: dict[str, list[str]]
    """Kind -> ids of so many of it."""


async def make_sized(office: Office, size: int) -> Sized:
    ann = await office.person()
    workspaces = [await office.workspace(ann) for _ in range(size)]
    here = workspaces[0]
    projects = [await office.project(ann, here, f"P{number}") for number in range(size)]
    labels = [await office.label(ann, here, f"label {number}") for number in range(size)]
    statuses = []
    for number in range(size):
        values = {ChangedField.NAME: f"status {number}", ChangedField.CATEGORY: StatusCategory.TODO}
        statuses.append(new_id())
        await office.do(ann, partial(_status, here, statuses[-1], values))
    guests = [await office.member(ann, here, Role.GUEST, *projects) for _ in range(size)]
    people = [ann, *[await office.member(ann, here, Role.MEMBER) for _ in range(size - 1)]]
    root = await office.task(ann, here, "Task at the root", project_id=projects[0])
    tasks = []
    for number, person in enumerate(people):
        tasks.append(
            await office.task(
                person,
                here,
                f"Task {number}",
                project_id=projects[number],
                status_id=statuses[number],
                parent_id=root,
                assignee_ids=[one.user_id for one in people],
                label_ids=labels,
            )
        )
        await office.task(person, here, "Task below", parent_id=tasks[-1], project_id=projects[0])
        await office.do(person, partial(_invite, here, projects))
        await office.do(ann, partial(_api_token, here))
    for person in people:
        # A text that is kept as differences, in each change.
        text = " ".join([f"word {number} of {person.user_id}" for number in range(20)])
        patch = {ChangedField.DESCRIPTION: text}
        await office.do(person, partial(_describe, root, patch))
        gone = await office.task(person, here, "Gone", project_id=projects[0], assignee_ids=[person.user_id])
        await office.do(person, partial(_delete, gone))
    changes = await office.read(changes_since, here, root, 0)
    said = [new_id() for _ in range(size)]
    everybody = " ".join(f"@[{typed('user', one.user_id)}]" for one in people)
    for number, person in enumerate(people):
        await office.do(person, partial(_say, said[number], tasks[0], said[0] if number else None, everybody))
        await office.do(person, partial(_say, new_id(), tasks[number], None, "What a task"))
        for other in people:
            for subject in (Subject("task", tasks[0]), Subject("comment", said[0])):
                await office.do(other, partial(_react, subject, chr(0x1F600 + number)))
    for number in range(size):
        patch = {ChangedField.RESOLVED: number % 2 == 0}
        await office.do(people[0], partial(_resolve, said[0], patch))
    at = now()
    sessions = [
        models.Session(new_id(), ann.user_id, f"device {number}", at, at, at + timedelta(days=1), None)
        for number in range(size)
    ]
    async with office.database.transaction() as connection:
        for session in sessions:
            await accounts.insert_session(connection, session)
    memberships = [(await office.grant(person, here)).membership_id for person in [*people, *guests][-size:]]
    found = await office.read(invite_pages, await office.scope(ann), [here], PageRequest(size))
    for project in projects:
        await office.do(ann, partial(_rule, typed("project", project)))
    hooks = [await office.do(ann, partial(_webhook, here)) for _ in range(size)]
    sent = [new_id() for _ in range(size)]
    for one in sent:
        await office.do(ann, partial(_send, one, here, UUID(hooks[0].ids["webhook"])))
    scope = await office.scope(ann)
    told = await office.read(shown_page, scope, ann.user_id, Wanted(), PageRequest(size))
    tokens = (await office.read(tokens_by_workspace_ids, scope, [here], now()))[here]
    ids = {
        "token": [one.id for one in tokens],
        "integration": [one.id for one in tokens],
        "workspace": workspaces,
        "notification": [one.id for one in told.rows],
        "settings": [grant.membership_id for grant in scope.grants],
        "project": projects,
        "label": labels,
        "status": statuses,
        "task": tasks,
        "comment": said,
        "user": [person.user_id for person in people],
        "membership": memberships,
        "invite": [invite.id for invite in found[here].rows],
        "session": [session.id for session in sessions],
        "change": [change.id for change in changes],
        "webhook": [UUID(one.ids["webhook"]) for one in hooks],
        "delivery": sent,
        "presence": [(await office.grant(person, here)).membership_id for person in people],
    }
    assert all(len(some) == size for some in ids.values())
    named = {kind: [typed(kind, one) for one in some] for kind, some in ids.items()}
    return Sized(ann, sessions[0].id, here, {**named, "root": [typed("task", root)]})


async def _resolve(comment_id: UUID, patch: Any, uow: UnitOfWork) -> Outcome:
    return await comments.update_comment(uow, comment_id, patch, Base())


async def _api_token(workspace_id: UUID, uow: UnitOfWork) -> Outcome:
    new = api_tokens.NewToken(workspace_id, "Bot", [models.Permission.TASK_READ], None)
    return await api_tokens.create_token(uow, new, api_tokens.new_secret())


async def _rule(scope_id: str, uow: UnitOfWork) -> Outcome:
    return await update_rule(uow, scope_id, NotificationKind.COMMENT, [])


async def _say(comment_id: UUID, task_id: UUID, parent_id: UUID | None, body: str, uow: UnitOfWork) -> Outcome:
    return await comments.create_comment(uow, comment_id, task_id, parent_id, body)


async def _react(subject: Subject, emoji: str, uow: UnitOfWork) -> Outcome:
    return await reactions.add_reaction(uow, subject, emoji)


async def _status(workspace_id: UUID, status_id: UUID, values: Any, uow: UnitOfWork) -> Outcome:
    return await arrangement.create_status(uow, workspace_id, status_id, values)


async def _describe(task_id: UUID, patch: Any, uow: UnitOfWork) -> Outcome:
    return await update_task(uow, task_id, patch, SetPatch(), Base())


async def _delete(task_id: UUID, uow: UnitOfWork) -> Outcome:
    return await archiving.delete_task(uow, task_id, None)


async def _invite(workspace_id: UUID, projects: list[UUID], uow: UnitOfWork) -> Outcome:
    new = invites.NewInvite(workspace_id, Role.GUEST, projects)
    return await invites.create_invite(uow, new, invites.new_token())


async def _webhook(workspace_id: UUID, uow: UnitOfWork) -> Outcome:
    new = webhooks.NewWebhook(workspace_id, "https://hooks.example.com/", tuple(EventKind))
    return await webhooks.create_webhook(uow, new, webhooks.new_secret(), TargetRules())


async def _send(delivery_id: UUID, workspace_id: UUID, webhook_id: UUID, uow: UnitOfWork) -> Outcome:
    row = {"id": delivery_id, "created_at": uow.now, "workspace_id": workspace_id, "webhook_id": webhook_id}
    await insert_test(uow, {**row, "epoch": "00000000", "seq": 1, "next_attempt_at": uow.now})
    return Outcome()


@pytest.fixture(scope="module")
async def few(machine: Machine) -> Sized:
    return await make_sized(machine.office, FEW)


@pytest.fixture(scope="module")
async def many(machine: Machine) -> Sized:
    return await make_sized(machine.office, MANY)


# ---- every list of the schema, asked with all that its rows have


def is_connection(kind: GraphQLNamedType) -> bool:
    return kind.name.endswith("Connection")


def is_rows(asked: GraphQLField) -> bool:
    """Whether a field is a list of objects, or a page of one."""
    named = get_named_type(asked.type)
    return not is_leaf_type(named) and (is_list_type(get_nullable_type(asked.type)) or is_connection(named))


def selection(kind: GraphQLNamedType, depth: int, prefix: str = "") -> str:
    """Every field that needs no argument, so many levels deep."""
    if isinstance(kind, GraphQLInterfaceType):
        # Fields of one name may differ between the types, so each has an alias of its own.
        kinds = SDL.get_possible_types(kind)
        parts = [f"... on {one.name} {{ {selection(one, depth, f'{one.name}_')} }}" for one in kinds]
        return " ".join(["__typename", *parts])
    assert isinstance(kind, GraphQLObjectType)
    fields = [field_of(name, one, depth, prefix) for name, one in kind.fields.items()]
    return " ".join(["__typename", *[one for one in fields if one]])


def field_of(name: str, asked: GraphQLField, depth: int, prefix: str) -> str | None:
    named = get_named_type(asked.type)
    if any(is_required_argument(argument) for argument in asked.args.values()):
        return None
    if is_leaf_type(named):
        return f"{prefix}{name}: {name}"
    if not depth:
        return None
    inner = page(named, depth - 1) if is_connection(named) else selection(named, depth - 1)
    return f"{prefix}{name}: {name} {{ {inner} }}"


def page(kind: GraphQLNamedType, depth: int) -> str:
    assert isinstance(kind, GraphQLObjectType)
    node, edge = get_named_type(kind.fields["nodes"].type), get_named_type(kind.fields["edges"].type)
    assert isinstance(edge, GraphQLObjectType)
    of_edges = [field_of(name, one, 2, "") for name, one in edge.fields.items() if name != "node"]
    total = "totalCount" if "totalCount" in kind.fields else ""
    return (
        f"{total} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}"
        f" edges {{ {' '.join(filter(None, of_edges))} node {{ id }} }} nodes {{ {selection(node, depth)} }}"
    )


WAYS = {
    "Query": "{ %s }",
    "Viewer": "{ viewer { %s } }",
    "Workspace": "{ workspace(by: {id: $workspace}) { %s } }",
    "Project": "{ node(id: $project) { ... on Project { %s } } }",
    "Task": "{ task(by: {id: $root}) { %s } }",
    "NotificationSettings": "{ viewer { notificationSettings(workspaceId: $workspace) { %s } } }",
    "Comment": "{ node(id: $comment) { ... on Comment { %s } } }",
    "ReactionGroup": "{ node(id: $comment) { ... on Comment { reactions { %s } } } }",
    "Membership": "{ node(id: $membership) { ... on Membership { %s } } }",
    "Invite": "{ node(id: $invite) { ... on Invite { %s } } }",
    "Webhook": "{ node(id: $webhook) { ... on Webhook { %s } } }",
    "UserPresence": "{ node(id: $presence) { ... on UserPresence { %s } } }",
    "EventBatch": "{ workspaceEvents(workspaceId: $workspace, after: $start, first: 500) { %s } }",
}
"""How to come to an object of each type that has lists."""

ASKED = {
    "nodes": "nodes(ids: $ids)",
    "searchTasks": 'searchTasks(workspaceId: $workspace, query: "task")',
}
"""Root fields that need arguments."""

OF_TASKS_WITH_MANY = {"Task.assignees", "Task.labels", "Task.comments", "Task.reactions", "Task.subscribers"}
"""The root has none itself: asked of one of its subtasks."""

ENDS_SOON = {"Task.activePresence", "UserPresence.activities"}
"""What people are said to do right before it is asked."""

FEW_BY_NATURE = {"TaskUpdatedEvent.changes", "Change.changes", "TaskEdge.textMatches", "TextMatch.segments"}
"""Not rows: they come with the row they are in."""


def lists() -> list[str]:
    """Type.field of every list of objects that a query can reach, but for those within pages."""
    found, seen, open_ = [], set[str](), [SDL.query_type]
    while open_:
        kind = open_.pop()
        if kind is None or kind.name in seen:
            continue
        seen.add(kind.name)
        if isinstance(kind, GraphQLInterfaceType):
            open_ += SDL.get_possible_types(kind)
            continue
        for name, one in kind.fields.items():
            named = get_named_type(one.type)
            if is_rows(one) and not is_connection(kind):
                found.append(f"{kind.name}.{name}")
            if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
                open_.append(named)
    return sorted(set(found) - FEW_BY_NATURE)


def query_of(coordinate: str, depth: int = 1) -> str:
    kind_name, name = coordinate.split(".")
    kind = SDL.type_map[kind_name]
    assert isinstance(kind, GraphQLObjectType)
    one = kind.fields[name]
    named = get_named_type(one.type)
    inner = page(named, depth) if is_connection(named) else selection(named, depth)
    way = WAYS[kind_name].replace("$root", "$task") if coordinate in OF_TASKS_WITH_MANY else WAYS[kind_name]
    return "query " + way % f"asked: {ASKED.get(name, name)} {{ {inner} }}"


def declared(query: str) -> str:
    """The query with the variables it uses."""
    kinds = {"$ids": "[ID!]!", "$start": "EventCursor!"}
    names = sorted(set(re.findall(r"\$\w+", query)))
    variables = ", ".join(f"{one}: {kinds.get(one, 'ID!')}" for one in names)
    return query.replace("query ", f"query ({variables}) " if names else "query ", 1)


async def ask(machine: Machine, sized: Sized, query: str, **more: Any) -> tuple[Any, int]:
    """(data, statements) of one query."""
    context = await context_of(machine, sized)
    start = Cursor(sized.workspace_id, await context.epoch(), 0)
    variables = {kind: some[0] for kind, some in sized.ids.items()}
    await context.release()
    machine.counter.clear()
    result = await schema.execute(declared(query), {**variables, "start": str(start), **more}, context_value=context)
    statements = len(machine.counter.statements)
    await context.release()
    assert result.errors is None, (query, result.errors)
    return result.data, statements


async def be_here(machine: Machine, sized: Sized) -> None:
    """Everybody looks at the root, and the first of them at all tasks, each in a tab of its own."""
    people = [ids.parse("user", one) for one in sized.ids["user"]]
    found = await machine.office.read(read_attendees, sized.workspace_id, people)
    tasks = [ids.parse("task", one) for one in sized.ids["task"]]
    (root,) = [ids.parse("task", one) for one in sized.ids["root"]]
    for person, task in [*[(one, root) for one in people], *[(people[0], one) for one in tasks]]:
        doing = Doing(task, None, ActivityMode.VIEWING, frozenset({"members"}))
        here = machine.application.realtime.presences
        await here.update(sized.workspace_id, person, new_id(), found[person], Status.ONLINE, doing)


async def context_of(machine: Machine, sized: Sized) -> OperationContext:
    credentials = Credentials(sized.ann.user_id, sized.session_id, now() + timedelta(hours=1))
    return machine.application.operation_context(credentials, "127.0.0.1", None)


def rows_of(data: Any) -> list[Any]:
    """What the list under `asked` holds."""
    while "asked" not in data:
        data = data[0] if isinstance(data, list) else next(iter(data.values()))
    return data["asked"]["nodes"] if isinstance(data["asked"], dict) else data["asked"]


@pytest.mark.parametrize("coordinate", [one for one in lists() if one != "Query.nodes"])
async def test_a_list_takes_as_many_statements_for_many_rows_as_for_few(
    machine: Machine, few: Sized, many: Sized, coordinate: str
) -> None:
    query = query_of(coordinate)
    if coordinate in ENDS_SOON:
        await be_here(machine, few)
        await be_here(machine, many)
    short, statements_for_few = await ask(machine, few, query)
    long, statements_for_many = await ask(machine, many, query)
    assert len(rows_of(short)) >= FEW
    assert len(rows_of(long)) >= MANY
    assert len(rows_of(long)) > len(rows_of(short))
    assert statements_for_many == statements_for_few, machine.counter.statements[statements_for_few:]
    assert statements_for_many < 60


@pytest.mark.parametrize(
    "kind",
    [
        "task",
        "comment",
        "project",
        "label",
        "status",
        "workspace",
        "membership",
        "invite",
        "user",
        "session",
        "change",
        "presence",
        "notification",
        "settings",
        "webhook",
        "delivery",
    ],
)
async def test_nodes_take_as_many_statements_for_many_ids_as_for_few(
    machine: Machine, few: Sized, many: Sized, kind: str
) -> None:
    query = query_of("Query.nodes")
    short, statements_for_few = await ask(machine, few, query, ids=few.ids[kind])
    long, statements_for_many = await ask(machine, many, query, ids=many.ids[kind])
    assert [one[f"{one['__typename']}_id"] for one in rows_of(short)] == few.ids[kind]
    assert [one[f"{one['__typename']}_id"] for one in rows_of(long)] == many.ids[kind]
    assert statements_for_many == statements_for_few


async def test_passages_take_one_statement_and_none_where_nobody_asks_for_them(machine: Machine, many: Sized) -> None:
    query = "query { asked: searchTasks(workspaceId: $workspace, query: %s) { nodes { id } edges { %s } } }"
    words = '"task"'
    _, without = await ask(machine, many, query % (words, "cursor"))
    found, together = await ask(machine, many, query % (words, "textMatches { field comment { id } }"))
    assert together == without + 1
    fields = [match["field"] for edge in found["asked"]["edges"] for match in edge["textMatches"]]
    assert fields.count("COMMENT") >= MANY


async def test_a_batch_of_the_stream_takes_as_many_statements_for_many_events_as_for_few(
    machine: Machine, few: Sized, many: Sized
) -> None:
    selected = selection(SDL.type_map["EventBatch"], 2)
    query = (
        "subscription ($workspace: ID!, $start: EventCursor) {"
        f" workspaceEvents(workspaceId: $workspace, after: $start) {{ {selected} }} }}"
    )
    counts, sizes = [], []
    for sized in (few, many):
        context = await context_of(machine, sized)
        start = Cursor(sized.workspace_id, await context.epoch(), 0)
        await context.release()
        variables = {"workspace": sized.ids["workspace"][0], "start": str(start)}
        results = await schema.subscribe(query, variables, context_value=context)
        of_batches, events, is_caught_up = [], 0, False
        async with aclosing(results), asyncio.timeout(30):
            while not is_caught_up:
                machine.counter.clear()
                result = await anext(results)
                of_batches.append(len(machine.counter.statements))
                assert result.errors is None, result.errors
                batch = result.data["workspaceEvents"]
                events, is_caught_up = events + len(batch["events"]), batch["caughtUp"]
        counts.append(max(of_batches))
        sizes.append(events)
        await context.release()
    assert sizes[1] > 2 * sizes[0]
    assert counts[1] <= counts[0]


async def test_a_batch_of_notifications_takes_as_many_statements_for_many_as_for_few(
    machine: Machine, few: Sized, many: Sized
) -> None:
    query = f"subscription {{ notificationEvents {{ {selection(SDL.type_map['NotificationBatch'], 2)} }} }}"
    counts, sizes = [], []
    for sized in (few, many):
        context = await context_of(machine, sized)
        machine.counter.clear()
        results = await schema.subscribe(query, context_value=context)
        async with aclosing(results), asyncio.timeout(30):
            result = await anext(results)
            counts.append(len(machine.counter.statements))
            assert result.errors is None, result.errors
            sizes.append(len(result.data["notificationEvents"]["notifications"]))
        await context.release()
    assert sizes[1] > 2 * sizes[0]
    assert counts[1] <= counts[0]


async def test_people_who_are_told_together_take_as_many_statements_as_few(machine: Machine) -> None:
    """Half of them are guests of the task's project. Each has the same selected: what a notification leads to."""
    office = machine.office
    owner = await office.person()
    workspace = await office.workspace(owner)
    project = await office.project(owner, workspace, "WEB")
    task = await office.task(owner, workspace, project_id=project)
    people = [await office.member(owner, workspace, Role.MEMBER) for _ in range(MANY // 2)]
    people += [await office.member(owner, workspace, Role.GUEST, project) for _ in range(MANY // 2)]
    query = """subscription { notificationEvents { unreadCount notifications { kind actor { name }
      workspace { name } task { title project { name } status { name } } comment { body author { name } } } } }"""
    counts = []
    async with AsyncExitStack() as closing:
        results = {}
        for person in people:
            credentials = Credentials(person.user_id, new_id(), now() + timedelta(hours=1))
            context = machine.application.operation_context(credentials, "127.0.0.1", None)
            closing.push_async_callback(context.release)
            results[person] = await schema.subscribe(query, context_value=context)
            await closing.enter_async_context(aclosing(results[person]))
            assert (await anext(results[person])).errors is None
        for told in (people[::2], people):
            following = [asyncio.create_task(anext(results[one])) for one in told]
            await asyncio.sleep(0)  # each waits now
            body = " ".join(f"@[{typed('user', one.user_id)}]" for one in told)
            comment = partial(comments.create_comment, comment_id=new_id(), task_id=task, parent_id=None, body=body)
            await office.do(owner, comment)
            heads = await office.read(heads_by_user_ids, [one.user_id for one in told])
            machine.counter.clear()
            for user_id, seq in heads.items():  # as when one read of the bell brings all of them
                machine.application.realtime.heads._hear(user_id, b"%d" % seq)
            async with asyncio.timeout(30):
                found = await asyncio.gather(*following)
            counts.append(len(machine.counter.statements))
            for one in found:
                assert one.errors is None, one.errors
                (notification,) = one.data["notificationEvents"]["notifications"]
                assert notification["comment"]["body"] == body
                assert notification["task"]["project"]["name"] == "Web"
    assert counts[1] == counts[0]


def test_every_list_of_the_schema_is_asked_for() -> None:
    """Each has a way to it, and the tests above select it."""
    selected: set[str] = set()

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = info.get_parent_type()
            if parent is not None:
                selected.add(f"{parent.name}.{node.name.value}")

    for coordinate in lists():
        document = parse(declared(query_of(coordinate)))
        info = TypeInfo(SDL)
        visit(document, TypeInfoVisitor(info, Collect()))
    assert set(lists()) <= selected
    assert len(lists()) > 15
