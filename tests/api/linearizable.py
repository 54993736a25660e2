"""Whether what several people did to one register at once could have happened one after another.

A history is linearizable if each operation can be given an instant between its call and its answer, so that every read
tells the last write. The search goes through all orders that the times allow (Wing and Gong), and remembers where it
was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Operation:
    """A write of a value, or a read that told it. `ended` inf: never answered, so it may have happened, or not."""

    began: float
    ended: float
    is_write: bool
    value: object


def is_linearizable(history: Sequence[Operation], initial: object) -> bool:
    """Whether there is an order that explains every answer."""
    answered = frozenset(index for index, one in enumerate(history) if one.ended != inf)
    seen: set[tuple[frozenset[int], object]] = set()
    waiting: list[tuple[frozenset[int], object]] = [(frozenset(), initial)]
    while waiting:
        done, value = state = waiting.pop()
        if answered <= done:
            return True
        if state in seen:
            continue
        seen.add(state)
        left = [index for index in range(len(history)) if index not in done]
        first_answer = min(history[index].ended for index in left)
        for index in left:
            one = history[index]
            if one.began <= first_answer and (one.is_write or one.value == value):
                waiting.append((done | {index}, one.value))
    return False
