"""Random walks through the product: whatever people do, in whatever order, everybody's view stays what a fresh one is.

A walk is a sequence of changes by people of every role, some of which are refused. The seeds are fixed, and WALKS says
how many of them are tried; a failure names its seed and the changes that led to it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from tests.api.event_cases import WATCHERS
from tests.api.views import FOLLOW, View
from tests.api.watchers import Watcher
from tests.api.world import World, make_world
from tests.people import Api, Person

WALKS = int(os.environ.get("WALKS", "6"))
STEPS, LOOK_EVERY = 60, 6
PEOPLE = ("owner", "admin", "member", "viewer", "guest", "other_guest", "spare")


class Walk:
    """A world, what is in it, and how it is changed at random."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.tasks = [world.web_task, world.ops_task, world.loose_task]
        self.projects = [world.web, world.ops]
        self.labels = [world.label, world.bug]
        self.statuses = list(world.statuses.values())
        self.done: list[str] = []

    @property
    def steps(self) -> list[Callable[[], Awaitable[Any]]]:
        """The likelier ones stand there more than once."""
        often = [self.new_task, self.update_task, self.update_task, self.move_task, self.move_task, self.nest_task]
        rarely = [self.new_arrangement, self.change_arrangement, self.drop_arrangement, self.change_role]
        return [*often, self.put_away, self.put_away, self.bring_back, self.change_guests, *rarely, self.rename]

    def some(self, things: list[str]) -> str:
        return self.random.choice(things)

    def maybe(self, things: list[str]) -> str | None:
        return self.random.choice([*things, None])

    def person(self) -> Person:
        found: Person = getattr(self.world, self.random.choice(PEOPLE))
        return found

    async def step(self) -> None:
        await self.random.choice(self.steps)()

    async def do(self, mutation: str, given: dict[str, Any], fields: str = "", person: Person | None = None) -> Any:
        """Try it, as somebody; -> the payload if it was not refused."""
        who = person or self.person()
        payload = await who.try_(mutation, given, fields)
        refused = [one["code"] for one in payload["userErrors"]]
        self.done.append(f"{who.name}: {mutation} {given} {refused}")
        return None if refused else payload

    # ---- tasks

    async def new_task(self) -> None:
        given: dict[str, Any] = {"workspaceId": self.world.id, "title": f"Task {len(self.tasks)}"}
        given |= {"projectId": self.maybe(self.projects), "parentId": self.maybe(self.tasks)}
        given |= {"statusId": self.some(self.statuses), "labelIds": [self.some(self.labels)]}
        if self.random.random() < 0.5:
            given["assigneeIds"] = [self.person().id]
        if payload := await self.do("createTask", given, "task { id }"):
            self.tasks.append(payload["task"]["id"])

    async def update_task(self) -> None:
        given: dict[str, Any] = {"id": self.some(self.tasks), "title": f"Title {self.random.random():.3f}"}
        if self.random.random() < 0.5:
            given["statusId"] = self.some(self.statuses)
        for name, things in (("Assignee", [self.person().id]), ("Label", self.labels)):
            how = self.random.choice(["add", "remove", None])
            if how is not None:
                given[f"{how}{name}Ids"] = [self.some(things)]
        await self.do("updateTask", given)

    async def nest_task(self) -> None:
        await self.do("updateTask", {"id": self.some(self.tasks), "parentId": self.maybe(self.tasks)})

    async def move_task(self) -> None:
        given: dict[str, Any] = {"id": self.some(self.tasks)}
        if self.random.random() < 0.7:
            given["projectId"] = self.maybe(self.projects)
        if self.random.random() < 0.4:
            given["position"] = {"edge": self.random.choice(["FIRST", "LAST"])}
        await self.do("moveTask", given)

    async def put_away(self) -> None:
        await self.do(self.random.choice(["archiveTask", "deleteTask"]), {"id": self.some(self.tasks)})

    async def bring_back(self) -> None:
        await self.do("restoreTask", {"id": self.some(self.tasks)})

    # ---- projects, statuses, labels

    async def new_arrangement(self) -> None:
        given = {"workspaceId": self.world.id, "name": f"New {uuid4()}"}
        kind = self.random.choice(["project", "label", "status"])
        if kind == "status":
            given["category"] = self.random.choice(["TODO", "DONE"])
        if payload := await self.do(f"create{kind.title()}", given, f"{kind} {{ id }}"):
            known = {"project": self.projects, "label": self.labels, "status": self.statuses}[kind]
            known.append(payload[kind]["id"])

    async def change_arrangement(self) -> None:
        name = f"Changed {uuid4()}"
        match self.random.choice(["project", "label", "status"]):
            case "project":
                is_archived = self.random.random() < 0.3
                await self.do("updateProject", {"id": self.some(self.projects), "name": name, "archived": is_archived})
            case "label":
                await self.do("updateLabel", {"id": self.some(self.labels), "name": name})
            case "status":
                category = self.random.choice(["TODO", "IN_PROGRESS", "DONE"])
                await self.do("updateStatus", {"id": self.some(self.statuses), "name": name, "category": category})

    async def drop_arrangement(self) -> None:
        match self.random.choice(["project", "label", "status"]):
            case "project" if len(self.projects) > 2:
                gone = self.projects[-1]
                if await self.do("deleteProject", {"id": gone, "moveTasksToProjectId": self.maybe(self.projects[:-1])}):
                    self.projects.remove(gone)
            case "label" if len(self.labels) > 1:
                gone = self.labels[-1]
                if await self.do("deleteLabel", {"id": gone}):
                    self.labels.remove(gone)
            case "status" if len(self.statuses) > 3:
                gone = self.statuses[-1]
                asked = {"id": gone, "moveTasksToStatusId": self.some(self.statuses[:-1])}
                if await self.do("deleteStatus", asked):
                    self.statuses.remove(gone)

    # ---- people

    async def change_role(self) -> None:
        membership = self.world.membership(self.person())
        role = self.random.choice(["VIEWER", "GUEST", "MEMBER", "ADMIN"])
        asker = self.random.choice([self.world.owner, self.world.admin, self.world.member])
        await self.do("updateMemberRole", {"id": membership, "role": role}, person=asker)

    async def change_guests(self) -> None:
        membership = self.world.membership(
            self.random.choice([self.world.guest, self.world.other_guest, self.person()])
        )
        given = {"projectId": self.some(self.projects), "membershipId": membership}
        await self.do(self.random.choice(["addProjectGuest", "removeProjectGuest"]), given, person=self.world.owner)

    async def rename(self) -> None:
        await self.do("updateProfile", {"name": f"Name {self.random.random():.3f}"})


@pytest.mark.parametrize("seed", range(1, WALKS + 1))
async def test_whatever_people_do_everybodys_view_stays_current(api: Api, other_api: Api, seed: int) -> None:
    world = await make_world(api)
    flag = await world.add_label(name="flag")
    walk = Walk(world, seed)
    async with AsyncExitStack() as stack:
        watchers = []
        for name in WATCHERS:
            person: Person = getattr(world, name)
            view = await View.read(person, world.id)
            socket = await stack.enter_async_context(person.on(other_api).socket())
            stream = await socket.subscribe(FOLLOW, workspaceId=world.id, after=view.cursor)
            watchers.append(Watcher(name, person, stream, view))
        for number in range(STEPS):
            await walk.step()
            if number % LOOK_EVERY == LOOK_EVERY - 1:
                cursor = (await world.owner.do("updateLabel", {"id": flag, "name": f"flag {number}"}))["eventCursor"]
                wrong = await asyncio.gather(*[_look(one, cursor) for one in watchers])
                assert wrong == [[]] * len(wrong), "\n".join([f"seed {seed}", *walk.done, *map(str, wrong)])


async def _look(watcher: Watcher, cursor: str) -> list[str]:
    await watcher.catch_up(cursor)
    fresh = await View.read(watcher.person, watcher.view.workspace_id)
    return [f"the {watcher.name}'s {one}" for one in watcher.view.differences(fresh)]
