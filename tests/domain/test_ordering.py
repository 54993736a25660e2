"""Ranks: always one more between two others, for ever, and short."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ordering import between, is_rank, numbered_rank, spread
from tests.db.office import bounded


def insert_at(ranks: list[str], index: int) -> None:
    low = ranks[index - 1] if index > 0 else None
    high = ranks[index] if index < len(ranks) else None
    rank = between(low, high)
    assert low is None or low.encode() < rank.encode()
    assert high is None or rank.encode() < high.encode()
    ranks.insert(index, rank)


PATTERNS = {
    "always first": lambda random, size: 0,
    "always last": lambda random, size: size,
    "always before the last": lambda random, size: max(size - 1, 0),
    "always after the first": lambda random, size: min(size, 1),
    "in the middle": lambda random, size: size // 2,
    "anywhere": lambda random, size: random.randrange(size + 1),
    "at both ends in turn": lambda random, size: size * (size % 2),
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_thousand_drops_keep_their_order_with_short_ranks(pattern: str) -> None:
    random, ranks = Random(1), list[str]()
    for _ in range(1000):
        insert_at(ranks, PATTERNS[pattern](random, len(ranks)))
    assert ranks == sorted(set(ranks))
    # One place used over and over costs a digit every few times, as it must.
    assert max(map(len, ranks)) < (30 if pattern in {"anywhere", "always last", "always first"} else 600)


@bounded(80)
@given(st.lists(st.floats(0, 1, exclude_max=True), max_size=40), st.integers(0, 12), st.data())
def test_many_ranks_at_once_lie_in_order_between_two_others(
    drops: list[float], how_many: int, data: st.DataObject
) -> None:
    ranks: list[str] = []
    for drop in drops:
        insert_at(ranks, int(drop * (len(ranks) + 1)))
    index = data.draw(st.integers(0, len(ranks)))
    low = ranks[index - 1] if index > 0 else None
    high = ranks[index] if index < len(ranks) else None
    found = spread(low, high, how_many)
    assert len(found) == how_many
    whole = [*([low] if low else []), *found, *([high] if high else [])]
    assert whole == sorted(set(whole))


def test_two_people_who_drop_at_one_place_get_two_ranks() -> None:
    ranks = {between("a0", "a1") for _ in range(50)}
    assert len(ranks) > 40
    assert len({between("a5", None) for _ in range(50)}) > 40


def test_places_that_are_numbers_become_ranks_in_their_order() -> None:
    numbers = [-5, 0, 1, 61, 62, 4_095, 10**9, 10**13]
    ranks = [numbered_rank(number) for number in numbers]
    assert ranks[0] == ranks[1]
    assert ranks[1:] == sorted(set(ranks))
    for low, high in pairwise(ranks[1:]):
        assert low < between(low, high) < high
    assert all(is_rank(one) for one in ranks)


@pytest.mark.parametrize("text", ["", "!", "b1", "a10", "A" + "0" * 26, "a1" + "V" * 95, "a1-"])
def test_a_text_that_is_no_rank_is_told_apart(text: str) -> None:
    assert not is_rank(text)
    assert is_rank(between(None, None))
