"""The people of the measurements: accounts, one workspace with its members, and what they ask over HTTP."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import asyncpg

from bench.programs import Stack
from bench.wire import Http

PASSWORD = "correct horse battery"
SESSION = "accessToken refreshToken"


@dataclass(slots=True)
class Person:
    """Somebody with a session; `token` is good for a quarter of an hour."""

    token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace, its people, and one task for each of them to change."""

    workspace_id: str
    people: list[Person]
    task_ids: list[str]


async def ask(http: Http, token: str | None, query: str, **variables: Any) -> Any:
    """The data of an operation. Raises RuntimeError with its errors."""
    answer = await http.post({"query": query, "variables": variables}, token)
    if answer.get("errors"):
        raise RuntimeError(answer["errors"])
    return answer["data"]


async def do(http: Http, token: str | None, mutation: str, input: dict[str, Any], fields: str) -> Any:
    """The payload of a mutation, which must not be refused."""
    kind = mutation[0].upper() + mutation[1:] + "Input"
    query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ code message }} {fields} }} }}"
    payload = (await ask(http, token, query, input=input))[mutation]
    if payload["userErrors"]:
        raise RuntimeError(payload["userErrors"])
    return payload


async def database(stack: Stack) -> asyncpg.Connection:
    return await asyncpg.connect(stack.database_url.replace("+asyncpg", ""))


async def _sign_up(http: Http, stack_connection: asyncpg.Connection, **more: Any) -> Person:
    # All come from one address, which may only sign up so often; that limit is not what is measured.
    await stack_connection.execute("DELETE FROM attempts")
    form = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "name": "Bench", **more}
    payload = await do(http, None, "signUp", form, SESSION)
    return Person(payload["accessToken"], payload["refreshToken"])


async def make_team(url: str, stack: Stack, size: int) -> Team:
    """A workspace with `size` people: one owner, and members who joined by its invite link."""
    http, connection = Http(url), await database(stack)
    try:
        owner = await _sign_up(http, connection)
        workspace_id = await make_workspace(http, owner, "Bench")
        invite = await do(http, owner.token, "createInvite", {"workspaceId": workspace_id, "role": "MEMBER"}, "url")
        token = invite["url"].split("#", 1)[1]
        people = [owner, *[await _sign_up(http, connection, inviteToken=token) for _ in range(size - 1)]]
        task_ids = [await make_task(http, one, workspace_id, "A task of ours") for one in people]
    finally:
        http.close()
        await connection.close()
    return Team(workspace_id, people, task_ids)


async def make_workspace(http: Http, owner: Person, name: str) -> str:
    payload = await do(http, owner.token, "createWorkspace", {"name": name}, "workspace { id }")
    workspace_id: str = payload["workspace"]["id"]
    return workspace_id


async def make_task(http: Http, person: Person, workspace_id: str, title: str) -> str:
    asked = {"workspaceId": workspace_id, "title": title, "priority": "HIGH", "dueDate": "2030-01-31"}
    task_id: str = (await do(http, person.token, "createTask", asked, "task { id }"))["task"]["id"]
    return task_id


async def rename_task(http: Http, person: Person, task_id: str, title: str) -> None:
    await do(http, person.token, "updateTask", {"id": task_id, "title": title}, "task { id version } eventCursor")


async def refresh(url: str, stack: Stack, people: list[Person]) -> None:
    """New access tokens for everybody, so that none expires during the measurement that follows."""
    http, connection = Http(url), await database(stack)
    try:
        for person in people:
            await connection.execute("DELETE FROM attempts")
            payload = await do(http, None, "refreshSession", {"refreshToken": person.refresh_token}, SESSION)
            person.token, person.refresh_token = payload["accessToken"], payload["refreshToken"]
    finally:
        http.close()
        await connection.close()


async def quiet(seconds: float) -> None:
    """Let a server come to rest after connecting or a burst."""
    await asyncio.sleep(seconds)
