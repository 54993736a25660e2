"""Every leaf of every input with what it must not be: a refusal with a code and a path, never a failure.

The inputs come from `event_cases` and the fields from the schema, so new ones are tried by themselves. What is not even
of the type is refused before anything runs; what is, but cannot be meant, by `userErrors`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, get_named_type, get_nullable_type

from tests.api.asking import SDL, document, root_fields
from tests.api.event_cases import CASES
from tests.api.world import World, ghost, make_world
from tests.people import Api, Person

MUTATIONS = [one.removeprefix("Mutation.") for one in root_fields() if one.startswith("Mutation.")]

STRINGS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "x" * 200_001,
    "\u202e\u2066",
    "é" * 300,
    "'; drop table tasks; --",
    "\n\n",
]
NASTY: dict[str, list[Any]] = {
    "String": STRINGS,
    "ID": [*STRINGS, "task_", "task_x", ghost("task") + "0", "task_00000000-0000-0000-0000-000000000000", 7, -(10**30)],
    "UUID": ["", "x", "\x00", "0" * 32, "{}", 5],
    "Int": [-1, 0, 2**31 - 1, -(2**31), 2**31, 2**63, 1.5, "1", True],
    "Float": [-1, -0.0, 1e308, 10**400, 1e-320, "1", "NaN", True],
    "Boolean": [0, 1, "true"],
    "Date": ["", "2026-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "2026-1-1", "\x00", 20260101],
    "DateTime": [
        "",
        "2026-01-01",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999+14:00",
        "2026-01-01T00:00:00",
        "\x00",
        1,
    ],
    "URL": [
        *STRINGS,
        "https://",
        "https://127.0.0.1/",
        "https://a.b:99999/",
        "https://u:p@a.example/",
        "ftp://a.b/",
        7,
    ],
    "EventCursor": ["", "v1", "\x00", "v1:x:y:z", 3],
}
WRONG_TYPES: list[Any] = [{}, [[]], [None], {"a": 1}]
ALLOWED = {
    *("INVALID", "REQUIRED", "TOO_LONG", "ALREADY_EXISTS", "CYCLE", "INVITE_INVALID", "INVALID_CREDENTIALS"),
    *("UNVERIFIED_EMAIL", "NOT_FOUND", "FORBIDDEN", "LIMIT_REACHED", "CONFLICT", "IDEMPOTENCY_MISMATCH"),
}
TOP_LEVEL = {"BAD_REQUEST", "QUERY_TOO_COMPLEX"}
AT_ONCE = 8


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_whatever_is_put_into_an_input_there_is_a_typed_answer(api: Api, world: World, mutation: str) -> None:
    case = max(CASES[mutation], key=lambda one: one.name.startswith(("every", "with_everything")))
    here = await make_world(api) if case.is_alone else world
    person, asked = await case.prepare(here)
    assert SDL.mutation_type is not None
    kind = get_named_type(SDL.mutation_type.fields[mutation].args["input"].type)
    turns, wrong = asyncio.Semaphore(AT_ONCE), []

    async def attempt(given: Any, path: str, value: Any) -> None:
        async with turns:
            problem = await _problem(here, person, mutation, given)
        if problem:
            wrong.append(f"{mutation} {path} = {value!r:.60}: {problem}")

    attempts = [attempt(_with(asked, path, value), ".".join(path), value) for path, value in _tries(kind, ())]
    attempts += [attempt(value, "", value) for value in (None, [], "x", 1, {"unknown": 1}, {**asked, "unknown": 1})]
    await asyncio.gather(*attempts)
    assert not wrong, "\n".join(wrong)


def _tries(kind: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """Every place of an input, each with everything nasty for its type."""
    tries: list[tuple[tuple[str, ...], Any]] = []
    for name, field in kind.fields.items():
        here, below = (*path, name), get_named_type(field.type)
        values = [None, *WRONG_TYPES]
        if isinstance(below, GraphQLInputObjectType):
            tries += _tries(below, here)
        elif isinstance(below, GraphQLEnumType):
            values += ["", "NO_SUCH", "\x00", 1]
        else:
            values += NASTY[below.name]
        if isinstance(get_nullable_type(field.type), GraphQLList):
            values += [[one] for one in values] + [["x"] * 1000, [ghost("user")] * 60]
        tries += [(here, value) for value in values]
    return tries


def _with(asked: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The input with one value in one place, alone in its object if that is a choice of one."""
    name, *rest = path
    return {**asked, name: _with({}, tuple(rest), value) if rest else value}


async def _problem(world: World, person: Person | None, mutation: str, given: Any) -> str | None:
    """What is wrong with the answer; None if nothing is."""
    body = json.dumps({"query": document(f"Mutation.{mutation}"), "variables": {"input": given}})
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {person.token}"} if person else {})
    response = await world.owner.api.http.post(f"{world.owner.api.url}/graphql", content=body, headers=headers)
    answer = response.json()
    if "errors" in answer:
        codes = {one["extensions"]["code"] for one in answer["errors"]}
        return None if codes <= TOP_LEVEL and not answer.get("data") else json.dumps(answer)[:300]
    errors = answer["data"]["it"]["userErrors"]
    for one in errors:
        if one["code"] not in ALLOWED or (one["path"] or ["input"])[0] != "input":
            return json.dumps(one)
    return None
