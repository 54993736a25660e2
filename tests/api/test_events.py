"""A snapshot, and the events of a change applied to it, are the snapshot after the change; for everybody, always.

The list of mutations comes from the schema: a new one without a case fails here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from graphql import FieldNode, FragmentDefinitionNode, GraphQLInputObjectType, GraphQLObjectType, parse

from resolvers import schema
from tests.api.event_cases import CASES, END, WATCHERS, Case
from tests.api.views import FOLLOW, FRAGMENTS, POLL, View
from tests.api.watchers import Watcher
from tests.api.world import World, make_world
from tests.people import Api, Person

SDL = schema._schema
CASES_PER_WORLD = 15
MUTATIONS = sorted(SDL.mutation_type.fields)  # type: ignore[union-attr]


def _word(told: dict[str, Any]) -> str:
    """As the cases say it."""
    if "resync" in told:
        return f"resync {told['resync']}"
    if told["__typename"] == "EntityEvent":
        return f"{told['kind']} {told['op']}"
    return f"{told['__typename']} {told.get('reason', told.get('op', ''))}".strip()


class Watched:
    """A world with its watchers; a new one when the old one is spoiled, or so full that reading it takes long."""

    def __init__(self, api: Api, other_api: Api) -> None:
        self._api = api
        self._other_api = other_api
        self._stack = AsyncExitStack()
        self._flag = ""
        self._cases = 0
        self.world: World | None = None
        self.watchers: list[Watcher] = []

    async def ready(self) -> World:
        """A world for one more case."""
        self._cases += 1
        if self._cases > CASES_PER_WORLD:
            await self.spoil()
        if self.world is None:
            self._cases = 1
            self.world = await make_world(self._api)
            self._flag = await self.world.add_label(name="flag")
            self.watchers = list(await asyncio.gather(*[self._watch(name) for name in WATCHERS]))
        return self.world

    async def _watch(self, name: str) -> Watcher:
        assert self.world is not None
        person: Person = getattr(self.world, name)
        person = person.on(self._other_api) if name in {"member", "guest"} else person
        view = await View.read(person, self.world.id)
        socket = await self._stack.enter_async_context(person.on(self._other_api).socket())
        return Watcher(name, person, await socket.subscribe(FOLLOW, workspaceId=self.world.id, after=view.cursor), view)

    async def flag(self) -> str:
        """Change something that everybody sees; -> where it is in the log. What comes before it has come then."""
        assert self.world is not None
        payload = await self.world.owner.do("updateLabel", {"id": self._flag, "name": f"flag {uuid4()}"})
        cursor: str = payload["eventCursor"]
        return cursor

    async def spoil(self) -> None:
        self.world = None
        self.watchers = []
        await self._stack.aclose()


@pytest.fixture(scope="module")
async def watched(api: Api, other_api: Api) -> AsyncIterator[Watched]:
    found = Watched(api, other_api)
    yield found
    await found.spoil()


NOT_IN_VIEWS = {
    "Workspace": {
        "eventCursor",
        "members",
        "invites",
        "projects",
        "tasks",
        "deletedTasks",
        "labels",
        "statuses",
        "auditLog",
        "apiTokens",
        "webhooks",
    },
    "Project": {"guests", "tasks"},
    "Membership": {"permissions"},
    "Comment": {"history"},
    "Task": {
        "activePresence",
        "subtasks",
        "history",
        "subscribers",
        "viewerPermissions",
        "viewerSubscribed",
        "viewerMuted",
    },
    "ReactionGroup": {"viewerReacted"},
}
"""Lists, which views read as such, what says the same again, what would keep their streams from being shared, and
followers, who are not told of."""


def test_views_hold_every_field() -> None:
    for fragment in parse(FRAGMENTS).definitions:
        assert isinstance(fragment, FragmentDefinitionNode)
        name = fragment.type_condition.name.value
        kind = SDL.get_type(name)
        assert isinstance(kind, GraphQLObjectType)
        selected = {one.name.value for one in fragment.selection_set.selections if isinstance(one, FieldNode)}
        assert selected | NOT_IN_VIEWS.get(name, set()) == kind.fields.keys()


async def test_the_log_from_its_beginning_makes_up_the_workspace(api: Api, other_api: Api) -> None:
    """Also where a later event deleted what an earlier one points at."""
    world = await make_world(api)
    status, label, project = await world.add_status(), await world.add_label(), await world.project()
    person = await world.bring_in()
    made = {"projectId": project, "statusId": status, "labelIds": [label], "assigneeIds": [person.id]}
    parent = await world.task(**made)
    for title in ("Kept", "Deleted"):
        task = await world.task(title, parentId=parent, **made)
        await world.owner.do("updateTask", {"id": task, "priority": "LOW"})
    await world.owner.do("deleteTask", {"id": task})
    await world.owner.do("deleteTask", {"id": parent})
    await world.owner.do("deleteStatus", {"id": status, "moveTasksToStatusId": world.statuses["DONE"]})
    await world.owner.do("deleteLabel", {"id": label})
    await world.owner.do("deleteProject", {"id": project})
    await person.do("leaveWorkspace", {"id": world.id})
    await world.owner.do("restoreTask", {"id": parent})

    now = await View.read(world.owner, world.id)
    assert now.cursor is not None
    view = View(world.id, cursor=now.cursor[:-19] + "0" * 19)
    while view.cursor != now.cursor:
        asked = {"workspaceId": world.id, "after": view.cursor, "first": 7}
        batch = (await world.owner.on(other_api).ask(POLL, **asked))["workspaceEvents"]
        assert batch["resync"] is None
        for event in batch["events"]:
            view.apply(event)
        view.cursor = batch["cursor"]
    assert view.differences(now) == []


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_snapshot_and_the_events_of_a_mutation_are_the_next_snapshot(watched: Watched, mutation: str) -> None:
    assert CASES.get(mutation), f"Say in tests/api/event_cases.py what {mutation} tells whom."
    failures = []
    for case in CASES[mutation]:
        wrong = ["did not get through"]
        try:
            wrong = await _try(watched, case)
        finally:
            if wrong or case.is_alone:
                await watched.spoil()
        failures += [f"{mutation}, {case.name}: {one}" for one in wrong]
    assert not failures, "\n".join(failures)


async def _try(watched: Watched, case: Case) -> list[str]:
    """Run a case; -> what is wrong."""
    if case.is_alone:
        await watched.spoil()
    world = await watched.ready()
    actor, asked = await case.prepare(world)
    before = await world.owner.cursor(world.id)
    key = await _do(world, case.mutation, actor, asked)
    is_everybody_out = all(told == [END] for told in case.told.values())
    after = "" if is_everybody_out else await watched.flag()
    wrong = await asyncio.gather(*[_check(one, case.told[one.name], before, after, key) for one in watched.watchers])
    return [one for some in wrong for one in some]


async def _check(watcher: Watcher, expected: list[str], before: str, after: str, key: str | None) -> list[str]:
    """What somebody was told between two cursors, and what they have now; -> what is wrong with it."""
    if expected == [END]:
        words = [f"end {await watcher.come_to_the_end()}"]
    else:
        told = [one for one in await watcher.catch_up(after) if before < one["cursor"] < after]
        words = [_word(one) for one in told]
        keys = {one["clientMutationId"] for one in told if "clientMutationId" in one}
        assert keys <= {key}
    fresh = await View.read(watcher.person, watcher.view.workspace_id)
    wrong = [f"the {watcher.name}'s {one}" for one in watcher.view.differences(fresh)]
    if words != expected:
        wrong.append(f"the {watcher.name} was told {words}, not {expected}")
    return wrong


async def _do(world: World, mutation: str, actor: Person | None, asked: dict[str, Any]) -> str | None:
    """Run the mutation, with a key if it can have one; -> the key."""
    kind = SDL.get_type(mutation[0].upper() + mutation[1:] + "Input")
    assert isinstance(kind, GraphQLInputObjectType)
    key = str(uuid4()) if "clientMutationId" in kind.fields else None
    if key is None:
        query = f"mutation ($input: {kind.name}!) {{ it: {mutation}(input: $input) {{ userErrors {{ message }} }} }}"
        answer = await world.owner.api.ask(query, {"input": asked}, actor.token if actor else None)
        assert answer["it"]["userErrors"] == []
        return None
    assert actor is not None
    payload = await actor.do(mutation, {**asked, "clientMutationId": key})
    assert payload["clientMutationId"] == key
    return key
