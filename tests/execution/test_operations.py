"""Operations as they are executed."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator

import strawberry

from execution.limits import Limits
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


async def test_a_subscription_takes_no_more_memory_the_longer_it_lasts() -> None:
    operations = Operations(strawberry.Schema(Query, subscription=Subscription), Limits())
    prepared = operations.prepare("subscription { trees { number leaves { number } } }")
    results = await operations.subscribe(prepared, None)
    sizes = []
    for wanted in (50, 500):
        async for result in results:
            assert result.data is not None
            assert result.data["trees"]["leaves"][0] == {"number": result.data["trees"]["number"]}
            if result.data["trees"]["number"] == wanted:
                break
        gc.collect()
        sizes.append(len(gc.get_objects()))
    await results.aclose()
    assert sizes[1] - sizes[0] < 50
