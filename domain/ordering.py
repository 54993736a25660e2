"""The order of things in lists: rank strings between rank strings.

A rank compares by its bytes; ties break on the id. Ranks carry a few random
digits, so that two people who drop a card at the same place get two ranks.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from fractional_indexing import generate_key_between, generate_n_keys_between

Place = tuple[str, UUID]
"""(rank, id) of something in a list."""

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
