"""Every field of every update: left out it stays, null clears it or is refused, a value is set, the same value is none.

The list of fields comes from the schema: a new one without a line here fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from tests.api.asking import SDL
from tests.api.views import FRAGMENTS
from tests.api.world import World, make_world, minted
from tests.people import Api, Person

NODE = (
    """query ($id: ID!) { node(id: $id) {
      __typename id ...workspace ...membership ...invite ...project ...status ...label ...task ...comment
      ... on Webhook { createdAt url kinds state } } }"""
    + FRAGMENTS
)
PROFILE = "{ viewer { timeZone user { id name handle } } }"
REFUSED = "REQUIRED"
ABOUT_THE_REQUEST = {"id", "taskId", "workspaceId", "scopeId", "kind", "clientMutationId", "baseVersion", "onConflict"}
NOT_OPTIONAL = {"updateApiToken.name", "updateMemberRole.role"}
SETS_AND_PLACES = {
    "updateTask.addAssigneeIds",
    "updateTask.removeAssigneeIds",
    "updateTask.addLabelIds",
    "updateTask.removeLabelIds",
    "updateStatus.position",
    "moveTask.position",
    "updateTaskSubscription.subscribed",
    "updateTaskSubscription.muted",
    "updateNotificationRule.channels",
    "updateNotificationSettings.digest",
    "updateNotificationSettings.showPresence",
    "updateNotificationSettings.quietHours",
}
"""Left out and null are the same for these (or it is tried in test_notifications): nothing is added, removed, put
elsewhere, or wanted otherwise."""
INSTANTS = {"archived", "paused", "resolved"}
"""Set by a truth value, and shown as the moment when they were, or as a state."""


@dataclass(frozen=True, slots=True)
class Field:
    """`null`: what is shown when it is cleared, or REFUSED. `also`: what changes with it, besides version and time."""

    shown: str
    value: Any
    null: Any
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Updatable:
    """An object on which every field is set, by somebody who may change it."""

    person: Person
    id: str | None
    fields: dict[str, Field]

    async def read(self) -> dict[str, Any]:
        if self.id is None:
            viewer = (await self.person.ask(PROFILE))["viewer"]
            return {"timeZone": viewer["timeZone"], **viewer["user"]}
        found: dict[str, Any] = (await self.person.ask(NODE, id=self.id))["node"]
        return found

    def asked(self, **values: Any) -> dict[str, Any]:
        return values if self.id is None else {"id": self.id, **values}


Make = Callable[[World], Awaitable[Updatable]]


async def task(world: World) -> Updatable:
    parent = await world.task("Above")
    made = await world.task(
        "Full",
        projectId=world.web,
        parentId=world.web_task,
        description="Text",
        priority="LOW",
        startDate="2026-03-01",
        dueDate="2026-03-02",
        estimate=3,
        assigneeIds=[world.guest.id],
        labelIds=[world.label],
    )
    fields = {
        "title": Field("title", "Other", REFUSED),
        "description": Field("description", "Other", ""),
        "statusId": Field("status", {"id": world.statuses["DONE"]}, REFUSED, ("completedAt",)),
        "priority": Field("priority", "URGENT", REFUSED),
        "startDate": Field("startDate", "2026-02-01", None),
        "dueDate": Field("dueDate", "2026-04-01", None),
        "estimate": Field("estimate", 5.5, None),
        "parentId": Field("parent", {"id": parent}, None),
    }
    return Updatable(world.member, made, fields)


async def place_of_a_task(world: World) -> Updatable:
    made = await world.task("Full", projectId=world.web)
    fields = {
        "projectId": Field("project", {"id": world.ops}, None, ("key",)),
        "statusId": Field("status", {"id": world.statuses["DONE"]}, REFUSED, ("completedAt",)),
    }
    return Updatable(world.member, made, fields)


async def project(world: World) -> Updatable:
    made = await world.project("Full", description="Text", color="#123456")
    fields = {
        "name": Field("name", "Other", REFUSED),
        "key": Field("key", "P" + minted("x")[-8:].upper(), REFUSED),
        "description": Field("description", "Other", ""),
        "color": Field("color", "#654321", "#6b7280"),
    }
    return Updatable(world.member, made, {**fields, "archived": Field("archivedAt", True, REFUSED)})


async def status(world: World) -> Updatable:
    fields = {
        "name": Field("name", f"other {minted('x')}", REFUSED),
        "category": Field("category", "IN_PROGRESS", REFUSED),
        "color": Field("color", "#654321", "#6b7280"),
    }
    return Updatable(world.member, await world.add_status(color="#123456"), fields)


async def label(world: World) -> Updatable:
    fields = {
        "name": Field("name", f"other {minted('x')}", REFUSED),
        "color": Field("color", "#654321", "#6b7280"),
    }
    return Updatable(world.member, await world.add_label(color="#123456"), fields)


async def workspace(world: World) -> Updatable:
    made = await world.stranger.create_workspace("Full", key="FULL", description="Text", slug=minted("x")[-12:])
    fields = {
        "name": Field("name", "Other", REFUSED),
        "slug": Field("slug", minted("x")[-12:], REFUSED),
        "key": Field("key", "OTHER", REFUSED),
        "description": Field("description", "Other", ""),
    }
    return Updatable(world.stranger, made, fields)


async def comment(world: World) -> Updatable:
    fields = {
        "body": Field("body", "Other", REFUSED, ("editedAt",)),
        "resolved": Field("resolvedAt", True, REFUSED),
    }
    return Updatable(world.member, await world.member.comment(world.web_task), fields)


async def webhook(world: World) -> Updatable:
    made, _ = await world.add_webhook()
    fields = {
        "url": Field("url", "https://hooks.example.com/other", REFUSED),
        "kinds": Field("kinds", ["COMMENT"], REFUSED),
        "paused": Field("state", True, REFUSED),
    }
    return Updatable(world.owner, made, fields)


async def profile(world: World) -> Updatable:
    fields = {
        "name": Field("name", "Other", REFUSED),
        "handle": Field("handle", f"other-{minted('x')[-12:]}", REFUSED),
        "timeZone": Field("timeZone", "Asia/Tokyo", REFUSED),
    }
    return Updatable(world.outsider, None, fields)


UPDATABLE: dict[str, Make] = {
    "updateTask": task,
    "moveTask": place_of_a_task,
    "updateProject": project,
    "updateStatus": status,
    "updateLabel": label,
    "updateWorkspace": workspace,
    "updateComment": comment,
    "updateProfile": profile,
    "updateWebhook": webhook,
}


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def test_every_field_of_every_update_is_tried(world: World) -> None:
    assert SDL.mutation_type is not None
    there = set()
    for mutation, field in SDL.mutation_type.fields.items():
        kind = get_named_type(field.args["input"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        is_update = mutation.startswith("update") and mutation != "updatePresence"  # which keeps nothing
        if is_update or mutation in UPDATABLE:
            there |= {f"{mutation}.{name}" for name in kind.fields if name not in ABOUT_THE_REQUEST}
    tried = {f"{mutation}.{name}" for mutation, make in UPDATABLE.items() for name in (await make(world)).fields}
    assert there == tried | SETS_AND_PLACES | NOT_OPTIONAL


@pytest.mark.parametrize("mutation", UPDATABLE)
async def test_a_field_alone_is_set_and_all_others_stay(world: World, mutation: str) -> None:
    for name in (await UPDATABLE[mutation](world)).fields:
        made = await UPDATABLE[mutation](world)
        field, before = made.fields[name], await made.read()
        asked = made.asked(**{name: field.value["id"] if isinstance(field.value, dict) else field.value})
        await made.person.do(mutation, asked)
        after = await made.read()
        assert after[field.shown] == field.value or name in INSTANTS, (name, after)
        _is_the_rest_as_it_was(before, after, field, name)

        again = await made.person.do(mutation, asked)
        assert (again["eventCursor"], again["changeSetId"]) == (None, None), name
        assert await made.read() == after


@pytest.mark.parametrize("mutation", UPDATABLE)
async def test_null_clears_a_field_or_is_refused(world: World, mutation: str) -> None:
    for name in (await UPDATABLE[mutation](world)).fields:
        made = await UPDATABLE[mutation](world)
        field, before = made.fields[name], await made.read()
        if field.null == REFUSED:
            assert await made.person.refused(mutation, made.asked(**{name: None})) == (REFUSED, ["input", name])
            assert await made.read() == before
            continue
        await made.person.do(mutation, made.asked(**{name: None}))
        after = await made.read()
        assert after[field.shown] == field.null, (name, after)
        _is_the_rest_as_it_was(before, after, field, name)


def _is_the_rest_as_it_was(before: dict[str, Any], after: dict[str, Any], field: Field, name: str) -> None:
    assert before[field.shown] != after[field.shown], name
    changed = {one for one in before if before[one] != after[one]}
    assert changed - {"version", "updatedAt", *field.also} == {field.shown}, name
    if "version" in before:
        assert after["version"] == before["version"] + 1
        assert after["updatedAt"] > before["updatedAt"]


@pytest.mark.parametrize("mutation", UPDATABLE)
async def test_an_update_of_nothing_does_nothing(world: World, mutation: str) -> None:
    made = await UPDATABLE[mutation](world)
    before = await made.read()
    nulls = [one.split(".")[1] for one in SETS_AND_PLACES if one.startswith(f"{mutation}.")]
    for asked in ({}, dict.fromkeys(nulls)):
        payload = await made.person.do(mutation, made.asked(**asked))
        assert (payload["eventCursor"], payload["changeSetId"]) == (None, None)
    assert await made.read() == before
