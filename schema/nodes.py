"""The interfaces that objects share, and how lists come in pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import strawberry

from db.pages import BadCursor, Page, PageRequest
from domain.errors import TopLevel

Row = TypeVar("Row")
Item = TypeVar("Item")

DEFAULT_PAGE = 50
MAX_PAGE = 100
MAX_TASK_PAGE = 500


@strawberry.interface(
    description=(
        "Anything refetchable. Ids are typed and client-mintable: `task_<uuidv7>`; globally unique, so Apollo and"
        " urql normalise on `id` alone."
    )
)
class Node:
    id: strawberry.ID = strawberry.field(description="Globally unique; says the type.")


@strawberry.interface(
    description=(
        "`version` rises by one with every committed change. Keep the higher one: neither Apollo nor urql compares"
        " versions by itself (use the documented `applyBatch` recipe)."
    )
)
class Versioned(Node):
    version: int = strawberry.field(description="How many times it was committed; 1 when new.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When its version last rose.")


@strawberry.interface(
    description=(
        "Who did it: a person (erased people keep their id and the name `Deleted user`), an integration acting by API"
        " token, or Tutti itself."
    )
)
class Actor(Node):
    name: str = strawberry.field(description="What to call them.")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="There is more after `endCursor`.")
    has_previous_page: bool = strawberry.field(description="There is more before `startCursor`.")
    start_cursor: str | None = strawberry.field(description="Of the first edge; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Of the last edge; null on an empty page.")


@strawberry.type(description="One object in its place in a list.")
class Edge(Generic[Item]):
    cursor: str = strawberry.field(description="Pass it as `after` or `before` to go on from here.")
    node: Item = strawberry.field(description="The object.")


@strawberry.type(description="A page of a list, in the form of the Relay specification, plus `nodes`.")
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = strawberry.field(description="The objects with their cursors.")
    nodes: list[Item] = strawberry.field(description="The objects alone.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")


Count = Callable[[], Awaitable[int]]

First = Annotated[
    int | None, strawberry.argument(description="At most so many, from the front: 1 to 100; omitted = 50.")
]
FirstTasks = Annotated[
    int | None, strawberry.argument(description="At most so many, from the front: 1 to 500; omitted = 50.")
]
LastTasks = Annotated[
    int | None, strawberry.argument(description="At most so many, from the back: 1 to 500; not with `first`.")
]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor of the same list.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor of the same list.")]


def page_request(
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    *,
    most: int = MAX_PAGE,
) -> PageRequest:
    """The arguments of a list as a request for a page. Raises TopLevel(BAD_REQUEST)."""
    first, after, last, before = given(first), given(after), given(last), given(before)
    if first is not None and last is not None:
        raise TopLevel("BAD_REQUEST", "Ask for `first` or for `last`, not for both.")
    name, limit = ("last", last) if last is not None else ("first", DEFAULT_PAGE if first is None else first)
    if not 1 <= limit <= most:
        raise TopLevel("BAD_REQUEST", f"`{name}` is between 1 and {most}.")
    return PageRequest(limit, after, before, is_backward=last is not None)


def given(value: Item | None) -> Item | None:
    """The value of an optional argument; None where it was left out."""
    return None if value is strawberry.UNSET else value


async def page_of(reading: Awaitable[Page[Row]]) -> Page[Row]:
    """Await a page; a cursor of another list is the client's mistake. Raises TopLevel(BAD_REQUEST)."""
    try:
        return await reading
    except BadCursor as error:
        raise TopLevel("BAD_REQUEST", "This cursor does not belong to this list and order.") from error


def page_info(page: Page[Row]) -> PageInfo:
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.cursors[-1] if page.cursors else None,
    )


def connection_of(page: Page[Row], item: Callable[[Row], Item]) -> Connection[Item]:
    """A page of rows as the API shows it."""
    nodes: list[Item] = [item(row) for row in page.rows]
    edges: Iterable[Edge[Item]] = [
        Edge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)
    ]
    return Connection(edges=list(edges), nodes=nodes, page_info=page_info(page))
