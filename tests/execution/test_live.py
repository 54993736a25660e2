"""Subscriptions as they are rendered, by a projector and by graphql-core."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, Awaitable
from typing import Any

import orjson
import pytest
import strawberry

from execution.limits import Limits
from execution.live import Live, LiveCounters, Plans
from execution.operations import Operations


@strawberry.type
class Leaf:
    number: int


@strawberry.type
class Tree:
    number: int

    @strawberry.field
    async def leaves(self) -> list[Leaf]:
        return [Leaf(number=self.number), Leaf(number=-self.number)]

    @strawberry.field(graphql_type=int)
    def surprise(self) -> Awaitable[int]:
        """No projector expects that it has to wait for this."""
        return _soon(self.number)

    @strawberry.field
    def half_a_character(self) -> str:
        return "\ud800"


async def _soon(number: int) -> int:
    return number


@strawberry.type
class Query:
    ok: bool = True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def trees(self) -> AsyncGenerator[Tree, None]:
        number = 0
        while True:
            number += 1
            yield Tree(number=number)


def opened(selection: str) -> tuple[Plans, Live]:
    operations = Operations(strawberry.Schema(Query, subscription=Subscription), Limits())
    plans = Plans(
        operations.schema._schema, operations.documents.load, lambda errors: [dict(one.formatted) for one in errors]
    )
    return plans, plans.open(f"subscription {{ trees {{ {selection} }} }}", None, None)


@pytest.mark.parametrize("selection", ["number leaves { number }", "number surprise leaves { number }"])
async def test_a_subscription_takes_no_more_memory_the_longer_it_lasts(selection: str) -> None:
    _, live = opened(selection)
    events = await live.source(None)
    sizes = []
    for wanted in (50, 500):
        async for event in events:
            payload = orjson.loads(await live.render(event, None))
            assert payload["data"]["trees"]["number"] == event.number
            if event.number == wanted:
                break
        gc.collect()
        sizes.append(len(gc.get_objects()))
    await events.aclose()
    assert sizes[1] - sizes[0] < 50


@pytest.mark.parametrize(
    ("selection", "tree", "counted"),
    [
        ("number", {"number": 7}, LiveCounters(compiled=1, projected=1)),
        ("surprise", {"surprise": 7}, LiveCounters(compiled=1, executed=1, fallen_back=1)),
    ],
)
async def test_what_a_projector_does_not_cover_is_executed_and_counted(
    selection: str, tree: dict[str, Any], counted: LiveCounters
) -> None:
    plans, live = opened(selection)
    assert orjson.loads(await live.render(Tree(number=7), None)) == {"data": {"trees": tree}}
    assert plans.counters == counted


async def test_what_json_cannot_hold_is_nothing_a_projector_gives() -> None:
    class Nowhere:
        def deliver(self, payload: bytes, events: int) -> None:
            raise AssertionError

    plans, live = opened("halfACharacter")
    sharing = live.sharing(Nowhere())
    assert sharing is not None
    assert sharing.render_at_once is not None
    assert sharing.render_at_once(Tree(number=7), None) is None
    with pytest.raises(TypeError):  # the transport tells the subscriber that something is wrong here
        await sharing.render(Tree(number=7), None)
    assert plans.counters == LiveCounters(compiled=1, executed=1, fallen_back=1)
