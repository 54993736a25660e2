"""What an operation leaves behind."""

from __future__ import annotations

import asyncio
import gc

import pytest
import strawberry
from graphql.execution import Executor

from execution.limits import Limits
from execution.operations import Operations


@strawberry.type
class Thing:
    name: str

    @strawberry.field
    async def later(self) -> str:
        await asyncio.sleep(0)
        return self.name

    @strawberry.field
    async def broken(self) -> str | None:
        raise ValueError(self.name)


@strawberry.type
class Query:
    @strawberry.field
    def thing(self) -> Thing:
        return Thing(name="it")


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def make(self, name: str) -> Thing:
        return Thing(name=name)

    @strawberry.mutation
    async def fail(self) -> Thing:
        raise ValueError("not today")


@pytest.mark.parametrize(
    "query",
    [
        "{ thing { name } }",
        "{ thing { name later } }",
        "{ thing { broken later } }",
        "{ __typename }",
        'mutation { make(name: "it") { name later } }',
        'mutation { make(name: "it") { broken } }',
        "mutation { fail { name } }",
        'mutation { fail { name } make(name: "it") { later } }',
    ],
)
async def test_an_operation_leaves_nothing_that_must_be_searched_for(query: str) -> None:
    operations = Operations(strawberry.Schema(Query, Mutation), Limits())

    async def ask() -> None:
        await operations.execute(operations.prepare(query), None)

    def left() -> int:
        return sum(issubclass(type(one), Executor) for one in gc.get_objects())

    await ask()
    gc.collect()
    before = left()
    gc.disable()
    try:
        for _ in range(5):
            await ask()
        after = left()
    finally:
        gc.enable()
    assert after <= before
