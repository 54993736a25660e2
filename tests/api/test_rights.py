"""Who may do what, over every root field of the schema: a new one without a row in `rights_cases` fails here.

What one may not see answers in every letter as what is not there, and what is refused changes nothing.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.api.asking import as_ghosts, document, renamed, root_fields
from tests.api.rights_cases import PEOPLE, ROWS, TOKENS, Row
from tests.api.views import View
from tests.api.world import World, make_world
from tests.people import Api, open_socket


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def answer(world: World, name: str, field: str, variables: dict[str, Any]) -> Any:
    """The whole answer to one of the world's people, or to nobody in particular."""
    token = None if name == "anonymous" else getattr(world, name).token
    if field.startswith("Subscription."):
        return await first_answer(world, token, field, variables)
    found = await world.owner.api.answer(document(field), variables, token)
    found.pop("extensions", None)
    for error in found.get("errors", []):
        error.pop("locations", None)
    return found


async def first_answer(world: World, token: str | None, field: str, variables: dict[str, Any]) -> Any:
    """The first answer to a subscription, as HTTP would give it."""
    async with open_socket(world.owner.api.url) as socket:
        payload = {"authorization": f"Bearer {token}"} if token else {}
        await socket.send({"type": "connection_init", "payload": payload})
        if token is None:
            code, _ = await socket.closed()
            return {"errors": [{"extensions": {"code": {4401: "UNAUTHENTICATED"}[code]}}]}
        assert (await socket.receive())["type"] == "connection_ack"
        asked = {"query": document(field), "variables": variables}
        await socket.send({"id": "1", "type": "subscribe", "payload": asked})
        message = await socket.receive()
        return message["payload"] if message["type"] == "next" else {"data": None, "errors": message["payload"]}


def outcome(found: Any) -> str:
    """In the words of the rows."""
    codes = [error["extensions"]["code"] for error in found.get("errors", [])]
    if codes:
        return {"UNAUTHENTICATED": "anonymous", "NOT_FOUND": "hidden"}.get(codes[0], codes[0])
    it = found["data"]["it"]
    if it is None or it == [None]:
        return "hidden"
    if isinstance(it, list | bool) or not it.get("userErrors"):
        return "ok"
    (error,) = it["userErrors"]
    assert error["__typename"] in KINDS.get(error["code"], "ValidationError")
    return {"NOT_FOUND": "hidden", "FORBIDDEN": "forbidden"}.get(error["code"], error["code"])


KINDS = {"NOT_FOUND": "NotFoundError", "FORBIDDEN": "PermissionError"}


def test_no_row_is_about_a_field_that_is_gone() -> None:
    assert set(ROWS) <= set(root_fields())


@pytest.mark.parametrize("field", root_fields())
async def test_everybody_may_do_what_they_may_and_nothing_else(api: Api, world: World, field: str) -> None:
    assert ROWS.get(field), f"Say in tests/api/rights_cases.py who may ask {field}."
    wrong = []
    for row in ROWS[field]:
        wrong += await _try(await make_world(api) if row.is_alone else world, row)
    assert not wrong, "\n".join(wrong)


async def _try(world: World, row: Row) -> list[str]:
    """Ask as everybody, first those who are refused; -> what is wrong."""
    variables, hides = await row.make(world)
    is_mutation = row.field.startswith("Mutation.")
    before = await _state(world) if is_mutation else None
    refused = [name for name in PEOPLE if row.outcomes[name] != "ok"]
    answers = dict(zip(refused, await _answers(world, row.field, refused, variables), strict=True))
    wrong = [f"{name} got {json.dumps(one)}" for name, one in answers.items() if outcome(one) != row.outcomes[name]]
    if hides is not None:
        unseeing = [name for name in refused if row.outcomes[name] in {"hidden", "anonymous"}]
        ghostly, other = as_ghosts(variables, hides)
        for name, nothing in zip(unseeing, await _answers(world, row.field, unseeing, ghostly), strict=True):
            if answers[name] != renamed(nothing, other, hides):
                wrong.append(f"{name} got {json.dumps(answers[name])}, but for nothing {json.dumps(nothing)}")
    if before is not None and before != await _state(world):
        wrong.append("a refusal changed something")
    for name in PEOPLE:
        if row.outcomes[name] == "ok":
            if row.is_alone and name in TOKENS:  # its creator was allowed it, too, and has just done it
                world = await make_world(world.owner.api)
                variables, _ = await row.make(world)
            found = await answer(world, name, row.field, variables)
            if outcome(found) != "ok":
                wrong.append(f"{name} got {json.dumps(found)}")
            if is_mutation and not row.is_alone:
                variables, _ = await row.make(world)
    return [f"{row.field}, {row.make.__name__}: {one}" for one in wrong]


async def _answers(world: World, field: str, names: list[str], variables: dict[str, Any]) -> list[Any]:
    return list(await asyncio.gather(*[answer(world, name, field, variables) for name in names]))


async def _state(world: World) -> Any:
    """All there is, and how far the logs are."""
    whole = await View.read(world.owner, world.id)
    elsewhere = await world.stranger.ask("{ viewer { workspaces { id version eventCursor } } }")
    return whole.shown(), whole.cursor, elsewhere
