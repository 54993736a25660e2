"""How a subscription begins: its source is asked as graphql-core asks it, and its errors are the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError, create_source_event_stream, parse
from graphql.pyutils import is_awaitable
from strawberry.types import Info

from execution.documents import Refused
from execution.executor import EventExecutor
from execution.live import Plans

SAID: list[Any] = []


@strawberry.input
class Wish:
    name: str
    number: int = 7


@strawberry.type
class Event:
    text: str


@strawberry.type
class Query:
    nothing: int = 0


async def _events(text: str) -> AsyncGenerator[Event]:
    yield Event(text=text)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def wished(self, info: Info, wish: Wish, after: str = "now") -> AsyncGenerator[Event]:
        inner = info._raw_info
        SAID.append(
            (
                info.context,
                info.path,
                inner.variable_values,
                inner.operation.name and inner.operation.name.value,
                sorted(inner.fragments),
                [one.name for one in info.selected_fields],
                (wish, after),
            )
        )
        if wish.name == "trouble":
            raise GraphQLError("No such thing.", extensions={"code": "NOT_FOUND"})
        return _events(wish.name)


SCHEMA = strawberry.Schema(Query, subscription=Subscription)
CORE = SCHEMA._schema
PLANS = Plans(CORE, parse, lambda errors: [error.formatted for error in errors])  # type: ignore[misc]
FRAGMENT = "fragment F on Event { text }"
CASES: list[tuple[str, dict[str, Any]]] = [
    ('subscription { wished(wish: {name: "a"}) { text } }', {}),
    ("subscription Named($w: Wish!, $a: String!) { own: wished(wish: $w, after: $a) { ...F } }" + FRAGMENT, {}),
    ("subscription ($w: Wish!) { wished(wish: $w) { text } }", {"w": {"name": "b", "number": 1}}),
    ('subscription ($n: String! = "c") { wished(wish: {name: $n}) { text } }', {}),
    ('subscription { own: wished(wish: {name: "trouble"}) { text } }', {}),
    ("subscription ($w: Wish!) { wished(wish: $w) { text } }", {"w": {"number": "x", "more": 1}}),
    ("subscription ($w: Wish!, $a: String!) { wished(wish: $w, after: $a) { text } }", {"w": {"name": "d"}, "a": "e"}),
]


async def by_core(query: str, variables: dict[str, Any], context: object) -> list[Any]:
    executor = EventExecutor.build(CORE, parse(query), None, context, variables, None)
    if isinstance(executor, list):
        return [error.formatted for error in executor]
    found: Any = create_source_event_stream(executor)
    found = await found if is_awaitable(found) else found
    errors = getattr(found, "errors", None)
    return [error.formatted for error in errors] if errors else [event async for event in found]


async def by_plan(query: str, variables: dict[str, Any], context: object) -> list[Any]:
    try:
        return [event async for event in await PLANS.open(query, variables, None).source(context)]
    except Refused as refused:
        return [error.formatted for error in refused.errors]


@pytest.mark.parametrize(("query", "variables"), CASES)
async def test_a_source_is_asked_for_as_graphql_core_does(query: str, variables: dict[str, Any]) -> None:
    SAID.clear()
    context = object()
    assert await by_plan(query, variables, context) == await by_core(query, variables, context)
    if SAID:
        first, second = SAID
        assert first == second


def test_a_plain_root_field_is_found_out_once() -> None:
    assert PLANS._beginning(CASES[1][0], "Named").root is not None


async def test_a_root_field_that_a_variable_may_leave_out_is_left_to_graphql_core() -> None:
    query = 'subscription ($is: Boolean!) { wished(wish: {name: "a"}) @include(if: $is) { text } }'
    assert PLANS._beginning(query, None).root is None
    assert await by_plan(query, {"is": True}, object()) == [Event(text="a")]
