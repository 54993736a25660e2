"""A compiled mutation answers as graphql-core does, and its resolver runs once, whatever comes of it."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from graphql import execute, parse, validate
from graphql.pyutils import is_awaitable

from execution.mutations import Mutations


@strawberry.type
class Made:
    name: str
    broken: str | None
    must: str

    @strawberry.field
    async def slow(self) -> int:
        if self.name == "late":
            raise ValueError("too late")
        return len(self.name)

    @strawberry.field
    def shout(self, mark: str = "!") -> str:
        return self.name + mark


@strawberry.input
class MakeInput:
    name: str
    must: str | None = "it"


calls: list[str] = []


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def make(self, info: strawberry.Info, input: MakeInput) -> Made | None:
        calls.append(input.name)
        if input.name == "bad":
            raise ValueError("refused")
        if input.name == "none":
            return None
        assert info.context == "context"
        return Made(name=input.name, broken=None, must=input.must)  # type: ignore[arg-type]


@strawberry.type
class Query:
    one: int = 1


SCHEMA = strawberry.Schema(Query, Mutation)._schema
ASK = "mutation M($input: MakeInput!) { made: make(input: $input) { name broken slow ...More } }"
MORE = ' fragment More on Made { must __typename shout(mark: "?") }'
ON = "mutation M($input: MakeInput!, $on: Boolean!) { make(input: $input) { name must @include(if: $on) } }"


async def usual(query: str, variables: dict[str, Any]) -> Any:
    found: Any = execute(SCHEMA, parse(query), None, "context", variables)
    return await found if is_awaitable(found) else found


@pytest.mark.parametrize("name", ["plain", "bad", "none", "late"])
@pytest.mark.parametrize("more", [{}, {"must": "so"}, {"must": None}])
@pytest.mark.parametrize("query", [ASK + MORE, 'mutation { make(input: {name: "plain"}) { name } }'])
async def test_it_answers_as_graphql_core(query: str, name: str, more: dict[str, Any]) -> None:
    assert not validate(SCHEMA, parse(query))
    variables: dict[str, Any] = {"input": {"name": name, **more}} if "$input" in query else {}
    expected = await usual(query, variables)
    mutations = Mutations(SCHEMA, parse)
    for _ in range(2):
        calls.clear()
        found = await mutations.execute(query, variables, None, "context")
        assert len(calls) == 1
        assert found is not None
        assert repr(found.data) == repr(expected.data)
        assert [one.formatted for one in found.errors or ()] == [one.formatted for one in expected.errors or ()]
        for one, other in zip(found.errors or (), expected.errors or (), strict=True):
            assert repr(one.original_error) == repr(other.original_error)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (ASK + MORE, {}),
        (ASK + MORE, {"input": {"name": 1}}),
        (ON, {"input": {"name": "plain"}, "on": True}),
        (
            'mutation { one: make(input: {name: "a"}) { name } other: make(input: {name: "b"}) { name } }',
            {},
        ),
        ("mutation M($input: MakeInput!) { ...F } fragment F on Mutation { make(input: $input) { name } }", {}),
        ("{ one }", {}),
    ],
    ids=["no input", "a wrong input", "by a variable", "two at once", "in a fragment", "a query"],
)
async def test_what_is_not_compiled_has_not_happened(query: str, variables: dict[str, Any]) -> None:
    calls.clear()
    assert await Mutations(SCHEMA, parse).execute(query, variables, None, "context") is None
    assert not calls
