"""The order of things in lists: rank strings between rank strings.

A rank compares by its bytes; ties break on the id. Ranks carry a few random
digits, so that two people who drop a card at the same place get two ranks.

Each drop at one place costs a fraction of a digit, so ranks would grow without
end. Invariant: none becomes longer than MAX_LENGTH; where the next one would,
`with_room` spreads its neighbours anew, as few of them as make it worthwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from fractional_indexing import FIError, generate_key_between, generate_n_keys_between, validate_order_key

Place = tuple[str, UUID]
"""(rank, id) of something in a list."""

MAX_LENGTH = 96
"""Characters of a rank. An index of PostgreSQL holds 2,704 bytes; a rank is in five of them, and in every event."""
_FEWEST = 8
"""Neighbours on each side that are spread anew at first; then twice as many, and so on."""
_ROOM = 4
"""Characters that must be left after spreading the fewest."""
_MORE_ROOM = 2
"""And so many more for each doubling, so that a large stretch is spread seldom."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Position:
    """A place by intent: next to an anchor, or at an edge."""

    kind: Literal["before", "after", "first", "last"]
    anchor_id: UUID | None = None


LAST = Position("last")


def between(low: str | None, high: str | None) -> str:
    """A rank after `low` and before `high`; None is the end of the list. They must differ."""
    rank: str = generate_key_between(low, high)
    # A last digit of zero is not a rank, and a rank that `high` goes on from would jump over it.
    jittered = rank + secrets.choice(_DIGITS) + secrets.choice(_DIGITS[1:])
    return rank if high is not None and jittered >= high else jittered


def spread(low: str | None, high: str | None, how_many: int) -> list[str]:
    """Ranks in order between two others."""
    ranks: list[str] = generate_n_keys_between(low, high, how_many)
    return ranks


def is_rank(text: str) -> bool:
    """Whether a text is a rank, next to which others can be made."""
    if len(text) > MAX_LENGTH or not set(text) <= set(_DIGITS):
        return False
    try:
        validate_order_key(text, _DIGITS)
    except (FIError, IndexError):
        return False
    return True


_INTEGER_DIGITS = 8


def numbered_rank(number: int) -> str:
    """The rank of something with a whole number for its place: higher numbers come later. Below 0 is 0."""
    left = min(max(number, 0), len(_DIGITS) ** _INTEGER_DIGITS - 1)
    digits = ""
    for _ in range(_INTEGER_DIGITS):
        left, digit = divmod(left, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    # The first letter of a rank says how many digits its whole part has: a is one.
    return chr(ord("a") + _INTEGER_DIGITS - 1) + digits


def has_room(low: str | None, high: str | None) -> bool:
    """Whether a rank between these two can be made that is not too long. Equal ones have none."""
    return low is None or high is None or (low != high and len(between(low, high)) <= MAX_LENGTH)


Beside = Callable[[int], Awaitable[Sequence[Place]]]
"""how many -> the nearest places on one side, nearest first; fewer at the end of the list"""


@dataclass(frozen=True, slots=True)
class Room:
    """A stretch of the list that gets new ranks: `rank` is for what is put there, `moved` for who is there already."""

    low: str | None
    high: str | None
    rank: str
    moved: Sequence[tuple[Place, str]]
    ids: frozenset[UUID]
    """All that is in the stretch."""


async def with_room(below: Beside, above: Beside) -> Room:
    """Room between the places just below and just above: the smallest stretch around them that leaves enough."""
    count, room_wanted = _FEWEST, _ROOM
    while True:
        under, over = list(await below(count + 1)), list(await above(count + 1))
        is_all = len(under) <= count and len(over) <= count
        low = under.pop()[0] if len(under) > count else None
        high = over.pop()[0] if len(over) > count else None
        if low is None or high is None or low < high:
            ranks = spread(low, high, len(under) + len(over) + 1)
            if is_all or max(map(len, ranks)) <= MAX_LENGTH - room_wanted:
                places = [*reversed(under), *over]
                rank = ranks.pop(len(under))
                moved = [(place, new) for place, new in zip(places, ranks, strict=True) if place[0] != new]
                return Room(low, high, rank, moved, frozenset(place[1] for place in places))
        count, room_wanted = count * 2, room_wanted + _MORE_ROOM
