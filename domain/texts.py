"""Two people changed one text: their words go together, or it is a clash; no word of either is ever lost.

Changes go together when words that neither touched lie between them. The same change of both counts once. Whole lines
that both put in at the same place stay both, those that came first before the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from db.differences import Edit, edits


def merged(base: str, theirs: str, yours: str) -> str | None:
    """The text with both changes; None when they touch the same words. `theirs` was there first."""
    if yours in (base, theirs):
        return theirs
    if theirs == base:
        return yours
    together = _together(base, _phrases(base, edits(base, theirs)), _phrases(base, edits(base, yours)))
    return None if together is None else _applied(base, together)


def _phrases(base: str, steps: Sequence[Edit]) -> list[Edit]:
    """Changed words with nothing but spaces and signs of one line between them are one change: who rewrites a phrase
    does not want another's word in it."""
    phrases: list[Edit] = []
    for step in steps:
        between = base[phrases[-1].end : step.start] if phrases else ""
        if phrases and "\n" not in between and not any(character.isalnum() for character in between):
            last = phrases.pop()
            step = Edit(last.start, step.end, last.text + between + step.text)  # noqa: PLW2901
        phrases.append(step)
    return phrases


def _together(base: str, theirs: list[Edit], yours: list[Edit]) -> list[Edit] | None:
    found: list[Edit] = []
    # By place; at one place theirs first.
    for step in sorted([*theirs, *[one for one in yours if one not in theirs]], key=lambda one: (one.start, one.end)):
        found.append(step)
    for first, second in pairwise(found):
        if first.end < second.start or _are_lines(base, first, second):
            continue
        return None
    return found


def _are_lines(base: str, first: Edit, second: Edit) -> bool:
    """Whether both put whole lines in, and nothing else, at one place."""
    place = first.start
    if not first.start == first.end == second.start == second.end:
        return False
    is_at_start = place == 0 or base[place - 1] == "\n"
    is_at_end = place == len(base) or base[place] == "\n"
    return (is_at_start and first.text.endswith("\n") and second.text.endswith("\n")) or (
        is_at_end and first.text.startswith("\n") and second.text.startswith("\n")
    )


def _applied(base: str, steps: Sequence[Edit]) -> str:
    parts: list[str] = []
    position = 0
    for step in steps:
        parts += [base[position : step.start], step.text]
        position = step.end
    return "".join([*parts, base[position:]])
