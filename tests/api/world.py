"""A workspace with people of every role in it, and people who have no business there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from db.ids import new_id, typed
from db.models import Permission
from tests.people import Api, Person


@dataclass(slots=True)
class World:
    """Acme: two projects, `web` and `ops`, with a guest each, and a task in each and in none.

    `spare` is a member whom nobody minds to lose. `stranger` owns another workspace of the same make; `outsider` has
    none; `removed` was a member once. `token` and `reader` are the owner by API tokens: with all scopes, and to read.
    """

    owner: Person
    admin: Person
    member: Person
    viewer: Person
    guest: Person
    other_guest: Person
    spare: Person
    removed: Person
    outsider: Person
    stranger: Person
    id: str
    web: str
    ops: str
    web_task: str
    ops_task: str
    loose_task: str
    label: str
    bug: str
    statuses: dict[str, str]
    memberships: dict[str, str]
    token: Person
    reader: Person

    def membership(self, person: Person) -> str:
        return self.memberships[person.id]

    async def slug(self) -> str:
        found: str = (await self.owner.ask("query ($id: ID!) { workspace(by: {id: $id}) { slug } }", id=self.id))[
            "workspace"
        ]["slug"]
        return found

    async def task(self, title: str = "Do it", **more: Any) -> str:
        """The owner's new task."""
        return await self.owner.create_task(self.id, title, **more)

    async def comment(self, task_id: str, body: str = "Well", **more: Any) -> str:
        """The owner's new comment."""
        return await self.owner.comment(task_id, body, **more)

    async def change(self, global_id: str) -> str:
        """The newest change of a task or a comment."""
        query = (
            "query ($id: ID!) { node(id: $id) { ... on Task { history(first: 1) { nodes { id } } }"
            " ... on Comment { history(first: 1) { nodes { id } } } } }"
        )
        found: str = (await self.owner.ask(query, id=global_id))["node"]["history"]["nodes"][0]["id"]
        return found

    async def project(self, name: str = "More", **more: Any) -> str:
        key = "P" + new_id().hex[-8:].upper()
        return await self.owner.create_project(self.id, name, key, **more)

    async def add_label(self, **more: Any) -> str:
        made = {"workspaceId": self.id, "name": f"label {new_id()}", **more}
        found: str = (await self.owner.do("createLabel", made, "label { id }"))["label"]["id"]
        return found

    async def add_status(self, **more: Any) -> str:
        made = {"workspaceId": self.id, "name": f"status {new_id()}", "category": "TODO", **more}
        found: str = (await self.owner.do("createStatus", made, "status { id }"))["status"]["id"]
        return found

    async def add_token(self, scopes: list[str] | None = None, **more: Any) -> tuple[str, str]:
        """(id, secret) of an API token of the owner."""
        return await self.owner.create_token(self.id, scopes, **more)

    async def add_invite(self, **more: Any) -> tuple[str, str]:
        """(id, token)"""
        made = {"workspaceId": self.id, "role": "MEMBER", **more}
        payload = await self.owner.do("createInvite", made, "url invite { id }")
        return payload["invite"]["id"], payload["url"].split("#", 1)[1]

    async def add_webhook(self, url: str = "https://hooks.example.com/tutti", **more: Any) -> tuple[str, str]:
        """(id, secret). A workspace has few, so old ones make room."""
        query = "query ($id: ID!) { workspace(by: {id: $id}) { webhooks { id } } }"
        there = (await self.owner.ask(query, id=self.id))["workspace"]["webhooks"]
        for one in there[:-10]:
            await self.owner.do("deleteWebhook", {"id": one["id"]})
        made = {"workspaceId": self.id, "url": url, "kinds": ["TASK"], **more}
        payload = await self.owner.do("createWebhook", made, "secret webhook { id }")
        return payload["webhook"]["id"], payload["secret"]

    async def add_delivery(self) -> str:
        """A test message to a new webhook."""
        webhook_id, _ = await self.add_webhook()
        payload = await self.owner.do("testWebhook", {"id": webhook_id}, "delivery { id }")
        found: str = payload["delivery"]["id"]
        return found

    async def cursor(self) -> str:
        found: str = (
            await self.owner.ask("query ($id: ID!) { workspace(by: {id: $id}) { eventCursor } }", id=self.id)
        )["workspace"]["eventCursor"]
        return found

    async def bring_in(self, role: str = "MEMBER", name: str = "New", **more: Any) -> Person:
        person = await self.owner.bring_in(self.id, role, name, **more)
        self.memberships[person.id] = await self.owner.membership_id(self.id, person.id)
        return person


def ghost(kind: str) -> str:
    """An id of this kind that leads to nothing."""
    return typed(kind, new_id())


def minted(kind: str) -> str:
    """An id as clients make them."""
    return typed(kind, new_id())


async def make_world(api: Api) -> World:
    """A new world; about forty requests, as many at once as may be."""
    owner = await api.sign_up("Olga")
    workspace_id = await owner.create_workspace("Acme")
    web, ops, label, bug, statuses = await asyncio.gather(
        owner.create_project(workspace_id, "Web", "WEB"),
        owner.create_project(workspace_id, "Operations", "OPS"),
        owner.do("createLabel", {"workspaceId": workspace_id, "name": "idea"}, "label { id }"),
        owner.do("createLabel", {"workspaceId": workspace_id, "name": "bug"}, "label { id }"),
        owner.statuses(workspace_id),
    )
    admin, member, viewer, spare, removed, guest, other_guest, outsider, stranger = await asyncio.gather(
        owner.bring_in(workspace_id, "ADMIN", "Adam"),
        owner.bring_in(workspace_id, "MEMBER", "Mia"),
        owner.bring_in(workspace_id, "VIEWER", "Vic"),
        owner.bring_in(workspace_id, "MEMBER", "Sam"),
        owner.bring_in(workspace_id, "MEMBER", "Rob"),
        owner.bring_in(workspace_id, "GUEST", "Gus", projectIds=[web]),
        owner.bring_in(workspace_id, "GUEST", "Gwen", projectIds=[ops]),
        api.sign_up("Otto"),
        api.sign_up("Stan"),
    )
    listed = await owner.ask(
        "query ($id: ID!) { workspace(by: {id: $id}) { members(first: 100) { nodes { id user { id } } } } }",
        id=workspace_id,
    )
    memberships = {one["user"]["id"]: one["id"] for one in listed["workspace"]["members"]["nodes"]}
    await owner.do("removeMember", {"id": memberships[removed.id]})
    label_id, bug_id = label["label"]["id"], bug["label"]["id"]
    web_task, ops_task, loose_task = await asyncio.gather(
        owner.create_task(
            workspace_id, "Web task", projectId=web, assigneeIds=[member.id, guest.id], labelIds=[label_id, bug_id]
        ),
        owner.create_task(workspace_id, "Ops task", projectId=ops, assigneeIds=[other_guest.id, spare.id]),
        owner.create_task(workspace_id, "Loose task", assigneeIds=[spare.id], labelIds=[bug_id]),
    )
    (_, token), (_, reader) = await asyncio.gather(
        owner.create_token(workspace_id, list(Permission)), owner.create_token(workspace_id, ["TASK_READ"])
    )
    return World(
        token=replace(owner, token=token),
        reader=replace(owner, token=reader),
        owner=owner,
        admin=admin,
        member=member,
        viewer=viewer,
        guest=guest,
        other_guest=other_guest,
        spare=spare,
        removed=removed,
        outsider=outsider,
        stranger=stranger,
        id=workspace_id,
        web=web,
        ops=ops,
        web_task=web_task,
        ops_task=ops_task,
        loose_task=loose_task,
        label=label_id,
        bug=bug_id,
        statuses=statuses,
        memberships=memberships,
    )
