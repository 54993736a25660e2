"""A list in which everybody drops at one place: ranks stay short, and few neighbours get new ones.

`make ranks` tries a million drops at each place; here it is some thousands. RANK_DROPS says how many.
"""

from __future__ import annotations

import os
from itertools import pairwise
from random import Random
from uuid import UUID

import pytest

from domain.ordering import MAX_LENGTH, Place, between, has_room, with_room

DROPS = int(os.environ.get("RANK_DROPS", "5000"))


class LongList:
    """Things in a list, linked; each with a rank. Dropping one costs the same however many there are."""

    def __init__(self) -> None:
        self.ranks: list[str] = ["a0", "a1"]
        self.next: list[int | None] = [1, None]
        self.previous: list[int | None] = [None, 0]
        self.rewritten = 0
        self.most = 0

    def _places(self, begin: int | None, links: list[int | None], how_many: int) -> list[Place]:
        found: list[Place] = []
        while begin is not None and len(found) < how_many:
            found.append((self.ranks[begin], UUID(int=begin)))
            begin = links[begin]
        return found

    async def drop(self, after: int) -> int:
        """One more thing, after this one; -> its number."""
        before = self.next[after]
        low, high = self.ranks[after], None if before is None else self.ranks[before]
        if has_room(low, high):
            rank = between(low, high)
        else:
            rank = await self._respaced(after, before)
        new = len(self.ranks)
        self.ranks.append(rank)
        self.next.append(before)
        self.previous.append(after)
        self.next[after] = new
        if before is not None:
            self.previous[before] = new
        return new

    async def _respaced(self, after: int, before: int | None) -> str:
        async def below(how_many: int) -> list[Place]:
            return self._places(after, self.previous, how_many)

        async def above(how_many: int) -> list[Place]:
            return self._places(before, self.next, how_many)

        room = await with_room(below, above)
        for (_, which), rank in room.moved:
            self.ranks[which.int] = rank
        self.rewritten += len(room.moved)
        self.most = max(self.most, len(room.moved))
        return room.rank

    def in_order(self) -> list[str]:
        found: list[str] = []
        at: int | None = 0
        while at is not None:
            found.append(self.ranks[at])
            at = self.next[at]
        return found


PLACES = ("after one", "before one", "after the newest", "on either side of the newest", "anywhere near")


@pytest.mark.parametrize("place", PLACES)
async def test_drops_at_one_place_without_end_keep_order_and_short_ranks(place: str) -> None:
    things, random, newest = LongList(), Random(5), 0
    for number in range(DROPS):
        match place:
            case "after one":
                after = 0
            case "before one":
                after = things.previous[1] or 0
            case "after the newest":
                after = newest if things.next[newest] is not None else 0
            case "on either side of the newest":
                after = newest if number % 2 else things.previous[newest] or 0
            case _:
                after = max(0, newest - random.randrange(50))
        newest = await things.drop(after)
    ranks = things.in_order()
    assert len(ranks) == DROPS + 2
    assert all(one < other for one, other in pairwise(ranks))
    assert max(map(len, ranks)) <= MAX_LENGTH
    # At one place a few neighbours now and then; where people drop on purpose into each new gap, a few for each drop.
    assert things.rewritten < DROPS * (0.1 if place in PLACES[:3] else 8)
    assert things.most < 64 or place not in PLACES[:3]
